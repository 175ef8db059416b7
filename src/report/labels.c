/* nixpkgs' labels and file format. */
#include "report/labels.h"

#include "support/base/map.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KERNELS = 8 }; /* Nix knows linux, darwin, freebsd, openbsd, netbsd, cygwin, windows and none */

static const struct range {
	const char *name;
	int64_t least, most;
} ranges[] = {
    {"0", 0, 0},
    {"1", 1, 1},
    {"1-10", 1, 10},
    {"11-100", 11, 100},
    {"101-500", 101, 500},
    {"501-1000", 501, 1000},
    {"501+", 501, INT64_MAX},
    {"1001-2500", 1001, 2500},
    {"2501-5000", 2501, 5000},
    {"5001+", 5001, INT64_MAX},
};

enum diff { DIFF_ADDED, DIFF_CHANGED, DIFF_REMOVED, DIFFS, DIFF_NONE };
static const char *const diff_names[DIFFS] = {"added", "changed", "removed"};

struct work {
	struct model *m;
	struct map targets;
	struct map kernels; /* those that were evaluated */
	struct map stdenv;  /* those whose stdenv rebuilds */
	json_t *diff, *diff_kernel, *diff_platform, *rebuilds_platform, *rebuilds_kernel;
	bool nixos_tests;
	bool brings, updates, drops; /* a new package, another version, one that is gone */
	struct map moved;            /* names that attributes of head had before */
	struct map seen;
};

static const char *
kernel_of(const char *system)
{
	const char *dash = strrchr(system, '-');

	return dash != NULL && dash[1] != '\0' ? dash + 1 : system;
}

static enum diff
diff_of(const struct attr *at)
{
	switch (at->change) {
	case CHANGE_ADDED:
	case CHANGE_FIXED: return DIFF_ADDED;
	case CHANGE_REBUILD:
	case CHANGE_SWITCHED: return DIFF_CHANGED;
	case CHANGE_REMOVED:
	case CHANGE_NEWLY_FAILING: return DIFF_REMOVED;
	case CHANGE_DERIVATION_ONLY:
	case CHANGE_UNCHANGED:
	case CHANGE_STILL_FAILING:
	case CHANGE_ADDED_FAILING:
	case CHANGE_REMOVED_FAILING:
	case CHANGE_UNTOLD:
	case CHANGES: break;
	}
	return DIFF_NONE;
}

static bool
is_rebuild(const struct work *w, const struct attr *at)
{
	if (at->change == CHANGE_REBUILD)
		return true;
	if ((at->change != CHANGE_ADDED && at->change != CHANGE_FIXED) || at->drv == NULL)
		return false;
	return map_get(&w->targets, str_of(at->drv)) != NULL;
}

/* The member of obj that is an array or, with sub, of the object there; made when missing. */
static json_t *
list_at(json_t *obj, const char *key, const char *sub)
{
	json_t *j = json_object_get(obj, key);

	if (j == NULL) {
		j = sub != NULL ? json_pack("{s:[],s:[],s:[]}", "added", "changed", "removed") : json_array();
		json_object_set_new(obj, key, j);
	}
	return sub != NULL ? json_object_get(j, sub) : j;
}

/* Adds name to list unless what was said of it before under this heading. */
static void
add_once(struct work *w, json_t *list, const char *heading, const char *sub, const char *name)
{
	bool added;

	map_add(&w->seen, str_of(arena_printf(&w->m->a, "%s\n%s\n%s", heading, sub, name)), &added);
	if (added)
		json_array_append_new(list, json_any_string(str_of(name)));
}

/* "x86_64-linux" is the name of a platform, "util-linux" is not. */
static bool
is_platform(const struct model *m, const char *s)
{
	static const char *const cpus[] = {"aarch64", "aarch64_be", "armv5tel", "armv6l", "armv7a", "armv7l", "i386", "i486",
	    "i586", "i686", "loongarch64", "m68k", "microblaze", "mips", "mips64", "mips64el", "mipsel", "powerpc", "powerpc64",
	    "powerpc64le", "riscv32", "riscv64", "s390", "s390x", "wasm32", "wasm64", "x86_64"};
	static const char *const kernels[] = {"cygwin", "darwin", "freebsd", "linux", "netbsd", "none", "openbsd", "solaris",
	    "wasi", "windows"};
	struct str rest, cpu = str_cut(str_of(s), '-', &rest);
	bool has_cpu = false, has_kernel = false;

	for (size_t i = 0; i < m->n_systems; i++)
		if (strcmp(m->systems[i].system, s) == 0)
			return true;
	for (size_t i = 0; i < COUNT(cpus); i++)
		has_cpu = has_cpu || str_is(cpu, cpus[i]);
	for (size_t i = 0; i < COUNT(kernels); i++)
		has_kernel = has_kernel || str_is(rest, kernels[i]);
	return has_cpu && has_kernel;
}

/* As nixpkgs writes it: dots, no quotes, and no platform, wherever in the path it stands. */
static const char *
nixpkgs_name(struct model *m, const json_t *path)
{
	const char *name = NULL;

	for (size_t i = 0; i < json_array_size(path); i++) {
		const char *s = json_string_value(json_array_get(path, i));
		if (s != NULL && !is_platform(m, s))
			name = name == NULL ? s : arena_printf(&m->a, "%s.%s", name, s);
	}
	if (name == NULL && json_array_size(path) > 0) /* nothing but a platform */
		name = json_string_value(json_array_get(path, 0));
	return name != NULL ? name : "";
}

static void
add_attr(struct work *w, const struct attr *at)
{
	const char *name = nixpkgs_name(w->m, json_object_get(at->json, "path")), *kernel = kernel_of(at->system);
	enum diff diff = diff_of(at);

	if (diff == DIFF_NONE)
		return;
	const char *sub = diff_names[diff];
	add_once(w, json_object_get(w->diff, sub), "all", sub, name);
	add_once(w, list_at(w->diff_kernel, kernel, sub), arena_printf(&w->m->a, "k %s", kernel), sub, name);
	add_once(w, list_at(w->diff_platform, at->system, sub), arena_printf(&w->m->a, "p %s", at->system), sub, name);
	w->nixos_tests |= is_rebuild(w, at) && strcmp(name, "nixosTests.simple") == 0;
	if (is_rebuild(w, at) && strcmp(name, "stdenv") == 0)
		map_add(&w->stdenv, str_of(kernel), NULL);
	if (!is_rebuild(w, at) || at->alias)
		return;
	add_once(w, list_at(w->rebuilds_kernel, kernel, NULL), arena_printf(&w->m->a, "rk %s", kernel), "", name);
	add_once(w, list_at(w->rebuilds_platform, at->system, NULL), arena_printf(&w->m->a, "rp %s", at->system), "", name);
}

/* What nixpkgs' bot reads out of the subjects of commits ("x: init at 1", "x: 1 -> 2") the evaluations tell themselves. */
static void
note_package(struct work *w, const struct attr *at)
{
	if (at->alias)
		return;
	const json_t *path = json_object_get(at->json, "path");
	w->brings |=
	    at->change == CHANGE_ADDED && is_rebuild(w, at) && !json_is_array(json_object_get(at->json, "renamed_from"));
	w->updates |= (at->change == CHANGE_REBUILD || at->change == CHANGE_SWITCHED) && at->version_old != NULL &&
	              *at->version_old != '\0' && *at->version_new != '\0';
	w->drops |= at->change == CHANGE_REMOVED && map_get(&w->moved, str_of(nixpkgs_name(w->m, path))) == NULL;
}

static void
note_moved(struct work *w)
{
	for (size_t i = 0; i < w->m->n_attrs; i++) {
		const json_t *from = json_object_get(w->m->attrs[i].json, "renamed_from");
		if (json_is_array(from))
			map_add(&w->moved, str_of(nixpkgs_name(w->m, from)), NULL);
	}
}

/* People call many things a clean-up: that label is only ever set, as ofborg did, and the others are taken off, too. */
static void
add_has(struct work *w, struct labels *to)
{
	const char *prefix = json_str(w->m->settings, "label_has_prefix", "8.has: ");
	const struct {
		const char *name;
		bool on, ours;
	} has[] = {{"package (new)", w->brings, true}, {"package (update)", w->updates, true}, {"clean-up", w->drops, false}};

	for (size_t i = 0; *prefix != '\0' && i < COUNT(has); i++) {
		const char *name = arena_printf(&w->m->a, "%s%s", prefix, has[i].name);
		if (has[i].ours && (has[i].on || w->m->untold == 0))
			json_array_append_new(to->known, json_string(name));
		if (has[i].on)
			json_array_append_new(to->wanted, json_string(name));
	}
}

static void
add_label(const struct work *w, json_t *labels, const char *name, bool on)
{
	json_object_set_new(labels,
	    arena_printf(&w->m->a, "%s%s", json_str(w->m->settings, "label_prefix", "10.rebuild-"), name), json_boolean(on));
}

static json_t *
make_labels(struct work *w, json_t *count_by_kernel)
{
	json_t *labels = json_object();
	int64_t most = 0;

	for (size_t i = 0; i < w->kernels.n; i++) {
		const char *kernel = str_dup(&w->m->a, w->kernels.p[i].key);
		const json_t *list = json_object_get(w->rebuilds_kernel, kernel);
		int64_t n = (int64_t)json_array_size(list);
		most = n > most ? n : most;
		json_object_set_new(count_by_kernel, kernel, json_integer(n));
		for (size_t r = 0; r < COUNT(ranges); r++)
			add_label(w, labels, arena_printf(&w->m->a, "%s: %s", kernel, ranges[r].name),
			    n >= ranges[r].least && n <= ranges[r].most);
		add_label(w, labels, arena_printf(&w->m->a, "%s-stdenv", kernel), map_get(&w->stdenv, str_of(kernel)) != NULL);
	}
	add_label(w, labels, "nixos-tests", w->nixos_tests && most <= 500);
	return labels;
}

/* A kernel was evaluated when the difference counts one of its systems. */
static void
find_kernels(struct work *w)
{
	for (size_t i = 0; i < w->m->n_systems && w->kernels.n < MAX_KERNELS; i++) {
		const char *kernel = kernel_of(w->m->systems[i].system);
		if (strcmp(w->m->systems[i].system, "builtin") == 0 || strlen(kernel) > 20)
			continue;
		map_add(&w->kernels, str_of(kernel), NULL);
	}
}

void
labels_of(struct model *m, struct labels *ret)
{
	struct work w = {.m = m, .diff = json_pack("{s:[],s:[],s:[]}", "added", "changed", "removed")};
	const json_t *targets = json_object_get(m->difference, "targets");
	const char *key;
	json_t *on, *counts = json_object();

	w.diff_kernel = json_object();
	w.diff_platform = json_object();
	w.rebuilds_kernel = json_object();
	w.rebuilds_platform = json_object();
	for (size_t i = 0; i < json_array_size(targets); i++)
		map_add(&w.targets, str_of(json_str(json_array_get(targets, i), "drv", "")), NULL);
	find_kernels(&w);
	for (size_t i = 0; i < w.kernels.n; i++)
		list_at(w.rebuilds_kernel, str_dup(&m->a, w.kernels.p[i].key), NULL);
	note_moved(&w);
	for (size_t i = 0; i < m->n_attrs; i++) {
		add_attr(&w, &m->attrs[i]);
		note_package(&w, &m->attrs[i]);
	}
	json_t *labels = make_labels(&w, counts);
	*ret = (struct labels){.wanted = json_array(), .known = json_array()};
	/* A count that may be too small is none, and what carries no label may still deserve it: those stay as they were. */
	json_object_foreach(labels, key, on) {
		if (m->untold > 0)
			break;
		json_array_append_new(ret->known, json_string(key));
		if (json_is_true(on))
			json_array_append_new(ret->wanted, json_string(key));
	}
	add_has(&w, ret);
	ret->changed_paths = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "attrdiff", w.diff, "attrdiffByKernel", w.diff_kernel,
	    "attrdiffByPlatform", w.diff_platform, "rebuildsByPlatform", w.rebuilds_platform, "rebuildsByKernel",
	    w.rebuilds_kernel, "rebuildCountByKernel", counts, "labels", labels);
	map_release(&w.targets);
	map_release(&w.kernels);
	map_release(&w.stdenv);
	map_release(&w.moved);
	map_release(&w.seen);
}

void
labels_release(struct labels *l)
{
	json_drop(&l->changed_paths);
	json_drop(&l->wanted);
	json_drop(&l->known);
}
