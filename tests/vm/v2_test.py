#!/usr/bin/python3
"""Two guests with ivshmem v2 devices of tombolo-ivshmem2, under the QEMU of the next release's backports, which has
vfio-user-pci: with an IOMMU and vfio, and without one and with the kernel module. `./dev v2` builds what this needs and starts
it.

One line per check; the last line is "N passed, M failed". The logs are in out/v2_test.
"""

import json
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE)]

from lab import containment, qemu_versions  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from lab.guest import Guest  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.process import Program  # noqa: E402
from lab.qemu_options import V2Device  # noqa: E402
from suite import v2_command, v2_module  # noqa: E402
from suite.checks import Checks, expect  # noqa: E402

WORK = ROOT / "out/v2_test"
QEMU = "11.1"
SOCKETS = Path("/run/tombolo-ivshmem2")  # The lab has a /run of its own.
PROTOCOL, SECTION_BYTES = 0x4001, 65536
MODULE_SECTION = "1M"  # The module takes memories from 2 MiB on.
PROBE = HERE / "inside/v2_device.py"
SECONDS = 30
POLLED, ASLEEP = 200, 50
# Of the device: where things lie in its memory.
RW = 4096
OUTPUTS = [RW + SECTION_BYTES, RW + 2 * SECTION_BYTES]
ID, INTERRUPT_CONTROL, DOORBELL, STATE = "r:0", 8, 0xC, 0x10
READY = 2


class V2World:
    def __init__(self, lab: Lab, server: Path, peer: Path, tombolo: Path):
        self.lab, self._server, self.peer, self.tombolo = lab, server, peer, tombolo
        self._servers = 0
        self.guests = [lab.guest(1), lab.guest(2)]  # By the number of their peer.

    def serve(self, section: str = "64K") -> Program:
        sizes = ["--rw-size", section, "--output-size", section]
        self._servers += 1
        program = self.lab.spawn(f"tombolo-ivshmem2-{self._servers}", [self._server, "--protocol", str(PROTOCOL), *sizes])
        program.wait_until(lambda: "bytes in all" in program.log.read_text(), SECONDS, "its sockets")
        return program

    def probe(self, peer: int, *steps: str) -> list:
        return json.loads(self.guests[peer].run(["/usr/bin/python3", "-B", PROBE, *steps], SECONDS).output)

    def echo(self, peer: int) -> int:
        """The echoing process's PID in the guest; it is there when its peers see it."""
        return self.guests[peer].spawn("echo", [self.peer, "echo"])

    def talk(self, peer: int, *words):
        """What v2_peer tells at its end."""
        lines = self.guests[peer].run([self.peer, *words], 2 * SECONDS).output.splitlines()
        return json.loads(lines[-1])

    def await_reset(self, peer: int, other: int) -> int:
        """A process at `peer` that waits until `other`, which it has seen, is gone: its PID."""
        self.guests[peer].run("rm -f /lab/reset.log")  # Or what the one before said is taken for its own.
        waiter = self.guests[peer].spawn("reset", [self.peer, "reset", other])
        self.guests[peer].run("until grep -qs 'it is there' /lab/reset.log; do sleep 0.1; done", SECONDS)
        return waiter

    def finish(self, peer: int, waiter: int) -> dict:
        """What the process tells at its end."""
        self.guests[peer].run(f"while kill -0 {waiter} 2> /dev/null; do sleep 0.1; done", SECONDS)
        said = self.guests[peer].log("reset").read_text().splitlines()[-1]
        expect(said[:1], "{", f"what begins the last line of the process that waited, `{said}`")
        return json.loads(said)

    def end_peers(self, peer: int) -> None:
        self.guests[peer].run("pkill -9 -x v2_peer; while pgrep -x v2_peer; do sleep 0.05; done")


def _socket(peer: int) -> Path:
    return SOCKETS / f"peer-{peer}.sock"


def run() -> int:
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "bin").mkdir(parents=True)
    names = ("control/ivshmem_v2/tombolo-ivshmem2", "tests/vm/v2_peer/v2_peer", "control/cli/tombolo")
    programs = [ROOT / "bazel-bin" / name for name in names]
    copies = [Path(shutil.copy(program, WORK / "bin")) for program in programs]
    checks = Checks()
    try:
        with Lab(WORK, 2, {1: [V2Device(_socket(0))], 2: [V2Device(_socket(1))]}) as lab:
            _check_all(V2World(lab, *copies), checks)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
    return checks.finish()


def _check_all(world: V2World, checks: Checks) -> None:
    with checks.check("tombolo-ivshmem2 starts, and two guests boot with its devices", essential=True):
        server = world.serve()
        world.lab.boot()
    _check_device(world, checks)
    _check_messages(world, checks)
    world.end_peers(1)
    v2_command.run(world, checks)
    world.echo(1)
    _check_deaths(world, checks, server)
    _check_module(world, checks)


def _check_device(world: V2World, checks: Checks) -> None:
    with checks.check("each guest finds its peer: class, sections, ID, number of peers", essential=True):
        for peer in (0, 1):
            device, number, peers = world.probe(peer, "find", ID, "r:4")
            expect((number, peers), (peer, 2), "ID and maximum")
            expect(device["class"], f"0xff{PROTOCOL:04x}", "class")
            expect((device["table"], device["rw"], device["output"]), (4096, SECTION_BYTES, SECTION_BYTES), "sections")
    with checks.check("a state that one peer enters is in the table of the other, who cannot change it"):
        world.probe(0, f"w:{STATE}={READY}")
        expect(world.probe(1, "W:0=7", "R:0"), [READY], "peer 0's entry")
    with checks.check("both write the R/W section; an output section is its peer's alone") as note:
        world.probe(0, f"W:{RW}=11", f"W:{OUTPUTS[0]}=22", f"W:{OUTPUTS[1]}=33")
        expect(world.probe(1, f"R:{RW}", f"R:{OUTPUTS[0]}", f"R:{OUTPUTS[1]}"), [11, 22, 0], "words")
        mapped, trapped = world.probe(1, f"t:{RW}", f"t:{OUTPUTS[0]}")
        note(f"a word that is mapped is read in {mapped} ns, one that is trapped in {trapped / 1000:.0f} us")
    with checks.check("a doorbell disables the interrupts of a peer in one-shot mode"):
        enabled = world.probe(1, "one-shot", f"w:{INTERRUPT_CONTROL}=1", f"r:{INTERRUPT_CONTROL}")
        expect(enabled, [1], "enabled")
        world.probe(0, f"w:{DOORBELL}={1 << 16 | 1}")
        expect(world.probe(1, f"r:{INTERRUPT_CONTROL}"), [0], "enabled after the doorbell")


def _check_messages(world: V2World, checks: Checks) -> None:
    with checks.check(f"{POLLED} messages of all sizes by polling, and back", essential=True) as note:
        world.echo(1)
        report = world.talk(0, "poll", 1, POLLED)
        expect(report["way"], "vfio", "way to the device")
        note(f"{report['took_us'] / POLLED:.0f} us each")
    with checks.check(f"{ASLEEP} messages to a sleeper, and back") as note:
        report = world.talk(0, "sleep", 1, ASLEEP)
        # Who is about to sleep when a message comes is not rung.
        expect(report["rings"] >= ASLEEP // 2, True, "whether it was rung")
        note(f"{report['took_us'] / ASLEEP:.0f} us each")


def _check_deaths(world: V2World, checks: Checks, server: Program) -> None:
    with checks.check("kill -9 of a process that has the device: the next one goes on"):
        world.end_peers(1)
        world.echo(1)
        world.talk(0, "poll", 1, ASLEEP)
    with checks.check("kill -9 of a QEMU: the other peer is interrupted, and sees its state RESET") as note:
        waiter = world.await_reset(0, 1)
        world.guests[1].kill()
        note(f"{world.finish(0, waiter)['rings']} interrupts")
        expect(world.talk(0, "states")[1], 0, "its state")
    with checks.check("it comes back to its socket, and they talk"):
        world.guests[1].start()
        world.guests[1].wait_ready()
        world.echo(1)
        world.talk(0, "poll", 1, ASLEEP)
    with checks.check("kill -9 of the server: guests go on, and their device reads as ones"):
        server.kill()
        for guest in world.guests:
            guest.run("true")
        refused = world.guests[0].run([world.peer, "states"], SECONDS, check=False)
        expect("reads as ones" in refused.errors, True, f"whether v2_peer says so, and not {refused.errors.strip()}")


def _check_module(world: V2World, checks: Checks) -> None:
    module = v2_module.build(world, checks)
    with checks.check("the guests are started again, without an IOMMU, at the next server", essential=True):
        for guest in world.guests:
            guest.kill()
        world.serve(MODULE_SECTION)
        world.lab.boot(iommu=False)
    v2_module.run(world, module, checks)


def main() -> int:
    try:
        if os.geteuid() == 0:
            qemu_versions.choose(QEMU)
        return containment.run(run)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
