# Sourced by scripts/fresh.sh and tests/dist/packages_test.sh: a minimal Debian 12 in a folder, from the archive that this machine uses.

fresh_release=bookworm

# The archive that this machine's own apt uses for the release.
fresh_archive() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v release="$fresh_release" '$2 == release { print $1; exit }'
}

# remove_fresh_root DIR: and its log. A debootstrap that was interrupted leaves this machine's /proc mounted in it, and nothing of the
# machine may be removed with it: so what is mounted is unmounted first, and no other file system is entered.
remove_fresh_root() {
  local root=$1 mounted
  while read -r mounted; do
    umount "$mounted" || { echo "error: $mounted is still in use; unmount it, then try again." >&2; return 1; }
  done < <(awk -v below="$root/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r)
  rm -rf --one-file-system "$root" "$root.log"
}

# make_fresh_root DIR PACKAGES: with commas between them. Needs root and scripts/packages.sh; the log is DIR.log.
make_fresh_root() {
  local root=$1 packages=$2 uri
  command -v debootstrap > /dev/null || as_root apt-get install -y --no-install-recommends debootstrap > /dev/null
  uri=$(fresh_archive)
  [ -n "$uri" ] || { echo "error: apt knows no archive of $fresh_release; run 'apt-get update' first." >&2; return 1; }
  remove_fresh_root "$root" || return 1
  mkdir -p "$root"
  echo "Making a fresh Debian in $root ..."
  debootstrap --variant=minbase --include="$packages" "$fresh_release" "$root" "$uri" > "$root.log" 2>&1 ||
    { echo "error: debootstrap failed; its log is $root.log." >&2; return 1; }
  # How this machine reaches the archive holds for the fresh one.
  cp -a /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2>/dev/null && : > "$root/etc/apt/sources.list"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}
