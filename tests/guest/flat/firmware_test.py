#!/usr/bin/python3
"""Firmware for a Cortex-M3 under QEMU and Linux processes in a region of a real tombolod.

Usage: firmware_test.py TOMBOLOD TOMBOLO_FLAT FLAT_PEER ECHO_ELF [unittest's flags]

QEMU has no ivshmem-flat device that could be made from the command line, so the board's RAM is the region, and
memory stands for the device's registers: nobody is rung, and nothing interrupts. FLAT_MESSAGES: how many of each
kind, 400 unless it is said.
"""

import array
import os
import socket
import struct
import subprocess
import sys
import unittest

sys.path[:0] = ['tests/support', 'tests/control/daemon/restart']
from managers import HolderManager  # pylint: disable=wrong-import-position
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TOMBOLOD = TOMBOLO_FLAT = FLAT_PEER = ECHO_ELF = ''
TIMEOUT_S = 100
MESSAGES = os.environ.get('FLAT_MESSAGES', '400')
REGION_BYTES = 16 << 20  # What the board has.


def qemu(firmware):
    return ['qemu-system-arm', '-M', 'mps2-an385,memory-backend=region', '-kernel', firmware,
            '-object', 'memory-backend-file,id=region,share=on,mem-path={region},size={bytes}',
            '-device', 'loader,addr=0x20000008,data={slot},data-len=4',
            '-semihosting', '-display', 'none', '-monitor', 'none', '-serial', 'none']


class FlatTest(unittest.TestCase):
    DAEMON = Tombolod

    def setUp(self):
        self.daemon = self.DAEMON(TOMBOLOD, '--size', '16M', '--slots', '4', '--vectors', '4', '--endpoints', '64')
        self.addCleanup(self.daemon.stop)
        self.broker = os.path.join(self.daemon.runtime_dir, 'broker.sock')

    def start(self, *command, flags=()):
        """A member that is started by tombolo-flat, when it is one."""
        process = subprocess.Popen([TOMBOLO_FLAT, '--runtime-dir', self.daemon.runtime_dir, *flags, '--', *command],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def peer(self, *arguments):
        return subprocess.Popen([FLAT_PEER, self.broker, *arguments], stdout=subprocess.PIPE, text=True)


class FirmwareTest(FlatTest):
    def test_answers_all_kinds_of_messages(self):
        machine = self.start(*qemu(ECHO_ELF), flags=('--name', 'echo'))
        self.assertIn("'echo'", machine.stderr.readline())
        with self.peer('echo', MESSAGES) as peer:
            self.assertEqual(peer.wait(TIMEOUT_S), 0)
        said = machine.communicate(timeout=TIMEOUT_S)
        self.assertEqual(machine.returncode, 0, said)
        kinds = int(MESSAGES) + 2 * -(-int(MESSAGES) // 8)
        self.assertIn(f'{kinds} messages answered', said[0] + said[1])
        self.assertIn('warning: no interrupt is wired', said[0] + said[1])

    def test_the_death_of_the_machine_is_that_of_the_endpoint(self):
        machine = self.start(*qemu(ECHO_ELF))
        self.assertIn('slot 1,', machine.stderr.readline())
        with self.peer('flat', 'await-end') as peer:
            self.assertEqual(peer.stdout.readline(), 'answered\n')
            machine.kill()
            self.assertEqual(peer.stdout.readline(), 'it has departed\n')
            self.assertEqual(peer.wait(TIMEOUT_S), 0)
        # Its slot is free again, and so is its memory: a second machine has a place.
        again = self.start(*qemu(ECHO_ELF))
        self.assertIn('slot 1,', again.stderr.readline())

    def test_a_peer_that_is_killed_costs_the_others_nothing(self):
        machine = self.start(*qemu(ECHO_ELF))
        machine.stderr.readline()
        with self.peer('flat', 'await-end') as victim:
            self.assertEqual(victim.stdout.readline(), 'answered\n')
            victim.kill()
        with self.peer('flat', '20') as peer:
            self.assertEqual(peer.wait(TIMEOUT_S), 0)
        said = machine.communicate(timeout=TIMEOUT_S)
        self.assertEqual(machine.returncode, 0, said)


class RestartTest(FlatTest):
    """A tombolod that its holder starts anew when it is killed."""

    DAEMON = HolderManager

    def test_a_killed_tombolod_keeps_the_machine_its_slot_and_its_endpoint(self):
        machine = self.start(*qemu(ECHO_ELF), flags=('--name', 'echo', '--slot', '2'))
        self.assertIn('slot 2,', machine.stderr.readline())
        with self.peer('echo', 'await-end') as witness:
            self.assertEqual(witness.stdout.readline(), 'answered\n')
            for _ in range(3):
                self.daemon.kill()
                self.daemon.wait_until_ready()
            # Who comes now is told of the machine by a tombolod that never saw it come.
            with self.peer('echo', '20') as peer:
                self.assertEqual(peer.wait(TIMEOUT_S), 0)
            # Which hears of its end all the same.
            self.assertEqual(witness.stdout.readline(), 'it has departed\n')
            self.assertEqual(witness.wait(TIMEOUT_S), 0)
        self.assertEqual(machine.wait(TIMEOUT_S), 0)

    def test_the_slot_is_not_given_to_another_machine(self):
        machine = self.start('sleep', '600', flags=('--slot', '2'))
        self.assertIn('slot 2,', machine.stderr.readline())
        self.daemon.kill()
        self.daemon.wait_until_ready()
        second = self.start('true', flags=('--slot', '2'))
        self.assertIn('another machine has this slot', second.stderr.read())
        machine.kill()
        machine.wait()
        # When it is known that it is dead, which takes no time-out.
        third = self.start('sleep', '600', flags=('--slot', '2'))
        self.assertIn('slot 2,', third.stderr.readline())


class FlatDeviceTest(FlatTest):
    """What QEMU's ivshmem-flat device asks of its server."""

    @staticmethod
    def next_message(connection):
        """A number of eight bytes and at most one descriptor, as the device reads them."""
        fds = array.array('i')
        data, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(fds.itemsize))
        for _, _, content in ancillary:
            fds.frombytes(content)
        return struct.unpack('<q', data)[0], fds[0] if fds else None

    def check_handshake(self, connection):
        connection.settimeout(TIMEOUT_S)
        self.assertEqual(self.next_message(connection), (0, None), 'the version')
        own, nothing = self.next_message(connection)
        self.assertIsNone(nothing)
        minus_one, memory = self.next_message(connection)
        self.assertEqual(minus_one, -1)
        self.assertEqual(os.fstat(memory).st_size, REGION_BYTES, 'shmem-size has to be exactly that')
        os.close(memory)
        vectors = {}
        for _ in range(4 * 4):
            slot, eventfd = self.next_message(connection)
            self.assertIsNotNone(eventfd)
            vectors.setdefault(slot, []).append(eventfd)
        for eventfds in vectors.values():
            self.assertLess(len(eventfds), 64, 'the device has room for so many of each peer')
        # The first one of its own is vector 0, the only one that interrupts. Joins and leaves ring it too.
        os.write(vectors[own][0], struct.pack('=Q', 1))
        self.assertGreater(struct.unpack('=Q', os.read(vectors[own][0], 8))[0], 0)
        for eventfds in vectors.values():
            for eventfd in eventfds:
                os.close(eventfd)
        return own

    def test_the_server_gives_the_exact_size_and_vector_0(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(self.daemon.socket())
            self.assertGreater(self.check_handshake(connection), 0)

    def test_a_device_behind_tombolo_flat_hears_the_same(self):
        script = os.path.abspath(__file__)
        machine = self.start(sys.executable, script, 'device', '{socket}', '{slot}')
        said = machine.communicate(timeout=TIMEOUT_S)
        self.assertEqual(machine.returncode, 0, said)


class CommandTest(FlatTest):
    def run_flat(self, *arguments):
        return subprocess.run([TOMBOLO_FLAT, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                              check=False)

    def test_says_what_is_wrong(self):
        folder = self.daemon.runtime_dir
        for arguments, code, text in (
                ((), 2, 'no command'),
                (('--slot', '0', '--', 'true'), 2, '--slot 0: give a number from 1 to 255'),
                (('--links', 'x', '--', 'true'), 2, '--links x: give a number'),
                (('--runtime-dir', '/nowhere', '--', 'true'), 3, '/nowhere/ivshmem.sock'),
                (('--runtime-dir', folder, '--name', 'two words', '--', 'true'), 2, 'name'),
                (('--runtime-dir', folder, '--', '/no/such/program'), 1, "start '/no/such/program'")):
            done = self.run_flat(*arguments)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))
            self.assertIn(text, done.stderr)

    def test_a_slot_that_is_taken_is_refused(self):
        machine = self.start('sleep', '600', flags=('--slot', '2'))
        self.assertIn('slot 2,', machine.stderr.readline())
        done = self.run_flat('--runtime-dir', self.daemon.runtime_dir, '--slot', '2', '--', 'true')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('another machine has this slot', done.stderr)


def play_device(descriptor, slot):
    """As whom tombolo-flat starts this script."""
    with socket.socket(fileno=descriptor) as connection:
        own = FlatDeviceTest().check_handshake(connection)
    return 0 if own == slot else 1


if __name__ == '__main__':
    if sys.argv[1] == 'device':
        sys.exit(play_device(int(sys.argv[2]), int(sys.argv[3])))
    TOMBOLOD, TOMBOLO_FLAT, FLAT_PEER, ECHO_ELF = (os.path.abspath(path) for path in sys.argv[1:5])
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
