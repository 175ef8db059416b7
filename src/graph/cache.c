/* Graph files: a header, arrays, text, checksum. */
#include "graph/cache.h"

#include "support/base/log.h"
#include "support/os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = {'e', 'k', 'g', 'r', 'a', 'p', 'h', '1'};

/* Everything after it is arrays of uint32_t in the order of `sizes`, then flags, then text; sizes in elements. */
struct header {
	char magic[8];
	uint64_t nodes, edges, outputs, systems, words, text;
};

/* name_end and those after it run on as one array: where each piece of text ends; it begins where the one before ends. */
struct layout {
	uint32_t *off, *targets, *out_off, *out_word, *system; /* nodes+1, edges, nodes+1, outputs, nodes */
	uint32_t *name_end, *path_end, *system_end, *word_end; /* nodes, outputs, systems, words */
	uint8_t *flags;
	char *text;
	size_t total; /* bytes before the checksum */
};

static size_t
total_bytes(const struct header *h)
{
	size_t words = 4 * h->nodes + 2 + h->edges + 2 * h->outputs + h->systems + h->words;

	return (sizeof(*h) + words * sizeof(uint32_t) + h->nodes + h->text + 7) & ~(size_t)7;
}

static struct layout
layout(const struct header *h, char *p)
{
	struct layout l;
	size_t at = sizeof(*h);

#define PLACE(field, n) ((l.field = (uint32_t *)(void *)(p + at)), (at += (size_t)(n) * sizeof(uint32_t)))
	PLACE(off, h->nodes + 1);
	PLACE(targets, h->edges);
	PLACE(out_off, h->nodes + 1);
	PLACE(out_word, h->outputs);
	PLACE(system, h->nodes);
	PLACE(name_end, h->nodes);
	PLACE(path_end, h->outputs);
	PLACE(system_end, h->systems);
	PLACE(word_end, h->words);
#undef PLACE
	l.flags = (uint8_t *)p + at;
	at += h->nodes;
	l.text = p + at;
	l.total = total_bytes(h);
	return l;
}

/* Four sums side by side, eight bytes a step, for speed; n is a multiple of eight. It is there to find files that were damaged on
 * disk. Nobody but this program writes to the folder, so it need not withstand forgery. */
static uint64_t
checksum(const char *p, size_t n)
{
	uint64_t lane[4] = {1, 2, 3, 4}, w;
	size_t i = 0;

	for (; n - i >= 32; i += 32)
		for (int k = 0; k < 4; k++) {
			memcpy(&w, p + i + 8 * k, 8);
			lane[k] = (lane[k] ^ w) * 0x9e3779b97f4a7c15u;
			lane[k] ^= lane[k] >> 32;
		}
	for (; n - i >= 8; i += 8) {
		memcpy(&w, p + i, 8);
		lane[0] = (lane[0] ^ w) * 0x9e3779b97f4a7c15u;
		lane[0] ^= lane[0] >> 32;
	}
	for (int k = 1; k < 4; k++)
		lane[0] = (lane[0] ^ lane[k]) * 0x9e3779b97f4a7c15u;
	return lane[0] ^ n;
}

/* dir/HEX.graph of the first n_roots nodes. */
static char *
file_of(struct arena *a, const struct closure *g, size_t n_roots, const char *dir)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;

	ok = ok && EVP_DigestUpdate(c, magic, sizeof(magic)) == 1;
	ok = ok && EVP_DigestUpdate(c, g->store_dir.p, g->store_dir.n + 1) == 1;
	for (size_t i = 0; ok && i < n_roots; i++)
		ok = EVP_DigestUpdate(c, g->nodes.p[i].key.p, g->nodes.p[i].key.n) == 1 && EVP_DigestUpdate(c, "", 1) == 1;
	ok = ok && EVP_DigestFinal_ex(c, digest, &n) == 1;
	EVP_MD_CTX_free(c);
	if (!ok)
		return NULL;
	str_hex(digest, n, hex);
	return arena_printf(a, "%s/%s.graph", dir, hex);
}

/* ---- loading ---- */

static bool
ascending(const uint32_t *p, uint64_t n, uint64_t most)
{
	for (uint64_t i = 1; i < n; i++)
		if (p[i] < p[i - 1])
			return false;
	return n == 0 || p[n - 1] <= most;
}

static bool
below(const uint32_t *p, uint64_t n, uint64_t limit)
{
	uint32_t most = 0;

	for (uint64_t i = 0; i < n; i++)
		most = p[i] > most ? p[i] : most;
	return n == 0 || most < limit;
}

/* Offsets of text run on from array to array: names, output paths, systems, words. */
static bool
sound(const struct header *h, const struct layout *l)
{
	return l->off[0] == 0 && l->out_off[0] == 0 && ascending(l->off, h->nodes + 1, h->edges) &&
	       l->off[h->nodes] == h->edges && ascending(l->out_off, h->nodes + 1, h->outputs) &&
	       l->out_off[h->nodes] == h->outputs && below(l->targets, h->edges, h->nodes) &&
	       below(l->out_word, h->outputs, h->words) && below(l->system, h->nodes, h->systems) &&
	       ascending(l->name_end, h->nodes + h->outputs + h->systems + h->words, h->text);
}

static bool
check_file(const char *p, size_t size, struct header *h, struct layout *l)
{
	uint64_t sum;

	if (size < sizeof(*h) + 8)
		return false;
	memcpy(h, p, sizeof(*h));
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->nodes > CLOSURE_MAX_NODES || h->edges > CLOSURE_MAX_EDGES ||
	    h->outputs > CLOSURE_MAX_EDGES || h->systems > h->nodes || h->words > h->outputs || h->text > UINT32_MAX)
		return false;
	*l = layout(h, (char *)p);
	if (l->total + 8 != size)
		return false;
	memcpy(&sum, p + l->total, 8);
	return sum == checksum(p, l->total) && sound(h, l);
}

static struct str
piece(const struct layout *l, size_t i)
{
	uint32_t from = i != 0 ? l->name_end[i - 1] : 0;

	return (struct str){l->text + from, l->name_end[i] - from};
}

static bool
same_roots(const struct closure *g, const struct header *h, const struct layout *l)
{
	if (h->nodes < g->nodes.n)
		return false;
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!str_eq(g->nodes.p[i].key, piece(l, i)))
			return false;
	return true;
}

#define TAKE(vec, from, count)                                                         \
	do {                                                                           \
		(vec)->n = 0;                                                          \
		vec_reserve(vec, (count));                                             \
		if ((count) > 0) /* a graph without edges has no targets */            \
			memcpy((vec)->p, (from), (size_t)(count) * sizeof(*(vec)->p)); \
		(vec)->n = (count);                                                    \
	} while (0)

static void
adopt(struct closure *g, const struct header *h, const struct layout *l)
{
	size_t paths = h->nodes, systems = paths + h->outputs, words = systems + h->systems;

	for (size_t i = g->nodes.n; i < h->nodes; i++)
		map_add(&g->nodes, piece(l, i), NULL);
	for (size_t i = 0; i < h->systems; i++)
		map_add(&g->systems, piece(l, systems + i), NULL);
	for (size_t i = 0; i < h->words; i++)
		map_add(&g->words, piece(l, words + i), NULL);
	TAKE(&g->off, l->off, h->nodes + 1);
	TAKE(&g->targets, l->targets, h->edges);
	TAKE(&g->out_off, l->out_off, h->nodes + 1);
	TAKE(&g->system, l->system, h->nodes);
	TAKE(&g->flags, l->flags, h->nodes);
	g->outputs.n = 0;
	vec_reserve(&g->outputs, h->outputs);
	for (size_t i = 0; i < h->outputs; i++)
		g->outputs.p[i] = (struct closure_output){piece(l, words + l->out_word[i]), piece(l, paths + i)};
	g->outputs.n = h->outputs;
	g->loaded = h->nodes;
}

int
cache_load(struct closure *g, const char *dir)
{
	struct arena a = {0};
	struct header h;
	struct layout l;
	struct stat st;
	int loaded = 0;
	char *file = file_of(&a, g, g->nodes.n, dir);
	AUTO(fd_close) int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		size_t size = (size_t)st.st_size;
		char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (p != MAP_FAILED && check_file(p, size, &h, &l) && same_roots(g, &h, &l)) {
			adopt(g, &h, &l);
			g->mapped = p;
			g->mapped_bytes = size;
			futimens(fd, NULL); /* used just now; when this fails the file only goes earlier */
			loaded = 1;
		} else if (p != MAP_FAILED) {
			munmap(p, size);
			unlink(file); /* damaged: it is written anew */
		}
	}
	arena_release(&a);
	return loaded;
}

/* ---- saving ---- */

static void
put_text(struct layout *l, size_t *i, size_t *at, struct str s)
{
	if (s.n != 0)
		memcpy(l->text + *at, s.p, s.n);
	*at += s.n;
	l->name_end[(*i)++] = (uint32_t)*at;
}

static struct header
header_of(const struct closure *g)
{
	struct header h = {.nodes = g->nodes.n,
	    .edges = g->targets.n,
	    .outputs = g->outputs.n,
	    .systems = g->systems.n,
	    .words = g->words.n};

	memcpy(h.magic, magic, sizeof(magic));
	for (size_t i = 0; i < g->nodes.n; i++)
		h.text += g->nodes.p[i].key.n;
	for (size_t i = 0; i < g->outputs.n; i++)
		h.text += g->outputs.p[i].path.n;
	for (size_t i = 0; i < g->systems.n; i++)
		h.text += g->systems.p[i].key.n;
	for (size_t i = 0; i < g->words.n; i++)
		h.text += g->words.p[i].key.n;
	return h;
}

static void
fill(const struct closure *g, struct layout *l)
{
	size_t i = 0, at = 0;

	memcpy(l->off, g->off.p, g->off.n * sizeof(*l->off));
	if (g->targets.n != 0)
		memcpy(l->targets, g->targets.p, g->targets.n * sizeof(*l->targets));
	memcpy(l->out_off, g->out_off.p, g->out_off.n * sizeof(*l->out_off));
	memcpy(l->system, g->system.p, g->system.n * sizeof(*l->system));
	memcpy(l->flags, g->flags.p, g->flags.n);
	for (size_t k = 0; k < g->outputs.n; k++)
		l->out_word[k] = (uint32_t)(map_get(&g->words, g->outputs.p[k].name) - g->words.p);
	for (size_t k = 0; k < g->nodes.n; k++)
		put_text(l, &i, &at, g->nodes.p[k].key);
	for (size_t k = 0; k < g->outputs.n; k++)
		put_text(l, &i, &at, g->outputs.p[k].path);
	for (size_t k = 0; k < g->systems.n; k++)
		put_text(l, &i, &at, g->systems.p[k].key);
	for (size_t k = 0; k < g->words.n; k++)
		put_text(l, &i, &at, g->words.p[k].key);
}

struct aged {
	struct timespec used;
	char *path;
};

static int
compare_aged(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
	return x->used.tv_nsec < y->used.tv_nsec ? 1 : x->used.tv_nsec > y->used.tv_nsec ? -1 : 0;
}

/* Removes what is over the limit. What cannot be removed stays. */
static void
evict(const char *dir)
{
	struct arena a = {0};
	VEC(struct aged) files = {0};
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct aged one = {.path = arena_printf(&a, "%s/%s", dir, entry->d_name)};
		if (!str_ends(str_of(entry->d_name), STR(".graph")) || stat(one.path, &st) != 0)
			continue;
		one.used = st.st_mtim;
		vec_push(&files, one);
	}
	if (d != NULL)
		closedir(d);
	if (files.n > CACHE_MAX_FILES) {
		qsort(files.p, files.n, sizeof(*files.p), compare_aged);
		for (size_t i = CACHE_MAX_FILES; i < files.n; i++)
			unlink(files.p[i].path);
	}
	vec_release(&files);
	arena_release(&a);
}

int
cache_save(const struct closure *g, size_t n_roots, const char *dir, struct err *e)
{
	struct arena a = {0};
	struct header h = header_of(g);
	char *file = file_of(&a, g, n_roots, dir);
	int rc;

	/* The same name has the same content: only its age is new. */
	if (file != NULL && utimensat(AT_FDCWD, file, NULL, 0) == 0) {
		arena_release(&a);
		return 0;
	}
	if (file == NULL)
		rc = fail(e, ERR_SYSTEM, "SHA-256 failed");
	else if (h.text > UINT32_MAX)
		rc = fail(e, ERR_LIMIT, "a closure whose names are more than 4 GB");
	else {
		size_t total = total_bytes(&h);
		AUTO(mem_free) char *p = mem_alloc(total + 8);
		struct layout l = layout(&h, p);
		memcpy(p, &h, sizeof(h));
		fill(g, &l);
		uint64_t sum = checksum(p, total);
		memcpy(p + total, &sum, 8);
		rc = files_mkdirs(dir, 0700, e);
		if (rc == 0)
			rc = files_write(file, (struct str){p, total + 8}, 0600, FILES_NO_SYNC, e);
		if (rc == 0)
			evict(dir);
	}
	arena_release(&a);
	return rc;
}

int
closure_load_kept(struct closure *g, const char *graph_dir, struct err *e)
{
	size_t n_roots = g->nodes.n;
	struct err unsaved = {0};

	if (graph_dir != NULL && n_roots != 0 && cache_load(g, graph_dir) == 1)
		return 0;
	if (closure_load(g, e) != 0)
		return fail_in(e, "base");
	if (graph_dir != NULL && n_roots != 0 && cache_save(g, n_roots, graph_dir, &unsaved) != 0)
		log_err(LOG_WARN, "the graph is not kept for the next time", &unsaved);
	return 0;
}
