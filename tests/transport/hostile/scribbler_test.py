#!/usr/bin/python3
"""One process writes random bytes over everything that it can reach in the region, while two others exchange
messages there; tombolod is the host. Nobody crashes, nobody hangs, and the daemon knows in the end who is there.

Usage: scribbler_test.py TOMBOLOD TOMBOLO HOSTILE_PEER [SEED [SECONDS]]
"""

import os
import random
import subprocess
import sys
import time

sys.path.insert(0, 'tests/support')
from tombolod import Tombolod  # pylint: disable=wrong-import-position

DEFAULT_SECONDS = 4
TIMEOUT_S = 90


class Peers:
    """The processes of one run, which all have to end well and in time."""

    def __init__(self, program, broker):
        self._program, self._broker, self._all = program, broker, []

    def start(self, *arguments):
        process = subprocess.Popen([self._program, self._broker, *map(str, arguments)], stdout=subprocess.PIPE,
                                   text=True)
        self._all.append(process)
        return process

    def stop(self):
        for process in self._all:
            process.kill()
            process.wait()


def expect_end(name, process):
    said, _ = process.communicate(timeout=TIMEOUT_S)
    print(f'{name}: {said.strip() or "ended"}, code {process.returncode}', flush=True)
    assert process.returncode == 0, f'{name} ended with {process.returncode}'
    return said


def expect_alone(tombolo, daemon):
    """The daemon answers, and has seen all of them go."""
    end = time.monotonic() + TIMEOUT_S
    while True:
        listed = subprocess.run([tombolo, '--runtime-dir', daemon.runtime_dir, 'peers'], stdout=subprocess.PIPE,
                                text=True, timeout=TIMEOUT_S, check=True).stdout
        if 'alice' not in listed and 'scribbler' not in listed:
            return
        assert time.monotonic() < end, f'these are still listed:\n{listed}'


def scribble(tombolo, daemon, peers, seconds, seed):
    talk_ms, scribble_ms = int(seconds * 1000) + 500, int(seconds * 1000)
    talkers = {'alice': peers.start('talk', 'alice', 'bob', talk_ms, seed),
               'bob': peers.start('talk', 'bob', 'alice', talk_ms, seed + 1)}
    for name, talker in talkers.items():
        assert talker.stdout.readline() == 'talking\n', f'{name} does not talk'
    expect_end('scribbler', peers.start('scribble', scribble_ms, seed + 2))
    for name, talker in talkers.items():
        expect_end(name, talker)
    expect_alone(tombolo, daemon)


def main(tombolod, tombolo, hostile_peer, seed=None, seconds=DEFAULT_SECONDS):
    seed = random.randrange(1 << 32) if seed is None else int(seed)
    print(f'seed {seed}', flush=True)
    daemon = Tombolod(tombolod, '--size', '4M', '--slots', '4', '--endpoints', '64', '--log-level', 'warn')
    peers = Peers(hostile_peer, os.path.join(daemon.runtime_dir, 'broker.sock'))
    try:
        scribble(tombolo, daemon, peers, float(seconds), seed)
    finally:
        peers.stop()
        log = daemon.log()
        code, _ = daemon.stop()
        print(f'tombolod: code {code}, {len(log.splitlines())} lines of log', flush=True)
    assert code == 0, f'tombolod ended with {code}:\n{log[-5000:]}'
    return 0


if __name__ == '__main__':
    sys.exit(main(*(os.path.abspath(path) for path in sys.argv[1:4]), *sys.argv[4:]))
