#!/usr/bin/python3
"""What an operator asks of a running server's memory: less of it, never to evict, a list of all keys.

Usage: memory_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import sys
import time
import unittest
from urllib.parse import unquote_to_bytes

sys.path.insert(0, 'tests/support')
from tombolo_kv import ANSWER_TIMEOUT_S, Client, TomboloKv  # pylint: disable=wrong-import-position

PROGRAM = ''
MIB = 1 << 20
VALUE = b'v' * 10_000


class MemoryTest(unittest.TestCase):
    def start(self, *flags):
        server = TomboloKv(PROGRAM, '-t', '2', '--shards', '2', '-I', '64k', *flags, below='/dev/shm')
        self.addCleanup(server.stop)
        return server

    def eventually(self, is_so):
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not is_so():
            self.assertLess(time.monotonic(), deadline)

    def test_a_limit_gives_memory_back_and_takes_it_again(self):
        server = self.start('-m', '32')

        def used_mib():
            return os.stat(server.memory_file).st_blocks * 512 / MIB

        with Client(server.unix) as client:
            for i in range(4000):
                client.set(b'key%d' % i, VALUE)
            self.assertGreater(used_mib(), 29)
            self.assertEqual(client.ask(b'cache_memlimit 16'), b'OK')
            self.assertLess(int(client.stats()['limit_maxbytes']), 16 * MIB)
            self.eventually(lambda: used_mib() < 17)
            for i in range(4000, 6000):
                client.set(b'key%d' % i, VALUE)
            found = [i for i in range(6000) if client.get(b'key%d' % i) == VALUE]
            self.assertGreater(len(found), 1000)
            self.assertLess(len(found), 1600)
            self.assertLess(used_mib(), 17)
            self.assertEqual(client.ask(b'cache_memlimit 32'), b'OK')
            for i in range(6000, 10000):
                client.set(b'key%d' % i, VALUE)
            self.assertGreater(used_mib(), 29)
            self.assertEqual(client.ask(b'cache_memlimit 33'),
                             b'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust')

    def test_what_does_not_fit_is_refused_instead_of_evicting(self):
        server = self.start('-m', '8', '-M')
        with Client(server.unix) as client:
            stored, refused = [], 0
            for i in range(1500):
                answer = client.set(b'key%d' % i, VALUE)
                if answer == b'STORED':
                    stored.append(i)
                else:
                    self.assertEqual(answer, b'SERVER_ERROR out of memory storing object')
                    refused += 1
            self.assertGreater(refused, 600)
            self.assertGreater(len(stored), 500)
            for i in stored:
                self.assertEqual(client.get(b'key%d' % i), VALUE)
            self.assertEqual(client.stats()['evictions'], '0')
            self.assertEqual(client.stats(b'settings')['evictions'], 'off')

    def test_all_keys_are_listed_while_others_work(self):
        server = self.start('-m', '16')
        keys = {b'key/%d' % i for i in range(5000)}
        with Client(server.unix) as client, Client(server.tcp) as lister, Client(server.unix) as other:
            for key in keys:
                client.set(key, b'x')
            lister.send(b'lru_crawler metadump all\r\n')
            listed = set()
            while (line := lister.line()) != b'END':
                fields = dict(word.split(b'=', 1) for word in line.split(b' '))
                self.assertEqual(set(fields), {b'key', b'exp', b'la', b'cas', b'fetch', b'cls', b'size'})
                listed.add(unquote_to_bytes(fields[b'key'].decode()))
                if len(listed) % 500 == 0:
                    self.assertEqual(other.set(b'other', b'y'), b'STORED')
            self.assertEqual(listed - {b'other'}, keys)
            self.assertEqual(lister.ask(b'mn'), b'MN')

    def test_nobody_lists_keys_where_that_is_refused(self):
        server = self.start('-m', '16', '-X')
        with Client(server.unix) as client:
            self.assertEqual(client.ask(b'lru_crawler metadump all'), b'ERROR metadump not allowed')

    def test_all_workers_count_the_same_prefixes(self):
        server = self.start('-m', '16', '-D', '/')
        with Client(server.unix) as one, Client(server.unix) as two:
            one.set(b'a/1', b'x')
            two.get(b'a/1')
            two.get(b'a/2')
            self.assertEqual(one.ask(b'stats detail dump'), b'PREFIX a get 2 hit 1 set 1 del 0')
            self.assertEqual(one.line(), b'END')
            self.assertEqual(one.stats(b'settings')['stat_key_prefix'], '/')


if __name__ == '__main__':
    PROGRAM = sys.argv.pop(1)
    unittest.main()
