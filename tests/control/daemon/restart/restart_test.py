#!/usr/bin/python3
"""Kills tombolod with -9 while processes talk, attach and leave and machines ring each other: nobody notices.

Usage: restart_test.py TOMBOLOD TOMBOLO EXCHANGE [--kills N] [--seed N] [--store holder|systemd]

N kills under each store, 10 unless it is said. After each one a machine joins that had connected while nobody was
there, the revision goes on, slots and incarnations are what they were, and no descriptor is left over. In the end no
QEMU has ended or said anything, and no message was lost.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/support", "tests/control/ivshmem_server/qtest", HERE]
# pylint: disable=wrong-import-position
from forwarding import eventually
from load import Churn, Machines, Talk
from managers import MANAGERS
from raw_client import RawClient

SLOTS, VECTORS = 5, 4
FLAGS = ["--size", "16M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
         "--log-level", "warn"]
HANDSHAKE = 3 + SLOTS * VECTORS
BYSTANDER_SLOT, JOINER_SLOT = 3, 4
LATEST_KILL_S = 0.4
MOST_GAP_MS = 5000
JOIN_TIMEOUT_S = 30


class World:
    def __init__(self, manager, programs):
        self.daemon = manager(programs.tombolod, *FLAGS)
        self._cli = programs.tombolo
        broker = self.daemon.path("broker.sock")
        self.talk = Talk(programs.exchange, broker, self.daemon.folder)
        self.machines = Machines(self.slot_path, VECTORS)
        self.bystander = RawClient(self.slot_path(BYSTANDER_SLOT))
        self.bystander.read(HANDSHAKE)
        check(eventually(lambda: min(self.talk.received()) > 0), "the talk does not begin")
        self._first = self.peers()
        self._revision = self._first["revision"]
        # Without anybody who comes and goes.
        self._descriptors = self.descriptors()
        self.churn = Churn(programs.exchange, broker)

    def slot_path(self, slot):
        return self.daemon.path(f"slot-{slot}.sock")

    def peers(self):
        done = subprocess.run([self._cli, "--runtime-dir", self.daemon.runtime_dir, "peers", "--json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def descriptors(self):
        """How many of each kind each process has, not counting what it was started with."""
        return [Counter(kind for fd in os.listdir(f"/proc/{pid}/fd")
                        if (kind := kind_of(f"/proc/{pid}/fd/{fd}")) != "/dev/null") for pid in self.daemon.pids()]

    def check_peers(self):
        """Who was there from the beginning is there as it was, and the revision goes on."""
        now = self.peers()
        check(now["region_uuid"] == self._first["region_uuid"], f"another region: {now}")
        check(now["revision"] >= self._revision, f"revision {now['revision']} after {self._revision}")
        self._revision = now["revision"]
        for peer in self._first["peers"]:
            same = [other for other in now["peers"] if other["slot"] == peer["slot"]]
            check(len(same) == 1 and without_endpoints(same[0]) == without_endpoints(peer), f"{peer} is {same}")
            for endpoint in peer["endpoints"]:
                check(endpoint in same[0]["endpoints"], f"{endpoint} is not among {same[0]['endpoints']}")
        check(not self.bystander.has_unread(), "a machine that had joined was told something")

    def check_descriptors(self):
        """When nobody comes or goes."""
        # gRPC keeps a connection for a moment.
        check(eventually(lambda: self.descriptors() == self._descriptors),
              f"descriptors: {self.descriptors()}, {self._descriptors} in the beginning")

    def close(self):
        self.talk.kill()
        self.machines.kill()
        self.daemon.abandon()


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def kind_of(link):
    """Of a descriptor: "socket", "anon_inode", or the path of a file."""
    try:
        return os.readlink(link).split(":[")[0]
    except FileNotFoundError:
        return "closed meanwhile"


def without_endpoints(peer):
    return {key: value for key, value in peer.items() if key != "endpoints"}


def kill_and_join(world, number):
    """How long a machine waits that joins when nobody is there; it leaves while nobody is there every other time."""
    world.daemon.kill()
    begin = time.monotonic()
    joiner = RawClient(world.slot_path(JOINER_SLOT))
    joiner.read(HANDSHAKE)
    took_s = time.monotonic() - begin
    check(joiner.values()[:3] == [0, JOINER_SLOT, -1], f"the handshake says {joiner.values()}")
    world.daemon.wait_until_ready()
    if number % 2 == 1:
        world.daemon.kill()
        joiner.close()
        world.daemon.wait_until_ready()
    joiner.close()
    check(eventually(lambda: JOINER_SLOT not in [peer["slot"] for peer in world.peers()["peers"]]),
          "a machine that has left is still there")
    return took_s


def run(manager, programs, kills, chance):
    world = World(manager, programs)
    try:
        joins_s = []
        for number in range(kills):
            time.sleep(chance.uniform(0, LATEST_KILL_S))  # Not to wait for anything: any moment is good.
            joins_s.append(kill_and_join(world, number))
            world.machines.check(number)
            world.check_peers()
            check(world.talk.is_going_on(), "the talk has ended")
        world.churn.end()
        check(not world.churn.faults, f"of {world.churn.count} processes: {world.churn.faults}")
        world.check_peers()
        world.check_descriptors()
        reports = world.talk.end()
        check(reports[1]["received"] == reports[0]["sent"], f"messages were lost: {reports}")
        check(max(report["longest_gap_ms"] for report in reports) < MOST_GAP_MS, f"it stood still: {reports}")
        world.machines.kill()
        code, left = world.daemon.stop()
        check((code, left) == (0, []), f"tombolod ended with {code} and left {left}")
    except BaseException:
        print(world.daemon.log()[-4000:], file=sys.stderr)
        raise
    finally:
        world.close()
    joins_s.sort()
    p50_s, p99_s = (joins_s[len(joins_s) * percent // 100] for percent in (50, 99))
    print(f"{manager.name}: {kills} kills; join p50 {p50_s * 1e3:.0f} ms, p99 {p99_s * 1e3:.0f} ms, longest "
          f"{joins_s[-1] * 1e3:.0f} ms; {reports[0]['sent']} + {reports[1]['sent']} messages, {world.churn.count} "
          f"processes came and went", flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("tombolod", "tombolo", "exchange"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--store", choices=[manager.name for manager in MANAGERS])
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    for manager in MANAGERS:
        if given.store in (None, manager.name):
            run(manager, given, given.kills, random.Random(given.seed))


if __name__ == "__main__":
    main()
