#!/usr/bin/python3
"""Many clients of many threads at the same keys.

Usage: concurrency_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import struct
import sys
import threading
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, TomboloKv  # pylint: disable=wrong-import-position

PROGRAM = ''
CLIENTS = 8
ROUNDS = 60
COUNTS = 500


class ConcurrencyTest(unittest.TestCase):
    def setUp(self):
        self.server = TomboloKv(PROGRAM, '-t', '4', '-m', '64', '--shards', '4')
        self.addCleanup(self.server.stop)
        self.clients = [Client((self.server.tcp, self.server.unix)[n % 2]) for n in range(CLIENTS)]
        for client in self.clients:
            self.addCleanup(client.close)

    def all_at_once(self, task):
        """What task(client, number) gives, each in a thread of its own, begun together."""
        barrier = threading.Barrier(CLIENTS)
        results = [None] * CLIENTS

        def run(number):
            barrier.wait()
            results[number] = task(self.clients[number], number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_no_count_is_lost(self):
        self.clients[0].set(b'count', b'0')

        def count(client, _):
            for _ in range(COUNTS):
                client.ask(b'incr count 1')
            return client.ask(b'decr other 1')

        self.assertEqual(self.all_at_once(count), [b'NOT_FOUND'] * CLIENTS)
        self.assertEqual(self.clients[0].get(b'count'), b'%d' % (CLIENTS * COUNTS))
        told = self.clients[0].stats()
        self.assertEqual(told['incr_hits'], str(CLIENTS * COUNTS))
        self.assertEqual(told['decr_misses'], str(CLIENTS))
        self.assertEqual(told['threads'], '4')

    def test_no_count_is_lost_that_creates_its_counter(self):
        # Binary: opcode 5 with delta 1, initial 0, for ever.
        request = struct.pack('>BBHBBHIIQ', 0x80, 5, 6, 20, 0, 0, 26, 0, 0) + struct.pack('>QQI', 1, 0, 0) + b'binary'
        clients = [Client(self.server.tcp) for _ in range(CLIENTS)]
        self.clients, text = clients, self.clients
        for client in clients:
            self.addCleanup(client.close)

        def count(client, _):
            seen = []
            for _ in range(COUNTS):
                client.send(request)
                answer = client.input.read(32)
                seen.append(struct.unpack('>Q', answer[24:])[0])
            return seen

        seen = sum(self.all_at_once(count), [])
        self.assertEqual(sorted(seen), list(range(CLIENTS * COUNTS)))
        self.assertEqual(text[0].get(b'binary'), b'%d' % (CLIENTS * COUNTS - 1))

    def test_compare_and_swap_has_one_winner(self):
        for number in range(ROUNDS):
            key = b'cas:%d' % number
            self.clients[0].set(key, b'first')
            self.clients[0].send(b'gets %s\r\n' % key)
            cas = self.clients[0].line().split()[4]
            self.clients[0].line(), self.clients[0].line()

            def swap(client, who, key=key, cas=cas):
                client.send(b'cas %s 0 0 1 %s\r\n%d\r\n' % (key, cas, who))
                return client.line()

            self.assertEqual(sorted(self.all_at_once(swap)), [b'EXISTS'] * (CLIENTS - 1) + [b'STORED'])

    def test_one_client_is_told_to_write_a_stale_item_anew(self):
        for number in range(ROUNDS):
            key = b'stale:%d' % number
            self.clients[0].set(key, b'value')
            self.assertEqual(self.clients[0].ask(b'md %s I T60' % key), b'HD')
            answers = self.all_at_once(lambda client, _, key=key: client.ask(b'mg %s t' % key))
            self.assertEqual(sum(answer.endswith(b' X W') for answer in answers), 1, answers)
            self.assertEqual(sum(answer.endswith(b' Z X') for answer in answers), CLIENTS - 1, answers)

    def test_one_client_is_told_to_fill_what_is_missing(self):
        for number in range(ROUNDS):
            command = b'mg missing:%d N60 t' % number
            answers = self.all_at_once(lambda client, _, command=command: client.ask(command))
            self.assertEqual(sum(answer.endswith(b' W') for answer in answers), 1, answers)

    def test_a_value_is_read_whole_while_it_is_written(self):
        values = [bytes([ord('a') + n]) * (1 << (n + 8)) for n in range(8)]
        self.clients[0].set(b'shared', values[0])

        def write_or_read(client, number):
            for count in range(COUNTS):
                if number % 2 == 0:
                    client.set(b'shared', values[(count + number) % len(values)])
                elif client.get(b'shared') not in values:
                    return False
            return True

        self.assertTrue(all(self.all_at_once(write_or_read)))
        for _ in range(2):  # The first use is its owner's to note.
            self.clients[0].get(b'shared')
        self.assertGreater(int(self.clients[0].stats()['lock_free_hits']), 0)

    def test_statistics_of_all_threads_are_forgotten_together(self):
        self.clients[0].set(b'a', b'1')
        self.all_at_once(lambda client, _: client.get(b'a'))
        self.assertEqual(self.clients[0].stats()['get_hits'], str(CLIENTS))
        self.assertEqual(self.clients[1].ask(b'stats reset'), b'RESET')
        told = self.clients[2].stats()
        self.assertEqual((told['get_hits'], told['cmd_set'], told['curr_items']), ('0', '0', '1'))

    def test_verbosity_is_of_the_whole_server(self):
        self.assertEqual(self.clients[0].ask(b'verbosity 2'), b'OK')
        told = self.all_at_once(lambda client, _: client.stats(b'settings')['verbosity'])
        self.assertEqual(told, ['2'] * CLIENTS)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
