#!/usr/bin/python3
"""How the lab waits for a guest that boots: as long as it was told to, however little the guest takes meanwhile."""

import json
import socket
import sys
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/vm"))

from lab import guest_agent  # noqa: E402
from lab.deadline import Deadline  # noqa: E402
from lab.json_channel import NoAnswer  # noqa: E402

# So that soon there are more requests than the socket has room for.
RESEND = mock.patch.object(guest_agent, "SYNC_RESEND_SECONDS", 0.01)
LEAST_ROOM_BYTES = 4096


class GuestAgentTest(unittest.TestCase):
    def setUp(self):
        ours, self.guest = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LEAST_ROOM_BYTES)
        self.addCleanup(ours.close)
        self.addCleanup(self.guest.close)
        self.agent = guest_agent.GuestAgent("vm1", ours)

    def test_a_guest_that_reads_nothing_is_waited_for_until_the_deadline(self):
        with RESEND, self.assertRaisesRegex(NoAnswer, "no answer within 1 s"):
            self.agent.synchronize(Deadline(1))

    def test_a_guest_that_reads_late_is_up(self):
        full = threading.Event()

        class Late(Deadline):
            """Tells when it has been asked so often that the socket is full."""

            asked = 0

            def remaining(self):
                self.asked += 1
                if self.asked > 100:
                    full.set()
                return super().remaining()

        def guest():
            full.wait()
            for line in self.guest.makefile("rb"):
                number = json.loads(line.lstrip(b"\xff"))["arguments"]["id"]
                self.guest.sendall(json.dumps({"return": number}).encode() + b"\n")

        threading.Thread(target=guest, daemon=True).start()
        with RESEND:
            self.agent.synchronize(Late(60))


if __name__ == "__main__":
    unittest.main()
