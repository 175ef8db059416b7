#!/bin/sh
# The closure of some 32,000 derivations: read by ekaci, by `nix show-derivation -r` and by `nix-store -q --graph`,
# in one run on the same store. The store is made once, in DIR (a minute or two), and kept there.
#
#   tests/bench/graph.sh BENCH-PROGRAM DIR
set -eu

if [ $# -ne 2 ]; then
	echo "usage: graph.sh BENCH-PROGRAM DIR" >&2
	exit 2
fi
bench=$1 dir=$2
here=$(dirname "$0")
NIX_CONFIG="experimental-features = nix-command
fsync-metadata = false
sandbox = false
build-users-group ="
export NIX_CONFIG

# now: nanoseconds; took NAME START: the line of a figure.
now() { date +%s%N; }
took() { echo "$1 $((($(now) - $2) / 1000000)) ms"; }

if [ ! -s "$dir/root-drv" ]; then
	mkdir -p "$dir"
	nix-instantiate --store "$dir/root" "$here/graph-store.nix" > "$dir/root-drv.new" 2> "$dir/errors"
	mv "$dir/root-drv.new" "$dir/root-drv"
fi
"$bench" load "$dir/root/nix/store" "$(cat "$dir/root-drv")"
for round in 1 2; do
	start=$(now)
	nix-store --store "$dir/root" -q --graph "$(cat "$dir/root-drv")" > "$dir/graph.dot"
	took nix_store_graph "$start"
	start=$(now)
	nix show-derivation --store "$dir/root" -r "$(cat "$dir/root-drv")" > "$dir/derivations.json"
	took nix_show_derivation "$start"
done
