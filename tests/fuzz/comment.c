/* A comment, for the commands in it: few of them, whose arguments are printable. */
#include "forge/command.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = {0};
	const struct comment_command *commands = NULL;
	size_t n_commands = 0;

	command_read(&a, (struct str){(const char *)data, n}, &commands, &n_commands);
	FUZZ_CHECK(n_commands <= COMMAND_MAX);
	for (size_t i = 0; i < n_commands; i++)
		for (size_t k = 0; k < commands[i].n_args; k++)
			for (const char *c = commands[i].args[k]; *c != '\0'; c++)
				FUZZ_CHECK((unsigned char)*c > ' ' && *c != 0x7f);
	arena_release(&a);
	return 0;
}
