/* What the bot is started with. */
#include "cli/start.h"

#include "bot/daemon.h"
#include "support/base/log.h"
#include "support/os/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serve {
	const char *config, *format, *level, *ready;
};

/* What the command line says stands above the file, also when that is read again. */
static int
read_words(struct serve *s, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **place;
	} options[] = {{"--config", &s->config}, {"--log-format", &s->format}, {"--log-level", &s->level},
	    {"--ready-fd", &s->ready}};

	for (int i = 1; i < argc; i += 2) {
		size_t k = 0;
		while (k < COUNT(options) && strcmp(options[k].name, argv[i]) != 0)
			k++;
		if (k == COUNT(options) || i + 1 >= argc) {
			fprintf(stderr,
			    k == COUNT(options) ? "ekaci serve: there is no option %s\n" : "ekaci serve: %s wants a value\n",
			    argv[i]);
			return -1;
		}
		*options[k].place = argv[i + 1];
	}
	return 0;
}

static int
known_words(const struct serve *s, int64_t *ret_fd)
{
	size_t k = 0;

	while (s->level != NULL && log_level_names[k] != NULL && strcmp(log_level_names[k], s->level) != 0)
		k++;
	if (s->level != NULL && log_level_names[k] == NULL)
		fprintf(stderr, "ekaci serve: --log-level must be debug, info, warning or error, not %s\n", s->level);
	else if (s->format != NULL && strcmp(s->format, "logfmt") != 0 && strcmp(s->format, "text") != 0)
		fprintf(stderr, "ekaci serve: --log-format must be logfmt or text, not %s\n", s->format);
	else if (s->ready != NULL && (str_to_i64(str_of(s->ready), ret_fd) != 0 || *ret_fd < 0))
		fprintf(stderr, "ekaci serve: --ready-fd must be the number of a descriptor, not %s\n", s->ready);
	else
		return 0;
	return -1;
}

int
start_main(int argc, char **argv)
{
	struct serve words = {0};
	struct settings settings;
	struct arena a = {0};
	int64_t ready_fd = -1;
	struct err e = {0};

	if (read_words(&words, argc, argv) != 0 || known_words(&words, &ready_fd) != 0) {
		fputs("see ekaci serve --help\n", stderr);
		return 2;
	}
	const char *file = config_find(&a, words.config);
	AUTO(mem_free) char *whole = realpath(file, NULL);
	int rc = notify_take(&e);
	if (rc == 0)
		rc = config_load(&a, file, &settings, &e);
	if (rc != 0)
		config_none(words.config, &e);
	if (rc == 0) {
		const struct daemon_start start = {.settings = &settings,
		    .config = whole != NULL ? whole : file,
		    .log_format = words.format,
		    .log_level = words.level,
		    .ready_fd = (int)ready_fd};
		rc = daemon_run(&start, &e);
	}
	if (rc != 0) {
		notify_say("STATUS=%s", e.msg);
		log_error("%s", e.msg);
	}
	arena_release(&a);
	return rc == 0 ? 0 : 2;
}
