/* What of somebody's environment `ekaci` itself reads, beside where its settings are. */
#include "config/config.h"

#include <stdlib.h>

static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

struct config_forge_environment
config_forge_environment(void)
{
	const char *server = environment("GITHUB_SERVER_URL"), *token = environment("GITHUB_TOKEN");

	return (struct config_forge_environment){.server = server != NULL ? server : "https://github.com",
	    .api = environment("GITHUB_API_URL"),
	    .token = token != NULL ? token : environment("GH_TOKEN")};
}

struct config_remote_environment
config_remote_environment(void)
{
	return (struct config_remote_environment){environment("EKACI_URL"), environment("EKACI_TOKEN"),
	    environment("SSL_CERT_FILE")};
}

const char *
config_shell(void)
{
	const char *shell = environment("SHELL");

	return shell != NULL ? shell : "sh";
}

static const char *
before(struct arena *a, const char *name, const char *folders, const char *otherwise)
{
	const char *now = environment(name);

	return arena_printf(a, "%s=%s%s%s", name, folders, *folders != '\0' ? ":" : "", now != NULL ? now : otherwise);
}

const char *
config_path_before(struct arena *a, const char *folders)
{
	return before(a, "PATH", folders, "/usr/local/bin:/usr/bin:/bin");
}

const char *
config_data_before(struct arena *a, const char *folders)
{
	return before(a, "XDG_DATA_DIRS", folders, "/usr/local/share:/usr/share");
}
