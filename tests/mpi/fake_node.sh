#!/bin/bash
# Stands in for ssh when mpirun starts its daemon on another "node": the same machine under another host name, so that
# Open MPI takes the ranks of two such nodes for ranks of two machines.
#
# Called by mpirun as: fake_node.sh [options] HOST COMMAND...
set -euo pipefail
while [[ $1 == -* ]]; do shift; done
host=$1
shift

namespaces=(--uts)
# Another host name needs a privilege, which an ordinary user has in a user namespace.
[[ $(id -u) == 0 ]] || namespaces+=(--user --map-root-user)
# mpirun quotes for a remote shell, so a shell reads its command.
exec unshare "${namespaces[@]}" -- /bin/bash -c 'hostname "$1" && eval "$2"' fake_node "$host" "$*"
