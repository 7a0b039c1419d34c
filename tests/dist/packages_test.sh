#!/usr/bin/env bash
# Installs the packages of out/deb into a fresh Debian in a folder, builds programs against them there, boots it under
# systemd-nspawn and looks at its services; then removes them. `./dev deb --test` makes the packages and starts this; it needs root and
# the archive. The last line is "N passed, M failed".
#
#   packages_test.sh [--guest]    --guest: also walks the whole path of somebody new, with two virtual machines (path_test.py), and boots
#                                 one from that folder, with the agent as its service (guest_test.py)
#
# TOMBOLO_DEB_TEST_DIR names the folder (default /var/tmp/tombolo-deb-test); it is kept when something failed, and so is the one beside
# it with what the two machines have, DIR.machine.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. scripts/packages.sh
. scripts/fresh_root.sh

root=${TOMBOLO_DEB_TEST_DIR:-/var/tmp/tombolo-deb-test}
version=$(sed -n 's/.*kVersion\[\] = "\(.*\)";/\1/p' control/words/version.h)
passed=0 failed=0
BOOT_SECONDS=120

# A command in the folder, which is no running system; with this machine's network.
in_root() {
  systemd-nspawn --quiet --register=no --keep-unit --resolv-conf=off --console=pipe --directory="$root" "$@" < /dev/null
}

# count FILE: adds what its last line says.
count() {
  local last
  last=$(tail -n 1 "$1")
  [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || { cat "$1"; failed=$((failed + 1)); return; }
  sed '$d' "$1"
  passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
}

# step WORDS COMMAND...: one check, whose output is shown when it fails.
step() {
  local words=$1
  shift
  if "$@" > "$root.step" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $words"
  else
    failed=$((failed + 1))
    tail -n 20 "$root.step"
    echo "FAILED $words"
    return 1
  fi
}

install_all() {
  in_root bash -c 'export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install -y --no-install-recommends cmake g++ linux-headers-amd64 make openmpi-bin pkg-config udev /test/*.deb'
}

# The system's last service is the test. In libvirt's place is one that looks for what a machine needs at boot.
prepare_boot() {
  cat > "$root/etc/systemd/system/libvirtd.service" <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/test -S /run/tombolo/slot-1.sock
[Install]
WantedBy=multi-user.target
UNIT
  cat > "$root/etc/systemd/system/test.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/test/inside.sh booted
ExecStopPost=/bin/systemctl exit
StandardOutput=append:/test/booted.log
StandardError=append:/test/booted.log
[Install]
WantedBy=default.target
UNIT
  mkdir -p "$root/etc/systemd/system/"{default,multi-user}.target.wants
  ln -sf ../libvirtd.service "$root/etc/systemd/system/multi-user.target.wants/libvirtd.service"
  ln -sf ../test.service "$root/etc/systemd/system/default.target.wants/test.service"
}

boot() {
  timeout --kill-after=10 "$BOOT_SECONDS" systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe \
    --directory="$root" --boot < /dev/null > "$root.console" 2>&1 || true
}

# What a virtual machine has: the folder once more, without the host's package, and without the kernel module, which would have the device.
# `me` may attach, and go from machine to machine.
make_machine() {
  rm -rf --one-file-system "$root.machine" && cp -a "$root" "$root.machine" || return
  root=$root.machine in_root bash -ec 'export DEBIAN_FRONTEND=noninteractive
    apt-get remove -y tombolo tombolo-dkms tombolo-kv
    apt-get install -y --no-install-recommends iproute2 iputils-ping kmod libmemcached-tools linux-image-amd64 netpipe-openmpi openssh-client \
      openssh-server qemu-guest-agent systemd-sysv
    useradd --create-home --shell /bin/bash --groups tombolo me
    cd /home/me && mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519 && cp .ssh/id_ed25519.pub .ssh/authorized_keys
    echo "StrictHostKeyChecking accept-new" > .ssh/config
    chown -R me: .ssh
    apt-get clean'
}

make_host() {
  in_root bash -ec 'export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends memcached qemu-system-x86
    useradd --create-home --shell /bin/bash me'
}

walk_path() {
  step "the virtual machines have what they need" make_machine || return 0
  step "the host has QEMU" make_host || return 0
  tests/dist/path_test.py "$root" "$root.machine" > "$root.path" || true
  count "$root.path"
}

# The system that is left when the host's package is removed, in a virtual machine.
boot_guest() {
  step "the package of the host is removed alone" in_root apt-get remove -y tombolo || return 0
  tests/dist/guest_test.py "$root" > "$root.guest" || true
  count "$root.guest"
}

purge_all() {
  in_root bash -c 'set -e
    DEBIAN_FRONTEND=noninteractive apt-get purge -y "tombolo*" "libtombolo*" openmpi-tombolo
    left=$(find /etc /lib/systemd /usr -name "*tombolo*" -not -name "mca_*"); [ -z "$left" ] || { echo "left: $left"; exit 1; }'
}

[ "$(id -u)" = 0 ] || { echo "error: it makes a machine of its own in a folder: run it as root." >&2; exit 1; }
ls out/deb/*.deb > /dev/null 2>&1 || { echo "error: there are no packages in out/deb; run ./dev deb first." >&2; exit 1; }
make_fresh_root "$root" systemd,ca-certificates
mkdir "$root/test"
cp out/deb/*.deb tests/dist/{inside.sh,ten_lines.c,CMakeLists.txt} "$root/test"
if step "the packages are installed" install_all; then
  in_root /test/inside.sh installed "$version" > "$root.installed" || true
  count "$root.installed"
  prepare_boot
  boot
  cat "$root/test/booted.log" > "$root.booted" 2>/dev/null || cp "$root.console" "$root.booted"
  count "$root.booted"
  rm "$root/etc/systemd/system/"{test.service,default.target.wants/test.service,libvirtd.service,multi-user.target.wants/libvirtd.service}
  [ "${1:-}" != --guest ] || { walk_path; boot_guest; }
  step "nothing is left when they are removed" purge_all || true
fi
[ "$failed" != 0 ] || { remove_fresh_root "$root.machine" && remove_fresh_root "$root" && rm -f "$root".{booted,console,guest,installed,path,step}; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
