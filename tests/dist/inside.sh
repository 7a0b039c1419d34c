#!/usr/bin/env bash
# Runs in a fresh Debian in which the packages are installed; packages_test.sh starts it. A line for each check.
#
#   inside.sh installed VERSION    what needs no daemon, before the system is booted
#   inside.sh booted               services of a host, under systemd
#   inside.sh guest                the service of a virtual machine, in one
cd "$(dirname "$(readlink -f "$0")")"
passed=0 failed=0

# check WORDS COMMAND...
check() {
  local words=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok     $words"
  else
    failed=$((failed + 1))
    echo "FAILED $words: $output"
  fi
}

# eventually COMMAND...: until it succeeds, at most for 20 s; else what it said last.
eventually() {
  local end=$((SECONDS + 20)) said
  until said=$("$@" 2>&1); do
    [ "$SECONDS" -lt "$end" ] || { echo "$said"; return 1; }
    sleep 0.1
  done
}

# says WORDS COMMAND...: WORDS are in what it prints.
says() {
  local words=$1 output
  shift
  output=$("$@" 2>&1)
  grep -qF -- "$words" <<< "$output" || { echo "it said: $output"; return 1; }
}

# --- Without a daemon -----------------------------------------------------------------------------------------------------------

by_pkg_config() {
  # shellcheck disable=SC2046  # Several flags.
  cc -Wall -Werror -o with_pkg_config ten_lines.c $(pkg-config --cflags --libs tombolo) && says broker.sock ./with_pkg_config
}

by_cmake() {
  cmake -B cmake_build . && cmake --build cmake_build && says broker.sock cmake_build/ten_lines
}

as_cplusplus() {
  # shellcheck disable=SC2046
  c++ -x c++ -Wall -Werror -o with_cplusplus ten_lines.c $(pkg-config --cflags --libs tombolo)
}

the_example() {
  # shellcheck disable=SC2046
  cc -o hello /usr/share/doc/libtombolo-dev/examples/hello.c $(pkg-config --cflags --libs tombolo)
}

all_pages() {
  local command
  for command in tombolod.8 tombolo-agent.8 tombolo-flat.8 tombolo-ivshmem2.8 tombolo-kv.8 tombolo.1 tombolo-doctor.1 tombolo.toml.5; do
    [ -s "/usr/share/man/man${command##*.}/$command.gz" ] || { echo "no page $command"; return 1; }
  done
}

completes() {
  bash -c 'source /usr/share/bash-completion/completions/tombolo
    COMP_WORDS=(tombolo doc) COMP_CWORD=1
    _tombolo && [ "${COMPREPLY[*]}" = doctor ] || { echo "it proposes: ${COMPREPLY[*]}"; false; }'
}

installed() {
  local version=$1 program
  for program in tombolod tombolo-agent tombolo tombolo-flat tombolo-ivshmem2 tombolo-kv; do
    check "$program --version tells the version of the package" says "$program $version" "$program" --version
  done
  check "the configuration that is installed is good" tombolo config check
  check "tombolo doctor finds no problem" tombolo doctor
  check "Open MPI finds the component" says "MCA btl: tombolo" ompi_info
  check "and the one for memory" says "MCA mpool: tombolo" ompi_info
  check "a program runs with the library for malloc" \
    env LD_PRELOAD="$(dpkg -L openmpi-tombolo | grep malloc.so)" bash -c 'grep -q libtombolo_malloc "/proc/$$/maps"'
  check "ten lines are built with pkg-config, and tell that there is no broker" by_pkg_config
  check "ten lines are built with CMake" by_cmake
  check "the headers are those of C++ too" as_cplusplus
  check "the example that is installed can be built" the_example
  check "there are man pages" all_pages
  check "bash completes a command" completes
  check "DKMS has built the kernel module and installed it" says installed dkms status tombolo
}

# --- Under systemd --------------------------------------------------------------------------------------------------------------

has_state() { [ "$(systemctl show --value --property=ActiveState "$2")" = "$1" ]; }
main_pid() { systemctl show --value --property=MainPID "$1"; }
user_of() { stat -c %U "/proc/$(main_pid "$1")"; }

# A package without tombolod's own unit is tried with the least of one.
start_daemon() {
  if [ ! -e /lib/systemd/system/tombolod.service ]; then
    printf '%s\n' '[Service]' Type=notify NotifyAccess=all User=tombolo Group=kvm UMask=0007 RuntimeDirectory=tombolo \
      ExecStart=/usr/bin/tombolod > /run/systemd/system/tombolod.service
    systemctl daemon-reload
  fi
  systemctl start tombolod
}

is_left_alone_by_a_restart() {
  local before
  before=$(main_pid tombolo-host-agent)
  systemctl restart tombolod && [ "$(main_pid tombolo-host-agent)" = "$before" ] && eventually tombolo ping 0
}

# Others notice nothing but a pause.
kill_daemon() {
  local before
  before=$(main_pid tombolod)
  kill -9 "$before" && eventually tombolo peers && [ "$(main_pid tombolod)" != "$before" ]
}

region_uuid() { grep -o '"region_uuid":"[^"]*"' <<< "$(tombolo peers --json)"; }

# Writes a line for each process that could not join.
join_again_and_again() {
  while [ ! -e join.stop ]; do says "slot 0" ./with_pkg_config || echo failed; done
}

KILLS=10
PINGS=1000
outlives_kills_under_load() {
  local region agent joining pinging restarts i
  region=$(region_uuid) agent=$(main_pid tombolo-host-agent) restarts=$(systemctl show --value --property=NRestarts tombolod)
  rm -f join.stop
  join_again_and_again > join.log & joining=$!
  tombolo ping 0 --count "$PINGS" --interval 0.005 --json > ping.json & pinging=$!
  for ((i = 0; i < KILLS; ++i)); do kill_daemon || { touch join.stop; echo "kill $i"; return 1; }; done
  touch join.stop
  wait "$joining" "$pinging"
  [ ! -s join.log ] || { echo "who joined meanwhile: $(head -n 3 join.log)"; return 1; }
  says "\"answered\":$PINGS" cat ping.json || return 1
  [ "$(region_uuid)" = "$region" ] || { echo "the region is another one"; return 1; }
  [ "$(main_pid tombolo-host-agent)" = "$agent" ] || { echo "the agent is another one"; return 1; }
  [ "$(systemctl show --value --property=NRestarts tombolod)" = $((restarts + KILLS)) ] || { echo "restarts"; return 1; }
}

# A daemon that hangs is ended by systemd, and the next one goes on; here after one second.
outlives_hanging() {
  local region before
  mkdir -p /run/systemd/system/tombolod.service.d
  printf '[Service]\nWatchdogSec=1\n' > /run/systemd/system/tombolod.service.d/test.conf
  systemctl daemon-reload && systemctl restart tombolod && eventually tombolo peers || return 1
  region=$(region_uuid) before=$(main_pid tombolod)
  kill -STOP "$before"
  eventually is_another "$before" && eventually tombolo peers && [ "$(region_uuid)" = "$region" ] || return 1
  rm -r /run/systemd/system/tombolod.service.d && systemctl daemon-reload && systemctl restart tombolod && eventually tombolo peers
}
is_another() { local now; now=$(main_pid tombolod) && [ "$now" != 0 ] && [ "$now" != "$1" ]; }

# memcached REQUEST...: what tombolo-kv answers to lines.
memcached() {
  exec 3<> /dev/tcp/127.0.0.1/11211 && printf '%s\r\n' "$@" quit >&3 && cat <&3
}

cache_outlives_a_restart() {
  says STORED memcached 'set key 0 0 5' hello && systemctl restart tombolo-kv && says hello memcached 'get key'
}

# Into a folder that its unit lets it write to, as docs/install.md tells.
copies_a_file() {
  local unit=/run/systemd/system/tombolo-host-agent.service.d
  mkdir -p "$unit" && install -d -o tombolo /srv/copied
  printf '%s\n' '[Service]' ReadWritePaths=/srv/copied Environment=TOMBOLO_AGENT_ALLOW_COPY=/srv/copied:rw > "$unit/test.conf"
  systemctl daemon-reload && systemctl restart tombolo-host-agent && tombolo cp ten_lines.c 0:/srv/copied/ &&
    cmp ten_lines.c /srv/copied/ten_lines.c && tombolo cp 0:/srv/copied/ten_lines.c back.c && cmp ten_lines.c back.c
}

ends_with_the_region() {
  systemctl stop tombolod && eventually has_state inactive tombolo-host-agent
}

nothing_failed() {
  local units
  units=$(systemctl list-units --failed --no-legend 'tombolo*')
  [ -z "$units" ] || { echo "$units"; journalctl --no-pager -q -n 30 -u 'tombolo*'; false; }
}

booted() {
  check "tombolod starts" start_daemon
  check "before libvirt, whose machines find their sockets" has_state active libvirtd
  check "at once, beside the other units that were started" [ "$(systemctl show --value --property=NRestarts tombolod)" = 0 ]
  check "the folder of the sockets is its own" says "tombolo kvm" stat -c "%U %G" /run/tombolo
  check "tombolod is not root" says tombolo user_of tombolod
  check "tombolo peers is answered" eventually tombolo peers
  check "the agent of the host comes with it" eventually has_state active tombolo-host-agent
  check "it is not root" says tombolo user_of tombolo-host-agent
  check "it answers a ping" tombolo ping 0
  check "a file is copied to it and back" copies_a_file
  check "a restart of tombolod leaves it alone" is_left_alone_by_a_restart
  check "$KILLS kills of it under load are noticed by nobody" outlives_kills_under_load
  check "it is ended when it hangs, and goes on" outlives_hanging
  check "ten lines attach" says "slot 0" ./with_pkg_config
  check "who is of the group attaches" says "slot 0" setpriv --reuid=nobody --regid=kvm --clear-groups ./with_pkg_config
  check "nobody else does" says "may not open" setpriv --reuid=nobody --regid=nogroup --clear-groups ./with_pkg_config
  check "the agent of virtual machines leaves the host alone" has_state inactive tombolo-agent
  check "tombolo-net is not started unasked" has_state inactive tombolo-net
  check "tombolo-kv is not started unasked" has_state inactive tombolo-kv
  check "tombolo-kv starts" systemctl start tombolo-kv
  check "it is not root" says tombolo-kv user_of tombolo-kv
  check "its items outlive a restart" cache_outlives_a_restart
  check "tombolo-ivshmem2@blue starts" systemctl start tombolo-ivshmem2@blue
  check "it is not root, and QEMU's group reaches its sockets" says "tombolo kvm 660" \
    stat -c "%U %G %a" /run/tombolo-ivshmem2/blue/peer-1.sock
  for unit in tombolo-host-agent tombolo-agent tombolo-net tombolo-kv tombolo-ivshmem2@blue; do
    check "$unit is well contained" systemd-analyze security --no-pager --threshold=35 "$unit.service"
  done
  check "the agent of the host ends with the region" ends_with_the_region
  check "no unit has failed" nothing_failed
}

# --- In a virtual machine -------------------------------------------------------------------------------------------------------

kill_agent() {
  local holder agent
  holder=$(main_pid tombolo-agent)
  read -r agent < "/proc/$holder/task/$holder/children"
  kill -9 "$agent" && eventually tombolo peers && [ "$(main_pid tombolo-agent)" = "$holder" ]
}

is_started() {
  eventually has_state active tombolo-agent || { journalctl --no-pager -q -n 20 -u tombolo-agent; false; }
}

# From the next start of the machine on, which this is, the module has the device.
by_the_module() {
  says 'has the kernel module tombolo' tombolo doctor --timeout 20
}

# As if the package were not there.
without_the_module() {
  systemctl stop tombolo-agent tombolo-module && [ ! -e /dev/tombolo0 ] && systemctl start tombolo-agent
}

guest() {
  check "udev gives the module's file to the group" says "tombolo 660" stat -c "%G %a" /dev/tombolo0
  check "the agent has started by the module" is_started
  check "and uses it" by_the_module
  check "who is of the group attaches through it" says "slot 1" setpriv --reuid=nobody --regid=tombolo --clear-groups ./with_pkg_config
  check "the module is unloaded, and the agent starts without it" without_the_module
  check "the agent has been started" is_started
  check "tombolo peers is answered, through the region" eventually says vm tombolo peers
  check "tombolo doctor finds no problem" tombolo doctor --timeout 20
  check "root attaches" says "slot 1" ./with_pkg_config
  check "who is of the group attaches" says "slot 1" setpriv --reuid=nobody --regid=tombolo --clear-groups ./with_pkg_config
  check "nobody else does" says "may not open" setpriv --reuid=nobody --regid=nogroup --clear-groups ./with_pkg_config
  check "a killed agent is there again" kill_agent
  check "it can be restarted" systemctl restart tombolo-agent
  check "and has the device again" says "slot 1" ./with_pkg_config
  check "it is well contained" systemd-analyze security --no-pager --threshold=35 tombolo-agent.service
  check "it can be stopped" systemctl stop tombolo-agent
  check "no unit has failed" nothing_failed
}

"$@"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
