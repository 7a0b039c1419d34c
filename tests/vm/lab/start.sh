#!/bin/bash
# Process 1 of a guest: network, sshd, QEMU's guest agent; then it reaps orphans for ever. Its own values are in
# /lab/guest.env. When the guest agent answers, everything here is up.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/lab/home LANG=C.UTF-8
. /lab/guest.env

mount -t tmpfs -o mode=0755 run /run
mkdir -p /dev/shm /dev/pts /run/sshd "$HOME"
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t devpts -o ptmxmode=0666 devpts /dev/pts

hostname "$NAME"
ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
  ip address add "$ADDRESS" dev eth0
  ip link set eth0 up
fi

# The same paths as on the host, so that one ssh_config serves both: see keys.py.
install -m 0600 /lab/keys/* /run/lab/
# A locked root ("!") may not log in, not even by key, and the host's root may have a start-up file that takes seconds
# here: both changes stay in this guest.
sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow
sed -i "s|^root:.*|root:x:0:0:root:$HOME:/bin/bash|" /etc/passwd
/usr/sbin/sshd -f /run/lab/sshd_config -E /lab/sshd.log

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
