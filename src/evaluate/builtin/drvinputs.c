/* Inputs and outputs of a derivation as JSON. */
#include "evaluate/builtin/drvinputs.h"

#include "nix/drv.h"
#include "support/os/files.h"

static json_t *
inputs_of(const struct drv *d)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < d->n_inputs; i++) {
		json_t *names = json_array();
		for (size_t k = 0; k < d->inputs[i].n_outputs; k++)
			json_array_append_new(names, json_any_string(d->inputs[i].outputs[k]));
		json_object_setn_new(ret, d->inputs[i].path.p, d->inputs[i].path.n, names);
	}
	return ret;
}

static json_t *
outputs_of(const struct drv *d)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < d->n_outputs; i++)
		json_object_setn_new(ret, d->outputs[i].name.p, d->outputs[i].name.n, json_any_string(d->outputs[i].path));
	return ret;
}

int
drvinputs_read(const char *path, json_t **ret_inputs, json_t **ret_outputs, struct err *e)
{
	struct arena a = {0};
	struct str text;
	struct drv d;
	int rc = files_read(&a, path, DRV_MAX_BYTES, &text, e);

	if (rc == 0 && drv_parse(&a, text, DRV_GRAPH, &d, e) != 0)
		rc = fail_in(e, "%s", path);
	if (rc == 0) {
		*ret_inputs = inputs_of(&d);
		if (ret_outputs != NULL)
			*ret_outputs = outputs_of(&d);
	}
	arena_release(&a);
	return rc;
}
