#!/usr/bin/python3
"""The examples, each as two processes beside a real tombolod.

Usage: examples_test.py TOMBOLOD HELLO LEND [unittest's flags]
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, 'tests/support')
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TOMBOLOD = HELLO = LEND = ''
TIMEOUT_S = 60


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        daemon = Tombolod(TOMBOLOD, '--size', '256M')
        self.addCleanup(daemon.stop)
        self.broker = os.path.join(daemon.runtime_dir, 'broker.sock')

    def run_pair(self, program):
        """What the first and the second process say, the first one without its first line."""
        first = subprocess.Popen([program, self.broker], stdout=subprocess.PIPE, text=True)
        self.addCleanup(first.stdout.close)
        self.assertIn('I am endpoint', first.stdout.readline())
        second = subprocess.run([program, self.broker], stdout=subprocess.PIPE, text=True,
                                timeout=TIMEOUT_S, check=True)
        self.assertEqual(first.wait(TIMEOUT_S), 0)
        return first.stdout.read(), second.stdout

    def test_hello_says_hello_both_ways(self):
        first, second = self.run_pair(HELLO)
        self.assertRegex(first, r'^endpoint \d+ says: hello\n$')
        self.assertRegex(second, r'\nendpoint \d+ says: hello to you\n$')

    def test_lend_sums_up_in_place(self):
        first, _ = self.run_pair(LEND)
        self.assertRegex(first, rf'lends {16 << 20} bytes; their sum is {3 * (16 << 20)}\n$')


if __name__ == '__main__':
    TOMBOLOD, HELLO, LEND = (os.path.abspath(path) for path in sys.argv[1:4])
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
