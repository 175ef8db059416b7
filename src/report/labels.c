/* nixpkgs' labels and file format. */
#include "report/labels.h"

#include "support/base/map.h"
#include "support/text/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_KERNELS = 8, /* Nix knows linux, darwin, freebsd, openbsd, netbsd, cygwin, windows and none */
	HAS_LABELS = 3   /* those of add_has */
};

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

typedef VEC(const char *) names_t;

/* What is listed of a kernel or a platform; of rebuilds there is only the first list. */
struct name_lists {
	const char *name;
	names_t lists[DIFFS];
};
struct lists_by_name {
	struct map ids; /* name -> place in v, which is the map's own order */
	VEC(struct name_lists) v;
};

struct label {
	const char *name;
	bool on;
};
typedef VEC(struct label) label_list;

struct work {
	struct model *m;
	struct map targets;
	struct map kernels; /* those that were evaluated */
	struct map stdenv;  /* those whose stdenv rebuilds */
	struct name_lists diff;
	struct lists_by_name diff_kernel, diff_platform, rebuilds_platform, rebuilds_kernel;
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
diff_of(const struct changed_attr *at)
{
	switch (at->class) {
	case CLASS_ADDED:
	case CLASS_FIXED: return DIFF_ADDED;
	case CLASS_REBUILD:
	case CLASS_SWITCHED: return DIFF_CHANGED;
	case CLASS_REMOVED:
	case CLASS_NEWLY_FAILING: return DIFF_REMOVED;
	case CLASS_DERIVATION_ONLY:
	case CLASS_UNCHANGED:
	case CLASS_STILL_FAILING:
	case CLASS_ADDED_FAILING:
	case CLASS_REMOVED_FAILING:
	case CLASS_UNTOLD:
	case CLASSES: break;
	}
	return DIFF_NONE;
}

static bool
is_rebuild(const struct work *w, const struct changed_attr *at)
{
	if (at->class == CLASS_REBUILD)
		return true;
	if ((at->class != CLASS_ADDED && at->class != CLASS_FIXED) || at->drv == NULL)
		return false;
	return map_get(&w->targets, str_of(at->drv)) != NULL;
}

static struct name_lists *
group_of(struct lists_by_name *all, const char *name)
{
	bool added;
	struct map_entry *at = map_add(&all->ids, str_of(name), &added);

	if (added)
		vec_push(&all->v, ((struct name_lists){.name = name}));
	return &all->v.p[at - all->ids.p];
}

static void
groups_release(struct lists_by_name *all)
{
	for (size_t i = 0; i < all->v.n; i++)
		for (size_t k = 0; k < DIFFS; k++)
			vec_release(&all->v.p[i].lists[k]);
	vec_release(&all->v);
	map_release(&all->ids);
}

/* Adds name to a list of the group unless it is there; kind tells groups of the same name apart. */
static void
add_once(struct work *w, struct name_lists *to, const char *kind, enum diff list, const char *name)
{
	const char *heading = to->name != NULL ? to->name : "";
	bool added;

	map_add(&w->seen, str_of(arena_printf(&w->m->a, "%s %s\n%d\n%s", kind, heading, (int)list, name)), &added);
	if (added)
		vec_push(&to->lists[list], name);
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
nixpkgs_name(struct model *m, struct texts path)
{
	const char *name = NULL;

	for (size_t i = 0; i < path.n; i++)
		if (!is_platform(m, path.p[i]))
			name = name == NULL ? path.p[i] : arena_printf(&m->a, "%s.%s", name, path.p[i]);
	if (name == NULL && path.n > 0) /* nothing but a platform */
		name = path.p[0];
	return name != NULL ? name : "";
}

static void
add_attr(struct work *w, const struct changed_attr *at)
{
	const char *name = nixpkgs_name(w->m, at->is->path), *kernel = kernel_of(at->system);
	enum diff diff = diff_of(at);

	if (diff == DIFF_NONE)
		return;
	add_once(w, &w->diff, "all", diff, name);
	add_once(w, group_of(&w->diff_kernel, kernel), "k", diff, name);
	add_once(w, group_of(&w->diff_platform, at->system), "p", diff, name);
	w->nixos_tests |= is_rebuild(w, at) && strcmp(name, "nixosTests.simple") == 0;
	if (is_rebuild(w, at) && strcmp(name, "stdenv") == 0)
		map_add(&w->stdenv, str_of(kernel), NULL);
	if (!is_rebuild(w, at) || at->alias)
		return;
	add_once(w, group_of(&w->rebuilds_kernel, kernel), "rk", 0, name);
	add_once(w, group_of(&w->rebuilds_platform, at->system), "rp", 0, name);
}

/* What nixpkgs' bot reads out of the subjects of commits ("x: init at 1", "x: 1 -> 2") the evaluations tell themselves. */
static void
note_package(struct work *w, const struct changed_attr *at)
{
	if (at->alias)
		return;
	w->brings |= at->class == CLASS_ADDED && is_rebuild(w, at) && at->is->renamed_from.p == NULL;
	w->updates |= (at->class == CLASS_REBUILD || at->class == CLASS_SWITCHED) && at->version_old != NULL &&
	              *at->version_old != '\0' && *at->version_new != '\0';
	w->drops |= at->class == CLASS_REMOVED && map_get(&w->moved, str_of(nixpkgs_name(w->m, at->is->path))) == NULL;
}

static void
note_moved(struct work *w)
{
	for (size_t i = 0; i < w->m->n_attrs; i++) {
		const struct texts from = w->m->attrs[i].is->renamed_from;
		if (from.p != NULL)
			map_add(&w->moved, str_of(nixpkgs_name(w->m, from)), NULL);
	}
}

static void
add_text(struct texts *to, const char *text)
{
	to->p[to->n++] = text;
}

/* People call many things a clean-up: that label is only ever set, as ofborg did, and the others are taken off, too. */
static void
add_has(struct work *w, struct labels *to)
{
	const char *set = w->m->job->settings.label_has_prefix, *prefix = set != NULL ? set : "8.has: ";
	const struct {
		const char *name;
		bool on, ours;
	} has[HAS_LABELS] = {{"package (new)", w->brings, true}, {"package (update)", w->updates, true},
	    {"clean-up", w->drops, false}};

	for (size_t i = 0; *prefix != '\0' && i < HAS_LABELS; i++) {
		const char *name = arena_printf(&w->m->a, "%s%s", prefix, has[i].name);
		if (has[i].ours && (has[i].on || w->m->untold == 0))
			add_text(&to->known, name);
		if (has[i].on)
			add_text(&to->wanted, name);
	}
}

static void
add_label(const struct work *w, label_list *labels, const char *name, bool on)
{
	const char *set = w->m->job->settings.label_prefix, *prefix = set != NULL ? set : "10.rebuild-";

	vec_push(labels, ((struct label){arena_printf(&w->m->a, "%s%s", prefix, name), on}));
}

static void
make_labels(struct work *w, label_list *labels)
{
	int64_t most = 0;

	for (size_t i = 0; i < w->kernels.n; i++) {
		const char *kernel = str_dup(&w->m->a, w->kernels.p[i].key);
		int64_t n = (int64_t)group_of(&w->rebuilds_kernel, kernel)->lists[0].n;
		most = n > most ? n : most;
		for (size_t r = 0; r < COUNT(ranges); r++)
			add_label(w, labels, arena_printf(&w->m->a, "%s: %s", kernel, ranges[r].name),
			    n >= ranges[r].least && n <= ranges[r].most);
		add_label(w, labels, arena_printf(&w->m->a, "%s-stdenv", kernel), map_get(&w->stdenv, str_of(kernel)) != NULL);
	}
	add_label(w, labels, "nixos-tests", w->nixos_tests && most <= 500);
}

/* Which kernels (linux, darwin) labels are for: those of which the difference counts a system, so a repository that is
 * evaluated for Linux alone gets no label that speaks of Darwin. */
static void
find_kernels(struct work *w)
{
	for (size_t i = 0; i < w->m->n_systems && w->kernels.n < MAX_KERNELS; i++) {
		const char *kernel = kernel_of(w->m->systems[i].system);
		if (strcmp(w->m->systems[i].system, "builtin") == 0 || strlen(kernel) > 20)
			continue;
		map_add(&w->kernels, str_of(kernel), NULL);
		(void)group_of(&w->rebuilds_kernel, kernel);
	}
}

/* --- nixpkgs' document ------------------------------------------------------------------------------------------------- */

static void
write_names(const names_t *names, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < names->n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		json_quote(str_of(names->p[i]), out);
	}
	buf_putc(out, ']');
}

static void
write_diff(const struct name_lists *one, struct buf *out)
{
	for (int i = 0; i < DIFFS; i++) {
		buf_printf(out, "%s\"%s\":", i == 0 ? "{" : ",", diff_names[i]);
		write_names(&one->lists[i], out);
	}
	buf_putc(out, '}');
}

static void
write_rebuilds(const struct name_lists *one, struct buf *out)
{
	write_names(&one->lists[0], out);
}

static void
write_groups(const char *name, const struct lists_by_name *all, void (*write)(const struct name_lists *one, struct buf *out),
    struct buf *out)
{
	buf_printf(out, ",\"%s\":{", name);
	for (size_t i = 0; i < all->v.n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		json_quote(str_of(all->v.p[i].name), out);
		buf_putc(out, ':');
		write(&all->v.p[i], out);
	}
	buf_putc(out, '}');
}

static void
write_counts(struct work *w, struct buf *out)
{
	buf_puts(out, ",\"rebuildCountByKernel\":{");
	for (size_t i = 0; i < w->kernels.n; i++) {
		const char *kernel = str_dup(&w->m->a, w->kernels.p[i].key);
		if (i > 0)
			buf_putc(out, ',');
		json_quote(str_of(kernel), out);
		buf_printf(out, ":%zu", group_of(&w->rebuilds_kernel, kernel)->lists[0].n);
	}
	buf_putc(out, '}');
}

static void
write_labels(const label_list *labels, struct buf *out)
{
	buf_puts(out, ",\"labels\":{");
	for (size_t i = 0; i < labels->n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		json_quote(str_of(labels->p[i].name), out);
		buf_puts(out, labels->p[i].on ? ":true" : ":false");
	}
	buf_putc(out, '}');
}

static void
write_document(struct work *w, const label_list *labels, struct buf *out)
{
	buf_puts(out, "{\"attrdiff\":");
	write_diff(&w->diff, out);
	write_groups("attrdiffByKernel", &w->diff_kernel, write_diff, out);
	write_groups("attrdiffByPlatform", &w->diff_platform, write_diff, out);
	write_groups("rebuildsByPlatform", &w->rebuilds_platform, write_rebuilds, out);
	write_groups("rebuildsByKernel", &w->rebuilds_kernel, write_rebuilds, out);
	write_counts(w, out);
	write_labels(labels, out);
	buf_puts(out, "}\n");
}

static void
work_release(struct work *w)
{
	for (size_t i = 0; i < DIFFS; i++)
		vec_release(&w->diff.lists[i]);
	groups_release(&w->diff_kernel);
	groups_release(&w->diff_platform);
	groups_release(&w->rebuilds_platform);
	groups_release(&w->rebuilds_kernel);
	map_release(&w->targets);
	map_release(&w->kernels);
	map_release(&w->stdenv);
	map_release(&w->moved);
	map_release(&w->seen);
}

static void
choose_labels(struct work *w, const label_list *labels, struct labels *ret)
{
	size_t max = labels->n + HAS_LABELS;

	ret->wanted.p = arena_alloc(&w->m->a, max * sizeof(*ret->wanted.p));
	ret->known.p = arena_alloc(&w->m->a, max * sizeof(*ret->known.p));
	/* A count that may be too small is none, and what carries no label may still deserve it: those stay as they were. */
	for (size_t i = 0; i < labels->n && w->m->untold == 0; i++) {
		add_text(&ret->known, labels->p[i].name);
		if (labels->p[i].on)
			add_text(&ret->wanted, labels->p[i].name);
	}
	add_has(w, ret);
}

void
labels_of(struct model *m, struct labels *ret, struct buf *document)
{
	struct work w = {.m = m};
	label_list labels = {0};

	*ret = (struct labels){0};
	for (size_t i = 0; i < m->targets.n; i++)
		map_add(&w.targets, str_of(m->targets.p[i]), NULL);
	find_kernels(&w);
	note_moved(&w);
	for (size_t i = 0; i < m->n_attrs; i++) {
		add_attr(&w, &m->attrs[i]);
		note_package(&w, &m->attrs[i]);
	}
	make_labels(&w, &labels);
	choose_labels(&w, &labels, ret);
	write_document(&w, &labels, document);
	vec_release(&labels);
	work_release(&w);
}
