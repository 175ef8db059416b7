/* The list of forges. */
#include "forge/forges.h"

#include "forge/github/github.h"

static const struct forge *const forges[] = {&github};

const struct forge *
forge_of(const struct settings *settings)
{
	for (size_t i = 0; i < COUNT(forges); i++)
		if (forges[i]->secrets(settings).webhook_file != NULL)
			return forges[i];
	return forges[0];
}
