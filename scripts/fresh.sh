#!/usr/bin/env bash
# Shows that ./run and ./test work on a fresh Debian 12 with only git and the sources: makes a minimal Debian in a
# folder, enters it as a machine of its own would look like, clones the last commit there, and runs the commands.
#
#   scripts/fresh.sh [COMMAND...]      each a command in the clone; default: ./run and ./test
#
# TOMBOLO_FRESH_DIR names the folder (default /var/tmp/tombolo-fresh); it is made anew each time and removed at the
# end, unless something failed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/packages.sh
. scripts/fresh_root.sh

root=${TOMBOLO_FRESH_DIR:-/var/tmp/tombolo-fresh}

fail() { echo "error: $*" >&2; exit 1; }

# Runs within the new mount and process namespaces.
enter() {
  mount --bind "$root" "$root"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/tmp"
  mount -t tmpfs tmpfs "$root/run"
  mkdir -p "$root/run/old"
  cd "$root"
  pivot_root . run/old
  umount -l /run/old
  cd /root/tombolo
  export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin USER=root LANG=C.UTF-8
  exec bash -c "$1"
}

if [ "${1:-}" = --enter ]; then
  enter "$2"
fi

[ "$(id -u)" = 0 ] || fail "it mounts and changes the root: run it as root."
[ $# -gt 0 ] || set -- ./run ./test
make_fresh_root "$root" git,ca-certificates
git clone --quiet --no-hardlinks . "$root/root/tombolo"
for command in "$@"; do
  echo "--- on a fresh machine: $command"
  started=$SECONDS
  unshare --mount --pid --fork --kill-child -- "$PWD/scripts/fresh.sh" --enter "$command" ||
    fail "'$command' failed on a fresh machine; it is kept in $root."
  echo "--- '$command' took $((SECONDS - started)) s"
done
remove_fresh_root "$root"
