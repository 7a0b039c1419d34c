#!/usr/bin/python3
"""tombolo-ivshmem2 as a process: what it refuses, how it ends, and what the next one finds.

Usage: ivshmem2_program_test.py TOMBOLO_IVSHMEM2 [unittest's flags]
"""

import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
TIMEOUT_S = 20
GOOD, FAILED, USAGE = 0, 1, 2
VERSION, REGION_READ = 1, 9
REGISTERS, CONFIG = 0, 7  # Regions, as vfio numbers them.
HEADER, ACCESS = struct.Struct("<HHIII"), struct.Struct("<QII")


class Qemu:
    """One end of a vfio-user socket."""

    def __init__(self, path: str):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.connect(path)
        self.ask(VERSION, struct.pack("<HH", 0, 0) + b"{}\0")

    def ask(self, command: int, payload: bytes) -> bytes:
        """The answer's payload; nothing when the server has hung up."""
        self._socket.sendall(HEADER.pack(1, command, HEADER.size + len(payload), 0, 0) + payload)
        return self._socket.recv(8192)[HEADER.size:]

    def read(self, region: int, offset: int) -> int:
        return int.from_bytes(self.ask(REGION_READ, ACCESS.pack(offset, region, 4))[ACCESS.size:], "little")

    def register(self, offset: int) -> int:
        return self.read(REGISTERS, offset)

    def config(self, offset: int) -> int:
        return self.read(CONFIG, offset)

    def close(self) -> None:
        self._socket.close()

    def is_hung_up_on(self) -> bool:
        return self._socket.recv(1) == b""


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ivshmem2_", dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, peer: int) -> str:
        return os.path.join(self.folder, f"peer-{peer}.sock")

    def start(self, *flags: str) -> subprocess.Popen:
        server = subprocess.Popen([PROGRAM, "--dir", self.folder, *flags], stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertIn("bytes in all", server.stderr.readline())
        return server

    def connect(self, peer: int) -> Qemu:
        qemu = Qemu(self.path(peer))
        self.addCleanup(qemu.close)
        return qemu

    def refused(self, code: int, what: str, *flags: str, folder: str = "") -> None:
        command = [PROGRAM, "--dir", folder or self.folder, *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(what, done.stderr)

    def test_sizes_and_numbers_that_no_device_has_are_refused(self):
        self.refused(USAGE, "1 peers, expected 2 to 32", "--peers", "1")
        self.refused(USAGE, "the R/W section has 100 bytes", "--rw-size", "100")
        self.refused(USAGE, "the output section has no bytes", "--output-size", "0")
        self.refused(USAGE, "--vectors", "--vectors", "0")
        self.refused(USAGE, "--protocol", "--protocol", "70000")
        self.refused(USAGE, "3 values for 2 peers", "--protocol", "1,2,3")
        self.refused(USAGE, "there are peers 0 to 2", "--peers", "3", "--vm-args", "3")
        for memory in ("", "G", "1", "1G,x", "1 G", "x1G"):
            self.refused(USAGE, "expected as in 512M", "--vm-args", "0", "--vm-memory", memory)
        self.refused(USAGE, "unknown", "unknown")

    def test_a_folder_that_cannot_be_is_refused(self):
        self.refused(FAILED, "Choose another --dir", folder="/proc/nothing")

    def test_sockets_that_another_one_serves_are_refused(self):
        self.start()
        self.refused(FAILED, self.path(0))

    def test_it_serves_as_many_peers_as_it_was_told(self):
        self.start("--peers", "5", "--rw-size", "0", "--output-size", "8K")
        self.assertCountEqual(os.listdir(self.folder), [f"peer-{peer}.sock" for peer in range(5)])
        last = self.connect(4)
        self.assertEqual([last.register(0), last.register(4)], [4, 5])

    def test_each_peer_has_the_protocol_that_it_was_given_and_the_rest_the_last(self):
        self.start("--peers", "3", "--protocol", "0x8003,0xc003")
        classes = [self.connect(peer).config(8) >> 8 for peer in range(3)]
        self.assertEqual(classes, [0xFF8003, 0xFFC003, 0xFFC003])

    def test_the_options_for_qemu_name_the_socket_that_is_served(self):
        folder = f"{self.folder}/it's"
        command = [PROGRAM, "--dir", folder, "--vm-args", "1", "--vm-memory", "512M"]
        words = shlex.split(subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout)
        self.assertEqual(words[words.index("-m") + 1], "512M")
        self.assertIn("memory-backend-memfd,id=ram,share=on,size=512M", words)
        device = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": f"{folder}/peer-1.sock"}}
        self.assertEqual(json.loads(words[-1]), device)
        self.assertEqual(os.listdir(self.folder), [], "it only prints")

    def test_it_ends_when_it_is_told_to_and_leaves_no_sockets(self):
        server = self.start()
        qemu = self.connect(0)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(TIMEOUT_S), GOOD)
        self.assertTrue(qemu.is_hung_up_on())
        self.assertEqual(os.listdir(self.folder), [])

    def test_after_kill_9_the_next_one_takes_the_sockets(self):
        server = self.start()
        qemu = self.connect(1)
        server.kill()
        server.wait()
        self.assertTrue(qemu.is_hung_up_on())
        self.start()
        self.assertEqual(self.connect(1).register(0), 1)


if __name__ == "__main__":
    unittest.main()
