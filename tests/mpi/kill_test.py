#!/usr/bin/python3
"""Kills a part of an MPI job at a random moment of a soak, again and again: the rest ends, nothing is left in the
region, and the next job begins at once.

Usage: kill_test.py TOMBOLOD TOMBOLO BTL MPOOL SOAK [--kills N] [--seed N]

What is killed, in turn: a rank, where only Tombolo tells the others, because mpirun goes on without it; Open MPI's daemon
on one of two nodes; a rank, where mpirun ends the job; tombolod, which a job outlives. Whether mpirun itself ends when it
was told to go on, or lost a daemon, is Open MPI's affair: the ranks have to.
"""

import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, "tests/mpi")
# pylint: disable=wrong-import-position
from mpi_jobs import Job, Programs, World

RANKS = 4
REGION = "64M"
# Of a soak that is to be killed: never mind how long it takes until then.
LONG = "600"
# Of one that outlives its daemon.
SHORT = "3"
LATEST_S = 1.5
RECOVERY = "--enable-recovery"


class Killer:
    def __init__(self, world: World, soak: str, chance: random.Random):
        self._world = world
        self._soak = soak
        self._chance = chance
        self.longest_s = 0.0

    def rank_alone(self) -> str:
        """mpirun goes on without it, so that only Tombolo tells the others."""
        return self._kill_rank(self._chance.choice([1, 2]), [RECOVERY])

    def rank(self) -> str:
        return self._kill_rank(self._chance.choice([1, 2]), [])

    def node(self) -> str:
        job = self._begin(2, [])
        try:
            pids = job.node_pids()
            assert len(pids) == 2, f"{pids} are Open MPI's daemons of two nodes; the job said: {job.log()}"
            self._kill_at_random(job, self._chance.choice(pids))
            self._expect_bad_end(job)
        finally:
            job.close()
        return "Open MPI's daemon on one of 2 nodes"

    def daemon(self) -> str:
        """Whoever is attached goes on: the region is there as long as somebody maps it."""
        job = self._begin(1, [], SHORT)
        try:
            assert not job.ends_within(self._chance.uniform(0, LATEST_S)), f"it ended too early: {job.log()}"
            self._world.kill_daemon()
            _expect_good_end(job)
        finally:
            job.close()
        self._world.replace_killed_daemon()
        return "tombolod"

    def nothing(self) -> None:
        """A job that nobody disturbs."""
        job = self._begin(2, [], "0")
        try:
            _expect_good_end(job)
        finally:
            job.close()

    def _kill_rank(self, nodes: int, options: list) -> str:
        is_alone = RECOVERY in options
        job = self._begin(nodes, options)
        try:
            victim = self._chance.randrange(RANKS)
            self._kill_at_random(job, job.rank_pid(victim))
            self._expect_bad_end(job)
            if is_alone:
                job.wait_until_said(f"tombolo: lost rank {victim} on node")
            else:
                job.expect_end()
                assert job.exit_code() != 0, f"exit code 0: {job.log()}"
        finally:
            job.close()
        return f"rank {victim} of {RANKS} on {nodes} node{'s' * (nodes > 1)}{', alone' * is_alone}"

    def _begin(self, nodes: int, options: list, seconds: str = LONG) -> Job:
        words = [self._soak, "--seed", str(self._chance.randrange(1 << 32)), "--seconds", seconds]
        job = Job(self._world, words, RANKS, nodes, options)
        try:
            job.wait_until_said("soak: begun")
        except BaseException:
            job.close()
            raise
        return job

    def _kill_at_random(self, job: Job, pid: int) -> None:
        assert not job.ends_within(self._chance.uniform(0, LATEST_S)), f"it ended too early: {job.log()}"
        os.kill(pid, signal.SIGKILL)

    def _expect_bad_end(self, job: Job) -> None:
        self.longest_s = max(self.longest_s, job.expect_ranks_gone())
        assert "soak: good" not in job.log() and "soak: bad" not in job.log(), f"it ended otherwise: {job.log()}"


def _expect_good_end(job: Job) -> None:
    job.expect_end()
    assert job.exit_code() == 0 and "soak: good" in job.log(), f"exit code {job.exit_code()}: {job.log()}"


def run(world: World, soak: str, seed: int, kills: int) -> None:
    killer = Killer(world, soak, random.Random(seed))
    turns = [killer.rank_alone, killer.node, killer.rank_alone, killer.rank, killer.rank_alone, killer.daemon]
    for number in range(kills):
        begin = time.monotonic()
        what = turns[number % len(turns)]()
        world.expect_clean()
        print(f"kill {number + 1}: {what}: {time.monotonic() - begin:.1f} s", flush=True)
    killer.nothing()
    world.expect_clean()
    print(f"{kills} kills; the longest time until all ranks were gone: {killer.longest_s:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in (*Programs._fields, "soak"):
        parser.add_argument(name)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    programs = Programs(*(os.path.abspath(getattr(given, name)) for name in Programs._fields))
    world = World(programs, "--size", REGION)
    try:
        run(world, os.path.abspath(given.soak), given.seed, given.kills)
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
