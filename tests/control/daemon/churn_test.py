#!/usr/bin/python3
"""Processes and machines come, leave and are killed while two others talk: tombolod holds what it held before.

Usage: churn_test.py TOMBOLOD TOMBOLO EXCHANGE [--processes N] [--machines N] [--seed N]

Every other process is killed with -9, at any moment from its start on; so is every machine, a QEMU without a system, which
says nothing when it ends anyway. After two fifths of them the daemon's descriptors are counted and its memory is measured,
and when as many have come as was said, again. Then nobody is there but those who talk, who have lost no message, and the
region is clean.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/support", "tests/control/ivshmem_server/qtest", os.path.join(HERE, "restart")]
# pylint: disable=wrong-import-position
from forwarding import eventually
from load import TIMEOUT_S, Talk
from managers import HolderManager
from qemu import Qemu

SLOTS, VECTORS = 4, 4
FLAGS = ["--size", "16M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
         "--log-level", "warn"]
MACHINE_SLOTS = (1, 2)
# A process has attached after a few milliseconds.
LATEST_KILL_S = 0.02
# Events are kept for those who watch, 4,096 at most, which takes 2.1 MiB; they are not all there before 3,000 processes have
# come and gone.
MOST_GROWTH_KIB = 512


class World:
    def __init__(self, programs, chance):
        self.daemon = HolderManager(programs.tombolod, *FLAGS)
        self._programs = programs
        self._chance = chance
        self.talk = Talk(programs.exchange, self.daemon.path("broker.sock"), self.daemon.folder)
        check(eventually(lambda: min(self.talk.received()) > 0), "the talk does not begin")

    def ask(self, *words):
        done = subprocess.run([self._programs.tombolo, "--runtime-dir", self.daemon.runtime_dir, *words],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        check(done.returncode == 0, f"`tombolo {' '.join(words)}` ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def process(self, is_killed):
        """One that attaches, asks for a doorbell, and leaves."""
        begun = subprocess.Popen(
            [self._programs.exchange, self.daemon.path("broker.sock"), "guest", "0", "talk-0", "poll", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if is_killed:
            time.sleep(self._chance.uniform(0, LATEST_KILL_S))  # Not to wait for anything: any moment is good.
            begun.kill()
        said, _ = begun.communicate(timeout=TIMEOUT_S)
        check(is_killed or begun.returncode == 0, f"a process ended with {begun.returncode}: {said}")

    def machines(self):
        """Two that ring each other, and are killed."""
        both = [Qemu(self.daemon.path(f"slot-{slot}.sock"), VECTORS) for slot in MACHINE_SLOTS]
        both[0].ring(MACHINE_SLOTS[1], 1)
        both[1].wait_for_interrupt(1)
        for machine in both:
            machine.kill()

    def is_quiet(self):
        """Whether those who talk are alone."""
        peers = self.ask("peers", "--json")["peers"]
        names = sorted(endpoint["name"] for peer in peers for endpoint in peer["endpoints"])
        return [peer["slot"] for peer in peers] == [0] and names == ["talk-0", "talk-1"]

    def holdings(self):
        """Of the daemon, when nobody comes or goes: descriptors, and KiB of memory."""
        check(eventually(self.is_quiet), "who has left is still there")
        pid = self.daemon.pids()[0]
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))
        return len(os.listdir(f"/proc/{pid}/fd")), kib


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def come_and_go(world, processes, machines):
    for number in range(processes):
        world.process(is_killed=number % 2 == 1)
    for _ in range((machines + 1) // 2):
        world.machines()


def run(programs):
    world = World(programs, random.Random(programs.seed))
    try:
        come_and_go(world, programs.processes * 2 // 5, programs.machines * 2 // 5)
        descriptors, kib = world.holdings()
        come_and_go(world, programs.processes, programs.machines)
        # gRPC keeps a connection for a moment.
        check(eventually(lambda: world.holdings()[0] == descriptors),
              f"{world.holdings()[0]} descriptors, {descriptors} before")
        grown_kib = world.holdings()[1] - kib
        check(grown_kib <= MOST_GROWTH_KIB, f"its memory grew by {grown_kib} KiB from {kib}")
        reports = world.talk.end()
        check(reports[1]["received"] == reports[0]["sent"], f"messages were lost: {reports}")
        check(world.ask("fsck", "--json")["violations"] == [], "the region is not clean")
        print(f"{programs.processes} processes and {programs.machines} machines came and went; {descriptors} descriptors; "
              f"{kib} KiB, {grown_kib:+} KiB; {reports[0]['sent']} + {reports[1]['sent']} messages meanwhile")
        code, left = world.daemon.stop()
        check((code, left) == (0, []), f"tombolod ended with {code} and left {left}")
    except BaseException:
        print(world.daemon.log()[-4000:], file=sys.stderr)
        raise
    finally:
        world.talk.kill()
        world.daemon.abandon()


def main():
    parser = argparse.ArgumentParser()
    for name in ("tombolod", "tombolo", "exchange"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--machines", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    run(given)


if __name__ == "__main__":
    main()
