/* The user's own Nix. */
#include "cli/ownnix.h"

#include "evaluate/searchpath.h"
#include "evaluate/stored.h"
#include "nix/settings.h"
#include "support/text/json.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 64 * 1024 };

static bool
begins_with_one(const char *entry, const char *const *prefixes)
{
	for (size_t i = 0; prefixes[i] != NULL; i++)
		if (str_starts(str_of(entry), str_of(prefixes[i])))
			return true;
	return false;
}

/* Which of the environment Nix, its fetchers and nixpkgs look at. GIT_DIR and its like are about the caller's repository. */
static void
take_environment(json_t *env, json_t *means)
{
	static const char *const deciding[] = {"NIX_", "NIXPKGS_",
	    "HOME=", "USER=", "XDG_CONFIG_HOME=", "XDG_CONFIG_DIRS=", "XDG_STATE_HOME=", NULL};
	static const char *const by_which[] = {"PATH=", "LANG=", "LC_", "LOCALE_ARCHIVE=", "LOGNAME=", "XDG_CACHE_HOME=",
	    "XDG_RUNTIME_DIR=", "SSH_AUTH_SOCK=", "SSL_CERT_FILE=", "CURL_CA_BUNDLE=", "http_proxy=", "https_proxy=",
	    "HTTP_PROXY=", "HTTPS_PROXY=", "all_proxy=", "ALL_PROXY=", "no_proxy=", "NO_PROXY=", "GIT_SSH", "GIT_CONFIG",
	    "GIT_ASKPASS=", "AWS_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", NULL};

	for (char **one = environ; *one != NULL; one++) {
		json_t *to = begins_with_one(*one, deciding) ? env : begins_with_one(*one, by_which) ? means : NULL;
		struct str value, name = str_cut(str_of(*one), '=', &value);
		char key[200];
		if (to == NULL || name.n >= sizeof(key))
			continue;
		memcpy(key, name.p, name.n);
		key[name.n] = '\0';
		json_object_set_new(to, key, json_any_string(value));
	}
	json_object_set_new(means, "GIT_TERMINAL_PROMPT", json_string("0")); /* nobody sees the question */
}

/* What is relative to the user's folder is to be found from another one. */
static const char *
absolute(struct arena *a, const char *text, const char *dir)
{
	AUTO(buf_release) struct buf out = {0};
	struct str rest = str_of(text), name, where;

	buf_init(&out, PATH_BYTES);
	while (rest.p != NULL && rest.n > 0) {
		where = searchpath_next(&rest, &name);
		buf_printf(&out, "%s" STR_FMT "%s", out.n > 0 ? ":" : "", STR_ARG(name), name.n > 0 ? "=" : "");
		if (where.n > 0 && where.p[0] != '/' && searchpath_is_path(where))
			buf_printf(&out, "%s/", dir);
		buf_str(&out, where);
	}
	return arena_strn(a, out.p, out.n);
}

int
ownnix_read(struct arena *a, json_t **ret, struct err *e)
{
	AUTO(json_drop) json_t *settings = NULL;
	char dir[PATH_MAX], hash[65];
	json_t *env = json_object(), *means = json_object();

	AUTO(json_drop) json_t *own = json_pack("{s:o,s:o}", "env", env, "means", means);
	take_environment(env, means);
	if (nixsettings_read(NULL, &settings, e) != 0)
		return -1;
	if (getcwd(dir, sizeof(dir)) == NULL)
		return fail_sys(e, "the present folder");
	const char *path = json_str(env, "NIX_PATH", NULL), *search = path, *home = json_str(env, "HOME", "/");
	if (path != NULL) {
		search = absolute(a, path, dir);
		json_object_set_new(env, "NIX_PATH", json_any_string(str_of(search)));
	} else {
		search = searchpath_of_setting(a, json_words(a, nixsettings_list(settings, "nix-path")));
		if (search[0] == '\0')
			search = arena_printf(a,
			    "%s/.nix-defexpr/channels:%s/.local/state/nix/defexpr/channels:"
			    "nixpkgs=/nix/var/nix/profiles/per-user/root/channels/nixpkgs:/nix/var/nix/profiles/per-user/root/channels",
			    home, home);
	}
	const char *config = json_str(env, "XDG_CONFIG_HOME", NULL), *pkgs = json_str(env, "NIXPKGS_CONFIG", NULL);
	const char *reads =
	    arena_printf(a, "%s/nixpkgs:%s/.nixpkgs%s%s", config != NULL ? config : arena_printf(a, "%s/.config", home), home,
	        pkgs != NULL ? ":" : "", pkgs != NULL ? pkgs : "");
	stored_key(settings, hash);
	json_object_set_new(own, "settings", json_string(hash));
	json_object_set_new(own, "search", json_any_string(str_of(search)));
	json_object_set_new(own, "reads", json_any_string(str_of(reads)));
	*ret = json_incref(own);
	return 0;
}
