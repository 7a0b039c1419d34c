#!/usr/bin/env bash
# The long form of tests/mpi's soak, of programs that ./dev soak has built: soak.sh [SECONDS], 600 unless it is said. A soak
# of 4 ranks on 2 nodes; 50 kills of a soak's ranks, nodes and daemon; a message of 3 GiB.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

seconds=${1:-600}
kills=50
bin=bazel-bin
daemon=$bin/control/daemon/tombolod
component=$bin/mpi_btl/component/mca_btl_tombolo.so
mpool=$bin/mpi_btl/mpool/mca_mpool_tombolo.so

run() { printf '+ %s\n' "$*" >&2; "$@"; }
job() { run tests/mpi/run_mpi.sh "$@"; }

over_tombolo=(--btl self,tombolo --component "$component" --mpool "$mpool" --daemon "$daemon")
job $bin/tests/mpi/soak/soak "${over_tombolo[@]}" --np 4 --nodes 2 --deadline $((seconds + 120)) -- --seconds "$seconds"
run /usr/bin/python3 -B tests/mpi/kill_test.py "$daemon" $bin/control/cli/tombolo "$component" "$mpool" \
  $bin/tests/mpi/soak/soak --kills "$kills"
job $bin/tests/mpi/big_message "${over_tombolo[@]}"
