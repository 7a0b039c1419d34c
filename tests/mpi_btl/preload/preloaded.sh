#!/bin/bash
# Runs a program under a library: preloaded.sh LIBRARY PROGRAM [ARGUMENTS]
set -euo pipefail
library=$(readlink -f "$1")
shift
LD_PRELOAD=$library exec "$@"
