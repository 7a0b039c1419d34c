#!/usr/bin/python3
"""Kills tombolod with -9 while one region after the other is made, resized and deleted: none is ever half there.

Usage: regions_kill_test.py TOMBOLOD TOMBOLO [--kills N] [--seed N] [--store holder|systemd]

N kills under each store, 8 unless it is said. After each one the region that nobody touches is as it was, and in the
end the other one can be made and deleted.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/support", HERE]
# pylint: disable=wrong-import-position
from forwarding import eventually
from managers import MANAGERS

SMALL = ["--size", "2M", "--slots", "3", "--vectors", "3", "--endpoints", "64"]
LATEST_KILL_S = 0.2
TIMEOUT_S = 60


def check(good, what):
    if not good:
        raise AssertionError(what)


class World:
    def __init__(self, manager, programs):
        self.daemon = manager(programs.tombolod, "--size", "16M", "--log-level", "warn")
        self.tombolo = programs.tombolo
        self.is_over = threading.Event()
        self.churn = threading.Thread(target=self.make_and_delete)

    def ask(self, *words):
        return subprocess.run([self.tombolo, "--runtime-dir", self.daemon.runtime_dir, "regions", *words],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def make_and_delete(self):
        """Whatever each of them answers: nobody may be there to answer."""
        while not self.is_over.is_set():
            self.ask("create", "red", *SMALL)
            self.ask("resize", "red", "--size", "4M")
            self.ask("delete", "red")

    def uuid(self, name):
        done = self.ask("show", name, "--json")
        return json.loads(done.stdout)["uuid"] if done.returncode == 0 else done.stderr

    def kill(self):
        self.daemon.kill()
        self.daemon.wait_until_ready()

    def close(self):
        self.is_over.set()
        if self.churn.is_alive():
            self.churn.join()


def run(manager, programs, kills, chance):
    world = World(manager, programs)
    try:
        check(world.ask("create", "blue", *SMALL).returncode == 0, "blue cannot be made")
        blue = world.uuid("blue")
        world.churn.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0, LATEST_KILL_S))
            world.kill()
            check(eventually(lambda: world.uuid("blue") == blue), f"blue is {world.uuid('blue')}, and was {blue}")
        world.close()
        world.ask("delete", "red")
        for words in (("create", "red", *SMALL), ("delete", "red"), ("delete", "blue")):
            done = world.ask(*words)
            check(done.returncode == 0, f"{words}: {done.stderr}")
        folders = [name for name in os.listdir(world.daemon.runtime_dir) if name in ("red", "blue")]
        check(not folders, f"left over: {folders}")
    except BaseException:
        print(world.daemon.log(), file=sys.stderr)
        raise
    finally:
        world.close()
        code, left = world.daemon.stop()
    check((code, left) == (0, []), f"tombolod ended with {code} and left {left}")
    print(f"{manager.name}: {kills} kills", flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("tombolod", "tombolo"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--store", choices=[manager.name for manager in MANAGERS])
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    for manager in MANAGERS:
        if given.store in (None, manager.name):
            run(manager, given, given.kills, random.Random(given.seed))


if __name__ == "__main__":
    main()
