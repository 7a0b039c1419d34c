#!/usr/bin/python3
"""path_test.py HOST MACHINE: walks the path of somebody new, as README.md and docs/install.md tell it, from the packages that are
installed in the two folders to an MPI job on two virtual machines without a network card.

HOST is a fresh Debian with the packages of a host; it is booted under systemd-nspawn. MACHINE has those of a virtual machine and
the user `me`; both machines boot from a disk that is made of it. packages_test.sh makes the two and starts this (`./dev deb --test
--guest`). What was typed and what was said is in out/deb/path/transcript.txt: read it. The last line is "N passed, M failed".
"""

import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "vm"), str(TREE / "scripts/main_job")]

from lab import containment  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from lab.lab import HostPrograms  # noqa: E402
from path_machines import Host, Machine, Terminal  # noqa: E402
from programs import fresh_folder  # noqa: E402
from suite.checks import Checks  # noqa: E402

WORK = TREE / "out/deb/path"
MACHINES = (1, 2)
DISK_MIB = 4096
MPI_SECONDS = 240
USER = "me"
PAYLOAD_MIB = 16

MPIRUN = "mpirun -H 10.77.1.1,10.77.2.1 --mca pml ob1 --mca btl self,tombolo"


def prepare(machine: Path) -> None:
    """The disk, kernel and initramfs of the machines, from the folder `machine`."""
    fresh_folder(WORK)
    WORK.chmod(0o777)
    disk = WORK / "machine.img"
    subprocess.run(["truncate", f"--size={DISK_MIB}M", disk], check=True)
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", machine, disk], check=True)
    for name in ("vmlinuz", "initrd.img"):
        newest = max((machine / "boot").glob(f"{name}-*"))
        (WORK / name).write_bytes(newest.read_bytes())
    disk.chmod(0o644)


class Walk:
    def __init__(self, host: Host, checks: Checks):
        self._host = host
        self._root = host.terminal("root")
        self._me = host.terminal(USER)
        self._checks = checks
        self._machines: list[Machine] = []

    def host_is_ready(self) -> None:
        with self._checks.check("the host boots with the packages installed, and doctor finds no problem", essential=True):
            self._host.wait_booted()
            runs = "active \\(running\\)(.|\n)*active \\(running\\)"
            self._root.types("systemctl --no-pager --lines=0 status tombolod tombolo-host-agent", runs)
            self._root.types("tombolo doctor", ", 0 problems")
            self._root.types("tombolo status", "^peers +1 of 16: 1 ready")
        with self._checks.check("who is of the group kvm reads QEMU's options"):
            self._root.types(f"adduser {USER} kvm")
            self._me.types("tombolo vm-args 1", "slot-1.sock")
            self._me.types("tombolo xml 1", "slot-1.sock")
            self._me.types_in_vain("tombolo stat", "run this as root")

    def machines_join(self, make) -> None:
        with self._checks.check("two machines boot with those options", essential=True):
            self._watch = self._host.starts(self._root, "watch", "tombolo watch")
            self._machines = [make(number) for number in MACHINES]
            for machine in self._machines:
                machine.wait_booted()
        with self._checks.check("they have joined, and are ready"):
            self._root.types_until("tombolo peers", "ready(.|\n)*ready(.|\n)*ready", 60)
            said = self._watch.log.read_text()
            self._root.write(f"(what tombolo watch has said)\n{said}")
            for machine in MACHINES:
                assert_said(said, f"joined .*{machine}", f"ready .*{machine}")
            self._root.types("tombolo doctor", ", 0 problems")
            self._root.types("tombolo status", "^peers +3 of 16: 3 ready")
            self._root.types("tombolo stat")
            self._root.types("tombolo fsck")

    def machines_are_well(self) -> None:
        one, two = (machine.terminal("root") for machine in self._machines)
        with self._checks.check("in the machines, the agent runs and doctor finds no problem"):
            one.types("systemctl --no-pager --lines=5 status tombolo-agent", "active \\(running\\)")
            for at in (one, two):
                at.types("tombolo doctor --timeout 20", ", 0 problems")
        with self._checks.check("the host and the other machine answer a ping"):
            one.types("tombolo ping 0", "slot 0")
            one.types("tombolo ping 2", "slot 2")
            one.types("tombolo peers")
            one.types("tombolo status")
            one.types("tombolo services")

    def cache(self) -> None:
        one = self._machines[0].terminal("root")
        with self._checks.check("the host's memcached is reached at an address of a machine"):
            self._root.types("systemctl is-active memcached", "^active")
            self._root.types(configure("agent", 'allow = ["memcached=127.0.0.1:11211"]'))
            self._root.types("tombolo config check")
            self._root.types("tombolo config show --origin | grep -v default")
            self._root.types("systemctl restart tombolo-host-agent")
            one.types(configure("agent", 'forward = ["127.0.0.1:11211=memcached"]'))
            one.types("systemctl restart tombolo-agent")
            one.types("memcping --servers=127.0.0.1")
            one.types("echo hello > greeting && memccp --servers=127.0.0.1 greeting")
            one.types("memccat --servers=127.0.0.1 greeting", "^hello$")

    def copy(self) -> None:
        two, one = self._machines[1].terminal("root"), self._machines[0].terminal("root")
        with self._checks.check("a file is copied from machine to machine, and from the host"):
            two.types("mkdir /srv/share")
            two.types(configure("agent", 'allow-copy = ["/srv/share:rw"]'))
            two.types("systemctl restart tombolo-agent")
            one.types_in_vain("tombolo cp /etc/os-release 2:/srv/share/", "ReadWritePaths")
            two.types("mkdir -p /etc/systemd/system/tombolo-agent.service.d")
            two.types("printf '[Service]\\nReadWritePaths=/srv/share\\n' > /etc/systemd/system/tombolo-agent.service.d/share.conf")
            two.types("systemctl daemon-reload && systemctl restart tombolo-agent")
            one.types(f"head -c {PAYLOAD_MIB}M /dev/urandom > disk.img && sha256sum disk.img")
            one.types("tombolo cp disk.img 2:/srv/share/")
            two.types("ls -l /srv/share")
            one.types("tombolo cp 2:/srv/share/disk.img back.img && cmp disk.img back.img")
            self._root.types("tombolo cp /etc/os-release 2:/srv/share/")
            two.types("cat /srv/share/os-release", "Debian")

    def network(self) -> None:
        terminals = [self._root, *(machine.terminal("root") for machine in self._machines)]
        with self._checks.check("all three are in one IP network"):
            for at in terminals:
                at.types("systemctl enable --now tombolo-net")
            for at in terminals:
                at.types_until("tombolo net status", "10.77.0.1(.|\n)*10.77.1.1(.|\n)*10.77.2.1", 60)
            terminals[1].types("ping -c 3 10.77.2.1", " 0% packet loss")
        with self._checks.check("ssh from one machine to the other"):
            self._machines[0].terminal(USER).types("ssh 10.77.2.1 hostname", "^vm2$")

    def mpi(self) -> None:
        me: Terminal = self._machines[0].terminal(USER)
        with self._checks.check("an MPI program that knows nothing of it runs on both, over Tombolo alone"):
            me.types("ompi_info | grep tombolo", "btl: tombolo", "mpool: tombolo")
            me.types(f"{MPIRUN} hostname", "^vm1$", "^vm2$", seconds=MPI_SECONDS)
            me.types(f"{MPIRUN} NPopenmpi -u 65536 -n 20 -o /tmp/netpipe", "65536 bytes .*Mbps", seconds=MPI_SECONDS)

    def end(self) -> None:
        two = self._machines[1].terminal("root")
        with self._checks.check("a machine that is switched off leaves, and nothing has failed"):
            two.types("systemctl --failed --no-legend")
            two.types("systemd-run --quiet --on-active=1 systemctl poweroff")
            self._machines[1].wait_off()
            self._root.types_until("tombolo peers | grep -c ' vm '", "^1$", 30)
            self._root.write(f"(what tombolo watch has said)\n{self._watch.log.read_text()}")
            assert_said(self._watch.log.read_text(), "left .*2")
            self._root.types("systemctl --failed --no-legend")
            self._root.types("journalctl --no-pager --unit 'tombolo*' --lines=60")
            self._machines[0].terminal("root").types("journalctl --no-pager --unit 'tombolo*' --lines=40")


def configure(table: str, line: str) -> str:
    """Puts a line into /etc/tombolo/tombolo.toml, below the name of its table."""
    return f"sed -i '/^\\[{table}\\]/a {line}' /etc/tombolo/tombolo.toml"


def assert_said(said: str, *expected: str) -> None:
    for regex in expected:
        if not re.search(regex, said):
            raise LabError(f"nothing matches `{regex}`: {said}")


def main(root: Path, machine: Path) -> int:
    prepare(machine)
    checks = Checks()
    with open(WORK / "transcript.txt", "w") as transcript, HostPrograms(WORK) as programs:
        host = Host(programs, root, WORK, transcript)
        walk = Walk(host, checks)
        walk.host_is_ready()
        walk.machines_join(lambda number: Machine(number, host, USER, WORK, transcript))
        for part in (walk.machines_are_well, walk.cache, walk.copy, walk.network, walk.mpi, walk.end):
            part()
    (WORK / "machine.img").unlink()
    return checks.finish()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: path_test.py HOST MACHINE")
    sys.exit(containment.run(lambda: main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())))
