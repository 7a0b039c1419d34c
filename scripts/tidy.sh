#!/usr/bin/env bash
# clang-tidy on the C and C++ sources, one process per core. With it comes what clang itself has to say: its
# warnings, and layering_check, which refuses headers of targets that a BUILD file does not name.
#
#   scripts/tidy.sh              what differs from the branch main (on main: what is not committed)
#   scripts/tidy.sh --all        everything
#   scripts/tidy.sh FILE.cc...   these
#
# All but --all remember what was clean (scripts/tidy.py); --all looks it up where there is something.
# A changed header stands for the sources that include it, a BUILD file for those beside it. Exit code 1 when there is a finding.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

readonly database=out

# The flags of every source, module maps, and the headers that are generated.
make_database() {
  mkdir -p "$database"
  bazel build --config=clang --output_groups=compilation_prerequisites_INTERNAL_ //... > "$database/headers.log" 2>&1 ||
    { tail -n 20 "$database/headers.log" >&2; return 1; }
  # Not within the pipe: either would wait for the other, this one for the server, that one to be read.
  local root
  root=$(bazel info execution_root 2> /dev/null)
  bazel aquery --config=clang --output=jsonproto 'mnemonic("CppCompile", //...)' 2> "$database/aquery.log" |
    scripts/compile_commands.py "$PWD" "$root" \
      > "$database/compile_commands.json" ||
    { tail -n 5 "$database/aquery.log" >&2; return 1; }
}

all_sources() { git ls-files --cached --others --exclude-standard '*.cc' '*.c'; }

changed_files() {
  local base=HEAD
  [ "$(git rev-parse --abbrev-ref HEAD)" = main ] || base=$(git merge-base HEAD main)
  git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.c' '*.h' '*BUILD'
  git ls-files --others --exclude-standard -- '*.cc' '*.c' '*.h' '*BUILD'
}

changed_sources() {
  local file
  changed_files | while read -r file; do
    case "$file" in
      *BUILD) ls "$(dirname "$file")"/*.{cc,c} 2> /dev/null || true ;;
      *.h) git grep -lF --untracked "#include \"$file\"" -- '*.cc' '*.c' || true ;;
      *) echo "$file" ;;
    esac
  done | sort -u
}

make_database
[ "${1:-}" = --all ] || mkdir -p ~/.cache/tombolo-tidy
case "${1:-}" in
  --all) all_sources ;;
  '') changed_sources ;;
  *) printf '%s\n' "$@" ;;
esac | scripts/tidy.py "$database"
