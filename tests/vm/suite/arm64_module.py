"""The kernel module (guest/module), cross-compiled, in an arm64 guest."""

import shutil
from pathlib import Path

from lab.guest import Guest
from lab.kernel import Kernel

from . import module_build
from .kernel_module import DEVICE

CROSS = ("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-")


def build(kernel: Kernel, folder: Path) -> Path:
    """With the kernel's headers; the programs that they call are this machine's."""
    headers = kernel.root / f"usr/src/linux-headers-{kernel.version}"
    return module_build.build_with(headers, folder, *CROSS)


def bind(guest: Guest, module: Path) -> None:
    """tombolo-bind takes the device from vfio-pci. The tree is not in this guest, which has no /bin/sh either."""
    for file in (module, module_build.SOURCES / "tombolo-bind"):
        shutil.copy(file, guest.folder)
    module_build.install_module(guest, Path("/lab") / module.name)
    guest.run(f"dmesg -c > /dev/null; {module_build.OPTIONS} bash /lab/tombolo-bind start && test -c {DEVICE}")
