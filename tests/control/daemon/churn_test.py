#!/usr/bin/python3
"""Processes and machines come, leave and are killed while two others talk: tombolod holds what it held before.

Usage: churn_test.py TOMBOLOD TOMBOLO EXCHANGE [--processes N] [--machines N] [--seed N]

Every other process is killed with -9, at any moment from its start on; so is every machine, a QEMU without a system, which
says nothing when it ends anyway. After two fifths of them the daemon's descriptors are counted and its memory is measured,
and when as many have come as was said, again. Then nobody is there but those who talk, who have lost no message, and the
region is clean.
"""

import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/control/ivshmem_server/qtest", os.path.join(HERE, "restart")]
# pylint: disable=wrong-import-position
from load import TIMEOUT_S
from qemu import Qemu
from world import World, a_world, arguments, check, eventually

SLOTS, VECTORS = 4, 4
FLAGS = ["--size", "16M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
         "--log-level", "warn"]
MACHINE_SLOTS = (1, 2)
# A process has attached after a few milliseconds.
LATEST_KILL_S = 0.02
# Events are kept for those who watch, 4,096 at most, which takes 2.1 MiB; they are not all there before 3,000 processes have
# come and gone.
MOST_GROWTH_KIB = 512


class BusyWorld(World):
    def process(self, killed_after_s=None):
        """One that attaches, asks for a doorbell, and leaves."""
        begun = subprocess.Popen(self.guest("guest"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if killed_after_s is not None:
            time.sleep(killed_after_s)  # Not to wait for anything: any moment is good.
            begun.kill()
        said, _ = begun.communicate(timeout=TIMEOUT_S)
        check(killed_after_s is not None or begun.returncode == 0, f"a process ended with {begun.returncode}: {said}")

    def machines(self):
        """Two that ring each other, and are killed."""
        both = [Qemu(self.daemon.path(f"slot-{slot}.sock"), VECTORS) for slot in MACHINE_SLOTS]
        both[0].ring(MACHINE_SLOTS[1], 1)
        both[1].wait_for_interrupt(1)
        for machine in both:
            machine.kill()

    def come_and_go(self, chance, processes, machines):
        for number in range(processes):
            self.process(chance.uniform(0, LATEST_KILL_S) if number % 2 == 1 else None)
        for _ in range((machines + 1) // 2):
            self.machines()

    def holdings(self):
        """Of the daemon, when nobody comes or goes: descriptors, and KiB of memory."""
        check(eventually(self.is_quiet), "who has left is still there")
        with open(self.daemon_proc("status"), encoding="ascii") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))
        return self.descriptors(), kib


def main():
    given = arguments(processes=200, machines=6)
    chance = random.Random(given.seed)
    with a_world(BusyWorld, given, FLAGS) as world:
        world.come_and_go(chance, given.processes * 2 // 5, given.machines * 2 // 5)
        descriptors, kib = world.holdings()
        world.come_and_go(chance, given.processes, given.machines)
        # gRPC keeps a connection for a moment.
        check(eventually(lambda: world.holdings()[0] == descriptors),
              f"{world.holdings()[0]} descriptors, {descriptors} before")
        grown_kib = world.holdings()[1] - kib
        check(grown_kib <= MOST_GROWTH_KIB, f"its memory grew by {grown_kib} KiB from {kib}")
        sent = world.end()
    print(f"{given.processes} processes and {given.machines} machines came and went; {descriptors} descriptors; "
          f"{kib} KiB, {grown_kib:+} KiB; {sent[0]} + {sent[1]} messages meanwhile")


if __name__ == "__main__":
    main()
