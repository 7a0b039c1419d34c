#!/bin/busybox sh
# First program of a guest. Makes the guest's root, the host's / (an arm64 guest's: the packages that were unpacked for it)
# read-only below and a tmpfs above it, and the guest's own folder on the host /lab; then hands over to /lab/start.sh. See
# initramfs.py and guest.py.
B=/bin/busybox

fail() {
  echo "lab: init: $1"
  $B poweroff -f
}

$B mkdir -p /proc /sys /dev /lower /upper /root
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev

# The accelerator's probe boots this far only: see accelerator.py.
if $B grep -q lab.probe /proc/cmdline; then
  echo "lab: probe booted"
  $B poweroff -f
fi

while read -r module; do
  $B insmod "/modules/$module" || fail "cannot load $module"
done < /modules/order

options=trans=virtio,version=9p2000.L,msize=262144
$B mount -t 9p -o "$options,ro,cache=loose" root /lower || fail "cannot mount the host's root over 9p"
$B mount -t tmpfs upper /upper
$B mkdir /upper/changes /upper/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work root /root || fail "cannot overlay"
$B mkdir -p /root/lab
$B mount -t 9p -o "$options,cache=none" lab /root/lab || fail "cannot mount /lab over 9p"
# The root of an arm64 guest is unpacked packages, which have no folders for these.
for folder in proc sys dev; do $B mkdir -p "/root/$folder" && $B mount --move "/$folder" "/root/$folder"; done
exec $B switch_root /root /bin/bash /lab/start.sh
