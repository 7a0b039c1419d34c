#!/bin/bash
# Process 1 of an arm64 guest, as start.sh is of others: without network and ssh, of which its root has nothing. Programs that
# coreutils does not have are busybox's.
export PATH=/usr/local/bin:/usr/bin:/usr/sbin:/run/bin HOME=/run LANG=C.UTF-8
. /lab/guest.env

mkdir -p /run /tmp /dev/shm
busybox mount -t tmpfs -o mode=0755 run /run
busybox mount -t tmpfs -o mode=1777 shm /dev/shm
mkdir /run/bin
busybox --install -s /run/bin
hostname "$NAME"
ip link set lo up

for port in /sys/class/virtio-ports/*; do
  [ "$(cat "$port/name")" = org.qemu.guest_agent.0 ] && agent_port=/dev/${port##*/}
done
qemu-ga --method=virtio-serial --path="$agent_port" --statedir=/run --pidfile=/run/qemu-ga.pid \
  --logfile=/lab/qemu-ga.log < /dev/null > /dev/null 2>&1 &
echo "lab: $NAME is up"

# Bash reaps every child it inherits while it waits.
while :; do
  sleep 3600 &
  wait $!
done
