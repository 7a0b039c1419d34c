"""QEMU's command line for a guest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from . import accelerator, initramfs, network
from .architecture import X86_64
from .kernel import Kernel

MEMORY_MIB = 1024
AGENT_PORT = "org.qemu.guest_agent.0"
CARD = "card"


@dataclass(frozen=True)
class Ivshmem:
    """An ivshmem-doorbell device: the server's socket, `slot-3.sock` for a VM that comes back to its slot.

    QEMU talks to the server while it creates the device, before anything else: the server must be up.
    """

    socket: Path
    vectors: int


@dataclass(frozen=True)
class Window:
    """An ivshmem-plain device that shows a file of the host and ignores what the guest stores. QEMU opens the file while
    it starts: it must be there, with that size, a power of two."""

    file: Path
    size_bytes: int


@dataclass(frozen=True)
class V2Device:
    """An ivshmem v2 device that tombolo-ivshmem2 serves at this socket. It takes QEMU 10.1 or newer, and guests whose
    memory the server could map, if it wanted to. It cannot be unplugged: QEMU 11.1.3 aborts."""

    socket: Path


Device = Ivshmem | Window | V2Device


@dataclass(frozen=True)
class Machine:
    number: int
    kernel: Kernel
    folder: Path
    console: Path
    ivshmem: Sequence[Device]  # In ascending order of their PCI addresses.
    iommu: bool = True
    interrupt_remapping: bool = True  # By the IOMMU.


@dataclass(frozen=True)
class DeviceNames:
    """QEMU's, of an Ivshmem and what belongs to it."""

    device: str
    port: str
    chardev: str


def device_names(index: int) -> DeviceNames:
    return DeviceNames(f"region{index}", f"port{index}", f"ivshmem{index}")


def command(machine: Machine, qmp_fd: int, agent_fd: int) -> list[str]:
    """`qmp_fd` and `agent_fd` are connected sockets that QEMU inherits."""
    return [
        str(machine.kernel.architecture.qemu()),
        *("-name", network.name(machine.number), "-m", str(MEMORY_MIB)),
        *accelerator.options(machine.kernel),
        *(_shared_memory() if _has_v2(machine) else []),
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *_iommu(machine),
        *("-kernel", str(machine.kernel.image), "-initrd", str(initramfs.build(machine.kernel))),
        *("-append", machine.kernel.architecture.kernel_arguments),
        *_console(machine.console),
        *_channels(qmp_fd, agent_fd),
        *_folders(machine.kernel.root, machine.folder),
        *(_card(machine.number) if machine.kernel.architecture.has_card else []),
        *_ivshmem(machine.ivshmem),
    ]


def _has_v2(machine: Machine) -> bool:
    return any(isinstance(device, V2Device) for device in machine.ivshmem)


def _shared_memory() -> list[str]:
    """vfio-user-pci has no other."""
    backend = f"memory-backend-memfd,id=ram,share=on,size={MEMORY_MIB}M"
    return ["-object", backend, "-machine", "memory-backend=ram"]


def _iommu(machine: Machine) -> list[str]:
    """First, so that every device after it is behind the IOMMU; vfio needs interrupt remapping. On arm64 it is a part of the
    machine. vfio-user-pci is only behind an IOMMU that tells of each change."""
    if machine.kernel.architecture is not X86_64 or not machine.iommu:
        return []
    remapping = "on" if machine.interrupt_remapping else "off"
    return ["-device", f"intel-iommu,intremap={remapping}{',caching-mode=on' if _has_v2(machine) else ''}"]


def _console(log: Path) -> list[str]:
    return ["-chardev", f"file,id=console,path={_escaped(log)},append=on", "-serial", "chardev:console"]


def _channels(qmp_fd: int, agent_fd: int) -> list[str]:
    qmp = ["-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control"]
    agent = ["-chardev", f"socket,id=agent,fd={agent_fd}", "-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"]
    return [*qmp, "-device", "virtio-serial-pci", *agent]


def _folders(root: Path, own: Path) -> list[str]:
    """No disk: the host's / read-only, or what stands for it, and /lab. multidevs: the host's / may span file systems."""
    return [
        *("-fsdev", f"local,id=root,path={_escaped(root)},security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
        *("-fsdev", f"local,id=lab,path={_escaped(own)},security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab"),
    ]


def _card(number: int) -> list[str]:
    return [
        *("-netdev", f"tap,id=net,ifname={network.tap(number)},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,id={CARD},netdev=net,mac={network.mac(number)},romfile="),
    ]


def _ivshmem(devices: Sequence[Device]) -> list[str]:
    words = []
    for index, device in enumerate(devices):
        if isinstance(device, V2Device):
            words += _v2(index, device)
        else:
            words += _window(index, device) if isinstance(device, Window) else _doorbell(index, device)
    return words


def _v2(index: int, device: V2Device) -> list[str]:
    names = device_names(index)
    socket = {"type": "unix", "path": str(device.socket)}
    options = {"driver": "vfio-user-pci", "id": names.device, "bus": names.port, "socket": socket}
    return [
        *("-device", f"pcie-root-port,id={names.port},chassis={index + 1}"),
        *("-device", json.dumps(options)),
    ]


def _doorbell(index: int, device: Ivshmem) -> list[str]:
    """Behind a port of its own, because what is on the first bus cannot be unplugged."""
    names = device_names(index)
    return [
        *("-chardev", f"socket,id={names.chardev},path={_escaped(device.socket)}"),
        *("-device", f"pcie-root-port,id={names.port},chassis={index + 1}"),
        *("-device", f"ivshmem-doorbell,id={names.device},bus={names.port},chardev={names.chardev},vectors={device.vectors}"),
    ]


def _window(index: int, device: Window) -> list[str]:
    backend = f"memory-backend-file,id=window{index},share=on,readonly=on"
    return [
        *("-object", f"{backend},mem-path={_escaped(device.file)},size={device.size_bytes}"),
        *("-device", f"ivshmem-plain,memdev=window{index}"),
    ]


def _escaped(path: Path) -> str:
    """A comma in a value is written twice on QEMU's command line."""
    return str(path).replace(",", ",,")
