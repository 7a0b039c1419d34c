#!/usr/bin/python3
"""tombolod with real QEMUs as its clients, without guests.

Usage: qtest_ivshmem_test.py TOMBOLOD [unittest's flags]
"""

import errno
import os
import sys
import unittest

from qemu import Qemu, QemuFailed
from raw_client import RawClient
sys.path.insert(0, "tests/support")
from tombolod import Tombolod

TOMBOLOD = ""
SLOTS = 4
VECTORS = 4

# More messages than a Unix socket holds, so that a client must read for its handshake to end.
MANY_VECTORS = 128

# An offset that the daemon's tables leave alone.
SCRATCH_OFFSET = 0x3FFFF0


class QtestIvshmemTest(unittest.TestCase):
    def start_daemon(self, vectors=VECTORS):
        daemon = Tombolod(
            TOMBOLOD, "--size", "4M", "--endpoints", "64", "--slots", str(SLOTS),
            "--vectors", str(vectors))
        self.addCleanup(self.stop_daemon, daemon)
        return daemon

    def stop_daemon(self, daemon):
        code, left = daemon.stop()
        self.assertEqual(code, 0)
        self.assertEqual(left, [], "sockets were left behind")

    def start_qemu(self, path, vectors=VECTORS):
        qemu = Qemu(path, vectors)
        self.addCleanup(lambda: qemu.is_running() and qemu.kill())
        return qemu

    def join_raw(self, path, vectors=VECTORS):
        client = RawClient(path)
        self.addCleanup(client.close)
        client.read(3 + SLOTS * vectors)
        return client

    def assert_rings(self, sender, slot, receiver, vector):
        receiver.clear_interrupts()
        sender.ring(slot, vector)
        receiver.wait_for_interrupt(vector)

    def test_announces_every_slot_in_the_protocols_order(self):
        client = self.join_raw(self.start_daemon().socket())
        others = [slot for slot in (0, 2, 3) for _ in range(VECTORS)]
        self.assertEqual(client.values(), [0, 1, -1] + others + [1] * VECTORS)
        self.assertEqual([fd is None for _, fd in client.messages[:3]], [True, True, False])
        self.assertNotIn(None, [fd for _, fd in client.messages[3:]])
        self.assertFalse(client.has_unread())

    def test_qemus_get_slots_share_memory_and_ring_each_other(self):
        daemon = self.start_daemon()
        first = self.start_qemu(daemon.socket())
        second = self.start_qemu(daemon.socket(3))
        self.assertEqual((first.slot(), second.slot()), (1, 3))
        first.write_region(SCRATCH_OFFSET, 0x12345678)
        self.assertEqual(second.read_region(SCRATCH_OFFSET), 0x12345678)
        for vector in range(1, VECTORS):
            self.assert_rings(first, 3, second, vector)
            self.assert_rings(second, 1, first, vector)

    def test_a_qemu_reaches_the_eventfds_of_the_host_and_of_vacant_slots(self):
        daemon = self.start_daemon()
        host = self.join_raw(daemon.socket(3))
        qemu = self.start_qemu(daemon.socket(1))
        for slot in (0, 2):
            qemu.ring(slot, 2)
            self.assertEqual(os.eventfd_read(host.eventfd(slot, 2)), 1)
        qemu.clear_interrupts()
        os.eventfd_write(host.eventfd(1, 2), 1)
        qemu.wait_for_interrupt(2)

    def test_membership_changes_ring_vector_zero_of_everybody_present(self):
        daemon = self.start_daemon()
        first = self.start_qemu(daemon.socket(1))
        first.clear_interrupts()
        second = self.start_qemu(daemon.socket(2))
        first.wait_for_interrupt(0)
        first.clear_interrupts()
        second.kill()
        first.wait_for_interrupt(0)
        self.assertFalse(any(first.has_interrupt(vector) for vector in range(1, VECTORS)))

    def test_thirty_kills_and_rejoins_leave_the_other_machine_alone(self):
        daemon = self.start_daemon()
        steady = self.start_qemu(daemon.socket(1))
        bystander = self.join_raw(daemon.socket(3))
        for cycle in range(30):
            mortal = self.start_qemu(daemon.socket(2))
            self.assertEqual(mortal.slot(), 2)
            vector = 1 + cycle % (VECTORS - 1)
            self.assert_rings(steady, 2, mortal, vector)
            self.assert_rings(mortal, 1, steady, vector)
            mortal.kill()
            steady.ring(2, vector)  # Into the void: it must harm neither now nor later.
        self.assertFalse(bystander.has_unread())
        self.assertTrue(steady.is_running())
        self.assertEqual(steady.stderr(), "")

    def test_an_occupied_slot_is_refused_and_its_owner_undisturbed(self):
        daemon = self.start_daemon()
        owner = self.start_qemu(daemon.socket(2))
        with self.assertRaises(QemuFailed) as failure:
            Qemu(daemon.socket(2), VECTORS)
        self.assertIn(f"server sent version -{errno.EBUSY}, expecting 0", str(failure.exception))
        self.assertIn("slot 2 is taken", daemon.log())
        self.assert_rings(owner, 2, owner, 1)

    def test_a_device_with_fewer_vectors_than_the_server_works_with_those(self):
        daemon = self.start_daemon()
        narrow = self.start_qemu(daemon.socket(1), vectors=2)
        wide = self.start_qemu(daemon.socket(2))
        self.assert_rings(wide, 1, narrow, 1)
        self.assert_rings(narrow, 2, wide, 1)
        self.assertIn("Too many eventfd received, device has 2 vectors", narrow.stderr())
        wide.ring(1, 3)  # Nobody listens there.
        self.assert_rings(wide, 1, narrow, 1)

    def test_a_device_with_more_vectors_than_the_server_works_with_the_servers(self):
        daemon = self.start_daemon()
        wide = self.start_qemu(daemon.socket(1), vectors=2 * VECTORS)
        other = self.start_qemu(daemon.socket(2))
        for vector in range(1, VECTORS):
            self.assert_rings(other, 1, wide, vector)
        other.ring(1, 2 * VECTORS - 1)  # No such doorbell.
        self.assert_rings(other, 1, wide, 1)
        self.assertTrue(wide.is_running())

    def test_a_client_that_never_reads_does_not_keep_a_qemu_from_joining(self):
        daemon = self.start_daemon(vectors=MANY_VECTORS)
        deaf = RawClient(daemon.socket(1))
        self.addCleanup(deaf.close)
        qemu = self.start_qemu(daemon.socket(), vectors=MANY_VECTORS)
        # It joined while the other was in the middle, or after it was dropped.
        self.assertIn(qemu.slot(), (1, 2))
        self.assert_rings(qemu, qemu.slot(), qemu, MANY_VECTORS - 1)
        deaf.close()

    def test_a_qemu_joins_behind_a_crowd_that_never_reads(self):
        daemon = self.start_daemon(vectors=MANY_VECTORS)
        crowd = [RawClient(daemon.socket()) for _ in range(20)]
        for client in crowd:
            self.addCleanup(client.close)
        for client in crowd[SLOTS:]:
            client.close()
        qemu = self.start_qemu(daemon.socket(), vectors=MANY_VECTORS)
        self.assert_rings(qemu, qemu.slot(), qemu, 1)


if __name__ == "__main__":
    TOMBOLOD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
