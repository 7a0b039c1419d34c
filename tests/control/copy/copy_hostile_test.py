#!/usr/bin/python3
"""What a hostile side may say to an agent with --allow-copy, or to `tombolo cp`.

Usage: copy_hostile_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading

sys.path[:0] = ["tests/support", "tests/control/copy"]
from copy_fixture import (DATA, DONE, END, FAILED, FROM, GET, GOOD, HAVE, MAX_BODY, PUT, REFUSED, RESOURCE_EXHAUSTED,
                          TIMEOUT_S, WAIT, CopyTest, frame, from_frame, main, read_frame, write)
from forwarding import HostAgent, Service


class HostileClientTest(CopyTest):
    def test_what_breaks_the_rules_is_refused(self):
        self.start_agent()
        have = frame(HAVE, bytes(24))
        for said, about in ((frame(PUT, length=MAX_BODY + 1), "frame of"), (frame(DATA), "begins with"),
                            (frame(77), "begins with"), (frame(PUT), "a path has"),
                            (frame(PUT, b"a\0b"), "a path has"), (frame(GET, b"x" * 5000), "a path has"),
                            (frame(PUT, b"a/"), "is no name"), (frame(PUT, b"x" * 300), "is no name")):
            connected = self.connect()
            connected.sendall(said)
            self.assertIn(about, self.refused(connected)[1], said[:50])
            connected.shutdown(socket.SHUT_WR)
            self.assertEqual(read_frame(connected), (None, b""))
        write(self.path("inbox", "b"), b"b")
        connected = self.connect()
        connected.sendall(frame(GET, b"b") + have[:-1])
        connected.shutdown(socket.SHUT_WR)
        self.assertEqual(self.refused(connected)[1], "the other side has ended the connection")

    def test_a_file_is_what_it_was_said_to_be(self):
        self.start_agent()
        for said, about in ((from_frame(5, 10), "kFrom"), (from_frame(0, 2**63), "the disk has"),
                            (from_frame(0, 2**64 - 1), "the disk has"), (frame(FROM, b"1"), "kFrom"),
                            (from_frame(0, 3) + frame(DATA, b"1234"), "kData"),
                            (from_frame(0, 3) + frame(DATA), "kData"),
                            (from_frame(0, 3) + frame(DATA, b"12") + frame(END, bytes(16)), "of type 6"),
                            (from_frame(0, 3) + frame(DATA, b"123") + frame(DATA, b"4"), "of type 5"),
                            (from_frame(0, 3) + frame(DATA, b"123") + frame(END, bytes(16)), "checksums differ"),
                            (from_frame(0, 0) + frame(END), "checksums differ"),
                            (from_frame(0, 3) + frame(REFUSED, struct.pack("<I", 1) + b"no \x1b[2J"), "no ?[2J")):
            connected = self.connect()
            connected.sendall(frame(PUT, b"a"))
            self.assertEqual(read_frame(connected)[0], HAVE)
            connected.sendall(said)
            self.assertIn(about, self.refused(connected)[1], said)
            connected.shutdown(socket.SHUT_WR)
            self.assertEqual(read_frame(connected), (None, b""))
            self.assertNotIn("a", os.listdir(self.path("inbox")))
            for part in os.listdir(self.path("inbox")):
                self.assertLessEqual(os.stat(self.path("inbox", part)).st_size, 3)
                os.unlink(self.path("inbox", part))

    def test_two_to_one_place_are_one_too_many(self):
        self.start_agent()
        first = self.connect()
        first.sendall(frame(PUT, b"a"))
        self.assertEqual(read_frame(first)[0], HAVE)
        self.copy(self.local("a", 1), "0:a", code=FAILED, saying="by another copy")

    def test_eight_who_say_nothing_hold_others_only_while_they_are_there(self):
        agent = self.start_agent()
        silent = [self.connect() for _ in range(8)]
        for connected in silent[:7]:
            connected.sendall(frame(PUT)[:3])
        process = self.start(self.local("a", 1), "0:a")
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.3)
        silent[0].close()
        self.assertEqual(process.wait(TIMEOUT_S), GOOD)
        agent.process.send_signal(signal.SIGTERM)
        self.assertEqual(agent.process.wait(TIMEOUT_S), GOOD, "those who hold on do not hold it")


class HostileAgentTest(CopyTest):
    def setUp(self):
        super().setUp()
        self.service = Service("unix:" + self.path("fake.sock"))
        self.addCleanup(self.service.close)
        agent = HostAgent(self.AGENT, self.daemon.runtime_dir, "--allow", "copy=" + self.service.address)
        self.addCleanup(agent.stop)

    def told(self, words, *frames, code=FAILED):
        """What `tombolo cp` says when its other side says `frames` after the first one of its own."""
        def serve():
            connected = self.service.accept()
            read_frame(connected)
            connected.sendall(b"".join(frames))
            connected.shutdown(socket.SHUT_WR)
            while connected.recv(1 << 16):
                pass
            connected.close()
        server = threading.Thread(target=serve)
        server.start()
        said = self.copy(*words, code=code)
        server.join()
        return said

    def test_what_is_fetched_from_a_liar(self):
        words = ("0:a", self.path("here", "a"))
        part = self.path("here", ".a.tombolo-part")
        for said, about in (((frame(WAIT), from_frame(0, 2**63)), "the disk has"),
                            ((from_frame(0, 2), frame(DATA, b"123")), "kData"),
                            ((from_frame(1, 2),), "kFrom"),
                            ((frame(DATA, length=2**32 - 1),), "frame of 4294967295 bytes"),
                            ((from_frame(0, 2), frame(DATA, b"12"), frame(END, bytes(16))), "checksums differ"),
                            ((from_frame(0, 2), frame(DATA, b"1")), "goes on where"),
                            ((frame(REFUSED, struct.pack("<I", 5) + b"\x1b[2Jno"),), "the other side says: ?[2Jno"),
                            ((frame(REFUSED),), "the other side says: "),
                            ((), "goes on where")):
            self.assertIn(about, self.told(words, *said))
            self.assertFalse(os.path.exists(words[1]))
            self.assertLessEqual(os.stat(part).st_size if os.path.exists(part) else 0, 2)
            if os.path.exists(part):
                os.unlink(part)

    def test_what_is_sent_to_a_liar(self):
        words = (self.local("a", 1 << 20), "0:a")
        have = frame(HAVE, bytes(24))
        refusal = frame(REFUSED, struct.pack("<I", RESOURCE_EXHAUSTED) + b"full")
        for said, about in (((have, refusal), "the other side says: full"), ((have, frame(DONE)), "of type 7"),
                            ((frame(HAVE, bytes(3)),), "kHave"), ((have,), "goes on where"),
                            ((frame(HAVE, struct.pack("<Q", 2**64 - 1) + bytes(16)), refusal), "full"),
                            ((frame(HAVE, struct.pack("<Q", 1 << 20) + bytes(16)), refusal), "full")):
            self.assertIn(about, self.told(words, *said))


if __name__ == "__main__":
    main()
