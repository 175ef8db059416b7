/* libgit2's tree comparison, as a list. */
#include "changeset/paths.h"

static const char *
status_of(const git_diff_delta *d)
{
	bool submodule = d->old_file.mode == GIT_FILEMODE_COMMIT || d->new_file.mode == GIT_FILEMODE_COMMIT;

	switch ((int)d->status) {
	case GIT_DELTA_ADDED: return "added";
	case GIT_DELTA_DELETED: return "deleted";
	case GIT_DELTA_RENAMED: return "renamed";
	case GIT_DELTA_TYPECHANGE: return "type";
	default: return submodule ? "submodule" : git_oid_equal(&d->old_file.id, &d->new_file.id) ? "mode" : "modified";
	}
}

static bool
worth_looking_for_renames(const git_diff *diff)
{
	size_t gone = git_diff_num_deltas_of_type(diff, GIT_DELTA_DELETED);
	size_t come = git_diff_num_deltas_of_type(diff, GIT_DELTA_ADDED);

	return gone > 0 && come > 0 && gone <= PATHS_MAX_RENAMES && come <= PATHS_MAX_RENAMES;
}

/* Whether the files that came or went are small enough to be read and compared. */
static bool
worth_reading(git_repository *repo, const git_diff *diff)
{
	AUTO(odb_free) git_odb *odb = NULL;

	if (git_repository_odb(&odb, repo) != 0)
		return false;
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);
		const git_diff_file *f = d->status == GIT_DELTA_DELETED ? &d->old_file : &d->new_file;
		git_object_t type;
		size_t n;
		if ((d->status != GIT_DELTA_DELETED && d->status != GIT_DELTA_ADDED) || f->mode == GIT_FILEMODE_COMMIT)
			continue;
		if (git_odb_read_header(&n, &type, odb, &f->id) != 0 || n > PATHS_MAX_COMPARED)
			return false;
	}
	return true;
}

static bool
is_pointer(git_odb *odb, const git_diff_file *f)
{
	AUTO(object_free) git_odb_object *object = NULL;
	git_object_t type;
	size_t n;

	if ((f->mode != GIT_FILEMODE_BLOB && f->mode != GIT_FILEMODE_BLOB_EXECUTABLE) ||
	    git_odb_read_header(&n, &type, odb, &f->id) != 0 || n >= PATHS_MAX_POINTER ||
	    git_odb_read(&object, odb, &f->id) != 0)
		return false;
	struct str text = {git_odb_object_data(object), git_odb_object_size(object)};
	return str_starts(text, STR("version https://git-lfs.github.com/spec/v1\n")) &&
	       str_find(text, STR("\noid sha256:")) >= 0;
}

int
paths_changed(struct arena *a, git_repository *repo, git_tree *base, git_tree *head, struct changed_paths *ret, struct err *e)
{
	AUTO(diff_free) git_diff *diff = NULL;
	AUTO(odb_free) git_odb *odb = NULL;
	git_diff_options opts;
	git_diff_find_options find;

	git_diff_options_init(&opts, GIT_DIFF_OPTIONS_VERSION);
	git_diff_find_options_init(&find, GIT_DIFF_FIND_OPTIONS_VERSION);
	opts.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_SKIP_BINARY_CHECK;
	opts.ignore_submodules = GIT_SUBMODULE_IGNORE_NONE;
	int rc = git_diff_tree_to_tree(&diff, repo, base, head, &opts);
	if (rc == 0 && worth_looking_for_renames(diff)) {
		find.flags = GIT_DIFF_FIND_RENAMES;
		if (!worth_reading(repo, diff))
			find.flags |= GIT_DIFF_FIND_EXACT_MATCH_ONLY;
		find.rename_limit = PATHS_MAX_RENAMES;
		rc = git_diff_find_similar(diff, &find);
	}
	if (rc == 0)
		rc = git_repository_odb(&odb, repo);
	if (rc != 0)
		return fail_git(e, rc, "cannot compare the two trees");
	size_t n = git_diff_num_deltas(diff);
	struct changed_path *p = arena_alloc(a, (n + 1) * sizeof(*p));
	for (size_t i = 0; i < n; i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);
		struct str old = str_of(d->old_file.path), new = str_of(d->new_file.path);
		p[i].status = status_of(d);
		p[i].submodule = d->old_file.mode == GIT_FILEMODE_COMMIT || d->new_file.mode == GIT_FILEMODE_COMMIT;
		p[i].lfs = is_pointer(odb, &d->new_file) || is_pointer(odb, &d->old_file);
		p[i].path = (struct str){arena_strn(a, new.p, new.n), new.n};
		if (!str_eq(old, new))
			p[i].old = (struct str){arena_strn(a, old.p, old.n), old.n};
	}
	*ret = (struct changed_paths){p, n};
	return 0;
}
