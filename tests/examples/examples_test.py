#!/usr/bin/python3
"""The examples, each as two processes beside a real tombolod.

Usage: examples_test.py TOMBOLOD HELLO LEND REMOTE_READ CHUNKS [unittest's flags]
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, 'tests/support')
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TOMBOLOD = HELLO = LEND = REMOTE_READ = CHUNKS = ''
TIMEOUT_S = 60
EPOLL_PWAIT2 = 441  # On all processors; what a channel sleeps in.


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

    def test_chunks_arrive_whole(self):
        first, second = self.run_pair(CHUNKS)
        self.assertEqual(first, '64 chunks are whole, 0 are not\n')
        self.assertIn('64 chunks sent\n', second)


class RemoteReadTest(unittest.TestCase):
    """A server of a folder, and readers, each a process of its own."""

    def setUp(self):
        daemon = Tombolod(TOMBOLOD, '--size', '64M')
        self.addCleanup(daemon.stop)
        self.broker = os.path.join(daemon.runtime_dir, 'broker.sock')
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, 'served')
        os.mkdir(self.folder)
        self.write(os.path.join(folder.name, 'secret'), b'not for guests')
        self.server = subprocess.Popen([REMOTE_READ, 'serve', self.broker, self.folder],
                                       stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.server.stderr.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        self.assertIn('I am endpoint', self.server.stderr.readline())

    def write(self, path, content):
        with open(path, 'wb') as file:
            file.write(content)

    def cat(self, name):
        return subprocess.run([REMOTE_READ, 'cat', self.broker, name], capture_output=True,
                              timeout=TIMEOUT_S, check=False)

    def test_a_file_of_several_windows_arrives_whole(self):
        content = os.urandom((5 << 20) + 12345)
        self.write(os.path.join(self.folder, 'large'), content)
        done = self.cat('large')
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        self.assertTrue(done.stdout == content)

    def test_nothing_outside_the_folder_is_read(self):
        os.symlink('../secret', os.path.join(self.folder, 'link'))
        for name in ('../secret', 'link', '/etc/passwd', '/proc/self/environ', '.', 'none'):
            done = self.cat(name)
            self.assertEqual((done.returncode, done.stdout), (1, b''), name)
            self.assertIn(b'remote_read: ', done.stderr)

    def test_a_server_that_dies_in_a_call_ends_the_call(self):
        self.server.send_signal(signal.SIGSTOP)
        reader = subprocess.Popen([REMOTE_READ, 'cat', self.broker, 'none'],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(reader.stderr.close)
        self.wait_until_asleep_for_an_answer(reader)
        begin = time.monotonic()
        self.server.kill()
        self.assertEqual(reader.wait(TIMEOUT_S), 1)
        self.assertRegex(reader.stderr.read(), 'UNAVAILABLE: endpoint .* has departed')
        self.assertLess(time.monotonic() - begin, 9, 'at once, and not when its time is over')

    def wait_until_asleep_for_an_answer(self, reader):
        deadline = time.monotonic() + TIMEOUT_S
        while not self.syscall_of(reader).startswith(f'{EPOLL_PWAIT2} '):
            self.assertLess(time.monotonic(), deadline, 'it never waited for an answer')

    def syscall_of(self, process):
        with open(f'/proc/{process.pid}/syscall', encoding='ascii') as file:
            return file.read()


if __name__ == '__main__':
    TOMBOLOD, HELLO, LEND, REMOTE_READ, CHUNKS = (os.path.abspath(path) for path in sys.argv[1:6])
    unittest.main(argv=sys.argv[:1] + sys.argv[6:])
