"""The kernel module (guest/module): built for the guests' kernel, put where a guest loads it from, and what its kernel says."""

import re
from pathlib import Path

from lab.deadline import LabError
from lab.lab import Lab
from lab.process import run as run_command

from .checks import expect

SOURCES = Path(__file__).resolve().parents[3] / "guest/module"
INSTALLED = Path("/tmp/installed")
OPTIONS = f"MODPROBE_OPTIONS='-d {INSTALLED}'"
BIND = f"{OPTIONS} {SOURCES}/tombolo-bind"
MAKE_SECONDS = 120
# What the kernel says when something is wrong with it.
TROUBLE = re.compile(r"BUG:|Oops|WARNING:|Call Trace|tombolo.*error")


def build_module(lab: Lab) -> Path:
    kernel = lab.kernel
    headers = Path(f"/lib/modules/{kernel.version}/build")
    if not headers.exists():
        raise LabError(f"no headers of the kernel {kernel.version}; install the package linux-headers-amd64")
    return build_with(headers, lab.work / "module")


def build_with(headers: Path, folder: Path, *variables: str) -> Path:
    """For the kernel of `headers`, in `folder`, which is made."""
    folder.mkdir()
    run_command(["make", "-C", SOURCES, f"HEADERS={headers}", f"OUT={folder}", *variables], MAKE_SECONDS)
    return folder / "tombolo.ko"


def install_module(guest, module: Path) -> None:
    """Where BIND finds it: a folder that has no other modules, because to go through all of the guest's takes depmod long."""
    guest.run(f"for_kernel={INSTALLED}/lib/modules/$(uname -r); mkdir -p $for_kernel; cp {module} $for_kernel; depmod -b {INSTALLED}")


def expect_kernel_well(guest) -> None:
    said = guest.run("dmesg").output
    trouble = [line for line in said.splitlines() if TROUBLE.search(line)]
    expect(trouble[:3], [], "lines of the kernel's log")
