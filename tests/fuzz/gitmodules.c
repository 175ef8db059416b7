/* .gitmodules as git and we read it, in a repository that has nothing else. Its first line is an address beside which others are. */
#include "changeset/gitmodules.h"
#include "fuzz/fuzz.h"
#include "support/os/child.h"

static git_repository *
repository(void)
{
	static git_repository *repo;
	struct arena a = {0};

	if (repo == NULL) {
		repository_start();
		FUZZ_CHECK(git_repository_init(&repo, arena_printf(&a, "%s/x.git", fuzz_dir()), 1) == 0);
	}
	arena_release(&a);
	return repo;
}

static void
read_tree(struct arena *a, struct str text)
{
	git_repository *repo = repository();
	struct gitcmd g = {.a = a, .dir = git_repository_path(repo)};
	struct gitmodules all = {0};
	git_treebuilder *builder = NULL;
	git_oid blob, id;
	AUTO(tree_free) git_tree *tree = NULL;
	struct err e = {0};

	FUZZ_CHECK(git_blob_create_from_buffer(&blob, repo, text.p, text.n) == 0);
	FUZZ_CHECK(git_treebuilder_new(&builder, repo, NULL) == 0);
	FUZZ_CHECK(git_treebuilder_insert(NULL, builder, ".gitmodules", &blob, GIT_FILEMODE_BLOB) == 0);
	FUZZ_CHECK(git_treebuilder_write(&id, builder) == 0);
	git_treebuilder_free(builder);
	FUZZ_CHECK(git_tree_lookup(&tree, repo, &id) == 0);
	if (gitmodules_read(&g, repo, tree, &all, &e) == 0)
		for (size_t i = 0; i < all.n; i++)
			FUZZ_CHECK(all.p[i].path[0] != '/' && all.p[i].path[0] != '-' && strcmp(all.p[i].path, "..") != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n}, rest = text;
	struct arena a = {0};
	const char *url, *beside = str_dup(&a, fuzz_line(&rest));
	struct err e = {0};

	if (gitmodules_url(&a, beside, str_dup(&a, rest), &url, &e) == 0)
		FUZZ_CHECK(strncmp(url, "../", 3) != 0 || strncmp(str_dup(&a, rest), "../", 3) != 0 || beside[0] == '.');
	read_tree(&a, text);
	arena_release(&a);
	return 0;
}
