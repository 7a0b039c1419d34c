"""The stock Debian kernels that guests boot, and the modules they need."""

import os
from dataclasses import dataclass
from pathlib import Path

from .architecture import ARM64, X86_64, Architecture
from .deadline import LabError
from .process import run


@dataclass(frozen=True)
class Kernel:
    version: str
    image: Path
    architecture: Architecture = X86_64
    root: Path = Path("/")  # Of the guest too: with its modules, and programs for its processor.

    def module_files(self) -> list[Path]:
        """The files of the architecture's modules and of what they depend on, in the order of loading."""
        files: dict[Path, None] = {}  # A set that keeps its order.
        for module in self.architecture.modules:
            ask = ["modprobe", "-d", self.root, "-S", self.version, "--show-depends", module]
            for line in run(ask).splitlines():
                kind, *words = line.split()
                if kind == "insmod":
                    files[Path(words[0])] = None
        return list(files)


def find() -> Kernel:
    """The newest linux-image-amd64 in /boot. Debian's cloud kernel is left out: it has no 9p."""
    images = [path for path in Path("/boot").glob("vmlinuz-*-amd64") if "cloud" not in path.name]
    if not images:
        raise LabError("no kernel /boot/vmlinuz-*-amd64 for the guests; install the package linux-image-amd64")
    image = max(images, key=lambda path: path.stat().st_mtime)
    return Kernel(image.name.removeprefix("vmlinuz-"), image)


def find_arm64() -> Kernel:
    """That of linux-image-arm64, which scripts/arm64_sysroot.sh unpacks together with what is to be the guest's root."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(cache) / "tombolo-lab/arm64"
    images = list((root / "boot").glob("vmlinuz-*-arm64"))
    if not images:
        raise LabError(f"no kernel {root}/boot/vmlinuz-*-arm64 for an arm64 guest; scripts/arm64_sysroot.sh unpacks one")
    return Kernel(images[0].name.removeprefix("vmlinuz-"), images[0], ARM64, root)
