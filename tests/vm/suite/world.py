"""What is up while the checks are made: daemon, host's agent, memcached, the owner of a kvcache, two guests with their
agents."""

import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import host_side
import kvcache
from host_side import RUNTIME
from lab.deadline import LabError
from lab.guest import Guest
from lab.guest_agent import Result
from lab.lab import Lab
from lab.process import Program
from lab.qemu_options import Ivshmem, Window
from programs import Programs

from .watch import Watch

AGENT_SECONDS = 30
HOST = 0  # Its slot; that of vmN is N.
WITH_WINDOW = 2  # The guest that is shown the kvcache.
VECTORS = 16  # tombolod's default.
# One value of 1 MiB is more than memcached takes by default.
MEMCACHED = ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", "11211", "-U", "0", "-m", "256", "-I", "4m"]


@dataclass(frozen=True)
class TestPrograms:
    exchange: Path
    mpi_check: Path
    peer_death: Path
    soak: Path
    remote_read: Path
    proto: Path  # A folder with membership_pb2.py.

    @staticmethod
    def copy(root: Path, target: Path) -> "TestPrograms":
        proto = target / "proto"
        proto.mkdir()
        source = root / "control/proto"
        subprocess.run(["protoc", f"-I{source}", f"--python_out={proto}", "membership.proto"], check=True)
        built = root / "bazel-bin/tests"
        return TestPrograms(
            Path(shutil.copy(built / "vm/exchange/exchange", target)),
            Path(shutil.copy(built / "mpi/mpi_check", target)),
            Path(shutil.copy(built / "mpi/peer_death", target)),
            Path(shutil.copy(built / "mpi/soak/soak", target)),
            Path(shutil.copy(root / "bazel-bin/examples/remote_read", target)),
            proto,
        )


class World:
    def __init__(self, lab: Lab, programs: Programs, tests: TestPrograms):
        self.lab = lab
        self.programs = programs
        self.tests = tests
        self.agent_pids: dict[int, int] = {}  # Slot -> the holder's pid, in the guest.
        self.watch: Watch
        self.daemon: Program  # Its holder.
        self._watches = 0
        self.kv_owner: Program

    def start_host(self, allow: Sequence[str] = ()) -> None:
        """`allow`: what guests may reach beside memcached and the cache."""
        self.daemon = host_side.start_daemon(self.lab, self.programs)
        host_side.start_agent(self.lab, self.programs, [kvcache.ALLOW, *allow])
        self.begin_watch()
        self.kv_owner = kvcache.start_owner(self.lab, self.programs)
        memcached = self.lab.spawn("memcached", MEMCACHED)
        ping = ["memcping", f"--servers={host_side.MEMCACHED}"]
        memcached.wait_until(lambda: self.run_on(HOST, ping, 10).code == 0, host_side.READY_SECONDS, "it answered")

    def begin_watch(self) -> None:
        """A new one: the death of a daemon ends it. Returns when it has told the snapshot that it begins with."""
        self._watches += 1
        name = "watch" if self._watches == 1 else f"watch-{self._watches}"
        program = self.lab.spawn(name, self.cli("watch", "--json"))
        self.watch = Watch(program)
        program.wait_until(self.watch.events, host_side.READY_SECONDS, "it told who is there")

    def start_agent(self, guest: Guest, flags: Sequence[str] = ()) -> None:
        """Returns when the guest is READY and its agent answers."""
        forwards = ["--forward", f"{host_side.MEMCACHED}=memcached", "--forward", kvcache.FORWARD]
        argv = [self.programs.agent, "--runtime-dir", RUNTIME, *forwards, *flags]
        pid = guest.spawn("tombolo-agent", argv)
        self.agent_pids[guest.number] = pid
        asks = shlex.join(self.cli("peers"))
        joined = guest.run(
            f"until {asks} > /dev/null 2>&1; do kill -0 {pid} || exit 1; sleep 0.1; done", AGENT_SECONDS, check=False
        )
        if joined.code != 0 or host_side.AGENT_ENDPOINT not in host_side.endpoints(self.programs, guest.number):
            raise LabError(f"{guest.name}'s agent did not join; its log is {guest.log('tombolo-agent')}")

    def stop_agent(self, guest: Guest) -> None:
        """Returns when holder and agent have ended."""
        pid = self.agent_pids.pop(guest.number)
        guest.run(f"kill {pid}; while kill -0 {pid} 2> /dev/null; do sleep 0.1; done", AGENT_SECONDS)

    def peers(self) -> dict[int, dict]:
        """By slot, as the daemon tells them."""
        answer = self.run_on(HOST, self.cli("peers", "--json"), 20)
        if answer.code != 0:
            raise LabError(f"`tombolo peers` failed: {answer.errors.strip()}")
        return {peer["slot"]: peer for peer in json.loads(answer.output)["peers"]}

    def states(self) -> dict[int, str]:
        return {slot: peer["state"] for slot, peer in self.peers().items()}

    def cli(self, *words) -> list[str]:
        """A command line of `tombolo`; the same on the host and in guests."""
        return [str(self.programs.cli), "--runtime-dir", str(RUNTIME), *(str(word) for word in words)]

    def run_on(self, slot: int, argv: list, seconds: float) -> Result:
        """Runs a program on the host or in a guest to its end. Different slots may be used by different threads."""
        if slot != HOST:
            return self.lab.guest(slot).run(argv, seconds, check=False)
        command = [str(word) for word in argv]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return Result(124, "", f"it did not end within {seconds:.0f} s")
        return Result(done.returncode, done.stdout, done.stderr)

    def must_run(self, slot: int, argv: list, seconds: float) -> str:
        """As run_on(), but anything except exit code 0 is an error. Gives the output."""
        result = self.run_on(slot, argv, seconds)
        if result.code != 0:
            lines = (result.errors or result.output).strip().splitlines()
            command = shlex.join(str(word) for word in argv)
            said = f": {lines[-1]}" if lines else ""
            raise LabError(f"`{command}` on {place(slot)} ended with exit code {result.code}{said}")
        return result.output


def device(slot: int, runtime: Path = RUNTIME) -> Ivshmem:
    """vmN's, in the region of the daemon in `runtime`."""
    return Ivshmem(runtime / f"slot-{slot}.sock", VECTORS)


def devices_of_two() -> dict[int, list[Ivshmem | Window]]:
    """Of the lab of two guests."""
    devices: dict[int, list[Ivshmem | Window]] = {slot: [device(slot)] for slot in (1, 2)}
    devices[WITH_WINDOW].append(kvcache.DEVICE)
    return devices


def place(slot: int) -> str:
    return "the host" if slot == HOST else f"vm{slot}"


def program_log(slot: int, lab: Lab, name: str) -> Path:
    """Where the output of a program that was spawned on `slot` is."""
    return lab.work / f"{name}.log" if slot == HOST else lab.guest(slot).log(name)
