#!/usr/bin/python3
"""Tests the lab itself: two guests boot, talk, lose their cable, die and come back. Prints what each step took."""

import os
import sys
import tempfile
import shutil
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import containment  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from lab.qemu_options import Ivshmem  # noqa: E402
from lab.lab import Lab  # noqa: E402

# Set to give the guests ivshmem devices too: the folder of a running tombolod.
RUNTIME = os.environ.get("LAB_TEST_RUNTIME_DIR")
VECTORS = 16


class LabTest(unittest.TestCase):
    """One lab for all tests, in the order of their names: booting is what costs."""

    lab: Lab
    work: Path

    def setUp(self):
        self._start = time.monotonic()

    def tearDown(self):
        print(f"  {time.monotonic() - self._start:5.1f} s  {self._testMethodName}", flush=True)

    def test_1_two_guests_boot(self):
        self.lab.boot()
        self.assertNotEqual(self.lab.guest(1).boot_id(), self.lab.guest(2).boot_id())

    def test_2_ssh_works_from_the_host_and_between_guests(self):
        self.assertEqual(self.lab.ssh(1, "hostname"), "vm1\n")
        self.assertEqual(self.lab.ssh(2, "hostname"), "vm2\n")
        self.assertEqual(self.lab.ssh(1, "ssh vm2 hostname"), "vm2\n")
        self.assertEqual(self.lab.ssh(2, "ssh vm1 hostname"), "vm1\n")

    def test_3_commands_return_exit_code_output_and_errors(self):
        result = self.lab.guest(1).run("cat; echo wrong >&2; exit 7", check=False, stdin=b"given")
        self.assertEqual((result.code, result.output, result.errors), (7, "given", "wrong\n"))
        with self.assertRaisesRegex(LabError, "vm1: `false` ended with exit code 1"):
            self.lab.guest(1).run("false")

    def test_3_commands_that_take_too_long_are_ended(self):
        self.assertEqual(self.lab.guest(1).run("sleep 60", seconds=1, check=False).code, 124)
        self.assertEqual(self.lab.guest(1).run("pgrep -x sleep | wc -l").output, "1\n")  # start.sh's own.

    def test_3_guests_see_the_host_files_and_cannot_change_them(self):
        self.lab.guest(1).run("echo changed > /etc/debian_version")
        self.assertNotEqual(Path("/etc/debian_version").read_text(), "changed\n")
        self.lab.guest(1).run("echo kept > /lab/note")
        self.assertEqual((self.work / "vm1/note").read_text(), "kept\n")

    def test_3_guests_have_interrupt_remapping_and_vfio(self):
        for guest in self.lab.guests:
            guest.run("ls -d /sys/bus/pci/drivers/vfio-pci /sys/kernel/iommu_groups/0")

    @unittest.skipUnless(RUNTIME, "no tombolod given")
    def test_3_guests_see_their_ivshmem_device(self):
        for guest in self.lab.guests:
            guest.run("grep -l 0x1110 /sys/bus/pci/devices/*/device")

    def test_4_commands_run_while_the_cable_is_pulled(self):
        guest = self.lab.guest(2)
        guest.unplug()
        self.assertEqual(guest.run("cat /sys/class/net/eth0/carrier").output, "0\n")
        self.assertNotEqual(self.lab.guest(1).run("busybox ping -c 1 -W 1 vm2", check=False).code, 0)
        guest.plug()
        self.lab.guest(1).run("until busybox ping -c 1 -W 1 vm2; do :; done", seconds=10)

    def test_5_a_killed_guest_boots_again(self):
        guest = self.lab.guest(2)
        before = guest.boot_id()
        guest.kill()
        self.assertFalse(guest.running())
        with self.assertRaises(LabError):
            guest.run("true")
        guest.start()
        guest.wait_ready()
        self.assertNotEqual(guest.boot_id(), before)
        self.assertEqual(self.lab.ssh(2, "hostname"), "vm2\n")

    def test_6_a_guest_reboots_inside_its_qemu(self):
        guest = self.lab.guest(2)
        before = guest.boot_id()
        guest.reboot()
        after = guest.boot_id()
        self.assertNotEqual(after, before)

    def test_7_a_guest_is_reset_inside_its_qemu(self):
        guest = self.lab.guest(2)
        before = guest.boot_id()
        guest.reset()
        self.assertNotEqual(guest.boot_id(), before)

    def test_8_a_guest_quits_and_a_spawned_program_leaves_its_log(self):
        self.lab.guest(2).quit()
        self.lab.guest(1).spawn("greeting", ["echo", "good day"])
        self.lab.guest(1).run("until grep -q good /lab/greeting.log; do :; done", seconds=5)
        self.assertEqual(self.lab.guest(1).log("greeting").read_text(), "good day\n")


def main() -> int:
    work = Path(tempfile.mkdtemp(prefix="tombolo-lab-"))
    devices = (
        {number: [Ivshmem(Path(RUNTIME) / f"slot-{number}.sock", VECTORS)] for number in (1, 2)} if RUNTIME else None
    )
    with Lab(work, guests=2, ivshmem=devices) as lab:
        LabTest.lab, LabTest.work = lab, work
        passed = unittest.main(argv=[__file__, "--failfast"], exit=False).result.wasSuccessful()
    if not passed:
        print(f"error: the logs are in {work}", file=sys.stderr)
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(containment.run(main))
