"""A tombolod with its holder, and two processes that talk all the while: others come and go beside them."""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = ["tests/support", HERE]
# pylint: disable=wrong-import-position
from forwarding import eventually
from load import TIMEOUT_S, Talk
from managers import HolderManager


class World:
    """`programs` has the paths `tombolod`, `tombolo` and `exchange`; `flags` are tombolod's."""

    def __init__(self, programs, flags):
        self.programs = programs
        self.daemon = HolderManager(programs.tombolod, *flags)
        self.talk = Talk(programs.exchange, self.daemon.path("broker.sock"), self.daemon.folder)
        check(eventually(lambda: min(self.talk.received()) > 0), "the talk does not begin")

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        check(done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def ask(self, *words):
        """What `tombolo WORDS --json` says."""
        return json.loads(self.run(self.programs.tombolo, "--runtime-dir", self.daemon.runtime_dir, *words, "--json"))

    def guest(self, name):
        """The command of a process that attaches, asks for a doorbell, and leaves."""
        return [self.programs.exchange, self.daemon.path("broker.sock"), name, "0", "talk-0", "poll", "0"]

    def is_quiet(self):
        """Whether those who talk are alone."""
        peers = self.ask("peers")["peers"]
        names = sorted(endpoint["name"] for peer in peers for endpoint in peer["endpoints"])
        return [peer["slot"] for peer in peers] == [0] and names == ["talk-0", "talk-1"]

    def daemon_proc(self, entry):
        """A path in the daemon's /proc."""
        return f"/proc/{self.daemon.pids()[0]}/{entry}"

    def descriptors(self):
        return len(os.listdir(self.daemon_proc("fd")))

    def end(self):
        """Nobody lost anything, and nothing is left; how many messages each of the two sent."""
        reports = self.talk.end()
        check(reports[1]["received"] == reports[0]["sent"], f"messages were lost: {reports}")
        check(self.ask("fsck")["violations"] == [], "the region is not clean")
        code, left = self.daemon.stop()
        check((code, left) == (0, []), f"tombolod ended with {code} and left {left}")
        return [report["sent"] for report in reports]


@contextlib.contextmanager
def a_world(kind, programs, flags):
    """`kind`(programs, flags), a World; the end of the daemon's log is shown when a check fails."""
    world = kind(programs, flags)
    try:
        yield world
    except BaseException:
        print(world.daemon.log()[-4000:], file=sys.stderr)
        raise
    finally:
        world.talk.kill()
        world.daemon.abandon()


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def arguments(**numbers):
    """The programs, a seed (which is told), and `numbers`: name and default of each."""
    parser = argparse.ArgumentParser()
    for name in ("tombolod", "tombolo", "exchange"):
        parser.add_argument(name, type=os.path.abspath)
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    return given
