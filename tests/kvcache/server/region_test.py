#!/usr/bin/python3
"""A tombolo-kv that owns nothing and asks its owner over the region, and what becomes of both without a daemon.

Usage: region_test.py TOMBOLO_KV TOMBOLOD [unittest's flags]
"""

import os
import subprocess
import sys
import tempfile
import time
import types
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import ANSWER_TIMEOUT_S, Client, Guest, TomboloKv, as_this_user  # pylint: disable=wrong-import-position
from tombolod import Tombolod  # pylint: disable=wrong-import-position

PROGRAM = DAEMON = ''
GONE = b'SERVER_ERROR the owner of the cache cannot be reached'


class RegionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='tombolo_', dir='/tmp')
        self.addCleanup(folder.cleanup)
        # Leads to the folder of the daemon that runs.
        self.run = os.path.join(folder.name, 'run')
        self.broker = os.path.join(self.run, 'broker.sock')
        self.daemon = self.start_daemon()
        self.region = ('--region-service', 'cache', '--broker-socket', self.broker)
        self.host = TomboloKv(PROGRAM, '-t', '1', '-m', '16', '--shards', '1', *self.region)
        self.addCleanup(self.host.stop)
        owner = types.SimpleNamespace(memory_file=self.host.memory_file, owner=f'region:cache@{self.broker}')
        self.guest = Guest(PROGRAM, owner, '-t', '1', '--owner-timeout', '500')
        self.addCleanup(self.guest.stop)
        self.client = Client(self.guest.unix)
        self.addCleanup(self.client.close)

    def start_daemon(self):
        daemon = Tombolod(DAEMON, '--size', '16M')
        self.addCleanup(daemon.stop)
        if os.path.islink(self.run):
            os.unlink(self.run)
        os.symlink(daemon.runtime_dir, self.run)
        return daemon

    def test_what_is_written_in_the_guest_is_read_from_the_window(self):
        self.assertEqual(self.client.set(b'key', b'x' * 100_000), b'STORED')
        for _ in range(3):
            self.assertEqual(self.client.get(b'key'), b'x' * 100_000)
        self.assertGreaterEqual(int(self.guest.stats()['lock_free_hits']), 1)
        stats = self.host.stats()
        self.assertEqual(stats['curr_readers'], '1')
        self.assertGreaterEqual(int(stats['remote_requests']), 3)  # Hello, the set, the first use.
        self.guest.stop()
        self.host.eventually('curr_readers', '0')

    def test_another_daemon_has_the_same_owner_and_guest(self):
        self.assertEqual(self.client.set(b'key', b'before'), b'STORED')
        self.daemon.kill()
        self.start_daemon()
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while (answer := self.client.set(b'key', b'after')) == GONE and time.monotonic() < deadline:
            pass
        self.assertEqual(answer, b'STORED')
        self.assertEqual(self.client.get(b'key'), b'after')
        self.assertIn('serves readers of the region again', self.host.log())

    def test_one_name_has_one_owner(self):
        with tempfile.TemporaryDirectory(dir='/tmp') as folder:
            other = subprocess.run([PROGRAM, '-s', folder + '/kv.sock', '-e', folder + '/memory', *as_this_user(), *self.region],
                                   stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(other.returncode, 1)
        self.assertIn('--region-service cache: ', other.stderr)
        self.assertEqual(self.client.set(b'key', b'value'), b'STORED')


if __name__ == '__main__':
    PROGRAM, DAEMON = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
