/* A difference file, as the report reads and shows it in every format. */
#include "fuzz/fuzz.h"
#include "records/record.h"
#include "walk/table.h"

#include <fcntl.h>

static const char job_text[] =
    "{\"run\":{\"id\":7,\"url\":\"https://ci.example.org/run/7\",\"repo\":\"example/packages\",\"number\":12,"
    "\"head\":\"1111111111111111111111111111111111111111\",\"base\":\"2222222222222222222222222222222222222222\","
    "\"title\":\"title\",\"conflict\":false},\"phase\":\"reported\",\"plan\":{\"type\":\"plan\",\"decision\":\"evaluate\","
    "\"config\":\"file\",\"changed_paths\":1,\"paths\":[],\"rules\":[],\"unmatched\":{\"paths\":1,\"examples\":[\"a.nix\"]},"
    "\"jobs\":[{\"name\":\"packages\",\"file\":\"/default.nix\",\"attr_path\":\"\",\"systems\":[\"x86_64-linux\"],"
    "\"allow_eval_failures\":false,\"scope\":null}],\"report\":{\"package_change_summary\":{\"enabled\":true,"
    "\"max_packages_listed\":100,\"include_rebuild_only\":true},\"rebuild_impact\":{\"enabled\":true,\"max_top_blast_radius\":5}},"
    "\"config_edit\":null},\"evaluations\":[%s,%s],\"difference\":\"%s\",\"builds\":null,\"wide\":false,\"waiting\":false,"
    "\"settings\":{\"max_packages_listed\":100},"
    "\"formats\":[\"checks\",\"comment\",\"text\",\"markdown\",\"json\",\"html\",\"labels\",\"changed-paths\"],\"colour\":false}";
#define EVALUATION(side)                                                                                                  \
	"{\"type\":\"evaluation\",\"side\":\"" side "\",\"key\":\"k\",\"file\":\"f\",\"reused\":false,\"complete\":true," \
	"\"reason\":null,\"rows\":3,\"errors\":0,\"derivations\":3,\"evaluator\":\"e\",\"version\":\"1\","                \
	"\"sandbox\":\"none\",\"wall_ms\":1,\"max_rss_kb\":1}"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct stage *stage = pipeline_stage("report");
	struct arena a = {0};
	AUTO(fd_close) int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct record_out out = {.fd = fd};
	struct err e = {0};
	const char *file = fuzz_file(&a, "difference.json", (struct str){(const char *)data, n});
	struct str job = str_of(arena_printf(&a, job_text, EVALUATION("base"), EVALUATION("head"), file));

	void *is = arena_alloc(&a, stage->job->size);
	fuzz_must(fields_read(stage->job, &a, job, "job", is, &e), &e);
	(void)!stage->run(&a, is, &out, &e);
	FUZZ_CHECK(e.kind != ERR_BUG);
	arena_release(&a);
	return 0;
}
