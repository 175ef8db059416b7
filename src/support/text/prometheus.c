/* Metrics as lines. */
#include "support/text/prometheus.h"

/* Backslash, newline and, in a label's value, the quote are escaped. */
static void
escaped(struct buf *out, const char *text, bool quoted)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || (quoted && *text == '"'))
			buf_putc(out, '\\');
		if (*text == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *text);
	}
}

void
prometheus_begin(struct buf *out, const char *name, enum prometheus_type type, const char *help)
{
	static const char *const words[] = {"counter", "gauge", "histogram"};

	buf_printf(out, "# HELP %s ", name);
	escaped(out, help, false);
	buf_printf(out, "\n# TYPE %s %s\n", name, words[type]);
}

static void
sample(struct buf *out, const char *name, const struct prometheus_labels *labels)
{
	char before = '{';

	buf_puts(out, name);
	for (size_t i = 0; labels != NULL && i < COUNT(labels->each); i++) {
		const struct prometheus_label *l = &labels->each[i];
		if (l->value == NULL)
			continue;
		buf_printf(out, "%c%s=\"", before, l->name);
		escaped(out, l->value, true);
		buf_putc(out, '"');
		before = ',';
	}
	if (before == ',')
		buf_putc(out, '}');
}

void
prometheus_int(struct buf *out, const char *name, const struct prometheus_labels *labels, int64_t value)
{
	sample(out, name, labels);
	buf_printf(out, " %lld\n", (long long)value);
}

void
prometheus_seconds(struct buf *out, const char *name, const struct prometheus_labels *labels, int64_t ns)
{
	sample(out, name, labels);
	buf_printf(out, " %.9f\n", (double)ns / 1e9);
}

void
prometheus_one(struct buf *out, const char *name, enum prometheus_type type, const char *help, int64_t value)
{
	prometheus_begin(out, name, type, help);
	prometheus_int(out, name, NULL, value);
}

void
prometheus_one_seconds(struct buf *out, const char *name, enum prometheus_type type, const char *help, int64_t ns)
{
	prometheus_begin(out, name, type, help);
	prometheus_seconds(out, name, NULL, ns);
}

void
prometheus_put_histogram(struct buf *out, const char *name, const struct prometheus_label *label,
    const struct prometheus_histogram *h)
{
	struct arena a = {0};
	const char *bucket = arena_printf(&a, "%s_bucket", name);
	struct prometheus_labels of = {{*label, {"le", NULL}}}, alone = {{*label, {"le", NULL}}};

	for (size_t i = 0; i < h->n; i++) {
		of.each[1].value = arena_printf(&a, "%g", h->limits[i]);
		prometheus_int(out, bucket, &of, h->counts[i]);
	}
	of.each[1].value = "+Inf";
	prometheus_int(out, bucket, &of, h->all);
	sample(out, arena_printf(&a, "%s_sum", name), &alone);
	buf_printf(out, " %.9g\n", h->sum);
	prometheus_int(out, arena_printf(&a, "%s_count", name), &alone, h->all);
	arena_release(&a);
}
