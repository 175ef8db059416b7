/* Whole trees: submodules of real repositories, their addresses, and what a hostile .gitmodules gets. */
#include "changeset_repo.h"

#include "changeset/gitmodules.h"
#include "changeset/submodules.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka comes last. */
#include <cmocka.h>

static const char config[] =
    "{ \"jobs\": { \"all\": { \"file\": \"default.nix\", \"submodules\": true } },\n"
    "  \"change_sets\": [ { \"name\": \"docs\", \"kind\": \"docs-only\", \"paths\": [\"**/*.md\"] } ] }\n";

static const char *
section(struct repo *r, const char *path, const char *url)
{
	return arena_printf(&r->a, "[submodule \"%s\"]\n\tpath = %s\n\turl = %s\n", path, path, url);
}

/* Commits .gitmodules as they are given, and the commit of a submodule at path. */
static const char *
link_commit(struct repo *r, const char *gitmodules, const char *path, const char *commit)
{
	repo_write(r, ".gitmodules", gitmodules);
	GIT(r, "add", ".gitmodules");
	GIT(r, "update-index", "--add", "--cacheinfo", arena_printf(&r->a, "160000,%s,%s", commit, path));
	GIT(r, "commit", "--quiet", "-m", "test");
	return GIT(r, "rev-parse", "HEAD");
}

static const char *
write_commit(struct repo *r, const char *path, const char *text)
{
	repo_write(r, path, text);
	GIT(r, "add", path);
	GIT(r, "commit", "--quiet", "-m", "test");
	return GIT(r, "rev-parse", "HEAD");
}

/* A repository with one submodule at dep, itself with one at inner. */
struct family {
	struct repo top, sub, inner;
	const char *base, *inner_commit, *gitmodules;
};

static void
start(struct family *f)
{
	repo_init(&f->top);
	repo_init(&f->sub);
	repo_init(&f->inner);
	f->inner_commit = write_commit(&f->inner, "deep", "deep 1\n");
	write_commit(&f->sub, "data", "data 1\n");
	const char *sub = link_commit(&f->sub, section(&f->sub, "in/ner", f->inner.src), "in/ner", f->inner_commit);
	repo_write(&f->top, ".ekaci/config.json", config);
	repo_write(&f->top, "default.nix", "{ }\n");
	repo_write(&f->top, "folder/file", "x\n");
	repo_commit(&f->top);
	f->gitmodules = section(&f->top, "folder/dep", f->sub.src);
	f->base = link_commit(&f->top, f->gitmodules, "folder/dep", sub);
	GIT(&f->top, "checkout", "--quiet", "-b", "feature");
}

static void
end(struct family *f)
{
	repo_release(&f->top);
	repo_release(&f->sub);
	repo_release(&f->inner);
}

static const char *
mirror_path(struct family *f)
{
	return arena_printf(&f->top.a, "%s/mirrors/1.git", f->top.dir);
}

static json_t *
mirror_job(struct family *f, const char *head, bool trusted)
{
	GIT(&f->top, "update-ref", "refs/pull/1/head", head);
	return json_pack("{s:s,s:s,s:n,s:i,s:s,s:s,s:s,s:b,s:i}", "mirror", mirror_path(f), "url", f->top.src, "authorization",
	    "number", 1, "head", head, "base_ref", "main", "base", f->base, "trusted", trusted, "wall_ms", 60000);
}

/* The member `submodules` of the record; to be dropped. */
static json_t *
taken(struct family *f, const char *head, bool trusted)
{
	struct err e = {0};
	json_t *rec;

	if (run_stage("mirror", mirror_job(f, head, trusted), "mirrored", &rec, &e) != 0)
		fail_msg("mirror: %s", e.msg);
	json_t *whole = json_incref(json_object_get(rec, "submodules"));
	json_decref(rec);
	return whole;
}

/* What git lists of a whole tree: "MODE PATH" lines joined by commas. */
static const char *
listing(struct family *f, const json_t *whole, const char *side)
{
	const char *text = GIT(&f->top, "--git-dir", json_str(whole, "git_dir", "?"), "ls-tree", "-r", "--name-only",
	    json_str(whole, side, "?"));
	char *line = arena_strdup(&f->top.a, text);

	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n')
			*p = ',';
	return line;
}

static const char *
content(struct family *f, const json_t *whole, const char *side, const char *path)
{
	return GIT(&f->top, "--git-dir", json_str(whole, "git_dir", "?"), "show",
	    arena_printf(&f->top.a, "%s:%s", json_str(whole, side, "?"), path));
}

static void
move(struct family *f)
{
	f->inner_commit = write_commit(&f->inner, "deep", "deep 2\n");
	GIT(&f->sub, "update-index", "--add", "--cacheinfo", arena_printf(&f->sub.a, "160000,%s,in/ner", f->inner_commit));
	GIT(&f->sub, "commit", "--quiet", "-m", "moved");
}

static void
a_tree_is_made_whole_with_submodules_of_submodules(void **state)
{
	struct family f;

	(void)state;
	start(&f);
	move(&f);
	const char *head = link_commit(&f.top, f.gitmodules, "folder/dep", GIT(&f.sub, "rev-parse", "HEAD"));
	json_t *whole = taken(&f, head, true);
	assert_string_equal(listing(&f, whole, "base_tree"), listing(&f, whole, "head_tree"));
	assert_string_equal(listing(&f, whole, "head_tree"),
	    ".ekaci/config.json,.gitmodules,default.nix,folder/dep/.gitmodules,folder/dep/data,folder/dep/in/ner/deep,folder/file");
	assert_string_equal(content(&f, whole, "base_tree", "folder/dep/in/ner/deep"), "deep 1");
	assert_string_equal(content(&f, whole, "head_tree", "folder/dep/in/ner/deep"), "deep 2");
	json_t *first = whole;
	/* What was fetched is there, though the other side is not any more. */
	struct err e = {0};
	must(files_remove_tree(f.sub.src, &e), &e);
	whole = taken(&f, head, true);
	assert_true(json_equal(whole, first));
	json_decref(whole);
	json_decref(first);
	end(&f);
}

static void
without_a_job_that_takes_them_nothing_is_fetched(void **state)
{
	struct family f;

	(void)state;
	start(&f);
	GIT(&f.top, "checkout", "--quiet", "main");
	f.base = write_commit(&f.top, ".ekaci/config.json", "{ \"jobs\": { \"all\": { \"file\": \"default.nix\" } } }");
	GIT(&f.top, "checkout", "--quiet", "-B", "feature");
	const char *head = write_commit(&f.top, ".ekaci/config.json", config); /* head's word does not count */
	assert_null(taken(&f, head, true));
	assert_false(files_exist(arena_printf(&f.top.a, "%s.submodules", mirror_path(&f))));
	end(&f);
}

static void
a_folder_that_was_damaged_is_made_again(void **state)
{
	static const char *const what[] = {"HEAD", "config", "packed-refs"};
	struct family f;
	struct err e = {0};

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(what); i++) {
		json_decref(taken(&f, f.base, true));
		must(files_write(arena_printf(&f.top.a, "%s.submodules/%s", mirror_path(&f), what[i]), STR("\0garbage"), 0600,
		         FILES_NO_SYNC, &e),
		    &e);
		write_commit(&f.sub, "data", arena_printf(&f.top.a, "data of round %zu\n", i));
		const char *head = link_commit(&f.top, f.gitmodules, "folder/dep", GIT(&f.sub, "rev-parse", "HEAD"));
		json_t *whole = taken(&f, head, true);
		assert_string_equal(content(&f, whole, "head_tree", "folder/dep/data"),
		    arena_printf(&f.top.a, "data of round %zu", i));
		json_decref(whole);
	}
	end(&f);
}

/* The error that a head with these .gitmodules and this commit at folder/dep gives; NULL when it is taken. */
static const char *
refusal(struct family *f, const char *gitmodules, const char *commit, bool trusted)
{
	GIT(&f->top, "reset", "--quiet", "--hard", f->base);
	json_t *whole = taken(f, link_commit(&f->top, gitmodules, "folder/dep", commit), trusted);
	const char *error = json_str(whole, "error", NULL);

	error = error != NULL ? arena_strdup(&f->top.a, error) : NULL;
	json_decref(whole);
	return error;
}

#define SAYS(text, words)                                                                             \
	do {                                                                                          \
		const char *said_ = (text);                                                           \
		if (said_ == NULL || strstr(said_, (words)) == NULL)                                  \
			fail_msg("\"%s\" lacks \"%s\"", said_ != NULL ? said_ : "no error", (words)); \
	} while (0)

static void
a_head_that_nobody_trusts_names_no_address_that_the_base_does_not(void **state)
{
	struct family f;
	struct repo other;

	(void)state;
	start(&f);
	repo_init(&other);
	const char *elsewhere = write_commit(&other, "secret", "of the network here\n");
	const char *named = section(&f.top, "folder/dep", other.src);
	SAYS(refusal(&f, named, elsewhere, false), "the base does not name its address");
	/* Nor by a commit of what the base has, which can be anybody's at the other side. */
	const char *before = GIT(&f.sub, "rev-parse", "HEAD");
	const char *hostile = link_commit(&f.sub, section(&f.sub, "in/ner", other.src), "in/ner", elsewhere);
	GIT(&f.sub, "reset", "--quiet", "--hard", before);
	GIT(&f.sub, "update-ref", "refs/forks/1", hostile);
	SAYS(refusal(&f, f.gitmodules, hostile, false), "submodule folder/dep: submodule in/ner: the base does not name");
	/* What the base names moves freely, those within others, too. */
	move(&f);
	assert_null(refusal(&f, f.gitmodules, GIT(&f.sub, "rev-parse", "HEAD"), false));
	assert_null(refusal(&f, section(&f.top, "folder/dep", f.inner.src), f.inner_commit, false));
	/* Whoever is trusted names others; but what was fetched for them is not found by its id. */
	assert_null(refusal(&f, named, elsewhere, true));
	SAYS(refusal(&f, f.gitmodules, elsewhere, false), "submodule folder/dep: git fetch: ");
	repo_release(&other);
	end(&f);
}

static void
addresses_that_lead_nowhere_good_never_reach_git(void **state)
{
	static const char commit[] = "1111111111111111111111111111111111111111";
	static const struct {
		const char *url, *says;
	} rows[] = {
	    {"ext::sh -c touch% x", "its address is none"},
	    {"ext::sh", "must be http, https or a folder"},
	    {"-uinjected", "its address is none"},
	    {"--upload-pack=x", "its address is none"},
	    {"ssh://-oProxyCommand=x/y", "must be http, https or a folder"},
	    {"git@elsewhere.test:o/r.git", "no key"},
	    {"ssh://git@elsewhere.test/o/r.git", "no key"},
	    {"git://elsewhere.test/o/r.git", "must be http, https or a folder"},
	    {"http://169.254.169.254/latest", "http, not https"},
	    {"https://user:pw@elsewhere.test/r.git", "no user"},
	    {"ftp://elsewhere.test/r", "must be http, https or a folder"},
	    {"relative/x", "must be http, https or a folder"},
	    {"../../../../../../../../../../x", "leads out of"},
	};
	struct family f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++)
		SAYS(refusal(&f, section(&f.top, "folder/dep", rows[i].url), commit, true), rows[i].says);
	end(&f);
}

static void
a_hostile_gitmodules_is_refused_or_left_alone(void **state)
{
	struct family f;
	const char *plain, *sub;
	AUTO(buf_release) struct buf many;

	(void)state;
	start(&f);
	sub = GIT(&f.sub, "rev-parse", "HEAD");
	/* Names and paths that git would not take, a path through a symbolic link, includes: as if it were not named. */
	const char *left[] = {
	    arena_printf(&f.top.a, "[submodule \"../../x\"]\n\tpath = folder/dep\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath = ../folder/dep\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath = /folder/dep\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath = link/dep\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath = folder\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath = -folder/dep\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[submodule \"x\"]\n\tpath\n\turl = %s\n", f.sub.src),
	    arena_printf(&f.top.a, "[include]\n\tpath = %s/more\n", f.top.dir),
	    "[submodule \"x\"]\n\tpath = folder/dep\n",
	};
	struct err e = {0};
	must(files_write(arena_printf(&f.top.a, "%s/more", f.top.dir), str_of(f.gitmodules), 0644, FILES_NO_SYNC, &e), &e);
	for (size_t i = 0; i < COUNT(left); i++) {
		GIT(&f.top, "reset", "--quiet", "--hard", f.base);
		must(symlink("folder", arena_printf(&f.top.a, "%s/link", f.top.src)), &e);
		GIT(&f.top, "add", "link");
		json_t *whole = taken(&f, link_commit(&f.top, left[i], "folder/dep", sub), true);
		plain = GIT(&f.top, "rev-parse", "HEAD^{tree}");
		if (strcmp(json_str(whole, "head_tree", json_str(whole, "error", "?")), plain) != 0)
			fail_msg("%s\nis taken for something", left[i]);
		json_decref(whole);
	}
	/* No configuration at all; too much of it. */
	SAYS(refusal(&f, "[submodule \"x\"\n", sub, true), ".gitmodules");
	buf_init(&many, 1024 * 1024);
	for (int i = 0; i < 1001; i++)
		buf_printf(&many, "[submodule \"%d\"]\n\tpath = %d\n\turl = /x\n", i, i);
	SAYS(refusal(&f, many.p, sub, true), "more than 1000 submodules");
	while (many.n <= 256 * 1024)
		buf_puts(&many, "# and many words\n");
	SAYS(refusal(&f, many.p, sub, true), "more than 262144 bytes");
	end(&f);
}

static void
submodules_within_each_other_and_side_by_side_end(void **state)
{
	struct family f;
	struct repo self;
	const char *commit;
	AUTO(buf_release) struct buf many;

	(void)state;
	start(&f);
	repo_init(&self);
	commit = write_commit(&self, "a", "a\n");
	for (int i = 0; i < 12; i++)
		commit = link_commit(&self, section(&self, "me", self.src), "me", commit);
	SAYS(refusal(&f, section(&f.top, "folder/dep", self.src), commit, true), "more than 8 within each other");
	GIT(&f.top, "reset", "--quiet", "--hard", f.base);
	buf_init(&many, 1024 * 1024);
	commit = GIT(&self, "rev-list", "--max-parents=0", "HEAD");
	for (int i = 0; i < 301; i++) {
		buf_puts(&many, section(&f.top, arena_printf(&f.top.a, "m/%d", i), self.src));
		GIT(&f.top, "update-index", "--add", "--cacheinfo", arena_printf(&f.top.a, "160000,%s,m/%d", commit, i));
	}
	json_t *whole = taken(&f, link_commit(&f.top, many.p, "m/0", commit), true);
	SAYS(json_str(whole, "error", NULL), "more than 300 submodules");
	json_decref(whole);
	repo_release(&self);
	end(&f);
}

static void
relative_addresses_are_beside_the_one_that_says_so(void **state)
{
	static const struct {
		const char *beside, *url, *want; /* NULL: it leads out */
	} rows[] = {
	    {"https://host/o/r.git", "../x.git", "https://host/o/x.git"},
	    {"https://host/o/r.git/", "../x.git", "https://host/o/x.git"},
	    {"https://host/o/r", "../../p/x", "https://host/p/x"},
	    {"https://host/o/r", "./x", "https://host/o/r/x"},
	    {"https://host/o/r", "./../x/", "https://host/o/x"},
	    {"https://host/o/r", "../../../x", NULL},
	    {"https://host/o/r", "../../../evil.test/x", NULL},
	    {"https://host/o/r", "https://other/x", "https://other/x"},
	    {"git@host:o/r.git", "../x.git", "git@host:o/x.git"},
	    {"git@host:o/r.git", "../../x.git", "git@host:x.git"},
	    {"/srv/r", "../x", "/srv/x"},
	    {"file:///srv/r", "../x", "file:///srv/x"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {0};
		const char *got = NULL;
		int rc = gitmodules_url(&a, rows[i].beside, rows[i].url, &got, &e);
		assert_int_equal(rc, rows[i].want == NULL ? -1 : 0);
		if (rc == 0)
			assert_string_equal(got, rows[i].want);
		else
			assert_int_equal(e.kind, ERR_INPUT);
	}
	arena_release(&a);
}

static void
the_token_is_for_the_repositorys_own_host(void **state)
{
	static const struct {
		const char *url;
		bool told;
		const char *fetched; /* what git is asked for */
	} rows[] = {
	    {"../sub.git", true, "https://git.test/o/sub.git"},
	    {"https://git.test/p/sub.git", true, "https://git.test/p/sub.git"},
	    {"git@git.test:p/sub.git", true, "https://git.test/p/sub.git"},
	    {"ssh://git@git.test/p/sub.git", true, "https://git.test/p/sub.git"},
	    {"https://git.test.evil.test/p/sub.git", false, "https://git.test.evil.test/p/sub.git"},
	    {"https://git.test:8443/p/sub.git", false, "https://git.test:8443/p/sub.git"},
	    {"https://elsewhere.test/p/sub.git", false, "https://elsewhere.test/p/sub.git"},
	};
	struct family f;
	struct err e = {0};
	const char *path;

	(void)state;
	start(&f);
	path = arena_strdup(&f.top.a, getenv("PATH"));
	const char *bin = arena_printf(&f.top.a, "%s/bin", f.top.dir), *seen = arena_printf(&f.top.a, "%s/seen", f.top.dir);
	must(files_mkdirs(bin, 0700, &e), &e);
	must(
	    files_write(arena_printf(&f.top.a, "%s/git", bin),
	        str_of(arena_printf(&f.top.a,
	            "#!/bin/sh\ncase \" $* \" in *' fetch '*) { echo \"argv: $*\"; env; } > %s; echo 'fatal: Authentication failed' "
	            ">&2; exit 128;; esac\nPATH=%s\nexec git \"$@\"\n",
	            seen, path)),
	        0700, FILES_NO_SYNC, &e),
	    &e);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a = {0};
		struct str text;
		struct whole_trees whole = {0};
		GIT(&f.top, "reset", "--quiet", "--hard", f.base);
		link_commit(&f.top, section(&f.top, "folder/dep", rows[i].url), "folder/dep",
		    "1111111111111111111111111111111111111111");
		const char *tree = GIT(&f.top, "rev-parse", "HEAD^{tree}");
		struct submodules s = {.a = &a,
		    .git_dir = arena_printf(&a, "%s/.git", f.top.src),
		    .into = arena_printf(&a, "%s/into.git", f.top.dir),
		    .url = "https://git.test/o/r.git",
		    .authorization = "Basic c2VjcmV0",
		    .trusted = true};
		setenv("PATH", arena_printf(&a, "%s:%s", bin, path), 1);
		int rc = submodules_take(&s, tree, tree, &whole, &e);
		setenv("PATH", path, 1);
		if (rc != 0)
			fail_msg("%s", e.msg);
		SAYS(whole.error,
		    rows[i].told
		        ? "submodule folder/dep: it must be public, as the token is for this repository alone: git fetch: fatal: "
		          "Authentication failed"
		        : "submodule folder/dep: git fetch: fatal: Authentication failed");
		must(files_read(&a, seen, 65536, &text, &e), &e);
		assert_non_null(strstr(text.p, arena_printf(&a, " -- %s +1111", rows[i].fetched)));
		assert_int_equal(strstr(text.p, "c2VjcmV0") != NULL, rows[i].told);
		assert_true(strstr(text.p, "c2VjcmV0") == NULL || strstr(text.p, "c2VjcmV0") > strchr(text.p, '\n'));
		arena_release(&a);
	}
	end(&f);
}

static void
of_a_clone_its_own_submodules_serve(void **state)
{
	struct family f;
	struct err e = {0};
	struct repo clone = {0};
	json_t *rec;

	(void)state;
	start(&f);
	snprintf(clone.dir, sizeof(clone.dir), "%s", f.top.dir);
	clone.src = arena_printf(&clone.a, "%s/clone", f.top.dir);
	GIT(&f.top, "-c", "protocol.file.allow=always", "clone", "--quiet", "--recurse-submodules", f.top.src, clone.src);
	const char *tree = GIT(&clone, "rev-parse", "HEAD^{tree}");
	for (int i = 0; i < 2; i++) {
		/* First nothing can be fetched from anywhere; then nothing is in the clone, and it is. */
		if (i == 0)
			must(rename(f.sub.src, arena_printf(&f.top.a, "%s/away", f.sub.dir)), &e);
		else
			must(rename(arena_printf(&f.top.a, "%s/away", f.sub.dir), f.sub.src), &e);
		if (i == 1)
			must(files_remove_tree(arena_printf(&f.top.a, "%s/.git/modules", clone.src), &e), &e);
		json_t *job = json_pack("{s:s,s:s,s:s,s:s}", "git_dir", arena_printf(&clone.a, "%s/.git", clone.src), "cache",
		    arena_printf(&clone.a, "%s/cache%d", f.top.dir, i), "base_tree", tree, "head_tree", tree);
		must(run_stage("submodules", job, "submodules", &rec, &e), &e);
		assert_string_equal(content(&f, rec, "head_tree", "folder/dep/in/ner/deep"), "deep 1");
		json_decref(rec);
	}
	arena_release(&clone.a);
	end(&f);
}

static json_t *
plan_job(struct family *f, const char *head, const json_t *whole)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:[],s:n,s:b,s:O?}", "git_dir", arena_printf(&f->top.a, "%s/.git", f->top.src),
	    "base_tree", GIT(&f->top, "rev-parse", arena_printf(&f->top.a, "%s^{tree}", f->base)), "head_tree",
	    GIT(&f->top, "rev-parse", arena_printf(&f->top.a, "%s^{tree}", head)), "conflict", 0, "skip_paths", "jobs",
	    "ignore_rules", 0, "submodules", whole);
}

static void
the_plan_lists_and_rules_what_changed_inside(void **state)
{
	struct family f;
	struct err e = {0};
	json_t *plan;

	(void)state;
	start(&f);
	write_commit(&f.sub, "README.md", "words\n");
	const char *docs = link_commit(&f.top, f.gitmodules, "folder/dep", GIT(&f.sub, "rev-parse", "HEAD"));
	move(&f);
	const char *code = link_commit(&f.top, f.gitmodules, "folder/dep", GIT(&f.sub, "rev-parse", "HEAD"));
	for (int i = 0; i < 2; i++) {
		const char *head = i == 0 ? docs : code;
		json_t *whole = taken(&f, head, true);
		must(run_stage("plan", plan_job(&f, head, whole), "plan", &plan, &e), &e);
		const json_t *paths = json_object_get(plan, "paths");
		assert_string_equal(json_str(json_array_get(paths, 0), "path", ""), "folder/dep/README.md");
		assert_string_equal(json_str(json_array_get(paths, 0), "rule", ""), "docs");
		assert_int_equal(json_array_size(paths), (size_t)i + 1);
		if (i == 1)
			assert_string_equal(json_str(json_array_get(paths, 1), "path", ""), "folder/dep/in/ner/deep");
		assert_string_equal(json_str(plan, "decision", ""), i == 0 ? "skip" : "evaluate");
		assert_true(json_is_null(json_object_get(plan, "untold")));
		json_decref(plan);
		json_decref(whole);
	}
	/* Where they could not be had, that matters only if something is evaluated. */
	json_t *error = json_pack("{s:s}", "error", "head: submodule folder/dep: it is not there");
	assert_int_equal(run_stage("plan", plan_job(&f, code, error), "plan", &plan, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	SAYS(e.msg, "submodule folder/dep: it is not there");
	GIT(&f.top, "reset", "--quiet", "--hard", f.base);
	must(run_stage("plan", plan_job(&f, write_commit(&f.top, "a.md", "words\n"), error), "plan", &plan, &e), &e);
	assert_string_equal(json_str(plan, "decision", ""), "skip");
	json_decref(plan);
	json_decref(error);
	/* One that .gitmodules does not name is an empty folder to all, and its change is not to be seen. */
	GIT(&f.top, "reset", "--quiet", "--hard", f.base);
	GIT(&f.top, "update-index", "--add", "--cacheinfo", arena_printf(&f.top.a, "160000,%s,unnamed", f.inner_commit));
	GIT(&f.top, "commit", "--quiet", "-m", "test");
	const char *head = GIT(&f.top, "rev-parse", "HEAD");
	json_t *whole = taken(&f, head, true);
	must(run_stage("plan", plan_job(&f, head, whole), "plan", &plan, &e), &e);
	assert_string_equal(json_line(&f.top.a, json_object_get(plan, "untold")),
	    "{\"unnamed\":{\"paths\":[\"unnamed\"],\"count\":1,\"jobs\":[\"all\"]}}");
	json_decref(plan);
	json_decref(whole);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tree_is_made_whole_with_submodules_of_submodules),
	    cmocka_unit_test(without_a_job_that_takes_them_nothing_is_fetched),
	    cmocka_unit_test(a_folder_that_was_damaged_is_made_again),
	    cmocka_unit_test(a_head_that_nobody_trusts_names_no_address_that_the_base_does_not),
	    cmocka_unit_test(addresses_that_lead_nowhere_good_never_reach_git),
	    cmocka_unit_test(a_hostile_gitmodules_is_refused_or_left_alone),
	    cmocka_unit_test(submodules_within_each_other_and_side_by_side_end),
	    cmocka_unit_test(relative_addresses_are_beside_the_one_that_says_so),
	    cmocka_unit_test(the_token_is_for_the_repositorys_own_host),
	    cmocka_unit_test(of_a_clone_its_own_submodules_serve),
	    cmocka_unit_test(the_plan_lists_and_rules_what_changed_inside),
	};

	return cmocka_run_group_tests_name("changeset/submodules", tests, NULL, NULL);
}
