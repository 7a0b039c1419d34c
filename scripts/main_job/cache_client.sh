#!/usr/bin/env bash
# cache_client.sh SERVER fill COUNT: sets COUNT keys with memccp, and gets them with memccat.
# cache_client.sh SERVER get: gets them again, and prints the microseconds of one GET, without those of memccat's start.
# Both compare every byte. memccp and memccat are libmemcached's, unmodified. Runs in a guest.
set -euo pipefail
shopt -s inherit_errexit
server=$1 call=$2
folder=/run/cache-client/$server

# Values of many sizes, 7 B to 4 KiB, each different.
make_values() {
  local count=$1 padding
  padding=$(printf '%4096s' '' | tr ' ' '.')
  mkdir -p "$folder/values" && cd "$folder/values"
  for ((i = 1; i <= count; i++)); do
    echo "key-$i" >&3
    printf '%d %s' "$i" "${padding:0:$((5 + i * 37 % 4086))}" > "key-$i"
    printf '%s\n' "$(< "key-$i")"
  done 3> "$folder/keys" > "$folder/expected"
}

# Prints the microseconds that it took to get these keys.
get() {
  local start end
  start=$EPOCHREALTIME
  memccat --servers="$server" "$@" > "$folder/got"
  end=$EPOCHREALTIME
  echo $((${end/./} - ${start/./}))
}

get_all() {
  get "${keys[@]}"
  cmp "$folder/expected" "$folder/got" >&2
}

case "$call" in
  fill)
    make_values "$3"
    mapfile -t keys < "$folder/keys"
    memccp --servers="$server" "${keys[@]}"
    get_all > /dev/null
    ;;
  get)
    mapfile -t keys < "$folder/keys"
    one_us=$(get "${keys[0]}")
    all_us=$(get_all)
    echo $(((all_us - one_us) / (${#keys[@]} - 1)))
    ;;
esac
