/* A flake's reference, its source in the store, and the Nix text that says what of it is walked. */
#include "evaluate/flake.h"

#include "changeset/repository.h"
#include "nix/quote.h"
#include "records/fields.h"
#include "support/os/child.h"
#include "support/text/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { ANSWER_BYTES = 64 * 1024 };

/* --- whose commit -------------------------------------------------------------------------------------------------- */

static int
count_commits(git_repository *repo, const git_oid *id, int64_t *ret, struct err *e)
{
	git_revwalk *walk = NULL;
	git_oid one;
	int64_t n = 0;
	int rc = git_revwalk_new(&walk, repo);

	if (rc == 0)
		rc = git_revwalk_push(walk, id);
	while (rc == 0 && (rc = git_revwalk_next(&one, walk)) == 0)
		n++;
	git_revwalk_free(walk);
	if (rc != GIT_ITEROVER)
		return fail_git(e, rc, "counting commits");
	*ret = n;
	return 0;
}

int
flake_self_of(struct arena *a, const char *git_dir, const char *commit, struct flake_self *ret, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	AUTO(commit_free) git_commit *found = NULL;
	git_oid id;

	if (repository_open(git_dir, &repo, e) != 0 || repository_id(commit, "commit", &id, e) != 0)
		return -1;
	int code = git_commit_lookup(&found, repo, &id);
	if (code != 0)
		return fail_git(e, code, "commit %s", commit);
	*ret = (struct flake_self){arena_strdup(a, commit), git_commit_time(found), -1};
	return 0;
}

int
flake_count_commits(const char *git_dir, struct flake_self *self, struct err *e)
{
	AUTO(repo_free) git_repository *repo = NULL;
	git_oid id;

	if (repository_open(git_dir, &repo, e) != 0 || repository_id(self->rev, "commit", &id, e) != 0)
		return -1;
	return git_repository_is_shallow(repo) == 0 ? count_commits(repo, &id, &self->rev_count, e) : 0;
}

/* --- its source ---------------------------------------------------------------------------------------------------- */

/* What the expression below gives. */
struct stored_source {
	const char *hash, *path;
	int64_t time;
};
#define OF struct stored_source
static const struct field stored_source_members[] = {
    {.name = "narHash", .type = FIELD_TEXT, .offset = FIELD_AT(hash, const char *), .required = true},
    {TEXT(path), .required = true},
    {INT(time)},
};
#undef OF
static const struct fields stored_source_fields = FIELDS("source", NULL, struct stored_source, stored_source_members);

int
flake_store(struct arena *a, const char *dir, struct flake_tree *ret, struct err *e)
{
	AUTO(buf_release) struct buf text = {0}, out = {0};
	struct stored_source said;

	buf_init(&text, ANSWER_BYTES);
	buf_init(&out, ANSWER_BYTES);
	buf_puts(&text, "let tree = builtins.fetchTree { type = \"path\"; path = ");
	if (nix_quote(str_of(dir), &text, e) != 0)
		return -1;
	buf_puts(&text, "; }; in { inherit (tree) narHash; path = \"${tree.outPath}\"; time = tree.lastModified or 0; }");
	const char *argv[] = {"nix-instantiate", "--option", "experimental-features", "nix-command flakes", "--option",
	    "restrict-eval", "false", "--option", "pure-eval", "false", "--eval", "--strict", "--json", "--read-write-mode",
	    "--expr", text.p, NULL};
	if (child_output(argv, &out, e) != 0)
		return fail_in(e, "putting the flake into the store");
	if (fields_read(&stored_source_fields, a, buf_get(&out), "what nix said of the flake's source", &said, e) != 0)
		return -1;
	if (said.path[0] != '/' || said.hash[0] == '\0')
		return fail(e, ERR_SYSTEM, "nix did not say where the flake's source is");
	*ret = (struct flake_tree){said.path, said.hash, said.time};
	return 0;
}

static void
add_escaped(struct buf *out, const char *p)
{
	for (; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("-._~/:", *p) != NULL)
			buf_putc(out, *p);
		else
			buf_printf(out, "%%%02X", (unsigned char)*p);
	}
}

const char *
flake_ref(struct arena *a, const struct flake_tree *tree, const char *dir, const struct flake_self *self)
{
	AUTO(buf_release) struct buf out = {0};

	buf_init(&out, ANSWER_BYTES);
	buf_puts(&out, "path:");
	add_escaped(&out, tree->path);
	buf_puts(&out, "?");
	if (dir[0] != '\0') {
		buf_puts(&out, "dir=");
		add_escaped(&out, dir);
		buf_puts(&out, "&");
	}
	buf_printf(&out, "lastModified=%" PRId64 "&narHash=", self != NULL ? self->last_modified : tree->last_modified);
	add_escaped(&out, tree->hash);
	if (self != NULL)
		buf_printf(&out, "&rev=%s", self->rev);
	if (self != NULL && self->rev_count >= 0)
		buf_printf(&out, "&revCount=%" PRId64, self->rev_count);
	return arena_strn(a, out.p, out.n);
}

void
flake_fetch_tree(const struct flake_tree *tree, const struct flake_self *self, struct buf *out)
{
	buf_printf(out, "{ type = \"path\"; path = \"%s\"; narHash = \"%s\"; lastModified = %" PRId64 "; ", tree->path,
	    tree->hash, self != NULL ? self->last_modified : tree->last_modified);
	if (self != NULL)
		buf_printf(out, "rev = \"%s\"; ", self->rev);
	if (self != NULL && self->rev_count >= 0)
		buf_printf(out, "revCount = %" PRId64 "; ", self->rev_count);
	buf_puts(out, "}");
}

/* --- what it has locked -------------------------------------------------------------------------------------------- */

/* As a prefix that ends at a slash, which is all that restricted evaluation compares. */
static void
add_locked_uri(const json_t *locked, struct buf *out)
{
	const char *type = json_str(locked, "type", ""), *url = json_str(locked, "url", "");
	const char *owner = json_str(locked, "owner", "");
	const char *end = strrchr(url, '/');

	if (strpbrk(owner, " \t\n") != NULL || strpbrk(url, " \t\n") != NULL)
		return;
	if (owner[0] != '\0' && (strcmp(type, "github") == 0 || strcmp(type, "gitlab") == 0 || strcmp(type, "sourcehut") == 0))
		buf_printf(out, " %s:%s/%s", type, owner, json_str(locked, "repo", ""));
	else if (end != NULL && (strcmp(type, "git") == 0 || strcmp(type, "hg") == 0))
		buf_printf(out, " %s+%.*s/", type, (int)(end - url), url);
	else if (end != NULL)
		buf_printf(out, " %.*s/", (int)(end - url), url);
}

void
flake_lock_uris(struct str lock, bool any_server, struct buf *out)
{
	AUTO(json_drop) json_t *file = NULL;
	struct err ignored;
	const char *name;
	json_t *node;

	buf_puts(out, " path:/nix/store/");
	if (any_server)
		buf_puts(out, " https:// http:// git+https:// git+ssh://");
	if (json_read(lock, "flake.lock", &file, &ignored) != 0)
		return;
	json_object_foreach(json_object_get(file, "nodes"), name, node)
		add_locked_uri(json_object_get(node, "locked"), out);
}

/* --- what of it is walked ------------------------------------------------------------------------------------------ */

const char flake_schema_text[] =
    "{ flake, path, systems, absentOk }: "
    "let "
    "inherit (builtins) elem foldl' head intersectAttrs isAttrs isFunction mapAttrs match removeAttrs tail; "
    "isDrv = v: v ? type && v.type == \"derivation\"; "
    /* What can be called as a function is a derivation all the same. */
    "leaf = v: if isAttrs v && isDrv v && v ? __functor then removeAttrs v [ \"__functor\" ] else if isFunction v then null else v; "
    "enter = v: v // { recurseForDerivations = true; }; "
    "wanted = s: systems == [ ] || elem s systems; "
    "isSystem = s: match \".*-(linux|darwin|freebsd|netbsd|openbsd|windows|cygwin|none)\" s != null; "
    "unwanted = s: isSystem s && !wanted s; "
    /* Sets below are entered, unless they say no or are a set of packages as nixpkgs is, which marks what is to be entered. */
    "deep = v: "
    "if !isAttrs v || isDrv v then leaf v "
    "else if v ? __functor then null "
    "else if !(v.recurseForDerivations or true) then { } "
    "else if v ? callPackage then (if v.recurseForDerivations or false then v else { }) "
    "else enter (mapAttrs (n: x: if unwanted n then null else deep x) v); "
    "perSystem = f: v: enter (mapAttrs (s: x: if wanted s then f s x else null) v); "
    /* What the schema wants a derivation to be; what a package set leaves beside its packages is none. */
    "must = name: v: if isAttrs v && (isDrv v || !(v ? __functor)) then v else throw \"${name} is not a derivation\"; "
    "left = n: elem n [ \"recurseForDerivations\" \"override\" \"overrideDerivation\" \"overrideAttrs\" ]; "
    "perPackage = o: perSystem (s: v: if isDrv v then leaf v else if v ? callPackage then enter v "
    "else enter (mapAttrs (n: x: if left n then null else deep (must \"${o}.${s}.${n}\" x)) v)); "
    "one = o: perSystem (s: v: leaf (must \"${o}.${s}\" v)); "
    "nest = names: v: if names == [ ] then leaf v else enter { ${head names} = nest (tail names) v; }; "
    "systemOf = mapAttrs (n: v: nest [ \"config\" \"system\" \"build\" \"toplevel\" ] v.config.system.build.toplevel); "
    "homeOf = mapAttrs (n: v: nest [ \"activationPackage\" ] v.activationPackage); "
    /* An app is the derivation that its program is in. */
    "app = system: name: v: let drvs = builtins.getContext v.program; drv = head (builtins.attrNames drvs); in "
    "if drvs == { } then null else { type = \"derivation\"; inherit name system; "
    "drvPath = builtins.appendContext drv { ${drv}.path = true; }; outputs = drvs.${drv}.outputs; "
    "outPath = let d = builtins.storeDir; m = match \"(${d}/[^/]+).*\" (builtins.unsafeDiscardStringContext v.program); in head m; }; "
    "known = { "
    "checks = perPackage \"checks\"; packages = perPackage \"packages\"; devShells = perPackage \"devShells\"; "
    "formatter = one \"formatter\"; defaultPackage = one \"defaultPackage\"; devShell = one \"devShell\"; "
    "hydraJobs = deep; "
    "nixosConfigurations = v: enter (systemOf v); darwinConfigurations = v: enter (systemOf v); homeConfigurations = v: enter (homeOf v); "
    "}; "
    "named = known // { "
    "apps = perSystem (s: v: enter (mapAttrs (app s) v)); "
    "legacyPackages = perSystem (s: v: if isAttrs v then enter v else v); "
    "}; "
    "has = v: p: p == [ ] || (isAttrs v && v ? ${head p} && has v.${head p} (tail p)); "
    "get = foldl' (v: n: v.${n}); "
    "shaped = mapAttrs (n: f: f flake.${n}) (intersectAttrs flake named); "
    "at = if path == [ ] then mapAttrs (n: f: f flake.${n}) (intersectAttrs flake known) "
    "else if has shaped path then get shaped path "
    "else if absentOk && !(has flake path) then { } "
    "else get flake path; "
    "in at";

const char flake_call_text[] =
    "{ tree, dir, lock, override }: "
    "let "
    "inherit (builtins) attrNames concatStringsSep filter foldl' fromJSON fetchTree head isString mapAttrs pathExists readFile removeAttrs "
    "substring tail toJSON; "
    "info = fetchTree tree; "
    "top = info.outPath + (if dir == \"\" then \"\" else \"/${dir}\"); "
    "file = top + \"/flake.lock\"; "
    "locks = if lock != null then lock else if pathExists file then fromJSON (readFile file) else { root = \"root\"; nodes.root = { }; }; "
    "isRelative = said: said.locked.type or \"\" == \"path\" && substring 0 1 said.locked.path != \"/\"; "
    "other = to: ref: if isString to && !(locks.nodes.${to}.flake or true) then fetchTree ref.tree else builtins.getFlake ref.flake; "
    "find = from: foldl' (v: n: v.inputs.${n}) from; "
    /* Every node has one way to it that is no "follows"; the others find it by its inputs. A relative one is a folder of the
     * flake that names it. */
    "node = path: name: parent: "
    "let "
    "said = locks.nodes.${name}; "
    "isTop = path == [ ]; "
    "relative = !isTop && isRelative said; "
    "from = if said ? parent then find whole' said.parent else parent; "
    "inputs = mapAttrs (input: to: "
    "let at = path ++ [ input ]; in "
    "if override ? ${toJSON at} then other to override.${toJSON at} else (if isString to then node at to whole else find whole' to)) (said.inputs or { }); "
    "source = if isTop then info else if relative then from.sourceInfo else fetchTree (removeAttrs said.locked [ \"dir\" ]); "
    "sub = said.locked.dir or \"\"; "
    "outPath = if isTop then top else if relative then from.outPath + (if said.locked.path == \"\" then \"\" else \"/\" + said.locked.path) "
    "else source.outPath + (if sub == \"\" then \"\" else \"/\" + sub); "
    "outputs = (import (outPath + \"/flake.nix\")).outputs (inputs // { self = whole; }); "
    "whole = outputs // source // { inherit outPath inputs outputs; sourceInfo = source; _type = \"flake\"; }; "
    "in if said.flake or true then whole else source // { inherit outPath; sourceInfo = source; }; "
    "whole' = node [ ] locks.root null; "
    "has = at: path: "
    "path == [ ] || (at.inputs or { }) ? ${head path} && has at.inputs.${head path} (tail path); "
    "missing = filter (p: !has whole' (fromJSON p)) (attrNames override); "
    "in if missing == [ ] then whole' "
    "else throw \"--override-input: the flake's lock file has no input '${concatStringsSep \"/\" (fromJSON (head missing))}'\"";
