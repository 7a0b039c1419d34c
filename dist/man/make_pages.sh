#!/usr/bin/env bash
# make_pages.sh BIN VERSION DIR: man pages of the programs in BIN, from what their --help says; SOURCE_DATE_EPOCH is their date.
set -euo pipefail
bin=$1 version=$2 dir=$3
here=$(dirname "$(readlink -f "$0")")
export PATH=$bin:$PATH
work=$(mktemp -d /tmp/tombolo-man.XXXXXX)
trap 'rm -rf "$work"' EXIT

# Puts examples, which --help begins with, to the end.
examples_last() {
  awk 'NR == 1 && /^Examples:/ { held = 1 }
       held { examples = examples $0 "\n"; held = $0 != ""; next }
       { print }
       END { printf "\n%s", examples }'
}

# page SECTION WORDS COMMAND...: the page of a command, which may be two words; WORDS say what it is for.
page() {
  local section=$1 words=$2
  shift 2
  local name="$*"
  name=${name// /-}
  "$@" --help | examples_last > "$work/help"
  # help2man asks a program; this one says what was put in order.
  printf '#!/bin/sh\nexec cat %s\n' "$work/help" > "$work/$name"
  chmod +x "$work/$name"
  help2man --no-info --section="$section" --version-string="$version" --name="$words" --include="$here/see_also.h2m" \
    "$work/$name" > "$dir/$name.$section"
}

# The commands of `tombolo`, one a line, and what each does.
subcommands() {
  tombolo --help | sed -n '/^Subcommands:/,$ { /^  [a-z]/ { s/^  \([a-z0-9-]*\) */\1\t/; s/\. .*//; s/\.$//; p } }'
}

page 8 'shared memory between virtual machines: daemon of the host' tombolod
page 8 'shared memory between virtual machines: agent of a machine' tombolo-agent
page 8 'shared memory between virtual machines: a machine without an operating system' tombolo-flat
page 8 'ivshmem v2 devices for virtual machines: their memory, registers and interrupts' tombolo-ivshmem2
page 8 'memcached whose items others read in place' tombolo-kv
page 1 'shared memory between virtual machines: who is there, and what is wrong' tombolo
while IFS=$'\t' read -r command words; do
  page 1 "$words" tombolo "$command"
done < <(subcommands)
sed "s/@VERSION@/$version/" "$here/tombolo.toml.5" > "$dir/tombolo.toml.5"
