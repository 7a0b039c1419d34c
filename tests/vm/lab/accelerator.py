"""Decides between KVM and emulation by booting the stock kernel: /dev/kvm may be there and still not boot one."""

import os
import subprocess
from pathlib import Path

from . import cache, initramfs, qemu_versions
from .architecture import X86_64
from .kernel import Kernel

PROBE_SECONDS = 10
# thread=multi and a second possible vCPU: with only one, TCG translates guest atomics to plain host code, and memory
# shared between VMs breaks.
# Without erms and fsrm: a processor that has them makes memcpy and the kernel use `rep movsb`, which the emulator does
# byte by byte (100 MB/s instead of 1 to 2 GB/s).
TCG = ["-accel", "tcg,thread=multi", "-cpu", "max,-erms,-fsrm"]
KVM = ["-accel", "kvm", "-cpu", "host"]
SMP = ["-smp", "1,maxcpus=2"]
MACHINE = ["-machine", "q35,kernel-irqchip=split"]
# The interrupt controller and the IOMMU that vfio needs. A processor with Armv8.1's atomics: programs use them where they are.
ARM64 = ["-machine", "virt,gic-version=3,iommu=smmuv3", "-accel", "tcg,thread=multi", "-cpu", "cortex-a76"]


def options(kernel: Kernel) -> list[str]:
    """QEMU's options for the machine, accelerator and processors."""
    if kernel.architecture is not X86_64:
        return ARM64 + SMP
    return MACHINE + SMP + (KVM if kvm_works(kernel) else TCG)


def kvm_works(kernel: Kernel) -> bool:
    """Probes once per boot of this machine and kernel, and remembers the answer."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    answer = cache.folder() / f"kvm-{kernel.version}-{boot}"
    if not answer.exists():
        cache.publish(answer, b"yes" if _probe(kernel) else b"no")
    return answer.read_bytes() == b"yes"


def _probe(kernel: Kernel) -> bool:
    command = [
        qemu_versions.chosen(),
        *MACHINE,
        *SMP,
        *KVM,
        "-m",
        "256",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-serial",
        "stdio",
        "-kernel",
        str(kernel.image),
        "-initrd",
        str(initramfs.build(kernel)),
        "-append",
        "console=ttyS0 quiet lab.probe",
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return b"lab: probe booted" in done.stdout
