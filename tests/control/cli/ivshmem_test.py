#!/usr/bin/python3
"""`tombolo region`, `ring`, `wait` and `id` at ivshmem servers that are no tombolod, and at one that is.

Usage: ivshmem_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import hashlib
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path[:0] = ["tests/support", "tests/control/ivshmem_server/qtest", "tests/control/ivshmem_peer"]
from example_server import ExampleServer, send  # pylint: disable=wrong-import-position
from qemu import Qemu  # pylint: disable=wrong-import-position
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
MEMORY_BYTES = 1 << 20
VECTORS = 3
FAILED, USAGE, NOBODY = 1, 2, 3


class IvshmemTest(unittest.TestCase):
    """Commands as peers of the server at `self.socket`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = os.path.join(folder.name, "ivshmem.sock")

    def command(self, *words):
        return [TOMBOLO, *words, "--ivshmem-server", self.socket]

    def run_tombolo(self, *words, stdin=b""):
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False)

    def output(self, *words, stdin=b""):
        done = self.run_tombolo(*words, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, code, text, *words, stdin=b""):
        done = self.run_tombolo(*words, stdin=stdin)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        self.assertIn(text, done.stderr.decode())

    def start_waiting(self, *words):
        """Returns when it hears its doorbell: the process, and how to ring it."""
        process = subprocess.Popen(self.command("wait", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for stop in (process.stderr.close, process.stdout.close, process.wait, process.kill):
            self.addCleanup(stop)
        line = process.stdout.readline()
        self.assertRegex(line, r"^tombolo ring \d+:\d+\n$")
        return process, line.split()[-1]

    def finish(self, process):
        self.assertEqual(process.wait(TIMEOUT_S), 0, process.stderr.read())


class ExampleServerTest(IvshmemTest):
    def setUp(self):
        super().setUp()
        self.server = ExampleServer(self.socket, MEMORY_BYTES, VECTORS)
        self.addCleanup(self.server.close)


class MemoryTest(ExampleServerTest):
    def test_what_is_written_is_read(self):
        content = os.urandom(300_000)
        self.output("region", "write", "--offset", "5000", stdin=content)
        told = self.output("region", "read")
        self.assertEqual(len(told), MEMORY_BYTES)
        expected = bytes(5000) + content + bytes(MEMORY_BYTES - 5000 - len(content))
        self.assertEqual(hashlib.sha256(told).digest(), hashlib.sha256(expected).digest())
        self.assertEqual(os.pread(self.server.memory, len(content), 5000), content)
        self.assertEqual(self.output("region", "read", "--offset", "4999", "--length", "3"), expected[4999:5002])

    def test_says_what_is_wrong(self):
        self.fails(FAILED, "more than the 4 bytes", "region", "write", "--offset", str(MEMORY_BYTES - 4), stdin=b"12345")
        self.fails(USAGE, "beyond the end", "region", "read", "--offset", str(MEMORY_BYTES + 1))
        for words in (("read", "plan"), ("write", "plan")):
            self.fails(USAGE, "leave 'plan' out", "region", *words)
        self.fails(USAGE, "excludes", "region", "read", "--ivshmem-device", "auto")
        self.server.close()
        self.fails(NOBODY, self.socket, "region", "read")


class DoorbellTest(ExampleServerTest):
    def test_rings_are_heard_and_counted(self):
        waiter, doorbell = self.start_waiting("-n", "3", "1")
        self.assertEqual(doorbell, "0:1")
        for _ in range(3):
            self.assertIsNone(waiter.poll())
            self.output("ring", doorbell)  # A peer that comes and goes each time, which the waiter is told of.
        self.finish(waiter)

    def test_another_vector_or_peer_is_not_heard(self):
        waiter, doorbell = self.start_waiting("-n", "2", "1")
        _, other = self.start_waiting("1")
        self.output("ring", "0:2")
        self.output("ring", other)
        for _ in range(2):
            self.output("ring", doorbell)  # Who had counted the others would be gone at the second of these.
        self.finish(waiter)

    def test_tells_who_is_there(self):
        self.assertEqual(self.output("id").decode(), f"id 0\nmemory {MEMORY_BYTES} bytes\nvectors {VECTORS}\npeers none\n")
        self.start_waiting()
        self.start_waiting("2")
        self.assertEqual(self.output("id").decode(), f"id 3\nmemory {MEMORY_BYTES} bytes\nvectors {VECTORS}\npeers 1 2\n")

    def test_says_what_is_wrong(self):
        self.start_waiting()
        self.fails(FAILED, "told of no doorbell 7:0; it has told of the peers 0.", "ring", "7:0")
        self.fails(FAILED, "peer 0 has no vector 3: the server gives it 0 to 2.", "ring", "0:3")
        self.fails(FAILED, "has no vector 9", "wait", "9")
        self.fails(FAILED, "rung 0 times within 0.1 s, and 1 were waited for", "wait", "--timeout", "0.1")
        self.fails(USAGE, "'ready' is no doorbell", "ring", "ready")
        self.fails(USAGE, "'ready' is no vector", "wait", "ready")

    def test_a_wait_ends_with_the_server(self):
        waiter, _ = self.start_waiting()
        self.server.close()
        self.assertEqual(waiter.wait(TIMEOUT_S), NOBODY)
        self.assertIn("has closed the connection", waiter.stderr.read())


class MachineTest(ExampleServerTest):
    """A real QEMU is another peer of the server."""

    def setUp(self):
        super().setUp()
        self.qemu = Qemu(self.socket, VECTORS)
        self.addCleanup(self.qemu.kill)

    def ring_until_it_ends(self, waiter, peer, vector):
        """QEMU reads of a new peer when it comes to that; what it rings before goes nowhere."""
        for _ in range(TIMEOUT_S * 10):
            self.qemu.ring(peer, vector)
            try:
                self.assertEqual(waiter.wait(0.1), 0)
                return
            except subprocess.TimeoutExpired:
                pass
        self.fail("the rings are not heard")

    def test_bytes_and_rings_go_both_ways(self):
        self.assertEqual(self.qemu.slot(), 0)
        self.output("region", "write", "--offset", "64", stdin=b"host")
        self.assertEqual(self.qemu.read_region(64).to_bytes(4, "little"), b"host")
        self.qemu.write_region(128, int.from_bytes(b"qemu", "little"))
        self.assertEqual(self.output("region", "read", "--offset", "128", "--length", "4"), b"qemu")
        for vector in range(VECTORS):
            self.qemu.clear_interrupts()
            self.output("ring", f"0:{vector}")
            self.qemu.wait_for_interrupt(vector)
            waiter, doorbell = self.start_waiting(str(vector))
            self.ring_until_it_ends(waiter, *(int(number) for number in doorbell.split(":")))
        self.assertTrue(self.qemu.is_running())


class TombolodTest(IvshmemTest):
    def setUp(self):
        super().setUp()
        self.daemon = Tombolod(TOMBOLOD, "--size", "4M", "--endpoints", "64", "--slots", "4", "--vectors", "4")
        self.addCleanup(self.daemon.stop)
        self.socket = self.daemon.socket()

    def test_is_a_server_as_any_other(self):
        self.assertEqual(self.output("region", "read", "--length", "8"), b"\1TOMBOLO")
        self.assertEqual(self.output("id").decode(), f"id 1\nmemory {4 << 20} bytes\nvectors 4\npeers 0 2 3\n")
        waiter, doorbell = self.start_waiting("2")
        self.assertEqual(doorbell, "1:2")
        self.output("ring", doorbell)
        self.finish(waiter)

    def test_its_region_is_not_written_into(self):
        self.fails(FAILED, "there is a region of Tombolo in this memory", "region", "write", stdin=b"x")
        self.assertEqual(self.output("region", "read", "--length", "8"), b"\1TOMBOLO")

    def test_has_room_for_so_many(self):
        for vector in "123":
            self.start_waiting(vector)
        self.fails(FAILED, "the server has no place", "id")


class HostileServerTest(IvshmemTest):
    """Each connection is told what `self.script` sends, and hung up on."""

    def setUp(self):
        super().setUp()
        self.script = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.socket)
        self.listener.listen()
        thread = threading.Thread(target=self.serve)
        thread.start()
        self.addCleanup(self.listener.close)
        self.addCleanup(thread.join)
        self.addCleanup(self.listener.shutdown, socket.SHUT_RDWR)
        self.memory = os.memfd_create("hostile")
        os.ftruncate(self.memory, 4096)
        self.pipe = os.pipe()
        self.eventfd = os.eventfd(0)
        for fd in (self.memory, self.eventfd, *self.pipe):
            self.addCleanup(os.close, fd)

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection:
                try:
                    self.script(connection)
                except (BrokenPipeError, ConnectionResetError):
                    pass

    def says(self, *messages):
        """Messages of the protocol, (value, descriptors), or bytes as they are."""
        def script(connection):
            for message in messages:
                if isinstance(message, bytes):
                    connection.sendall(message)
                else:
                    send(connection, *message)
        self.script = script

    def test_what_makes_no_sense_is_told(self):
        version, own, memory = (0,), (5,), (-1, [self.memory])
        bell, joined = (5, [self.eventfd]), ((0,), (5,), (-1, [self.memory]))
        for words, messages, text in (
                ("id", (), "closed the connection"),
                ("id", (b"GARBAGE",), "sent 7 bytes, expected messages of 8"),
                ("id", (b"\x15\x03\x01\x00\x02\x02\x50\x00",), "expected version 0"),
                ("id", ((1,),), "said 1 with 0 descriptors, expected version 0"),
                ("id", ((0, [self.memory]),), "said 0 with 1 descriptors, expected version 0"),
                ("id", (version, (65536,)), "said 65536 with 0 descriptors, expected our ID"),
                ("id", (version, (-1, [self.memory])), "expected our ID"),
                ("id", (version, own, (-1,)), "said -1 with 0 descriptors, expected -1 with the memory"),
                ("id", (version, own, (-1, [self.memory, self.memory])), "with 2 descriptors"),
                ("id", (version, own, (7, [self.memory])), "expected -1 with the memory"),
                ("id", (version, own, (-1, [self.pipe[0]])), "for the memory"),
                ("id", (*joined, memory), "expected the ID of a peer"),
                ("id", (*joined, (1 << 40, [self.eventfd])), "expected the ID of a peer"),
                ("id", (*joined, (-2,)), "expected the ID of a peer"),
                ("id", (*joined, (5,)), "no departure of ourselves"),
                ("id", (*joined, (6, [self.eventfd, self.eventfd])), "with 2 descriptors"),
                ("id", (*joined, *[bell] * 257), "at most 256 eventfds of a peer"),
                ("wait", (*joined, (5, [self.pipe[1]])), "expected an eventfd"),
                ("wait", (*joined, (5, [self.memory])), "expected an eventfd"),
                ("wait", (*joined, bell), "closed the connection")):
            with self.subTest(text=text, messages=messages):
                self.says(*messages)
                done = self.run_tombolo(words)
                self.assertIn(done.returncode, (FAILED, NOBODY), done.stderr)
                self.assertIn(text, done.stderr.decode())

    def test_a_full_doorbell_makes_nobody_wait(self):
        os.eventfd_write(self.eventfd, (1 << 64) - 2)
        self.says((0,), (5,), (-1, [self.memory]), (6, [self.eventfd]))
        self.output("ring", "6:0")
        self.assertEqual(os.eventfd_read(self.eventfd), 1)

    def test_a_flood_does_not_outlast_the_time_to_wait(self):
        def flood(connection):
            for message in ((0,), (5,), (-1, [self.memory]), (5, [self.eventfd])):
                send(connection, *message)
            while True:
                connection.sendall(struct.pack("<q", 6) * 8192)  # Faster than they are read.

        self.script = flood
        self.fails(FAILED, "rung 0 times within 0.2 s", "wait", "--timeout", "0.2")

    def test_any_messages_end_in_an_answer(self):
        luck = random.Random(2026)
        fds = [self.memory, self.eventfd, self.pipe[1]]
        for _ in range(60):
            messages = [(0,), (5,), (-1, [self.memory])][:luck.randrange(4)]
            for _ in range(luck.randrange(8)):
                value = luck.choice([0, -1, 1, 5, 6, 65535, 65536, -(1 << 63), luck.getrandbits(62)])
                messages.append((value, luck.choices(fds, k=luck.choice([0, 0, 1, 1, 1, 2, 5]))))
            self.says(*messages)
            words = luck.choice([("id",), ("wait", "0"), ("ring", "6:0"), ("region", "read")])
            with self.subTest(words=words, messages=messages):
                done = self.run_tombolo(*words)
                self.assertIn(done.returncode, (0, FAILED, NOBODY), done.stderr)
                self.assertEqual(done.returncode == 0, not done.stderr)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
