"""One virtual machine: QEMU on the host side, commands inside, the cable, and all ways to die."""

import dataclasses
import shlex
import shutil
import socket
from pathlib import Path
from typing import Sequence

from . import accelerator, keys, network, qemu_options, qemu_versions
from .deadline import Deadline, LabError
from .guest_agent import GuestAgent, Result
from .kernel import Kernel
from .process import Program
from .qemu_options import Device, Machine
from .qmp import Qmp

BOOT_SECONDS = 90
RUN_SECONDS = 60
QUIT_SECONDS = 10


class Guest:
    """vmN of a lab. Not thread safe. `folder` is /lab in the guest, and keeps every log."""

    def __init__(self, number: int, kernel: Kernel, folder: Path, ivshmem: Sequence[Device]):
        self.number = number
        self.name = network.name(number)
        self.folder = folder
        self.console = folder / "console.log"
        self._machine = Machine(number, kernel, folder, self.console, ivshmem)
        self._qemu: Program | None = None
        self._qmp: Qmp
        self._agent: GuestAgent
        self._prepare_folder()

    # Life and death.

    def start(self, interrupt_remapping: bool = True, iommu: bool = True) -> None:
        """Starts QEMU and returns at once; wait_ready() waits for the guest."""
        machine = dataclasses.replace(self._machine, interrupt_remapping=interrupt_remapping, iommu=iommu)
        qmp, qmp_far = socket.socketpair()
        agent, agent_far = socket.socketpair()
        # Connected sockets instead of paths: nothing to wait for, and QEMU's death is an end of stream.
        with qmp_far, agent_far:
            command = qemu_options.command(machine, qmp_far.fileno(), agent_far.fileno())
            self._qemu = Program(
                self.name, command, self.folder / "qemu.log", pass_fds=(qmp_far.fileno(), agent_far.fileno())
            )
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
        self._qmp.execute("set_link", name=qemu_options.CARD, up=False)

    def plug(self) -> None:
        self._qmp.execute("set_link", name=qemu_options.CARD, up=True)

    def survives_plugging_in_again(self) -> bool:
        """QEMU 11.1 ends when a device that was plugged in again is rung, `Object ... is not an instance of type
        ivshmem-common`, if it emulates: only then it watches the device's eventfds itself (docs/devices.md)."""
        return accelerator.kvm_works(self._machine.kernel) or qemu_versions.major() < 11

    # The ivshmem device, an Ivshmem, at `index` of those that the lab has given this guest.

    def request_unplug_device(self, index: int = 0) -> None:
        """Presses the button: the guest's kernel is asked to let go of it. wait_device_unplugged() waits for that."""
        self._qmp.forget_events()
        self._qmp.execute("device_del", id=qemu_options.device_names(index).device)

    def wait_device_unplugged(self, seconds: float, index: int = 0) -> None:
        """Hangs up on its server too: without that QEMU keeps the connection, and the slot."""
        self._qmp.wait_event("DEVICE_DELETED", Deadline(seconds))
        self._qmp.execute("chardev-remove", id=qemu_options.device_names(index).chardev)

    def plug_device(self, index: int = 0) -> None:
        names, device = qemu_options.device_names(index), self._machine.ivshmem[index]
        address = {"type": "unix", "data": {"path": str(device.socket)}}
        backend = {"type": "socket", "data": {"addr": address, "server": False}}
        self._qmp.execute("chardev-add", id=names.chardev, backend=backend)
        options = {"bus": names.port, "chardev": names.chardev, "vectors": device.vectors}
        self._qmp.execute("device_add", driver="ivshmem-doorbell", id=names.device, **options)

    # Programs inside; none of these needs the network.

    def run(
        self, command: str | Sequence[str], seconds: float = RUN_SECONDS, check: bool = True, stdin: bytes = b""
    ) -> Result:
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
        shutil.copy(self._machine.kernel.architecture.start, self.folder / "start.sh")
        address = f"{network.address(self.number)}/{network.PREFIX_BITS}"
        (self.folder / "guest.env").write_text(f"NAME={self.name}\nADDRESS={address}\n")


def _last_line(result: Result) -> str:
    lines = (result.errors or result.output).strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def _shown(argv: Sequence[str]) -> str:
    return argv[2] if argv[:2] == ["bash", "-c"] else shlex.join(argv)
