#!/bin/sh
# The one list of what ekaci needs, by Debian package name, and the installing of what is missing.
#
#   deploy/dependencies.sh run [PACKAGE...]   what the bot needs to run, and these, too
#   deploy/dependencies.sh build              ... and to be built
#   deploy/dependencies.sh check              ... and to be tested (also what `make demo` needs)
#   deploy/dependencies.sh lint               what `make lint` looks at sources with
#   deploy/dependencies.sh matrix             what root trees of other releases are made with (`make matrix`)
#   deploy/dependencies.sh deb                what `make deb` packs it with
#   deploy/dependencies.sh deploy             ... and what the examples here are tried with; `make check` leaves out what is not there
#   deploy/dependencies.sh list build         only print the names
#   deploy/dependencies.sh libraries PROGRAM  print the packages whose libraries a program that was built here is linked with
#
# The names are those of Debian 12, 13 and unstable. A library's package has another name in each of them, so none stands
# here: the -dev packages bring theirs, and for a machine that only runs the program `libraries` reads them off it.
#
# It installs only what dpkg says is missing, asks sudo when not root, and makes Nix usable for a single user where
# Nix has no configuration at all; an existing configuration is never touched.
set -eu

RUN="git ca-certificates nix-bin bubblewrap openssh-client"
BUILD="gcc g++ make pkgconf libc6-dev libmicrohttpd-dev libcurl4-openssl-dev libssl-dev libjansson-dev libgit2-dev
 libsqlite3-dev libuv1-dev libfuse3-dev libzstd-dev zlib1g-dev libsimdjson-dev libcmark-gfm-dev libtomlplusplus-dev"
CHECK="perl chromium libcmocka-dev nodejs npm sqlite3 zstd cmark-gfm curl openssh-server procps bash zsh fish mandoc"
LINT="clang-format clang-tidy cppcheck"
DEB="$BUILD build-essential dpkg-dev debhelper fakeroot po-debconf lintian"
DEPLOY="$DEB nginx caddy prometheus systemd"
MATRIX="git ca-certificates debootstrap debian-archive-keyring"

usage() {
	echo "usage: $0 [list] run|build|check|lint|matrix|deb|deploy [PACKAGE...], or $0 libraries PROGRAM" >&2
	exit 2
}

names() {
	case $1 in
	run) echo $RUN ;;
	build) echo $RUN $BUILD ;;
	check) echo $RUN $BUILD $CHECK ;;
	lint) echo $BUILD $LINT ;;
	matrix) echo $MATRIX ;;
	deb) echo $DEB ;;
	deploy) echo $DEPLOY ;;
	*) usage ;;
	esac
}

# The packages of the libraries that a program names itself, one a line; what those need is their packages' business.
libraries() {
	needed=$(objdump -p "$1" | sed -n 's/^ *NEEDED  *//p')
	if [ -z "$needed" ]; then
		echo "$0: $1 is linked with no library" >&2
		return 1
	fi
	owners=$(ldd "$1" | while read -r name _ file _; do
		case $file in /*) ;; *) continue ;; esac
		printf '%s\n' "$needed" | grep -qxF "$name" || continue
		# dpkg knows one of the two paths that a file has where /lib is a link to /usr/lib.
		file=$(realpath "$file")
		owner=$(dpkg-query -S "*/$name" "*/${file##*/}" 2>/dev/null | while IFS=' ' read -r package path; do
			[ "$(realpath -m "$path")" != "$file" ] || { echo "${package%%:*}"; break; }
		done)
		if [ -z "$owner" ]; then
			echo "$0: no package brings $file" >&2
			exit 1
		fi
		echo "$owner"
	done)
	printf '%s\n' "$owners" | sort -u
}

installed() {
	# A command that is there from elsewhere (Nix from its own installer, Node from a tarball) is as good.
	case $1 in
	nodejs) command -v node >/dev/null 2>&1 && return 0 ;;
	npm) command -v npm >/dev/null 2>&1 && return 0 ;;
	nix-bin) command -v nix-store >/dev/null 2>&1 && return 0 ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

case ${1:-run} in
list)
	names "${2:-run}"
	exit 0 ;;
libraries)
	[ $# = 2 ] || usage
	libraries "$2"
	exit 0 ;;
esac

what=${1:-run}
wanted=$(names "$what")
[ $# = 0 ] || shift
missing=
for p in $wanted "$@"; do
	installed "$p" || missing="$missing $p"
done
if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "These packages (names as in Debian) are missing, and there is no apt-get here:$missing" >&2
		exit 1
	fi
	echo "Installing:$missing"
	# Tests start an sshd of their own on the loopback; Debian's is not to be started by our asking for the program.
	case $missing in
	*openssh-server*)
		as_root mkdir -p /etc/ssh
		as_root touch /etc/ssh/sshd_not_to_be_run ;;
	esac
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

case $what in matrix | lint | deb | deploy) exit 0 ;; esac

# Nix for a single user: only where nothing configures it and no daemon serves it.
if [ ! -e /etc/nix/nix.conf ] && [ ! -e "${XDG_CONFIG_HOME:-$HOME/.config}/nix/nix.conf" ] &&
	[ -z "${NIX_CONFIG:-}" ] && [ ! -S /nix/var/nix/daemon-socket/socket ]; then
	echo "Writing /etc/nix/nix.conf for a single user"
	as_root mkdir -p /etc/nix
	printf '%s\n' '# Written by the dependency script of ekaci: Nix for a single user, without build users.' \
		'build-users-group =' 'experimental-features = nix-command flakes' |
		as_root tee /etc/nix/nix.conf >/dev/null
fi
# Without /nix/var/nix, Nix from 2.10 on would make itself a store below the home of whoever is not root.
if [ ! -d /nix/store ] && [ "$(id -u)" != 0 ]; then
	as_root mkdir -p /nix/store /nix/var/nix
	as_root chown -R "$(id -u):$(id -g)" /nix
fi
# The store's database is made once, here, so that two evaluators do not race for it.
nix-store --init
