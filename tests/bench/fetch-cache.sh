#!/bin/sh
# Makes a pinned GitHub tree available to Nix 2.8 without a network, the way its fetcher would have left it.
#
#   fetch-cache.sh GIT_DIR REV LAST_MODIFIED CACHE_DIR
#
# builtins.fetchTree { type = "github"; rev; narHash; } asks Nix' fetcher cache (CACHE_DIR/nix/fetcher-cache-v1.sqlite,
# by revision) before it asks the network; being in the store is not enough unless the call has lastModified too. So the
# tree goes into the store under the name "source" and an entry that points to it into the cache. Prints the narHash,
# to be compared with that of the lock file.
set -eu
git_dir=$1 rev=$2 modified=$3 cache=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source" "$cache" "$cache/nix" 2>/dev/null || mkdir -p "$work/source" "$cache/nix"
git -C "$git_dir" archive --format=tar "$rev" | tar -x -C "$work/source"
path=$(nix-store --add "$work/source")
sqlite3 "$cache/nix/fetcher-cache-v1.sqlite" "
create table if not exists Cache (input text not null, info text not null, path text not null,
	immutable integer not null, timestamp integer not null, primary key (input));
insert or replace into Cache values ('{\"rev\":\"$rev\",\"type\":\"git-tarball\"}', '{\"lastModified\":$modified}',
	'$path', 1, strftime('%s','now'));"
nix --extra-experimental-features nix-command hash path "$path"
