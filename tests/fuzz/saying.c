/* What Nix says in words. */
#include "nix/saying.h"
#include "fuzz/fuzz.h"
#include "nix/build_words.h"
#include "nix/unknown.h"
#include "nix/version.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str said = {(const char *)data, n};
	struct arena a = {0};
	AUTO(buf_release) struct buf out;
	struct unknown u;
	struct nix_version version;
	struct err e = {0};

	buf_init(&out, 64 << 20);
	struct str last = saying_last(said);
	FUZZ_CHECK(last.p >= said.p && last.p + last.n <= said.p + said.n);
	(void)saying_is_ours(said);
	saying_show(said, &out);
	if (unknown_of(said, &u)) {
		FUZZ_CHECK(u.kind != UNKNOWN_NOT && strlen(u.words) < sizeof(u.words));
		unknown_advice(&u, UNKNOWN_FOR_BOT, &out);
		unknown_advice(&u, UNKNOWN_FOR_USER, &out);
		(void)unknown_counts(&u, true);
	}
	for (size_t i = 0; i < nixword_count; i++) {
		ptrdiff_t at = nixwords_find(said, nixword_rows[i].what);
		FUZZ_CHECK((at >= 0) == nixwords_say(said, nixword_rows[i].what));
		(void)nixwords_begin(said, nixword_rows[i].what);
	}
	(void)nixwords_repeats(said);
	(void)nixwords_without_log(&a, str_dup(&a, said));
	(void)!nix_version_read(said, &version, &e);
	arena_release(&a);
	return 0;
}
