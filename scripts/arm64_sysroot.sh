#!/usr/bin/env bash
# Unpacks the arm64 packages of packages.txt, NAME:arm64, and what they depend on, into ~/.cache/tombolo-lab/arm64:
# libraries for `bazel build --config=arm64`, kernel, its headers and root for the arm64 guest of tests/vm. Prints nothing when
# that is there. Nothing is installed: the system's list of packages and of architectures stay as they are. The archive is the one
# that this machine's apt sources name. To have newer packages, remove the folder.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-lab
sysroot=$cache/arm64
wanted=$(sed -n 's/:arm64$//p' packages.txt)

# What the packages depend on, and nothing here needs: this machine's compilers and kbuild make programs of arm64, hwloc works
# without its plugins, and Open MPI on one machine without ssh. `(= 99)`: of any version.
left_out='gcc-12 (= 99), gfortran-12 (= 99), linux-kbuild-6.1 (= 99), libhwloc-plugins (= 99), libjs-jquery, libjs-jquery-ui,
 libltdl-dev (= 99), libibverbs-dev (= 99), openssh-client'

is_there() { [ "$(cat "$sysroot/.packages" 2> /dev/null)" = "$wanted" ]; }

# apt with lists, a cache and a record of installed packages of its own, which has one package: it stands for what is left out.
private_apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false -o APT::Sandbox::User= \
    -o Dir::State::Lists="$work/lists" -o Dir::State::Status="$work/status" -o Dir::Cache="$work" "$@"
}

write_status() {
  printf '%s: %s\n' Package left-out Status 'install ok installed' Architecture all Version 1 Maintainer none Description none \
    Provides "$left_out" > "$work/status"
}

# With a merged /usr, as Debian installs it, but no package's scripts are run.
unpack() {
  mkdir -p "$work"/root/usr/{bin,lib,sbin}
  for folder in bin lib sbin; do ln -s "usr/$folder" "$work/root/$folder"; done
  for package in "$work"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$work/root" --keep-directory-symlink
  done
  # What the packages' scripts would have made: the list of modules, and an account for programs in the guest.
  for folder in "$work"/root/lib/modules/*; do depmod -b "$work/root" "${folder##*/}"; done
  # The headers of the kernel are those that are unpacked here, with this machine's programs: others would not run.
  sed -i "s|^include /usr/|include $sysroot/usr/|" "$work"/root/usr/src/linux-headers-*-arm64/Makefile
  ln -s /usr/lib/linux-kbuild-6.1 "$work/root/usr/lib/"
  printf 'root:x:0:0:root:/root:/bin/bash\n' > "$work/root/etc/passwd"
}

fetch() {
  mkdir -p "$work"/{lists,archives}/partial
  write_status
  private_apt update
  # shellcheck disable=SC2086  # One word per package.
  private_apt install --yes --download-only $wanted
  unpack
  printf '%s\n' "$wanted" > "$work/root/.packages"
}

mkdir -p "$cache"
exec 9> "$cache/arm64.lock"
flock 9
if is_there; then exit 0; fi
echo "Unpacking Debian packages of arm64 into $sysroot: $(echo $wanted)"
work=$(mktemp -d "$cache/arm64.XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! fetch > "$work/log" 2>&1; then
  tail -n 5 "$work/log" >&2
  echo "error: the packages above could not be fetched or unpacked. Do this machine's apt sources have arm64?" >&2
  exit 1
fi
rm -rf "$sysroot"
mv "$work/root" "$sysroot"
