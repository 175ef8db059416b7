/* The store's answer to what must be built. */
#include "nix/dry_run.h"

#include "nix/build_words.h"
#include "nix/path.h"
#include "support/os/child.h"

enum {
	CHUNK = 8000, /* derivations in one command line; a path has about 100 bytes, the limit is 2 MB */
	MAX_LISTED_BYTES = 512 * 1024 * 1024,
	WALL_MS = 20 * 60 * 1000,
	MAX_PATH = 300,
	MAX_WORDS = 2000, /* bytes of what is no list, kept for an error */
	TOLD_WORDS = 350
};

struct listening {
	struct dry_run *d;
	struct map *section; /* where paths go now, or NULL */
	struct buf words;
};

static void
add_path(struct dry_run *d, struct map *to, struct str path)
{
	bool fits = to == &d->build ? nix_path_is_drv(path) : path.n < MAX_PATH;

	if (fits && map_get(to, path) == NULL)
		map_add(to, (struct str){str_dup(d->a, path), path.n}, NULL);
}

static int
on_line(void *ctx, int fd, struct str line, struct err *e)
{
	struct listening *l = ctx;

	(void)e;
	if (fd != 2)
		return 0;
	if (str_starts(line, STR("  /"))) {
		if (l->section != NULL)
			add_path(l->d, l->section, str_trim(line));
		return 0;
	}
	/* "these 3 derivations will be built:", "this path will be fetched (1.2 MiB download, ...):" */
	l->section = NULL;
	if (nixwords_say(line, NIXWORD_WILL_BUILD))
		l->section = &l->d->build;
	else if (nixwords_say(line, NIXWORD_WILL_FETCH))
		l->section = &l->d->fetch;
	if (l->words.n + line.n > MAX_WORDS)
		buf_drop(&l->words, l->words.n);
	buf_str(&l->words, str_utf8_head(line, MAX_WORDS / 2));
	buf_putc(&l->words, '\n');
	return 0;
}

static int
ask_some(struct listening *l, const char *const *argv, struct err *e)
{
	struct child c = {.argv = argv, .on_line = on_line, .ctx = l, .wall_ms = WALL_MS, .max_out_bytes = MAX_LISTED_BYTES};
	struct child_result r = {0};

	l->section = NULL;
	if (child_run(&c, &r, e) != 0)
		return -1;
	if (r.end == CHILD_EXITED && r.code == 0)
		return 0;
	struct str words = str_trim(buf_get(&l->words));
	if (words.n > TOLD_WORDS)
		words = str_from(words, words.n - TOLD_WORDS);
	return fail(e, r.end == CHILD_CANCELLED ? ERR_BUSY : ERR_SYSTEM,
	    "nix-store --realise --dry-run ended with %d: " STR_FMT, r.code, STR_ARG(words));
}

int
dry_run_ask(struct dry_run *d, const struct texts *drvs, const char *const *words, size_t n, struct err *e)
{
	struct listening l = {.d = d};
	VEC(const char *) argv = {0};
	int rc = 0;

	buf_init(&l.words, 2 * MAX_WORDS);
	for (size_t from = 0; rc == 0 && from < drvs->n; from += CHUNK) {
		argv.n = 0;
		vec_push(&argv, "nix-store");
		vec_push(&argv, "--realise");
		vec_push(&argv, "--dry-run");
		for (size_t i = 0; i < n; i++)
			vec_push(&argv, words[i]);
		for (size_t i = from; i < drvs->n && i < from + CHUNK; i++)
			vec_push(&argv, drvs->p[i]);
		vec_push(&argv, NULL);
		rc = ask_some(&l, argv.p, e);
	}
	vec_release(&argv);
	buf_release(&l.words);
	return rc;
}

void
dry_run_release(struct dry_run *d)
{
	map_release(&d->build);
	map_release(&d->fetch);
}
