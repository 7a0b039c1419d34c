"""A guest and the host at an ivshmem server that is no tombolod, as QEMU's example is: commands that need no Tombolo in
the memory exchange bytes and rings."""

import subprocess
from pathlib import Path

from example_server import ExampleServer
from lab.deadline import LabError
from lab.qemu_options import Ivshmem

from .checks import Checks, expect
from .world import HOST, World

SOCKET = Path("/run/ivshmem-example.sock")
MEMORY_BYTES = 1 << 20
VECTORS = 2
SECONDS = 30
# QEMU is the first peer of the server.
GUEST_ID = 0


def device() -> Ivshmem:
    return Ivshmem(SOCKET, VECTORS)


def start() -> ExampleServer:
    """Before the guest boots."""
    SOCKET.unlink(missing_ok=True)
    return ExampleServer(str(SOCKET), MEMORY_BYTES, VECTORS)


def run(world: World, checks: Checks, guest: int, address: str) -> None:
    """`address`: of the guest's device() on the PCI bus, which no driver has."""
    with checks.check(f"vm{guest} and the host at a server that is no tombolod: who is there"):
        told = _tombolo(world, guest, address, "id").splitlines()
        expect(told[:2], [f"id {GUEST_ID}", f"memory {MEMORY_BYTES} bytes"], "what the guest is told")
        told = _tombolo(world, HOST, address, "id").splitlines()
        expect(told[1:], [f"memory {MEMORY_BYTES} bytes", f"vectors {VECTORS}", f"peers {GUEST_ID}"], "the host")
    with checks.check("bytes that the one writes are read by the other, and all have one checksum"):
        for writer, reader in ((HOST, guest), (guest, HOST)):
            text = f"written in {writer}"
            _tombolo(world, writer, address, "region write --offset 5001", before=f"printf '{text}' |")
            told = _tombolo(world, reader, address, f"region read --offset 5001 --length {len(text)}")
            expect(told, text, f"what is read in {reader}")
        sums = {_tombolo(world, slot, address, "region read", after="| sha256sum") for slot in (HOST, guest)}
        expect(len(sums), 1, "number of checksums")
    with checks.check("the guest waits for its vector 1 (vfio), and the host rings it"):
        machine = world.lab.guest(guest)
        log, words = machine.log("wait"), _command(world, guest, address, "wait 1")
        pid = machine.spawn("wait", ["sh", "-c", f"{words}; echo $?"])
        machine.run("until grep -q 'tombolo ring' /lab/wait.log; do sleep 0.1; done", SECONDS)
        expect(log.read_text(), f"tombolo ring {GUEST_ID}:1\n", "how it is rung")
        _tombolo(world, HOST, address, f"ring {GUEST_ID}:1")
        machine.run(f"while kill -0 {pid} 2> /dev/null; do sleep 0.1; done", SECONDS)
        expect(log.read_text().splitlines()[-1], "0", "exit code")
    with checks.check("the host waits, and the guest rings it"):
        words = _command(world, HOST, address, "wait 1").split()
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as waiter:
            doorbell = waiter.stdout.readline().split()[-1]
            _tombolo(world, guest, address, f"ring {doorbell}")
            try:
                expect(waiter.wait(SECONDS), 0, "exit code")
            except subprocess.TimeoutExpired:
                waiter.kill()
                raise LabError(f"the host did not hear {doorbell}") from None


def _command(world: World, slot: int, address: str, words: str) -> str:
    where = f"--ivshmem-server {SOCKET}" if slot == HOST else f"--ivshmem-device {address}"
    return f"{world.programs.cli} {words} {where}"


def _tombolo(world: World, slot: int, address: str, words: str, before: str = "", after: str = "") -> str:
    command = f"set -o pipefail; {before} {_command(world, slot, address, words)} {after}"
    return world.must_run(slot, ["bash", "-c", command], SECONDS)
