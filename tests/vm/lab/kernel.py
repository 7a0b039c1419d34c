"""The stock Debian kernel that guests boot, and the modules it needs."""

from dataclasses import dataclass
from pathlib import Path

from .deadline import LabError
from .process import run

# 9p and overlay for the root, virtio_console for the command channel, vfio for Tombolo's agent, tun for `tombolo net`.
# The agent itself binds the device; loading is done here because the guest's own /lib/modules would do the same more
# slowly.
MODULES = (
    "virtio_pci",
    "virtio_net",
    "virtio_console",
    "9pnet_virtio",
    "9p",
    "overlay",
    "vfio-pci",
    "vfio_iommu_type1",
    "tun",
)


@dataclass(frozen=True)
class Kernel:
    version: str
    image: Path

    def module_files(self) -> list[Path]:
        """The files of MODULES and of what they depend on, in the order of loading."""
        files: dict[Path, None] = {}  # A set that keeps its order.
        for module in MODULES:
            for line in run(["modprobe", "-S", self.version, "--show-depends", module]).splitlines():
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
