#!/usr/bin/python3
"""guest_test.py ROOT: boots a virtual machine whose system is the fresh Debian in the folder ROOT, in which tombolo-agent is
installed, and looks at its service there.

packages_test.sh starts it (`./dev deb --test --guest`), with inside.sh in ROOT/test. The machine's disk is ROOT over 9p, read-only,
with a tmpfs above. The last line is "N passed, M failed"; logs are in out/deb/guest.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "vm"), str(TREE / "scripts/main_job")]

import host_side  # noqa: E402
from lab import accelerator, containment, initramfs, kernel, qemu_options  # noqa: E402
from lab.architecture import X86_64  # noqa: E402
from lab.lab import HostPrograms  # noqa: E402
from programs import Programs, fresh_folder  # noqa: E402

WORK = TREE / "out/deb/guest"
SLOT = 1
# Of emulation, on a machine that has other work: systemd and its services under TCG.
BOOT_SECONDS = 300
# What the lab's initramfs starts in the guest.
START = """#!/bin/bash
mount -t tmpfs -o mode=0755 run /run
mkdir -p /run/systemd/system/default.target.wants
cp /lab/guest-test.service /run/systemd/system
ln -s ../guest-test.service /run/systemd/system/default.target.wants/guest-test.service
exec /lib/systemd/systemd
"""
TEST_UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/test/inside.sh guest
ExecStopPost=/bin/sh -c "systemctl poweroff --force --force > /dev/null 2>&1"
StandardOutput=append:/lab/result
StandardError=append:/lab/result
"""


def main(root: Path) -> int:
    fresh_folder(WORK)
    (WORK / "start.sh").write_text(START)
    (WORK / "guest-test.service").write_text(TEST_UNIT)
    programs = Programs.copy(TREE / "bazel-bin", WORK / "bin")
    with HostPrograms(WORK) as host:
        host_side.start_daemon(host, programs)
        host_side.start_agent(host, programs)
        host.spawn("guest", command(root, kernel.find())).wait(BOOT_SECONDS)
    result = WORK / "result"
    print(result.read_text() if result.exists() else f"error: the guest did not come to its test; see {WORK}", end="")
    return 0


def command(root: Path, stock: kernel.Kernel) -> list[str]:
    return [
        "qemu-system-x86_64",
        *("-m", str(qemu_options.MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *accelerator.options(stock),
        *("-device", "intel-iommu,intremap=on"),
        *("-kernel", str(stock.image), "-initrd", str(initramfs.build(stock))),
        # Without udev nobody tells systemd of ttyS0, for which it would wait 90 s.
        *("-append", X86_64.kernel_arguments + " systemd.mask=serial-getty@ttyS0.service"),
        *("-chardev", f"file,id=console,path={WORK}/console.log", "-serial", "chardev:console"),
        *("-fsdev", f"local,id=root,path={root},security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
        *("-fsdev", f"local,id=lab,path={WORK},security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab"),
        *("-chardev", f"socket,id=ivshmem,path={host_side.RUNTIME}/slot-{SLOT}.sock"),
        *("-device", "ivshmem-doorbell,chardev=ivshmem,vectors=16"),
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: guest_test.py ROOT")
    sys.exit(containment.run(lambda: main(Path(sys.argv[1]).resolve())))
