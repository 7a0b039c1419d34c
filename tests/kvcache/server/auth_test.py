#!/usr/bin/python3
"""Passwords: the same talk with stock memcached and with tombolo-kv, compared byte by byte.

Usage: auth_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, as_this_user  # pylint: disable=wrong-import-position

PROGRAM = ''
PASSWORDS = 'alice:clue\nbob:with:colon\n'
TALKS = (
    [b'get a\r\n'],
    [b'mn\r\n', b'set a 0 0 10\r\nalice clue\r\n', b'mn\r\n', b'get a\r\n'],
    [b'set a 0 0 10\r\nalice clue\r\nmn\r\n'],
    [b'set a 0 0 5\r\nalice\r\n', b'set a 0 0 10\r\nalice cluX\r\n', b'set b 0 0 14\r\nbob with:colon\r\n', b'mn\r\n'],
    [b'set a 0 0\r\n', b'set a 0 0 x\r\n', b'quit\r\n'],
    [b'set a 0 0 16\r\n alice  clue xyz\r\n', b'mn\r\n'],
    [b'set a 0 0 8\r\nalice clue'],
)


class AuthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir='/tmp')
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, 'passwords')
        with open(self.file, 'w', encoding='ascii') as file:
            file.write(PASSWORDS)
        self.stock_socket = os.path.join(folder.name, 'stock.sock')

    def start_stock(self):
        stock = subprocess.Popen(['memcached', '-s', self.stock_socket, '-Y', self.file, *as_this_user()])
        self.addCleanup(stock.wait)
        self.addCleanup(stock.kill)
        while True:
            try:
                return Client(self.stock_socket).close()
            except OSError:
                self.assertIsNone(stock.poll(), 'memcached did not start')

    def start_own(self):
        """Whose memory file is new; with passwords its port cannot be asked for, so by the Unix socket alone."""
        folder = tempfile.TemporaryDirectory(dir='/tmp')
        self.addCleanup(folder.cleanup)
        unix = os.path.join(folder.name, 'own.sock')
        own = subprocess.Popen([PROGRAM, '-s', unix, '-e', os.path.join(folder.name, 'memory'), '-m', '16', '-Y',
                                self.file, *as_this_user()], stderr=subprocess.PIPE, text=True)
        self.addCleanup(own.stderr.close)
        self.addCleanup(own.wait)
        self.addCleanup(own.kill)
        while 'serves ' not in (line := own.stderr.readline()):
            self.assertTrue(line)
        return unix

    def talk(self, address, texts):
        with Client(address) as client:
            for text in texts:
                client.send(text)
            client.socket.shutdown(1)
            return client.input.read()

    def one_by_one(self, address, texts):
        """Each answered before the next is sent."""
        heard = []
        with Client(address) as client:
            for text in texts:
                client.send(text)
                heard.append(client.line())
        return heard

    def test_answers_are_those_of_memcached(self):
        self.start_stock()
        own = self.start_own()
        for texts in TALKS:
            with self.subTest(texts):
                self.assertEqual(self.one_by_one(own, texts), self.one_by_one(self.stock_socket, texts))

    def test_the_binary_protocol_is_refused(self):
        own = self.start_own()
        self.assertEqual(self.talk(own, [b'\x80\x0b' + bytes(22) + b'\r\n']), b'CLIENT_ERROR unauthenticated\r\n')

    def test_it_is_counted_and_told(self):
        own = self.start_own()
        with Client(own) as client:
            client.set(b'a', b'alice wrong')
            client.set(b'a', b'alice clue')
            told = client.stats()
            self.assertEqual((told['auth_cmds'], told['auth_errors']), ('2', '1'))
            self.assertEqual(client.stats(b'settings')['auth_enabled_ascii'], self.file)

    def test_a_file_that_is_none_is_refused(self):
        for text, message in (('nonsense\n', 'line 1 is not USER:PASSWORD'), ('', 'nobody is in it')):
            with open(self.file, 'w', encoding='ascii') as file:
                file.write(text)
            result = subprocess.run([PROGRAM, '-Y', self.file], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertIn(message, result.stderr)
        result = subprocess.run([PROGRAM, '-Y', '/nowhere'], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertIn('-Y /nowhere: it cannot be read', result.stderr)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
