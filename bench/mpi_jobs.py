"""Jobs under mpirun for the same program over several transports, and the tombolod that one of them needs."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HIGHEST_PRIORITY = -20
START_SECONDS, ANSWER_SECONDS, END_SECONDS = 60, 120, 20
# Room for what the ranks allocate with MPI_Alloc_mem.
REGION_SIZE = "512M"


@dataclass(frozen=True)
class Transport:
    key: str
    title: str
    options: tuple[str, ...]  # Of mpirun.


@dataclass(frozen=True)
class Answer:
    value: float | None  # None: this transport cannot do it.
    preempted: bool  # A rank lost its core meanwhile.


class JobFailed(Exception):
    pass


class Host:
    """A runtime folder with a tombolod that serves in it, from `with` on to its end."""

    def __init__(self, binaries: Path):
        self._stack = contextlib.ExitStack()
        self._binaries = binaries
        self.cores = len(os.sched_getaffinity(0))

    def __enter__(self) -> "Host":
        # Short, because sockets lie in it: their paths end at 107 bytes.
        self.work = Path(tempfile.mkdtemp(prefix="tbench.", dir="/tmp"))
        self._stack.callback(shutil.rmtree, self.work, ignore_errors=True)
        # Open MPI takes every file of the folder for a component.
        components = self.work / "components"
        components.mkdir()
        for component in ("component/mca_btl_tombolo.so", "mpool/mca_mpool_tombolo.so"):
            shutil.copy(self._binaries / "mpi_btl" / component, components)
        self._environment = os.environ | {
            "TMPDIR": str(self.work),
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_mca_base_component_path": f"{components}:SYS_DEFAULT",
            "OMPI_MCA_btl_tombolo_broker": str(self.work / "run/broker.sock"),
        }
        self._start_daemon()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def _start_daemon(self) -> None:
        command = [self._binaries / "control/daemon/tombolod", "--runtime-dir", self.work / "run", "--size", REGION_SIZE]
        daemon = subprocess.Popen(command, stderr=(self.work / "tombolod.log").open("w"))
        self._stack.callback(end, daemon)
        until = time.monotonic() + START_SECONDS
        while not (self.work / "run/broker.sock").exists():
            if daemon.poll() is not None or time.monotonic() > until:
                raise SystemExit("error: tombolod does not start:\n" + (self.work / "tombolod.log").read_text())
            time.sleep(0.05)

    def mpirun(self, transport: Transport, ranks: int, program: list[str], log: IO, cores: int) -> subprocess.Popen:
        """In a session of its own, so that it may raise its priority as a whole. Ranks that outnumber the cores yield."""
        command = ["mpirun", "--host", f"localhost:{ranks}", "-n", str(ranks), "--bind-to", "none", *transport.options]
        if ranks > cores:
            command += ["--mca", "mpi_yield_when_idle", "1"]
        allowed = sorted(os.sched_getaffinity(0))[:cores]

        def prepare() -> None:
            os.sched_setaffinity(0, allowed)
            with contextlib.suppress(OSError):  # Not allowed to everybody.
                os.nice(HIGHEST_PRIORITY)
                Path("/proc/self/autogroup").write_text(str(HIGHEST_PRIORITY))

        return subprocess.Popen(
            command + program,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
            preexec_fn=prepare,
        )


class Job:
    """mpi_peer with `ranks` ranks, which sleep until they are asked; bench/mpi/command.h has the language."""

    def __init__(self, host: Host, program: Path, transport: Transport, ranks: int, cores: int | None = None):
        self.transport = transport
        self.ranks = ranks
        self.is_crowded = ranks > (cores or host.cores)
        self._path = Path(tempfile.mkdtemp(prefix=f"{transport.key}.", dir=host.work))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path / "sock"))
        self._listener.listen(ranks)
        self._connections: list[socket.socket] = []
        self._files: list[IO] = []
        with (self._path / "log").open("w") as log:
            words = [str(program), str(self._path / "sock")]
            self._process = host.mpirun(transport, ranks, words, log, cores or host.cores)

    def wait_until_up(self) -> None:
        until = time.monotonic() + START_SECONDS
        self._listener.settimeout(0.2)
        while len(self._connections) < self.ranks:
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.settimeout(ANSWER_SECONDS)
                self._connections.append(connection)
                self._files.append(connection.makefile("r"))
            if self._process.poll() is not None or time.monotonic() > until:
                raise JobFailed(self._why("does not start"))

    def ask(self, command: str) -> Answer:
        answers = []
        try:
            for connection in self._connections:
                connection.sendall(f"{command}\n".encode())
            answers = [json.loads(file.readline()) for file in self._files]
        except (OSError, json.JSONDecodeError) as error:
            raise JobFailed(self._why(f"does not answer to '{command}'")) from error
        values = [answer["value"] for answer in answers if answer["value"] is not None]
        return Answer(max(values, default=None), any(answer["preempted"] for answer in answers))

    def close(self) -> None:
        for file in (*self._files, *self._connections, self._listener):
            file.close()
        end(self._process)

    def _why(self, what: str) -> str:
        lines = (self._path / "log").read_text(errors="replace").splitlines()
        return f"{self.transport.title} {what}: " + (" / ".join(lines[-6:]) or "it says nothing")


def end(process: subprocess.Popen) -> None:
    """A job ends when its ranks are hung up on, a daemon when it is told to."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
        return
    process.terminate()
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def jobs_up(host: Host, program: Path, transports: list[Transport], ranks: int, cores: int | None = None):
    """A job for each transport, as far as it starts."""
    jobs = [Job(host, program, transport, ranks, cores) for transport in transports]
    try:
        up = []
        for job in jobs:
            try:
                job.wait_until_up()
                up.append(job)
            except JobFailed as failure:
                print(f"warning: left out: {failure}", flush=True)
        yield up
    finally:
        for job in jobs:
            job.close()
