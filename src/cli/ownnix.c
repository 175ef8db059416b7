/* The user's own Nix. */
#include "cli/ownnix.h"

#include "evaluate/searchpath.h"
#include "evaluate/stored.h"
#include "nix/settings.h"
#include "records/list.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 64 * 1024, NAME_BYTES = 200 };

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
take_environment(struct arena *a, struct own_nix *own)
{
	static const char *const deciding[] = {"NIX_", "NIXPKGS_",
	    "HOME=", "USER=", "XDG_CONFIG_HOME=", "XDG_CONFIG_DIRS=", "XDG_STATE_HOME=", NULL};
	static const char *const by_which[] = {"PATH=", "LANG=", "LC_", "LOCALE_ARCHIVE=", "LOGNAME=", "XDG_CACHE_HOME=",
	    "XDG_RUNTIME_DIR=", "SSH_AUTH_SOCK=", "SSL_CERT_FILE=", "CURL_CA_BUNDLE=", "http_proxy=", "https_proxy=",
	    "HTTP_PROXY=", "HTTPS_PROXY=", "all_proxy=", "ALL_PROXY=", "no_proxy=", "NO_PROXY=", "GIT_SSH", "GIT_CONFIG",
	    "GIT_ASKPASS=", "AWS_", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", NULL};

	for (char **one = environ; *one != NULL; one++) {
		struct named_texts *to = begins_with_one(*one, deciding)   ? &own->env
		                         : begins_with_one(*one, by_which) ? &own->means
		                                                           : NULL;
		struct str value, name = str_cut(str_of(*one), '=', &value);
		if (to == NULL || name.n >= NAME_BYTES || !str_utf8_ok(name))
			continue;
		named_set(a, to, str_dup(a, name), fields_clean(a, value));
	}
	named_set(a, &own->means, "GIT_TERMINAL_PROMPT", "0"); /* nobody sees the question */
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

/* What Nix itself looks <name> up in when NIX_PATH is not set. */
static const char *
default_search(struct arena *a, const struct nix_settings *settings, const char *home)
{
	AUTO(buf_release) struct buf words = {0};
	struct texts list = nixsettings_list(settings, "nix-path");

	buf_init(&words, SIZE_MAX / 4);
	for (size_t i = 0; i < list.n; i++)
		buf_printf(&words, "%s%s", words.n > 0 ? " " : "", list.p[i]);
	const char *search = searchpath_of_setting(a, str_dup(a, buf_get(&words)));

	if (search[0] != '\0')
		return search;
	return arena_printf(a,
	    "%s/.nix-defexpr/channels:%s/.local/state/nix/defexpr/channels:"
	    "nixpkgs=/nix/var/nix/profiles/per-user/root/channels/nixpkgs:/nix/var/nix/profiles/per-user/root/channels",
	    home, home);
}

/* Where nixpkgs looks for somebody's configuration and overlays. */
static const char *
folders_of_nixpkgs(struct arena *a, const struct named_texts *env, const char *home)
{
	const char *config = named_find(env, "XDG_CONFIG_HOME"), *pkgs = named_find(env, "NIXPKGS_CONFIG");

	if (config == NULL)
		config = arena_printf(a, "%s/.config", home);
	return arena_printf(a, "%s/nixpkgs:%s/.nixpkgs%s%s", config, home, pkgs != NULL ? ":" : "", pkgs != NULL ? pkgs : "");
}

int
ownnix_read(struct arena *a, struct own_nix *ret, struct err *e)
{
	struct nix_settings settings;
	struct own_nix own = {0};
	char dir[PATH_MAX], hash[65];

	list_clear(a, &own.env);
	list_clear(a, &own.means);
	take_environment(a, &own);
	if (nixsettings_read(a, NULL, &settings, e) != 0)
		return -1;
	if (getcwd(dir, sizeof(dir)) == NULL)
		return fail_sys(e, "the present folder");
	const char *path = named_find(&own.env, "NIX_PATH"), *home = named_find(&own.env, "HOME");
	if (home == NULL)
		home = "/";
	if (path != NULL) {
		own.search = fields_clean(a, str_of(absolute(a, path, dir)));
		named_set(a, &own.env, "NIX_PATH", own.search);
	} else {
		own.search = fields_clean(a, str_of(default_search(a, &settings, home)));
	}
	own.reads = fields_clean(a, str_of(folders_of_nixpkgs(a, &own.env, home)));
	stored_key(str_of(settings.line), hash);
	own.settings = arena_strdup(a, hash);
	*ret = own;
	return 0;
}
