#!/bin/bash
# A rank that is a program of a Debian package: runs it in an empty folder, and rank 0 shows what it wrote there.
#
# Usage: run_mpi.sh installed.sh ... -- [--input FILE NAME] PROGRAM [ARGUMENTS]    FILE lies there as NAME
set -euo pipefail

folder=$TMPDIR/rank.$OMPI_COMM_WORLD_RANK
mkdir "$folder"
input=''
if [[ $1 == --input ]]; then
  cp "$2" "$folder/$3"
  input=$3
  shift 3
fi
command -v "$1" > /dev/null || { echo "error: there is no '$1'; ./dev install installs it." >&2; exit 1; }
cd "$folder"
"$@"
[[ $OMPI_COMM_WORLD_RANK == 0 ]] || exit 0
for file in *; do
  [[ $file == "$input" ]] || cat "$file"
done
