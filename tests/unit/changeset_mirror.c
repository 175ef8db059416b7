/* The stage mirror with real git: fetching, merging, repairing, and what git is told and not told. */
#include "changeset_repo.h"

#include "changeset/gitcmd.h"
#include "support/base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/file.h>
/* cmocka comes last. */
#include <cmocka.h>

#include "in_range.h"

static const char *
mirror_path(struct repo *r)
{
	return arena_printf(&r->a, "%s/mirrors/o/r.git", r->dir);
}

static json_t *
job_for(struct repo *r, const char *head)
{
	return json_pack("{s:s,s:s,s:n,s:i,s:s,s:n,s:s,s:i}", "mirror", mirror_path(r), "url", r->src, "authorization",
	    "number", 1, "head", head, "head_ref", "base_ref", "main", "wall_ms", 60000);
}

static json_t *
mirror(struct repo *r, const char *head)
{
	struct err e = {0};
	json_t *rec;

	if (run_stage("mirror", job_for(r, head), "mirrored", &rec, &e) != 0)
		fail_msg("mirror: %s", e.msg);
	assert_non_null(rec);
	return rec;
}

#define IS(rec, key, want) assert_string_equal(json_str((rec), (key), ""), (want))

struct history {
	const char *old, *tip, *head; /* the fork point, main, and the pull request */
};

/* main and pull request 1 part ways after one commit and touch different files. */
static struct history
start(struct repo *r)
{
	struct history h;

	repo_init(r);
	repo_write(r, "a", "a\n");
	repo_write(r, "b", "b\n");
	h.old = repo_commit(r);
	GIT(r, "checkout", "--quiet", "-b", "feature");
	repo_write(r, "a", "changed by the pull request\n");
	h.head = repo_commit(r);
	GIT(r, "update-ref", "refs/pull/1/head", h.head);
	GIT(r, "checkout", "--quiet", "main");
	repo_write(r, "b", "changed on main\n");
	h.tip = repo_commit(r);
	return h;
}

static json_t *
mirror_apart(struct repo *r, const char *base, const char *head, const char *head_ref)
{
	struct err e = {0};
	json_t *rec, *job = job_for(r, head);

	json_object_set_new(job, "number", json_integer(-1));
	json_object_set_new(job, "base", json_string(base));
	if (head_ref != NULL)
		json_object_set_new(job, "head_ref", json_string(head_ref));
	if (run_stage("mirror", job, "mirrored", &rec, &e) != 0)
		fail_msg("mirror: %s", e.msg);
	return rec;
}

static const char *
tree_of(struct repo *r, const char *commit)
{
	return GIT(r, "rev-parse", arena_printf(&r->a, "%s^{tree}", commit));
}

/* The tree that git itself makes of the merge. */
static const char *
merged_by_git(struct repo *r, const char *tip, const char *head)
{
	GIT(r, "checkout", "--quiet", "--detach", tip);
	GIT(r, "merge", "--quiet", "--no-edit", head);
	const char *tree = tree_of(r, "HEAD");
	GIT(r, "checkout", "--quiet", "main");
	return tree;
}

static void
head_is_merged_into_the_tip_of_the_base_branch(void **state)
{
	struct repo r;
	struct history h = start(&r);

	(void)state;
	for (int round = 0; round < 2; round++) { /* into a new mirror, then into the one that is there */
		json_t *rec = mirror(&r, h.head);
		IS(rec, "head", h.head);
		IS(rec, "base", h.tip);
		IS(rec, "base_sha_at_tip", h.tip);
		IS(rec, "merge_base", h.old);
		IS(rec, "base_tree", tree_of(&r, h.tip));
		IS(rec, "head_tree", merged_by_git(&r, h.tip, h.head));
		assert_false(json_flag(rec, "conflict", true));
		assert_false(json_flag(rec, "unrelated", true));
		json_decref(rec);
		repo_write(&r, "c", "main goes on\n");
		h.tip = repo_commit(&r);
	}
	repo_release(&r);
}

static void
with_a_base_of_its_own_nothing_is_merged(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000",
	                  gone[] = "1111111111111111111111111111111111111111";
	struct repo r;
	struct history h = start(&r);

	(void)state;
	/* A merge group: its ref, and what it is built on. */
	GIT(&r, "update-ref", "refs/heads/queue/main/pr-1-x", h.head);
	json_t *rec = mirror_apart(&r, h.old, h.head, "refs/heads/queue/main/pr-1-x");
	IS(rec, "base", h.old);
	IS(rec, "base_tree", tree_of(&r, h.old));
	IS(rec, "head_tree", tree_of(&r, h.head));
	assert_false(json_flag(rec, "conflict", true));
	json_decref(rec);
	/* A branch that was made just now, or whose last commit is gone: the commit before. */
	for (int i = 0; i < 2; i++) {
		rec = mirror_apart(&r, i == 0 ? zeros : gone, h.tip, NULL);
		IS(rec, "base", h.old);
		IS(rec, "head_tree", tree_of(&r, h.tip));
		json_decref(rec);
	}
	repo_release(&r);
}

static void
a_conflict_is_head_against_the_merge_base(void **state)
{
	struct repo r;
	struct history h = start(&r);

	(void)state;
	repo_write(&r, "a", "changed on main as well\n");
	h.tip = repo_commit(&r);
	json_t *rec = mirror(&r, h.head);
	assert_true(json_flag(rec, "conflict", false));
	assert_string_equal(json_line(&r.a, json_object_get(rec, "conflicts")), "[\"a\"]");
	IS(rec, "base", h.old);
	IS(rec, "base_sha_at_tip", h.tip);
	IS(rec, "base_tree", tree_of(&r, h.old));
	IS(rec, "head_tree", tree_of(&r, h.head));
	json_decref(rec);
	repo_release(&r);
}

static void
unrelated_histories_are_said_to_be_so(void **state)
{
	struct repo r;
	struct history h = start(&r);

	(void)state;
	GIT(&r, "checkout", "--quiet", "--orphan", "other");
	repo_write(&r, "z", "z\n");
	h.head = repo_commit(&r);
	GIT(&r, "update-ref", "refs/pull/1/head", h.head);
	json_t *rec = mirror(&r, h.head);
	assert_true(json_flag(rec, "conflict", false));
	assert_true(json_flag(rec, "unrelated", false));
	assert_true(json_is_null(json_object_get(rec, "merge_base")));
	IS(rec, "base", h.tip);
	IS(rec, "head_tree", tree_of(&r, h.head));
	json_decref(rec);
	repo_release(&r);
}

static void
a_head_that_is_no_longer_the_tip_is_fetched_by_its_id(void **state)
{
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);
	json_t *rec, *job;

	(void)state;
	/* A force push: the ref now leads elsewhere, and not over the old head. */
	GIT(&r, "checkout", "--quiet", "--detach", h.old);
	repo_write(&r, "a", "another try\n");
	GIT(&r, "update-ref", "refs/pull/1/head", repo_commit(&r));
	rec = mirror(&r, h.head);
	IS(rec, "head", h.head);
	IS(rec, "base", h.tip);
	json_decref(rec);
	/* The ref is gone altogether, in a mirror that has never seen it. */
	must(files_remove_tree(mirror_path(&r), &e), &e);
	GIT(&r, "update-ref", "-d", "refs/pull/1/head");
	rec = mirror(&r, h.head);
	IS(rec, "head", h.head);
	json_decref(rec);
	/* A merge queue's ref. */
	GIT(&r, "update-ref", "refs/heads/gh-readonly-queue/main/pr-1", h.head);
	must(files_remove_tree(mirror_path(&r), &e), &e);
	job = job_for(&r, h.head);
	json_object_set_new(job, "number", json_null());
	json_object_set_new(job, "head_ref", json_string("refs/heads/gh-readonly-queue/main/pr-1"));
	must(run_stage("mirror", job, "mirrored", &rec, &e), &e);
	IS(rec, "head", h.head);
	json_decref(rec);
	/* A commit nobody has. */
	assert_int_equal(run_stage("mirror", job_for(&r, "1111111111111111111111111111111111111111"), "mirrored", &rec, &e),
	    -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_non_null(strstr(e.msg, "no longer there"));
	repo_release(&r);
}

static void
what_is_not_there_is_absent(void **state)
{
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);
	json_t *rec, *job = job_for(&r, h.head);

	(void)state;
	json_object_set_new(job, "base_ref", json_string("no-such-branch"));
	assert_int_equal(run_stage("mirror", job, "mirrored", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	assert_non_null(strstr(e.msg, "no-such-branch"));
	job = job_for(&r, h.head);
	json_object_set_new(job, "url", json_string(arena_printf(&r.a, "%s/nowhere", r.dir)));
	assert_int_equal(run_stage("mirror", job, "mirrored", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_ABSENT);
	job = job_for(&r, h.head);
	json_object_set_new(job, "url", json_string("http://127.0.0.1:1/o/r.git"));
	assert_int_equal(run_stage("mirror", job, "mirrored", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	repo_release(&r);
}

static void
a_branch_may_be_named_like_the_folder_of_another(void **state)
{
	struct repo r;
	struct history h = start(&r);
	const char *names[] = {"a", "a/b", "a"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct err e = {0};
		json_t *rec, *job = job_for(&r, h.head);
		GIT(&r, "branch", names[i], h.tip);
		json_object_set_new(job, "base_ref", json_string(names[i]));
		must(run_stage("mirror", job, "mirrored", &rec, &e), &e);
		IS(rec, "base", h.tip);
		json_decref(rec);
		GIT(&r, "branch", "--quiet", "-D", names[i]);
	}
	repo_release(&r);
}

static void
lock_files_of_a_killed_fetch_are_removed(void **state)
{
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);

	(void)state;
	json_decref(mirror(&r, h.head));
	must(files_write(arena_printf(&r.a, "%s/refs/ekaci/base/main.lock", mirror_path(&r)), STR(""), 0600, FILES_NO_SYNC, &e),
	    &e);
	must(files_write(arena_printf(&r.a, "%s/packed-refs.lock", mirror_path(&r)), STR(""), 0600, FILES_NO_SYNC, &e), &e);
	repo_write(&r, "c", "main goes on\n");
	h.tip = repo_commit(&r);
	json_t *rec = mirror(&r, h.head);
	IS(rec, "base", h.tip);
	json_decref(rec);
	assert_false(files_exist(arena_printf(&r.a, "%s/packed-refs.lock", mirror_path(&r))));
	repo_release(&r);
}

static void
spoil(struct repo *r, const char *what)
{
	const char *m = mirror_path(r);
	struct err e = {0};

	if (strcmp(what, "objects") == 0)
		must(files_remove_tree(arena_printf(&r->a, "%s/objects/pack", m), &e), &e);
	else if (strcmp(what, "unfinished") == 0) /* killed before it was complete */
		must(files_remove_tree(arena_printf(&r->a, "%s/HEAD", m), &e), &e);
	else
		must(files_write(arena_printf(&r->a, "%s/%s", m, what), STR("\0garbage"), 0600, FILES_NO_SYNC, &e), &e);
}

static void
a_damaged_mirror_is_made_again(void **state)
{
	static const char *const what[] = {"objects", "HEAD", "config", "packed-refs", "refs/ekaci/base/main", "unfinished"};
	struct repo r;
	struct history h = start(&r);

	(void)state;
	for (size_t i = 0; i < COUNT(what); i++) {
		json_decref(mirror(&r, h.head));
		spoil(&r, what[i]);
		repo_write(&r, "c", arena_printf(&r.a, "main goes on, %zu\n", i));
		h.tip = repo_commit(&r);
		json_t *rec = mirror(&r, h.head);
		IS(rec, "base", h.tip);
		json_decref(rec);
	}
	repo_release(&r);
}

static size_t
count_packs(struct repo *r, const char *suffix)
{
	DIR *dir = opendir(arena_printf(&r->a, "%s/objects/pack", mirror_path(r)));
	struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(dir)) != NULL)
		n += str_ends(str_of(entry->d_name), str_of(suffix));
	closedir(dir);
	return n;
}

static void
many_small_packs_are_rolled_up_and_half_written_ones_removed(void **state)
{
	static const struct timespec long_ago[2] = {{1000000, 0}, {1000000, 0}};
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);

	(void)state;
	json_decref(mirror(&r, h.head));
	const char *old = arena_printf(&r.a, "%s/objects/pack/tmp_pack_old", mirror_path(&r));
	const char *new = arena_printf(&r.a, "%s/objects/pack/tmp_pack_new", mirror_path(&r));
	must(files_write(old, STR("half"), 0600, FILES_NO_SYNC, &e), &e);
	must(files_write(new, STR("half"), 0600, FILES_NO_SYNC, &e), &e);
	assert_int_equal(utimensat(AT_FDCWD, old, long_ago, 0), 0);
	for (int i = 0; i < 45; i++) {
		repo_write(&r, "c", arena_printf(&r.a, "%d\n", i));
		h.tip = repo_commit(&r);
		json_t *rec = mirror(&r, h.head);
		IS(rec, "base", h.tip);
		json_decref(rec);
	}
	assert_uint_in_range(count_packs(&r, ".pack"), 1, 20);
	assert_false(files_exist(old));
	assert_true(files_exist(new));
	repo_release(&r);
}

static void
two_at_once_wait_for_each_other_but_not_for_ever(void **state)
{
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);
	json_t *rec, *job = job_for(&r, h.head);

	(void)state;
	json_decref(mirror(&r, h.head));
	int fd = open(arena_printf(&r.a, "%s.lock", mirror_path(&r)), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	json_object_set_new(job, "wall_ms", json_integer(200));
	assert_int_equal(run_stage("mirror", job, "mirrored", &rec, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	close(fd);
	json_decref(mirror(&r, h.head));
	repo_release(&r);
}

static void
hostile_names_never_reach_git(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
	    {"url", "ext::sh -c touch% x"},
	    {"url", "ssh://host/x"},
	    {"url", "-uinjected"},
	    {"url", "https://user:pw@host/x"},
	    {"url", "https:///x"},
	    {"url", "https://host/x\n"},
	    {"url", "relative/x"},
	    {"base_ref", "--upload-pack=x"},
	    {"base_ref", "a:refs/heads/x"},
	    {"base_ref", "a b"},
	    {"base_ref", "a..b"},
	    {"base_ref", "*"},
	    {"base_ref", ""},
	    {"head_ref", "-x"},
	    {"head_ref", "main"},
	    {"head_ref", "refs/heads/a:b"},
	    {"head", "main"},
	    {"head", "--all"},
	    {"head", "11111111"},
	    {"mirror", "relative"},
	    {"authorization", "Basic x\r\nX-Other: y"},
	};
	struct repo r;
	struct history h = start(&r);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {0};
		json_t *rec, *job = job_for(&r, h.head);
		json_object_set_new(job, rows[i].key, json_string(rows[i].value));
		/* "--upload-pack=x" makes a good ref name behind refs/heads/, so it is only absent. */
		enum err_kind kind = strncmp(rows[i].value, "--upload", 8) == 0 ? ERR_ABSENT : ERR_INPUT;
		if (run_stage("mirror", job, "mirrored", &rec, &e) == 0 || e.kind != kind)
			fail_msg("%s \"%s\": %s", rows[i].key, rows[i].value, e.msg);
	}
	repo_release(&r);
}

/* A program named git in front of the real one. */
static void
replace_git(struct repo *r, const char *script)
{
	const char *bin = arena_printf(&r->a, "%s/bin", r->dir);
	struct err e = {0};

	must(files_mkdirs(bin, 0700, &e), &e);
	must(files_write(arena_printf(&r->a, "%s/git", bin), str_of(script), 0700, FILES_NO_SYNC, &e), &e);
	setenv("PATH", arena_printf(&r->a, "%s:/usr/local/bin:/usr/bin:/bin", bin), 1);
}

static void
the_authorization_goes_to_one_host_by_the_environment_only(void **state)
{
	struct repo r;
	struct err e = {0};
	struct str text;
	struct history h = start(&r);
	json_t *rec, *job;
	const char *path = arena_strdup(&r.a, getenv("PATH"));

	(void)state;
	json_decref(mirror(&r, h.head));
	replace_git(&r, arena_printf(&r.a,
	                    "#!/bin/sh\n{ echo \"argv: $*\"; env; } > %s/seen\necho 'fatal: unable to access '\\''x'\\'': "
	                    "The requested URL returned error: 403' >&2\nexit 128\n",
	                    r.dir));
	setenv("EKACI_TEST_SECRET", "not for git", 1);
	setenv("GIT_DIR", "/elsewhere", 1);
	job = job_for(&r, h.head);
	json_object_set_new(job, "url", json_string("https://git.test:8443/o/r.git"));
	json_object_set_new(job, "authorization", json_string("Basic c2VjcmV0"));
	int rc = run_stage("mirror", job, "mirrored", &rec, &e);
	unsetenv("GIT_DIR");
	setenv("PATH", path, 1);
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_null(strstr(e.msg, "c2VjcmV0"));
	must(files_read(&r.a, arena_printf(&r.a, "%s/seen", r.dir), 65536, &text, &e), &e);
	const char *line_end = strchr(text.p, '\n'), *in_env = strstr(text.p, "Authorization: Basic c2VjcmV0");
	assert_non_null(in_env);
	assert_true(in_env > line_end);
	assert_null(strstr(in_env + strlen("Authorization: Basic c"), "c2VjcmV0"));
	assert_non_null(strstr(text.p, "=http.https://git.test:8443/.extraHeader\n"));
	assert_non_null(strstr(text.p, "=protocol.https.allow\n"));
	assert_null(strstr(text.p, "protocol.file.allow"));
	assert_non_null(strstr(text.p, "\nGIT_TERMINAL_PROMPT=0\n"));
	assert_non_null(strstr(text.p, "\nGIT_CONFIG_NOSYSTEM=1\n"));
	assert_non_null(strstr(text.p, arena_printf(&r.a, "\nHOME=%s\n", mirror_path(&r))));
	assert_null(strstr(text.p, "EKACI_TEST_SECRET"));
	assert_null(strstr(text.p, "\nGIT_DIR="));
	repo_release(&r);
}

static void
a_fetch_that_hangs_is_stopped(void **state)
{
	struct repo r;
	struct err e = {0};
	struct history h = start(&r);
	json_t *rec, *job = job_for(&r, h.head);
	const char *path = arena_strdup(&r.a, getenv("PATH"));

	(void)state;
	json_decref(mirror(&r, h.head));
	replace_git(&r, "#!/bin/sh\nsleep 60\n");
	json_object_set_new(job, "wall_ms", json_integer(300));
	int64_t before = clock_mono_ms();
	int rc = run_stage("mirror", job, "mirrored", &rec, &e);
	setenv("PATH", path, 1);
	assert_int_equal(rc, -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_true(clock_mono_ms() - before < 10000);
	repo_release(&r);
}

static void
the_words_of_git_decide_what_happens_next(void **state)
{
	static const struct {
		const char *words;
		enum err_kind kind;
		enum gitcmd_trouble trouble;
	} rows[] = {
	    {"fatal: Authentication failed for 'https://h/o/r.git/'", ERR_DENIED, GITCMD_OTHER},
	    {"error: unable to read askpass response from 'false'\nfatal: could not read Username for 'https://h': "
	     "terminal "
	     "prompts disabled",
	        ERR_DENIED, GITCMD_OTHER},
	    {"remote: Repository not found.\nfatal: repository 'https://h/o/r.git/' not found", ERR_ABSENT, GITCMD_OTHER},
	    {"fatal: repository 'http://h/o/r.git/' not found", ERR_ABSENT, GITCMD_OTHER},
	    {"fatal: couldn't find remote ref refs/pull/1/head", ERR_ABSENT, GITCMD_NO_REF},
	    {"fatal: remote error: upload-pack: not our ref 111", ERR_ABSENT, GITCMD_NO_REF},
	    {"fatal: unable to access 'https://h/': Could not resolve host: h", ERR_BUSY, GITCMD_OTHER},
	    {"fatal: unable to access 'https://h/': The requested URL returned error: 503", ERR_BUSY, GITCMD_OTHER},
	    {"fatal: unable to access 'https://h/': The requested URL returned error: 403", ERR_DENIED, GITCMD_OTHER},
	    {"error: RPC failed; curl 28 Operation too slow.\nfatal: early EOF\nfatal: unresolved deltas left", ERR_BUSY,
	        GITCMD_OTHER},
	    {"fatal: Could not read from remote repository.", ERR_BUSY, GITCMD_OTHER},
	    {"fatal: write error: No space left on device\nfatal: index-pack failed", ERR_SYSTEM, GITCMD_OTHER},
	    {"error: cannot lock ref 'refs/x': Unable to create '/m/refs/x.lock': File exists.", ERR_SYSTEM, GITCMD_LOCKED},
	    {"fatal: bad object refs/ekaci/base/main", ERR_SYSTEM, GITCMD_CORRUPT},
	    {"fatal: loose object 123 (stored in x) is corrupt", ERR_SYSTEM, GITCMD_CORRUPT},
	    {"fatal: something new", ERR_SYSTEM, GITCMD_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum gitcmd_trouble trouble;
		if (gitcmd_classify(str_of(rows[i].words), &trouble) != rows[i].kind || trouble != rows[i].trouble)
			fail_msg("%s", rows[i].words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(head_is_merged_into_the_tip_of_the_base_branch),
	    cmocka_unit_test(with_a_base_of_its_own_nothing_is_merged),
	    cmocka_unit_test(a_conflict_is_head_against_the_merge_base),
	    cmocka_unit_test(unrelated_histories_are_said_to_be_so),
	    cmocka_unit_test(a_head_that_is_no_longer_the_tip_is_fetched_by_its_id),
	    cmocka_unit_test(what_is_not_there_is_absent),
	    cmocka_unit_test(a_branch_may_be_named_like_the_folder_of_another),
	    cmocka_unit_test(lock_files_of_a_killed_fetch_are_removed),
	    cmocka_unit_test(a_damaged_mirror_is_made_again),
	    cmocka_unit_test(many_small_packs_are_rolled_up_and_half_written_ones_removed),
	    cmocka_unit_test(two_at_once_wait_for_each_other_but_not_for_ever),
	    cmocka_unit_test(hostile_names_never_reach_git),
	    cmocka_unit_test(the_authorization_goes_to_one_host_by_the_environment_only),
	    cmocka_unit_test(a_fetch_that_hangs_is_stopped),
	    cmocka_unit_test(the_words_of_git_decide_what_happens_next),
	};

	return cmocka_run_group_tests_name("changeset/mirror", tests, NULL, NULL);
}
