"""A lab of N guests on one network. What a test does:

    def main() -> int:
        with Lab(work, guests=2) as lab:
            lab.boot()
            lab.guest(1).run("busybox ping -c 1 vm2")
        return 0

    sys.exit(containment.run(main))
"""

from pathlib import Path
from typing import Mapping, Self, Sequence

from . import kernel, keys, network
from .guest import BOOT_SECONDS, Guest
from .kernel import Kernel
from .process import Program, run
from .qemu_options import Device

SSH_SECONDS = 60


class HostPrograms:
    """Programs on the host side; leaving the `with` block ends them. Use it inside containment.run()."""

    def __init__(self, work: Path):
        """`work` keeps the logs."""
        self.work = work
        self._programs: list[Program] = []
        work.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def spawn(self, name: str, argv: Sequence[str], **options) -> Program:
        """Starts a program; its log is `work`/NAME.log."""
        program = Program(name, argv, self.work / f"{name}.log", **options)
        self._programs.append(program)
        return program

    def close(self) -> None:
        """Ends them, the last started first. What escaped ends with the namespace."""
        for program in reversed(self._programs):
            program.stop()
        self._programs.clear()


class Lab(HostPrograms):
    """Owns guests and host programs. When one is closed, the next may begin."""

    def __init__(
        self,
        work: Path,
        guests: int,
        ivshmem: Mapping[int, Sequence[Device]] | None = None,
        kernels: Mapping[int, Kernel] | None = None,
    ):
        """`ivshmem` gives the devices of guest 1..N; guests without an entry have none. `kernels`: of guests that do not
        boot this machine's own."""
        super().__init__(work)
        self._make_network(guests)
        self.kernel = kernel.find()
        devices, others = ivshmem or {}, kernels or {}
        self.guests = [
            Guest(number, others.get(number, self.kernel), work / network.name(number), devices.get(number, ()))
            for number in range(1, guests + 1)
        ]

    def guest(self, number: int) -> Guest:
        """vm1 is number 1."""
        return self.guests[number - 1]

    def boot(self, seconds: float = BOOT_SECONDS, iommu: bool = True) -> None:
        """Boots all guests at the same time."""
        for guest in self.guests:
            guest.start(iommu=iommu)
        for guest in self.guests:
            guest.wait_ready(seconds)

    def ssh(self, number: int, command: str, seconds: float = SSH_SECONDS) -> str:
        return run(["ssh", network.name(number), command], seconds)

    def close(self) -> None:
        """Guests first: a daemon that stops before its guests would have to tell them."""
        for guest in self.guests:
            guest.kill()
        super().close()
        self._remove_network()

    def _make_network(self, guests: int) -> None:
        """Names and ssh settings are bound over the system's, in our mount namespace only, so that plain `ssh vm1`
        works; the guests see them too, because they see the host's files as we do."""
        network.create(guests)
        keys.create()
        _bind("/etc/hosts", network.hosts_file(guests))
        _bind("/etc/ssh/ssh_config", keys.SSH_CONFIG)

    def _remove_network(self) -> None:
        run(["umount", "/etc/hosts", "/etc/ssh/ssh_config"])
        keys.remove()
        network.remove(len(self.guests))


def _bind(path: str, content: str) -> None:
    file = keys.FOLDER / Path(path).name
    file.write_text(content)
    run(["mount", "--bind", file, path])
