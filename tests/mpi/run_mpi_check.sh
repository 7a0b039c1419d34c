#!/bin/bash
# Runs mpi_check under mpirun on this machine, and a tombolod for it when asked. Leaves no process and no file behind.
#
# Usage: run_mpi_check.sh MPI_CHECK [OPTIONS] [-- ARGUMENTS OF MPI_CHECK]
#   --np N            ranks (default 2)
#   --btl LIST        Open MPI's transports, e.g. self,tombolo (default self,vader)
#   --nodes N         pretend that the ranks are spread over N machines (default 1: they are not)
#   --component FILE  mca_btl_tombolo.so, for the transport `tombolo`
#   --daemon FILE     tombolod; it runs as long as the job
#   --deadline S      seconds until the job counts as hanging (default 60)
#   --mca NAME VALUE  a parameter of Open MPI; may be repeated
#   --expect-failure  good if each group of checks fails (for --corrupt) and the job says so
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
mpi_check=$(readlink -f "$1")
shift
np=2 btl=self,vader nodes=1 component='' daemon='' deadline=60 expect_failure=no
mca=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --np) np=$2; shift 2 ;;
    --btl) btl=$2; shift 2 ;;
    --nodes) nodes=$2; shift 2 ;;
    --component) component=$(readlink -f "$2"); shift 2 ;;
    --daemon) daemon=$(readlink -f "$2"); shift 2 ;;
    --deadline) deadline=$2; shift 2 ;;
    --mca) mca+=(--mca "$2" "$3"); shift 3 ;;
    --expect-failure) expect_failure=yes; shift ;;
    --) shift; break ;;
    *) echo "error: unknown option '$1'; see the head of $0." >&2; exit 2 ;;
  esac
done

# Short, because sockets lie in it: their paths end at 107 bytes.
work=$(mktemp -d /tmp/tmpi.XXXXXX)
daemon_pid=''
cleanup() {
  if [[ -n $daemon_pid ]]; then
    kill "$daemon_pid" 2> /dev/null || true
    wait "$daemon_pid" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT

start_daemon() {
  "$daemon" --runtime-dir "$work/run" > "$work/tombolod.log" 2>&1 &
  daemon_pid=$!
  local until=$((SECONDS + 20))
  while [[ ! -S $work/run/broker.sock ]]; do
    if ! kill -0 "$daemon_pid" 2> /dev/null || ((SECONDS > until)); then
      echo "error: tombolod is not ready after $SECONDS s; its log:" >&2
      cat "$work/tombolod.log" >&2
      exit 1
    fi
    sleep 0.05
  done
}

export TMPDIR=$work
# Open MPI itself leaves memory behind, which is not what is tested.
export ASAN_OPTIONS=detect_leaks=0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Ranks outnumber the cores here, and mpirun, which is given a slot for each, cannot know.
options=(--mca pml ob1 --mca btl "$btl" --mca mpi_yield_when_idle 1)
# Open MPI 4.1.4 writes behind the receive buffer when a message that it moves by put or get is truncated: without those
# protocols vader and tcp pass.
options+=(--mca btl_vader_single_copy_mechanism none --mca btl_tcp_flags send,inplace)

hosts=()
if ((nodes > 1)); then
  for ((node = 1; node <= nodes; ++node)); do hosts+=("vm$node:$((np / nodes))"); done
  options+=(--mca plm_rsh_agent "$here/fake_node.sh")
else
  hosts=("localhost:$np")
fi
options+=(--host "$(IFS=,; echo "${hosts[*]}")")

if [[ -n $component ]]; then
  # A folder of its own: Open MPI tries every file of the folder that looks like a component.
  mkdir "$work/components"
  cp "$component" "$work/components/mca_btl_tombolo.so"
  export OMPI_MCA_mca_base_component_path=$work/components:SYS_DEFAULT
  options+=(-x OMPI_MCA_mca_base_component_path --mca btl_tombolo_broker "$work/run/broker.sock")
fi
[[ -z $daemon ]] || start_daemon

code=0
timeout --kill-after=5 "$deadline" mpirun "${options[@]}" "${mca[@]}" -n "$np" "$mpi_check" "$@" \
  > "$work/out" 2>&1 < /dev/null || code=$?
cat "$work/out"
[[ $code != 124 ]] || echo "error: the job did not end within $deadline s." >&2

if [[ $expect_failure == yes ]]; then
  groups=$(grep -c ' passed .* failed ' "$work/out" || true)
  passed=$(grep -c ' passed  *0 failed ' "$work/out" || true)
  echo "$groups groups, of which $passed passed in spite of the corruption"
  [[ $code != 0 && $code != 124 && $groups -gt 5 && $passed == 0 ]]
else
  if [[ -n $daemon && $code != 0 ]]; then cat "$work/tombolod.log"; fi
  [[ $code == 0 ]] && grep -q "$np ranks on $nodes nodes: [0-9]* checks passed" "$work/out"
fi
