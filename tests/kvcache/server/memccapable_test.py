#!/usr/bin/python3
"""Debian's memccapable, which says whether a server speaks memcached's protocols: all of its 54 tests, over TCP and
over the Unix socket.

Usage: memccapable_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import TomboloKv  # pylint: disable=wrong-import-position

PROGRAM = ''
TESTS = 54
TIMEOUT_S = 100


class MemccapableTest(unittest.TestCase):
    def setUp(self):
        self.server = TomboloKv(PROGRAM, '-t', '4', '-m', '64', '--shards', '4')
        self.addCleanup(self.server.stop)

    def check(self, port):
        # -t: seconds for each answer; a busy machine may need more than its usual two.
        result = subprocess.run(['memccapable', '-h', '127.0.0.1', '-p', str(port), '-t', '30'],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S,
                                check=False)
        self.assertEqual(result.stdout.count('[pass]'), TESTS, result.stdout)
        self.assertNotIn('[FAIL]', result.stdout)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_all_over_tcp(self):
        self.check(self.server.tcp[1])

    def test_all_over_the_unix_socket(self):
        """memccapable knows TCP only."""
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        proxy = subprocess.Popen(['socat', '-d', '-d', f'TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork',
                                  f'UNIX-CONNECT:{self.server.unix}'], stderr=subprocess.PIPE, text=True)
        self.addCleanup(proxy.stderr.close)
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.kill)
        while 'listening on' not in (line := proxy.stderr.readline()):
            self.assertTrue(line, 'socat has ended')
        self.check(port)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
