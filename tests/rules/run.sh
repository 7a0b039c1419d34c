#!/usr/bin/env bash
# Runs a script of this folder on the whole tree. Bazel gives a test links to some sources; the tree is
# where they lead.
set -euo pipefail
root=$(dirname "$(readlink -f WORKSPACE)")
script=$1
shift
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$root/tests/rules/$script" "${@/#ROOT/$root}"
