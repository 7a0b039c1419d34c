#!/usr/bin/python3
"""What MPI jobs cost the region: how many extents pairs of ranks take, and which way large messages go.

Usage: steps_test.py TOMBOLOD TOMBOLO BTL MPOOL STEPS LIBRARY [unittest's flags]    LIBRARY: libtombolo_malloc.so
"""

import os
import socket
import sys
import time
import unittest

sys.path.insert(0, "tests/mpi")
# pylint: disable=wrong-import-position
from mpi_jobs import HANG_S, Job, Programs, World

PROGRAMS: Programs
STEPS = LIBRARY = ""

# As steps_main.cc has them.
PAIRS, ALL, ORDINARY, REGION, KEEP, END = "p", "a", "o", "r", "k", "e"
KEPT_BYTES = 4 << 20
MOVED_BYTES = 8 * KEPT_BYTES

EXTENT_BYTES = 4096

# For 64 ranks on two busy cores.
START_S = 3 * HANG_S

LINK_KINDS = ("link", "pool-segment", "memory", "quarantine")


class Ranks:
    """A job of `steps`: all of its ranks do what they are told, and then nothing."""

    def __init__(self, world, ranks, nodes=1, options=()):
        path = os.path.join(world.folder, "steps.sock")
        self._connections = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(ranks)
            begin = time.monotonic()
            self.job = Job(world, [STEPS, path], ranks, nodes, options)
            try:
                self._accept(listener, ranks)
            except BaseException:
                self.close()
                raise
            self.start_s = time.monotonic() - begin
        os.unlink(path)

    def _accept(self, listener, ranks):
        listener.settimeout(START_S)
        try:
            while len(self._connections) < ranks:
                connection = listener.accept()[0]
                connection.settimeout(HANG_S)
                self._connections.append(connection.makefile("rw"))
                self._connections[-1].readline()
                connection.close()
        except TimeoutError as error:
            raise AssertionError(f"{len(self._connections)} of {ranks} ranks are up: {self.job.log()}") from error

    def do(self, step):
        self._tell(step)
        for connection in self._connections:
            said = connection.readline()
            if said != "good\n":
                raise AssertionError(f"at step '{step}' a rank said {said!r}; the job: {self.job.log()}")

    def end(self):
        """Its exit code."""
        self._tell(END)
        self.job.expect_end()
        return self.job.exit_code()

    def _tell(self, step):
        for connection in self._connections:
            connection.write(step)
            connection.flush()

    def close(self):
        for connection in self._connections:
            connection.close()
        self.job.close()


class StepsTest(unittest.TestCase):
    def world(self, *flags):
        world = World(PROGRAMS, *flags)
        self.addCleanup(world.close)
        return world

    def ranks(self, world, *arguments):
        ranks = Ranks(world, *arguments)
        self.addCleanup(ranks.close)
        return ranks

    def extents(self, world):
        """Of all endpoints, by kind."""
        report = world.ask("fsck")
        self.assertEqual(report["violations"], [])
        owners = report["owners"]
        return {kind: sum(owner["kinds"][kind] for owner in owners) for kind in ("link-directory", *LINK_KINDS)}

    def bytes_sent(self, world):
        return sum(one["counters"]["bytes_sent"] for one in world.ask("stat")["endpoints"])

    def test_pairs_that_never_talked_take_no_memory_with_64_ranks_on_4_nodes(self):
        world = self.world()
        ranks = self.ranks(world, 64, 4)
        print(f"64 ranks on 4 nodes were up after {ranks.start_s:.1f} s", flush=True)
        # They know each other, and have not said a word.
        self.assertEqual(set(self.extents(world).values()), {0})
        ranks.do(PAIRS)
        talked = self.extents(world)
        self.assertEqual({kind: talked[kind] for kind in LINK_KINDS},
                         {"link": 64, "pool-segment": 0, "memory": 0, "quarantine": 0})
        self.assertEqual(talked["link-directory"] % 64, 0)
        ranks.do(ALL)
        # Collectives of 64 go to log2(64) partners of each, not to all.
        self.assertLess(self.extents(world)["link"], 64 * 63 / 2)
        self.assertEqual(ranks.end(), 0)
        world.expect_clean()

    def test_large_messages_from_memory_of_the_region_are_fetched_in_one_copy(self):
        world = self.world()
        ranks = self.ranks(world, 2)
        ranks.do(PAIRS)
        before = self.bytes_sent(world)
        ranks.do(ORDINARY)
        through_lanes = self.bytes_sent(world) - before
        # Or else this would prove nothing.
        self.assertGreaterEqual(through_lanes, MOVED_BYTES)
        ranks.do(REGION)
        # What announces a message, and what ends it.
        self.assertLess(self.bytes_sent(world) - before - through_lanes, MOVED_BYTES / 1000)
        self.assertEqual(ranks.end(), 0)
        world.expect_clean()

    def test_so_are_those_from_malloc_under_its_library(self):
        world = self.world()
        ranks = self.ranks(world, 2, 1, ["-x", f"LD_PRELOAD={LIBRARY}", "--mca", "btl_base_verbose", "1"])
        ranks.do(PAIRS)
        before = self.bytes_sent(world)
        ranks.do(ORDINARY)
        self.assertLess(self.bytes_sent(world) - before, MOVED_BYTES / 1000)
        # What each rank still uses after MPI_Finalize.
        ranks.do(KEEP)
        self.assertGreaterEqual(self.extents(world)["memory"] * EXTENT_BYTES, 2 * KEPT_BYTES)
        self.assertEqual(ranks.end(), 0, ranks.job.log())
        self.assertRegex(ranks.job.log(), "btl:tombolo: malloc took [1-9][0-9]* blocks of the region")
        world.expect_clean()


if __name__ == "__main__":
    PROGRAMS = Programs(*(os.path.abspath(path) for path in sys.argv[1:5]))
    STEPS, LIBRARY = (os.path.abspath(path) for path in sys.argv[5:7])
    del sys.argv[1:7]
    unittest.main(verbosity=2)
