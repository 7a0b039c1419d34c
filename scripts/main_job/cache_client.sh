#!/usr/bin/env bash
# cache_client.sh SERVER COUNT: sets COUNT keys with memccp, gets them with memccat and compares every byte. Both are
# libmemcached's, unmodified. Runs in a guest; prints what it took.
set -euo pipefail
server=$1 count=$2
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
mkdir "$folder/values" && cd "$folder/values"

# Values of many sizes, 7 B to 4 KiB, each different.
padding=$(printf '%4096s' '' | tr ' ' '.')
keys=()
for ((i = 1; i <= count; i++)); do
  keys+=("key-$i")
  printf '%d %s' "$i" "${padding:0:$((5 + i * 37 % 4086))}" > "key-$i"
  printf '%s\n' "$(< "key-$i")"
done > "$folder/expected"

start=$EPOCHREALTIME
memccp --servers="$server" "${keys[@]}"
middle=$EPOCHREALTIME
memccat --servers="$server" "${keys[@]}" > "$folder/got"
end=$EPOCHREALTIME
cmp "$folder/expected" "$folder/got"

set_ms=$(((${middle/./} - ${start/./}) / 1000)) get_ms=$(((${end/./} - ${middle/./}) / 1000))
echo "    $count keys set in $set_ms ms, got in $get_ms ms, every byte the same"
