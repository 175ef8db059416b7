/* Lines of an answer's head; what it says of other addresses is followed from the address in the first line. */
#include "forge/github/http.h"
#include "fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = {(const char *)data, n};
	struct arena a = {0};
	struct http_answer answer;
	const char *from = str_dup(&a, fuzz_line(&rest));

	http_answer_init(&answer);
	while (rest.n > 0)
		http_header(&answer, fuzz_line(&rest));
	FUZZ_CHECK(answer.retry_after_s >= -1 && answer.rate_limit >= -1 && answer.rate_remaining >= -1);
	const char *to = http_redirect(&a, from, answer.location);
	if (to != NULL) {
		FUZZ_CHECK(strncmp(to, "http://", 7) == 0 || strncmp(to, "https://", 8) == 0);
		(void)http_same_origin(from, to);
	}
	(void)http_same_origin(from, answer.next);
	arena_release(&a);
	return 0;
}
