/* VERSION, in the program. */
#include "support/base/release.h"

#include <string.h>

__asm__(".pushsection .rodata\nversion:\n.incbin \"VERSION\"\n.byte 0\n.popsection\n");
extern const char version[];

const char *
release_text(void)
{
	static char text[32];
	size_t n = strcspn(version, "\n");

	memcpy(text, version, n < sizeof(text) ? n : sizeof(text) - 1);
	return text;
}
