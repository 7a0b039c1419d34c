#!/usr/bin/python3
"""The C client, used by a plain C program beside a real tombolo-kv.

Usage: c_client_test.py TOMBOLO_KV C_CLIENT_CHECK [unittest's flags]
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import TomboloKv  # pylint: disable=wrong-import-position

PROGRAM = CHECK = ''
TIMEOUT_S = 60
IS_SANITIZED = 'ASAN_OPTIONS' in os.environ


class CClientTest(unittest.TestCase):
    def setUp(self):
        self.server = TomboloKv(PROGRAM, '-m', '16', '-I', '256k', '--shards', '2', with_owner_socket=True)
        self.addCleanup(self.server.stop)
        self.check()

    def check(self, *part):
        result = subprocess.run([CHECK, self.server.memory_file, self.server.owner, *part], stderr=subprocess.PIPE,
                                text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    @unittest.skipIf(IS_SANITIZED, 'sanitizers make system calls of their own')
    def test_a_hit_makes_no_system_call(self):
        self.check('quiet')

    def test_an_owner_that_was_killed_is_an_error(self):
        self.server.kill()
        self.check('gone')


if __name__ == '__main__':
    PROGRAM, CHECK = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
