"""What differs between guests of one processor architecture and another: QEMU's options, the kernel's modules, and which
script is their first process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

from . import qemu_versions

HERE = Path(__file__).parent
# 9p and overlay for the root, virtio_console for the command channel, vfio for Tombolo's agent. The agent itself binds the
# device; loading is done by init.sh because the guest's own /lib/modules would do the same more slowly.
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay", "vfio-pci", "vfio_iommu_type1")
# norandmaps: QEMU's emulator keeps translated code by address, so that without it every program is translated anew at
# each start, which doubles what ssh takes.
KERNEL_ARGUMENTS = "quiet mitigations=off norandmaps"


@dataclass(frozen=True)
class Architecture:
    name: str
    qemu: Callable[[], Path | str]  # The program.
    modules: Sequence[str]
    kernel_arguments: str
    start: Path  # Process 1 of a guest that is up; /lab/start.sh there.
    has_card: bool  # A network card; else commands come in by QEMU's guest agent only.


X86_64 = Architecture(
    name="x86_64",
    qemu=qemu_versions.chosen,
    # tun is for `tombolo net`.
    modules=(*MODULES, "virtio_net", "tun"),
    # no_timer_check: on a busy host the kernel's measurement of the timer fails, and it panics.
    kernel_arguments=f"console=ttyS0 {KERNEL_ARGUMENTS} intel_iommu=on no_timer_check",
    start=HERE / "start.sh",
    has_card=True,
)
ARM64 = Architecture(
    name="arm64",
    # Older ones let Device memory be accessed unaligned, as no processor does.
    qemu=lambda: qemu_versions.program("10.0", qemu_versions.ARM),
    modules=MODULES,
    kernel_arguments=f"console=ttyAMA0 {KERNEL_ARGUMENTS}",
    start=HERE / "start_arm64.sh",
    has_card=False,
)
