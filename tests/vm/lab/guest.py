"""One virtual machine: QEMU on the host side, commands inside, the cable, and all ways to die."""

import shlex
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from . import accelerator, initramfs, keys, network
from .deadline import Deadline, LabError
from .guest_agent import GuestAgent, Result
from .kernel import Kernel
from .process import Program
from .qmp import Qmp

MEMORY_MIB = 1024
BOOT_SECONDS = 90
RUN_SECONDS = 60
QUIT_SECONDS = 10
START = Path(__file__).with_name("start.sh")
# norandmaps: QEMU's emulator keeps translated code by address, so that without it every program is translated anew at
# each start, which doubles what ssh takes.
KERNEL_ARGUMENTS = "console=ttyS0 quiet intel_iommu=on mitigations=off norandmaps"


@dataclass(frozen=True)
class Ivshmem:
    """An ivshmem-doorbell device: the server's socket, `slot-3.sock` for a VM that comes back to its slot.

    QEMU talks to the server while it creates the device, before anything else: the server must be up.
    """

    socket: Path
    vectors: int


class Guest:
    """vmN of a lab. Not thread safe. `folder` is /lab in the guest, and keeps every log."""

    def __init__(self, number: int, kernel: Kernel, folder: Path, ivshmem: Ivshmem | None):
        self.number = number
        self.name = network.name(number)
        self.folder = folder
        self.console = folder / "console.log"
        self._kernel = kernel
        self._ivshmem = ivshmem
        self._qemu: Program | None = None
        self._qmp: Qmp
        self._agent: GuestAgent
        self._prepare_folder()

    # Life and death.

    def start(self) -> None:
        """Starts QEMU and returns at once; wait_ready() waits for the guest."""
        qmp, qmp_far = socket.socketpair()
        agent, agent_far = socket.socketpair()
        # Connected sockets instead of paths: nothing to wait for, and QEMU's death is an end of stream.
        with qmp_far, agent_far:
            command = self._command(qmp_far.fileno(), agent_far.fileno())
            self._qemu = Program(self.name, command, self.folder / "qemu.log", pass_fds=(qmp_far.fileno(), agent_far.fileno()))
        self._qmp = Qmp(self.name, qmp)
        self._agent = GuestAgent(self.name, agent)

    def wait_ready(self, seconds: float = BOOT_SECONDS) -> None:
        """Returns when network, sshd and command channel are up."""
        try:
            self._qmp.connect()
            self._agent.synchronize(Deadline(seconds))
        except LabError as error:
            raise LabError(f"{self.name} did not boot: {error}; its console is {self.console}") from None

    def running(self) -> bool:
        return self._qemu is not None and self._qemu.running()

    def kill(self) -> None:
        """kill -9 of QEMU: what a crash of the hypervisor looks like."""
        if self._qemu:
            self._qemu.kill()
            self._hang_up()

    def quit(self) -> None:
        """An orderly end of QEMU; the guest's system is not asked."""
        try:
            self._qmp.execute("quit")
        except LabError:
            pass  # It may hang up before it answers; wait() tells.
        self._qemu.wait(QUIT_SECONDS)
        self._hang_up()

    def reset(self, seconds: float = BOOT_SECONDS) -> None:
        """The reset button: the guest boots again inside the same QEMU."""
        self._qmp.forget_events()
        self._qmp.execute("system_reset")
        self._wait_rebooted(seconds)

    def reboot(self, seconds: float = BOOT_SECONDS) -> None:
        """The guest's own `reboot -f`, inside the same QEMU."""
        self._qmp.forget_events()
        self._agent.send(["busybox", "reboot", "-f"])
        self._wait_rebooted(seconds)

    def boot_id(self) -> str:
        return self.run("cat /proc/sys/kernel/random/boot_id").output.strip()

    # The network cable.

    def unplug(self) -> None:
        self._qmp.execute("set_link", name="card", up=False)

    def plug(self) -> None:
        self._qmp.execute("set_link", name="card", up=True)

    # Programs inside; none of these needs the network.

    def run(self, command: str | Sequence[str], seconds: float = RUN_SECONDS, check: bool = True, stdin: bytes = b"") -> Result:
        """Runs a command (a string: by bash) to its end. With `check`, anything but exit code 0 is a LabError."""
        argv = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        result = self._agent.run(argv, seconds, stdin)
        if check and result.code != 0:
            raise LabError(f"{self.name}: `{_shown(argv)}` ended with exit code {result.code}{_last_line(result)}")
        return result

    def spawn(self, name: str, argv: Sequence[str]) -> int:
        """Starts a program that stays, and returns its PID in the guest. Its log is `folder`/NAME.log."""
        words = shlex.join(str(word) for word in argv)
        return int(self.run(f"setsid {words} < /dev/null > /lab/{name}.log 2>&1 & echo $!").output)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _wait_rebooted(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        try:
            self._qmp.wait_event("RESET", deadline)
            self._agent.synchronize(deadline)
        except LabError as error:
            raise LabError(f"{self.name} did not boot again: {error}; its console is {self.console}") from None

    def _hang_up(self) -> None:
        self._qmp.close()
        self._agent.close()
        self._qemu = None

    def _prepare_folder(self) -> None:
        """What start.sh needs from /lab."""
        (self.folder / "keys").mkdir(parents=True)
        for name in keys.FILES:
            shutil.copy(keys.FOLDER / name, self.folder / "keys")
        shutil.copy(START, self.folder)
        address = f"{network.address(self.number)}/{network.PREFIX_BITS}"
        (self.folder / "guest.env").write_text(f"NAME={self.name}\nADDRESS={address}\n")

    def _command(self, qmp_fd: int, agent_fd: int) -> list[str]:
        return ["qemu-system-x86_64", "-name", self.name, *accelerator.options(self._kernel),
                "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none",
                # First, so that every device after it is behind the IOMMU; vfio needs interrupt remapping.
                "-device", "intel-iommu,intremap=on",
                "-kernel", str(self._kernel.image), "-initrd", str(initramfs.build(self._kernel)),
                "-append", KERNEL_ARGUMENTS,
                *self._console_options(), *self._channel_options(qmp_fd, agent_fd),
                *self._disk_options(), *self._card_options(), *self._ivshmem_options()]

    def _console_options(self) -> list[str]:
        return ["-chardev", f"file,id=console,path={_escaped(self.console)},append=on", "-serial", "chardev:console"]

    def _channel_options(self, qmp_fd: int, agent_fd: int) -> list[str]:
        return ["-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
                "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,fd={agent_fd}",
                "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]

    def _disk_options(self) -> list[str]:
        """No disk: the host's / read-only, and /lab. multidevs: the host's / may span file systems."""
        return ["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
                "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
                "-fsdev", f"local,id=lab,path={_escaped(self.folder)},security_model=none",
                "-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab"]

    def _card_options(self) -> list[str]:
        return ["-netdev", f"tap,id=net,ifname={network.tap(self.number)},script=no,downscript=no",
                "-device", f"virtio-net-pci,id=card,netdev=net,mac={network.mac(self.number)},romfile="]

    def _ivshmem_options(self) -> list[str]:
        if not self._ivshmem:
            return []
        return ["-chardev", f"socket,id=ivshmem,path={_escaped(self._ivshmem.socket)}",
                "-device", f"ivshmem-doorbell,chardev=ivshmem,vectors={self._ivshmem.vectors}"]


def _escaped(path: Path) -> str:
    """A comma in a value is written twice on QEMU's command line."""
    return str(path).replace(",", ",,")


def _last_line(result: Result) -> str:
    lines = (result.errors or result.output).strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def _shown(argv: Sequence[str]) -> str:
    return argv[2] if argv[:2] == ["bash", "-c"] else shlex.join(argv)
