#!/usr/bin/env bash
# clang-format on all C and C++ sources: in place, or with --check only looks. Exit code 1 when something differs.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

mode=(-i)
[ "${1:-}" != --check ] || mode=(--dry-run --Werror)
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' '*.c' |
  xargs -0 -P "$(nproc)" -n 20 clang-format "${mode[@]}"
