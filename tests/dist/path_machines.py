"""The machines of path_test.py: a host under systemd-nspawn, virtual machines that are started in it, and their terminals."""

import re
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, TextIO

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

from lab.deadline import Deadline, LabError  # noqa: E402
from lab.guest_agent import GuestAgent  # noqa: E402
from lab.lab import HostPrograms  # noqa: E402
from lab.process import Program  # noqa: E402

# The folder of the test, in the host.
SHARED = "/path"
COLUMNS = 140
# Of emulation, on a machine that has other work.
BOOT_SECONDS = 400
COMMAND_SECONDS = 90
PAUSE_SECONDS = 0.5
AGENT_PORT = "org.qemu.guest_agent.0"

# What is run in a machine, and for how long at most; its exit code, and what it said.
Run = Callable[[list[str], float], tuple[int, str]]


@dataclass(frozen=True)
class Terminal:
    """Somebody at a terminal of one machine. What is typed and what is said is in the transcript, as it is seen, without
    colours."""

    machine: str
    user: str
    run: Run
    transcript: TextIO

    def types(self, command: str, *expected: str, seconds: float = COMMAND_SECONDS) -> str:
        """Runs it to a good end. `expected`: what each of them matches is in its output. Gives that."""
        code, said = self._type(command, seconds)
        if code != 0:
            raise LabError(f"`{command}` at {self.machine} ended with exit code {code}: {said.strip()}")
        return self._check(command, said, expected)

    def types_in_vain(self, command: str, *expected: str) -> str:
        """As types(), for what has to fail."""
        code, said = self._type(command, COMMAND_SECONDS)
        if code == 0:
            raise LabError(f"`{command}` at {self.machine} had to fail: {said.strip()}")
        return self._check(command, said, expected)

    def _type(self, command: str, seconds: float) -> tuple[int, str]:
        code, said = self.look(command, seconds)
        self.write(f"{self._prompt()} {command}\n{said}")
        return code, said

    def _check(self, command: str, said: str, expected: tuple[str, ...]) -> str:
        for regex in expected:
            if not re.search(regex, said, re.MULTILINE):
                raise LabError(f"`{command}` at {self.machine} said nothing that matches `{regex}`: {said.strip()}")
        return said

    def types_until(self, command: str, expected: str, seconds: float) -> str:
        """As often as it takes; only the last time is in the transcript."""
        deadline = Deadline(seconds)
        while not re.search(expected, self.look(command, COMMAND_SECONDS)[1], re.MULTILINE) and not deadline.passed():
            time.sleep(PAUSE_SECONDS)
        return self.types(command, expected)

    def look(self, command: str, seconds: float = COMMAND_SECONDS) -> tuple[int, str]:
        code, said = self.run(self.words(command), seconds)
        return code, _as_seen(said)

    def words(self, command: str) -> list[str]:
        """A login shell with a terminal."""
        return ["runuser", "-l", self.user, "-c", _with_terminal(command)]

    def write(self, text: str) -> None:
        self.transcript.write(text)
        self.transcript.flush()

    def _prompt(self) -> str:
        return f"{self.user}@{self.machine}:~{'#' if self.user == 'root' else '$'}"


class Host:
    """Boots the system in the folder `root`. `work` is SHARED in it."""

    def __init__(self, programs: HostPrograms, root: Path, work: Path, transcript: TextIO):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"]
        binds = [f"--bind={work}:{SHARED}", "--bind=/dev/net/tun"]
        self._programs = programs
        self._nspawn = programs.spawn("host", [*command, *binds, "--hostname=host", f"--directory={root}", "--boot"])
        self._work = work
        self._transcript = transcript
        self._leader = 0

    def wait_booted(self) -> None:
        self._nspawn.wait_until(self._is_booted, BOOT_SECONDS, "its system was up")

    def terminal(self, user: str) -> Terminal:
        return Terminal("host", user, self._run, self._transcript)

    def starts(self, terminal: Terminal, name: str, command: str) -> Program:
        """As Terminal.types(), for what goes on; its output is the log NAME.log."""
        terminal.write(f"{terminal._prompt()} {command} &\n")
        return self._programs.spawn(name, [*self._inside(), "runuser", "-l", terminal.user, "-c", f"exec {command}"])

    def _is_booted(self) -> bool:
        self._leader = self._leader or _child(self._nspawn.pid, "systemd")
        if self._leader == 0:
            return False
        return self._run(["systemctl", "is-system-running"], COMMAND_SECONDS)[1].strip() in ("running", "degraded")

    def _inside(self) -> list[str]:
        environment = ["env", "--ignore-environment", "TERM=xterm", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        return ["nsenter", "--all", f"--target={self._leader}", *environment]

    def _run(self, words: list[str], seconds: float) -> tuple[int, str]:
        command = [*self._inside(), "timeout", "--kill-after=2", f"{seconds:.0f}", *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
        return done.returncode, done.stdout


class Machine:
    """vmN, in slot N, from the disk SHARED/machine.img, which stays as it is. It has no network card."""

    def __init__(self, number: int, host: Host, user: str, work: Path, transcript: TextIO):
        self.name = f"vm{number}"
        self._transcript = transcript
        self._socket = work / f"{self.name}.agent"
        self._console = work / f"{self.name}.console"
        self._qemu = host.starts(host.terminal(user), self.name, qemu_command(number))

    def wait_booted(self) -> None:
        self._qemu.wait_until(self._socket.exists, BOOT_SECONDS, "QEMU had started")
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(str(self._socket))
        self._agent = GuestAgent(self.name, channel)
        try:
            self._agent.synchronize(Deadline(BOOT_SECONDS))
        except LabError as error:
            raise LabError(f"{error}; its console is {self._console}") from None
        self.terminal("root").types_until("systemctl is-system-running", "^running$", BOOT_SECONDS)

    def terminal(self, user: str) -> Terminal:
        return Terminal(self.name, user, self._run, self._transcript)

    def wait_off(self) -> None:
        self._qemu.wait(BOOT_SECONDS)

    def _run(self, words: list[str], seconds: float) -> tuple[int, str]:
        result = self._agent.run(words, seconds)
        return result.code, result.output + result.errors


def qemu_command(number: int) -> str:
    """What is typed on the host. Emulated, because the machine on which this is tried is seldom one that nests."""
    name = f"vm{number}"
    return " ".join(
        (
            "qemu-system-x86_64 -accel tcg,thread=multi -cpu max,-erms,-fsrm -smp 1,maxcpus=2 -m 1G -nic none -display none",
            f"-drive file={SHARED}/machine.img,format=raw,if=virtio,snapshot=on",
            f"-kernel {SHARED}/vmlinuz -initrd {SHARED}/initrd.img",
            f"-append 'root=/dev/vda rw console=ttyS0 intel_iommu=on systemd.hostname={name}'",
            f"-serial file:{SHARED}/{name}.console -device virtio-serial-pci",
            f"-chardev socket,id=agent,path={SHARED}/{name}.agent,server=on,wait=off",
            f"-device virtserialport,chardev=agent,name={AGENT_PORT}",
            f"$(tombolo vm-args {number})",
        )
    )


def _child(pid: int, name: str) -> int:
    """The process of that name below `pid`; 0 if there is none."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == name:
            return int(child)
        if found := _child(int(child), name):
            return found
    return 0


def _with_terminal(command: str) -> str:
    return f"script --quiet --return --echo never --command {shlex.quote(f'stty cols {COLUMNS} -onlcr; {command}')} /dev/null"


def _as_seen(said: str) -> str:
    """Without colours; of a line that was written over, what stayed."""
    plain = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\([A-Z]|\]8;.*?(\x1b\\|\x07))", "", said)
    lines = plain.rstrip("\n").split("\n") if plain else []
    return "".join(line.rstrip("\r ").split("\r")[-1] + "\n" for line in lines)
