"""Jobs under mpirun over Tombolo alone, with a daemon of their own: for tests that look at them, or kill parts of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional, Sequence

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from forwarding import eventually
from tombolod import Tombolod

# Longer than anything takes, also on a busy machine: what is not done by then hangs.
HANG_S = 60
# In the environment of a rank.
RANK_WORD = b"OMPI_COMM_WORLD_RANK="
FAKE_NODE = os.path.abspath("tests/mpi/fake_node.sh")


class Programs(NamedTuple):
    daemon: str
    cli: str
    component: str
    mpool: str


class World:
    """A daemon, and the folder in which jobs find Open MPI's components."""

    def __init__(self, programs: Programs, *daemon_flags: str):
        self._programs = programs
        self._flags = daemon_flags
        # Short, because sockets lie in it: their paths end at 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="tmpi.", dir="/tmp")
        components = os.path.join(self.folder, "components")
        # Of its own: Open MPI tries every file of the folder that looks like a component.
        os.mkdir(components)
        shutil.copy(programs.component, os.path.join(components, "mca_btl_tombolo.so"))
        shutil.copy(programs.mpool, os.path.join(components, "mca_mpool_tombolo.so"))
        self._component_path = components + ":SYS_DEFAULT"
        self.start_daemon()

    def start_daemon(self) -> None:
        self._daemon = Tombolod(self._programs.daemon, "--log-level", "warn", *self._flags)

    def replace_killed_daemon(self) -> None:
        """By one with a region of its own."""
        self._daemon.stop()
        self.start_daemon()

    def kill_daemon(self) -> None:
        self._daemon.kill()

    def close(self) -> None:
        self._daemon.stop()
        shutil.rmtree(self.folder)

    def environment(self) -> Dict[str, str]:
        return {**os.environ, "TMPDIR": self.folder, "OMPI_MCA_mca_base_component_path": self._component_path,
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def broker(self) -> str:
        return os.path.join(self._daemon.runtime_dir, "broker.sock")

    def command(self, program: Sequence[str], ranks: int, nodes: int, options: Sequence[str]) -> List[str]:
        """With several nodes Open MPI takes the ranks to be on so many machines."""
        words = ["mpirun", "--mca", "pml", "ob1", "--mca", "btl", "self,tombolo", "--mca", "mpi_yield_when_idle", "1",
                 "-x", "OMPI_MCA_mca_base_component_path",
                 "--mca", "btl_tombolo_broker", self.broker()]
        if nodes == 1:
            hosts = [f"localhost:{ranks}"]
        else:
            hosts = [f"vm{node}:{ranks // nodes}" for node in range(1, nodes + 1)]
            words += ["--mca", "plm_rsh_agent", FAKE_NODE]
        return [*words, "--host", ",".join(hosts), "-n", str(ranks), *options, *program]

    def ask(self, *words: str) -> dict:
        """What `tombolo COMMAND --json` says."""
        command = [self._programs.cli, "--runtime-dir", self._daemon.runtime_dir, *words, "--json"]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=HANG_S).stdout)

    def expect_clean(self) -> None:
        """Nothing of any job is left in the region."""
        report: dict = {}

        def is_clean() -> bool:
            report.update(self.ask("fsck"))
            return not report["violations"] and report["free"] == report["extents"]

        if not eventually(is_clean):
            raise AssertionError(f"the region is not clean: {json.dumps(report)}")


class Job:
    """mpirun and all that it has started, until close()."""

    def __init__(self, world: World, program: Sequence[str], ranks: int, nodes: int = 1, options: Sequence[str] = ()):
        self._world = world
        self._log_path = os.path.join(world.folder, "log")
        with open(self._log_path, "wb") as log:
            self._mpirun = subprocess.Popen(world.command(program, ranks, nodes, options), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=world.environment())

    def log(self) -> str:
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_until_said(self, words: str) -> None:
        if not eventually(lambda: words in self.log() or self._mpirun.poll() is not None):
            raise AssertionError(f"after {HANG_S} s the job has not said '{words}', but: {self.log()}")
        if words not in self.log():
            raise AssertionError(f"it ended with {self._mpirun.returncode} and has not said '{words}': {self.log()}")

    def ends_within(self, seconds: float) -> bool:
        try:
            self._mpirun.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def expect_end(self) -> None:
        """Of all of its processes, mpirun included."""
        if not self.ends_within(HANG_S) or not eventually(lambda: not self.processes()):
            raise AssertionError(f"it hangs: {self._left()} are left of the job, which said: {self.log()}")

    def expect_ranks_gone(self) -> float:
        """How long it took until the last of its ranks was gone, whatever mpirun does."""
        begin = time.monotonic()
        if not eventually(lambda: not self._ranks()):
            raise AssertionError(f"it hangs: {self._left()} are left of the job, which said: {self.log()}")
        return time.monotonic() - begin

    def exit_code(self) -> Optional[int]:
        return self._mpirun.returncode

    def processes(self) -> Dict[int, str]:
        """What is left of the job, mpirun aside: pid and name."""
        return {pid: name for pid, name, _ in self._all()}

    def rank_pid(self, rank: int) -> int:
        return self._ranks()[rank]

    def node_pids(self) -> List[int]:
        """Open MPI's daemons on the nodes."""
        return sorted(pid for pid, name in self.processes().items() if name == "orted")

    def close(self) -> None:
        """Ends what is left, if something is: a test has failed, or mpirun waits for what was killed."""
        for pid in [*self.processes(), *([self._mpirun.pid] if self._mpirun.poll() is None else [])]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._mpirun.wait()
        eventually(lambda: not self.processes())

    def _left(self) -> Dict[int, str]:
        return {**self.processes(), **({self._mpirun.pid: "mpirun"} if self._mpirun.poll() is None else {})}

    def _ranks(self) -> Dict[int, int]:
        """Pid by rank."""
        return {int(word[len(RANK_WORD):]): pid for pid, _, environment in self._all()
                for word in environment if word.startswith(RANK_WORD)}

    def _all(self):
        mark = f"TMPDIR={self._world.folder}".encode()
        return [one for one in _all_processes() if mark in one[2] and one[0] != self._mpirun.pid]


def _all_processes():
    """Pid, name and environment of each that may be looked at and is not a zombie."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                environment = file.read().split(b"\0")
            with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                name = file.read().strip()
        except OSError:
            continue
        yield int(entry), name, environment
