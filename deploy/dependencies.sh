#!/bin/sh
# The one list of what ekaci needs, by Debian 12 package name, and the installing of what is missing.
#
#   deploy/dependencies.sh run      what the bot needs to run
#   deploy/dependencies.sh build    ... and to be built
#   deploy/dependencies.sh check    ... and to be tested (also what `make demo` needs)
#   deploy/dependencies.sh list build      only print the names
#
# It installs only what dpkg says is missing, asks sudo when not root, and makes Nix usable for a single user where
# Nix has no configuration at all; an existing configuration is never touched.
set -eu

RUN="git ca-certificates nix-bin bubblewrap openssh-client libmicrohttpd12 libcurl4 libssl3 libjansson4 libgit2-1.5
 libsqlite3-0 libuv1 libzstd1 libsimdjson14"
BUILD="gcc g++ make pkg-config libc6-dev libmicrohttpd-dev libcurl4-openssl-dev libssl-dev libjansson-dev libgit2-dev
 libsqlite3-dev libuv1-dev libzstd-dev libsimdjson-dev libtomlplusplus-dev libkainjow-mustache-dev"
CHECK="perl libcmocka-dev nodejs npm sqlite3 zstd cmark-gfm curl openssh-server procps"

names() {
	case $1 in
	run) echo $RUN ;;
	build) echo $RUN $BUILD ;;
	check) echo $RUN $BUILD $CHECK ;;
	*) echo "usage: $0 [list] run|build|check" >&2; exit 2 ;;
	esac
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

if [ "${1:-}" = list ]; then
	names "${2:-run}"
	exit 0
fi

missing=
for p in $(names "${1:-run}"); do
	installed "$p" || missing="$missing $p"
done
if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "These packages (names as in Debian 12) are missing, and there is no apt-get here:$missing" >&2
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

# Nix for a single user: only where nothing configures it and no daemon serves it.
if [ ! -e /etc/nix/nix.conf ] && [ ! -e "${XDG_CONFIG_HOME:-$HOME/.config}/nix/nix.conf" ] &&
	[ -z "${NIX_CONFIG:-}" ] && [ ! -S /nix/var/nix/daemon-socket/socket ]; then
	echo "Writing /etc/nix/nix.conf for a single user"
	as_root mkdir -p /etc/nix
	printf '%s\n' '# Written by the dependency script of ekaci: Nix for a single user, without build users.' \
		'build-users-group =' 'experimental-features = nix-command flakes' |
		as_root tee /etc/nix/nix.conf >/dev/null
fi
if [ ! -d /nix/store ] && [ "$(id -u)" != 0 ]; then
	as_root mkdir -p /nix
	as_root chown "$(id -u):$(id -g)" /nix
fi
# The store's database is made once, here, so that two evaluators do not race for it.
nix-store --init
