#!/bin/bash
# Runs a program under mpirun on this machine, and a tombolod for it when asked. Leaves no process and no file behind.
#
# Usage: run_mpi.sh PROGRAM [OPTIONS] [-- ARGUMENTS OF PROGRAM]
#   --np N            ranks (default 2)
#   --btl LIST        Open MPI's transports, e.g. self,tombolo (default self,vader)
#   --nodes N         pretend that the ranks are spread over N machines (default 1: they are not)
#   --component FILE  mca_btl_tombolo.so, for the transport `tombolo`
#   --mpool FILE      mca_mpool_tombolo.so, for MPI_Alloc_mem
#   --preload FILE    a library under which the ranks run, e.g. libtombolo_malloc.so
#   --env NAME=VALUE  of the ranks; may be repeated
#   --daemon FILE     tombolod; it runs as long as the job
#   --size SIZE       of the daemon's region, e.g. 8M (default: the daemon's)
#   --deadline S      seconds until the job counts as hanging (default 120)
#   --mca NAME VALUE  a parameter of Open MPI; may be repeated
#   --mpirun OPTION   any other option of mpirun; may be repeated
#   --expect REGEX    good only if a line of the output matches; may be repeated
#   --any-exit        good whatever the exit code, but not beyond the deadline
#   --expect-failure  for `mpi_check --corrupt`: good if each group of checks fails and the exit code says so
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
program=$(readlink -f "$1")
shift
np=2 btl=self,vader nodes=1 component='' mpool='' preload='' daemon='' size='' deadline=120 any_exit=no expect_failure=no
options=() expected=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --np) np=$2; shift 2 ;;
    --btl) btl=$2; shift 2 ;;
    --nodes) nodes=$2; shift 2 ;;
    --component) component=$(readlink -f "$2"); shift 2 ;;
    --mpool) mpool=$(readlink -f "$2"); shift 2 ;;
    --preload) preload=$(readlink -f "$2"); shift 2 ;;
    --env) options+=(-x "$2"); shift 2 ;;
    --daemon) daemon=$(readlink -f "$2"); shift 2 ;;
    --size) size=$2; shift 2 ;;
    --deadline) deadline=$2; shift 2 ;;
    --mca) options+=(--mca "$2" "$3"); shift 3 ;;
    --mpirun) options+=("$2"); shift 2 ;;
    --expect) expected+=("$2"); shift 2 ;;
    --any-exit) any_exit=yes; shift ;;
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
  "$daemon" --runtime-dir "$work/run" ${size:+--size "$size"} > "$work/tombolod.log" 2>&1 &
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
options+=(--mca pml ob1 --mca btl "$btl" --mca mpi_yield_when_idle 1)
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
  [[ -z $mpool ]] || cp "$mpool" "$work/components/mca_mpool_tombolo.so"
  export OMPI_MCA_mca_base_component_path=$work/components:SYS_DEFAULT
  options+=(-x OMPI_MCA_mca_base_component_path --mca btl_tombolo_broker "$work/run/broker.sock")
fi
# Of the ranks alone: not of mpirun, nor of its daemons.
[[ -z $preload ]] || options+=(-x "LD_PRELOAD=$preload")
[[ -z $daemon ]] || start_daemon

code=0
timeout --kill-after=5 "$deadline" mpirun "${options[@]}" -n "$np" "$program" "$@" > "$work/out" 2>&1 < /dev/null || code=$?
cat "$work/out"

fail() {
  echo "error: $1" >&2
  if [[ -n $daemon ]]; then
    echo "tombolod's log:" >&2
    cat "$work/tombolod.log" >&2
  fi
  exit 1
}

[[ $code != 124 && $code != 137 ]] || [[ $any_exit == yes && $code == 137 ]] ||
  fail "the job did not end within $deadline s."
for regex in "${expected[@]}"; do
  grep -q -- "$regex" "$work/out" || fail "no line of the output matches '$regex'."
done
if [[ $expect_failure == yes ]]; then
  groups=$(grep -c ' passed .* failed ' "$work/out" || true)
  passed=$(grep -c ' passed  *0 failed ' "$work/out" || true)
  [[ $code != 0 && $groups -gt 5 && $passed == 0 ]] ||
    fail "of $groups groups $passed passed in spite of the corruption; exit code $code."
elif [[ $any_exit == no && $code != 0 ]]; then
  fail "exit code $code."
fi
