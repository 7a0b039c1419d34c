#!/usr/bin/python3
"""`tombolo forward` with many connections and with large values: what they take and that it is given back.

Usage: forward_limits_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]
"""

import hashlib
import os
import random
import resource
import signal
import sys
import threading
import unittest

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from forwarding import Forward, HostAgent, Service, connect, eventually, receive_exactly
from tombolod import Tombolod

TOMBOLOD = AGENT = TOMBOLO = ""
CONNECTIONS = 2000
WARM_UP = 64
# A pump with its watches and its share of tables, at each of both ends.
IDLE_BYTES = 8 << 10
VALUE_BYTES = 1 << 20
TALKERS = 32
ROUNDS = 3
BLOCK_BYTES = 64 << 10
# Fetched when it is first rung, and kept.
OTHERS_DOORBELL = 1
DESCRIPTORS = 3 * CONNECTIONS


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Echo(threading.Thread):
    """Sends back what comes on one connection until its end."""

    def __init__(self, connection):
        super().__init__()
        self._connection = connection

    def run(self):
        with self._connection as connection:
            while block := connection.recv(BLOCK_BYTES):
                connection.sendall(block)


class Talker(threading.Thread):
    """Sends values of its own and compares what comes back; `right` says how often they were equal."""

    def __init__(self, connection, seed):
        super().__init__()
        self._connection = connection
        self._random = random.Random(seed)
        self.right = 0

    def run(self):
        with self._connection as connection:
            for _ in range(ROUNDS):
                value = self._random.randbytes(VALUE_BYTES)
                # A thread of its own, because nobody buffers all of it.
                sender = threading.Thread(target=connection.sendall, args=(value,))
                sender.start()
                back = receive_exactly(connection, VALUE_BYTES)
                sender.join()
                self.right += hashlib.sha256(back).digest() == hashlib.sha256(value).digest()


class ForwardLimitsTest(unittest.TestCase):
    def setUp(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertGreaterEqual(hard, DESCRIPTORS, "this needs `ulimit -Hn` of so many")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.daemon = Tombolod(TOMBOLOD, "--size", "16M", "--endpoints", "64", "--slots", "2")
        self.addCleanup(self.daemon.stop)
        self.service = Service("unix:" + os.path.join(self.daemon.folder, "service.sock"))
        self.addCleanup(self.service.close)
        self.agent = HostAgent(AGENT, self.daemon.runtime_dir, "--allow",
                               "service=" + self.service.address)
        self.addCleanup(self.agent.stop)
        listen = "unix:" + os.path.join(self.daemon.folder, "near.sock")
        self.forward = Forward(TOMBOLO, self.daemon.runtime_dir, (listen, "0:service"))
        self.addCleanup(self.forward.end, signal.SIGINT)
        self.programs = {"forward": self.forward.process.pid, "agent": self.agent.child()}

    def open_pairs(self, count):
        pairs = []
        for _ in range(count):
            near = connect(self.forward.addresses[0])
            pairs.append((near, self.service.accept()))
        return pairs

    def exchange(self, pairs):
        for number, (near, far) in enumerate(pairs):
            near.sendall(b"%08d" % number)
            far.sendall(b"%08d" % -number)
        for number, (near, far) in enumerate(pairs):
            self.assertEqual(receive_exactly(far, 8), b"%08d" % number)
            self.assertEqual(receive_exactly(near, 8), b"%08d" % -number)

    def close(self, pairs):
        """Both directions; the far end hears of the near one, and the near one of the far one."""
        for near, far in pairs:
            near.shutdown(1)
            self.assertEqual(far.recv(1), b"")
            far.close()
            self.assertEqual(near.recv(1), b"")
            near.close()

    def measure(self, of_process):
        return {name: of_process(pid) for name, pid in self.programs.items()}

    def test_two_thousand_at_once_cost_little_and_give_it_back(self):
        open_before = self.measure(descriptors)
        warm = self.open_pairs(WARM_UP)
        self.exchange(warm)
        self.close(warm)
        resident = self.measure(resident_bytes)
        pairs = self.open_pairs(CONNECTIONS)
        self.exchange(pairs)
        for name, after in self.measure(resident_bytes).items():
            each = (after - resident[name]) / CONNECTIONS
            print(f"{name}: {each:.0f} bytes resident for each idle connection")
            self.assertLess(each, IDLE_BYTES, name)
        self.close(pairs)
        limits = {name: count + OTHERS_DOORBELL for name, count in open_before.items()}
        self.assertTrue(eventually(lambda: all(count <= limits[name] for name, count in
                                               self.measure(descriptors).items())),
                        (self.measure(descriptors), limits))

    def test_large_values_at_once_arrive_as_they_were_sent(self):
        pairs = self.open_pairs(TALKERS)
        talkers = [Talker(near, seed) for seed, (near, _) in enumerate(pairs)]
        threads = talkers + [Echo(far) for _, far in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([talker.right for talker in talkers], [ROUNDS] * TALKERS)


if __name__ == "__main__":
    TOMBOLOD, AGENT, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
    unittest.main(verbosity=2)
