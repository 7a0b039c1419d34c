#!/usr/bin/python3
"""Clients that hoard, stall, flood and lie at each of tombolod's sockets: others join meanwhile, as fast as without them.

Usage: hostile_clients_test.py TOMBOLOD TOMBOLO EXCHANGE [--joins N] [--seed N]

At one socket after the other, two processes connect without a pause, each of them some hundred times at once; they say
nothing, half of something, or nonsense, and take no answer. Meanwhile N processes attach, N machines join and N
operators ask who is there. It prints how long they took; what is asserted is that they come through, that nobody else
loses anything, and that afterwards nothing of it is left.
"""

import multiprocessing
import os
import random
import resource
import signal
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/control/ivshmem_server/qtest", os.path.join(HERE, "restart")]
# pylint: disable=wrong-import-position
from raw_client import RawClient
from world import World, a_world, arguments, check, eventually

SLOTS, VECTORS = 4, 4
FLAGS = ["--size", "16M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
         "--log-level", "error"]
HANDSHAKE = 3 + SLOTS * VECTORS
HONEST_SLOT = 2
# Whoever connects to a machine's socket has joined, as QEMU has, which says nothing either. So a socket for all machines
# gives all slots to who comes first; a machine that is to have its own has a socket of its own.
TAKES_ALL_SLOTS = "ivshmem.sock"
SOCKETS = (TAKES_ALL_SLOTS, "slot-3.sock", "broker.sock", "control.sock", "guest.sock")
ATTACKERS = 2
# Of one attacker: more than the broker lets in, two of them together.
MOST_CONNECTIONS = 600
PATIENCE_S = 0.05  # Of an attacker whose connection is not accepted.


def attack(path, seed):
    """Until it is killed."""
    chance = random.Random(seed)
    kept = []
    while True:
        kept.append(hostile_connection(path, chance))
        if len(kept) > MOST_CONNECTIONS:
            kept.pop(chance.randrange(len(kept))).close()


def hostile_connection(path, chance):
    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        made = socket.socket(socket.AF_UNIX, kind)
        made.settimeout(PATIENCE_S)
        try:
            made.connect(path)
            if chance.randrange(2) == 0:
                made.send(chance.randbytes(chance.choice((0, 1, 8, 100, 4096))))
            return made
        except OSError:
            made.close()
    return made


class Attack:
    """Against one socket, within a `with`."""

    def __init__(self, path, seed):
        self._processes = [multiprocessing.Process(target=attack, args=(path, seed + i)) for i in range(ATTACKERS)]

    def __enter__(self):
        for process in self._processes:
            process.start()

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.join()


class AttackedWorld(World):
    def process_joins(self):
        self.run(*self.guest("honest"))

    def machine_joins(self):
        client = RawClient(self.daemon.path(f"slot-{HONEST_SLOT}.sock"))
        client.read(HANDSHAKE)
        client.close()

    def operator_asks(self):
        self.ask("peers")


def times_ms(world, joins, attacked=""):
    """Of each kind of honest client, the median and the longest."""
    honest = {"process": world.process_joins, "operator": world.operator_asks}
    if attacked != TAKES_ALL_SLOTS:
        honest["machine"] = world.machine_joins
    told = []
    for name, join in honest.items():
        took = []
        for _ in range(joins):
            begin = time.monotonic()
            join()
            took.append((time.monotonic() - begin) * 1e3)
        took.sort()
        told.append(f"{name} {took[len(took) // 2]:.0f} and {took[-1]:.0f}")
    return ", ".join(told) + " ms"


def main():
    given = arguments(joins=10)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with a_world(AttackedWorld, given, FLAGS) as world:
        check(eventually(world.is_quiet), "somebody is there already")
        descriptors = world.descriptors()
        print(f"{'nobody':12s} {times_ms(world, given.joins)}", flush=True)
        for number, name in enumerate(SOCKETS):
            with Attack(world.daemon.path(name), given.seed + ATTACKERS * number):
                print(f"{name:12s} {times_ms(world, given.joins, name)}", flush=True)
        check(eventually(world.is_quiet), "somebody is left over")
        check(eventually(lambda: world.descriptors() == descriptors),
              f"{world.descriptors()} descriptors, {descriptors} before")
        world.end()


if __name__ == "__main__":
    main()
