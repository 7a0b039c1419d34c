#!/usr/bin/python3
"""Clients that are many, slow, hostile or gone.

Usage: connections_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import re
import resource
import socket
import struct
import sys
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, TomboloKv  # pylint: disable=wrong-import-position

PROGRAM = ''
BIG = b'x' * (512 << 10)
MANY = 1500


class ConnectionsTest(unittest.TestCase):
    def start(self, *flags):
        server = TomboloKv(PROGRAM, '-m', '64', '-t', '2', *flags)
        self.addCleanup(server.stop)
        return server

    def client(self, address):
        client = Client(address)
        self.addCleanup(client.close)
        return client

    def private_bytes(self, server):
        with open(f'/proc/{server.process.pid}/status', encoding='ascii') as status:
            return int(re.search(r'^RssAnon:\s+(\d+) kB$', status.read(), re.MULTILINE).group(1)) << 10

    def test_who_is_over_the_limit_is_told_so(self):
        server = self.start('-c', '3')
        clients = [self.client(server.unix)]
        while clients[0].stats()['curr_connections'] != '1':  # The one that found the port may be still there.
            pass
        clients += [self.client(server.tcp), self.client(server.unix)]
        for client in clients:
            self.assertEqual(client.ask(b'mn'), b'MN')
        refused = self.client(server.tcp)
        self.assertEqual(refused.input.read(), b'ERROR Too many open connections\r\n')
        told = clients[0].stats()
        self.assertEqual((told['rejected_connections'], told['curr_connections']), ('1', '3'))
        clients.pop().close()
        answer = b''
        while answer != b'MN':  # Until the server has seen that.
            try:
                answer = self.client(server.tcp).ask(b'mn')
            except OSError:
                pass

    def test_a_silent_client_is_closed_and_a_busy_one_is_not(self):
        server = self.start('-o', 'idle_timeout=2')
        silent = self.client(server.tcp)
        self.assertEqual(silent.ask(b'mn'), b'MN')
        busy = self.client(server.unix)
        silent.socket.setblocking(False)
        closed = False
        while not closed:
            self.assertEqual(busy.ask(b'mn'), b'MN')
            try:
                closed = silent.socket.recv(1) == b''
            except BlockingIOError:
                pass
        self.assertEqual(busy.stats()['idle_kicks'], '1')
        self.assertEqual(busy.stats(b'settings')['idle_timeout'], '2')

    def test_a_client_that_does_not_read_stops_being_read(self):
        server = self.start()
        slow, other = self.client(server.tcp), self.client(server.tcp)
        self.assertEqual(other.set(b'big', BIG), b'STORED')
        other.get(b'big')
        before = self.private_bytes(server)
        count = 400
        slow.send(b'get big\r\n' * count)
        for _ in range(200):
            self.assertEqual(other.get(b'big'), BIG)
        self.assertLess(self.private_bytes(server) - before, 16 << 20)
        for _ in range(count):
            self.assertEqual(slow.answer_of_get(), BIG)

    def test_who_never_reads_and_never_stops_asking_holds_up_nobody(self):
        server = self.start('-t', '1')
        hostile, other = self.client(server.tcp), self.client(server.tcp)
        other.set(b'big', BIG)
        hostile.socket.setblocking(False)
        asked = 0
        try:
            while True:
                asked += hostile.socket.send(b'get big\r\n' * 1000)
        except BlockingIOError:
            pass
        self.assertGreater(asked, 0)
        for _ in range(100):
            self.assertEqual(other.ask(b'mn'), b'MN')
        hostile.close()
        server.eventually('curr_connections', '2')

    def test_many_commands_at_once_leave_turns_for_others(self):
        server = self.start('-t', '1', '-R', '5')
        greedy, other = self.client(server.tcp), self.client(server.tcp)
        count = 20_000
        greedy.send(b'mn\r\n' * count)
        self.assertEqual(other.ask(b'mn'), b'MN')
        self.assertEqual(greedy.input.read(4 * count), b'MN\r\n' * count)
        self.assertGreater(int(other.stats()['conn_yields']), 0)
        self.assertEqual(other.stats(b'settings')['reqs_per_event'], '5')

    def test_one_get_of_very_many_keys_leaves_turns_for_others(self):
        server = self.start('-t', '1')
        greedy, other = self.client(server.tcp), self.client(server.tcp)
        count = 500_000
        line = b'get' + b' k' * count + b'\r\n'
        greedy.send(line + b'mn\r\n')
        self.assertEqual(other.ask(b'mn'), b'MN')
        self.assertEqual([greedy.line(), greedy.line()], [b'END', b'MN'])
        told = other.stats()
        self.assertEqual(told['get_misses'], str(count))
        self.assertGreater(int(told['conn_yields']), 1000)
        greedy.send(line)
        greedy.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(greedy.input.read(), b'END\r\n')

    def test_bytes_may_come_one_at_a_time(self):
        server = self.start()
        for address in (server.tcp, server.unix):
            client = self.client(address)
            if address == server.tcp:
                client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b'set slow 7 0 5\r\nvalue\r\nget slow\r\n':
                client.send(bytes([byte]))
            self.assertEqual([client.line() for _ in range(4)], [b'STORED', b'VALUE slow 7 5', b'value', b'END'])

    def test_a_request_may_be_as_long_as_what_is_read_at_once(self):
        server = self.start()
        head, end = b'set big 0 0 65515\r\n', b'\r\n'
        value = b'x' * ((64 << 10) - len(head) - len(end))
        self.assertIn(b'%d' % len(value), head)
        for address in (server.tcp, server.unix):
            client = self.client(address)
            for _ in range(10):
                client.send(head + value + end)
                self.assertEqual(client.line(), b'STORED')
            self.assertEqual(client.get(b'big'), value)

    def test_what_came_with_the_end_is_done(self):
        server = self.start()
        there = self.client(server.tcp)
        count = 40
        before = int(server.stats()['total_connections'])
        for n in range(count):
            client = Client((server.tcp, server.unix)[n % 2])
            client.send(b'set last%d 0 0 5 noreply\r\nvalue\r\n' % n)
            client.close()
        # All have come, and the one that asks; and all have gone.
        server.eventually('total_connections', str(before + count + 1))
        server.eventually('curr_connections', '2')
        for n in range(count):
            self.assertEqual(there.get(b'last%d' % n), b'value')

    def test_an_end_that_came_with_the_last_bytes_is_seen(self):
        server = self.start()
        for address in (server.tcp, server.unix):
            known = self.client(address)
            self.assertEqual(known.ask(b'mn'), b'MN')
            # It finds bytes and end at once.
            with server.stopped():
                new = self.client(address)
                for client in (known, new):
                    client.send(b'mn\r\n')
                    client.socket.shutdown(socket.SHUT_WR)
            for client in (known, new):
                self.assertEqual(client.input.read(), b'MN\r\n')

    def test_what_was_asked_before_the_end_is_answered(self):
        server = self.start()
        for address in (server.tcp, server.unix):
            client = self.client(address)
            client.set(b'big', BIG)
            client.send(b'get big\r\n' * 50)
            client.socket.shutdown(socket.SHUT_WR)
            for _ in range(50):
                self.assertEqual(client.answer_of_get(), BIG)
            self.assertEqual(client.input.read(), b'')

    def test_clients_that_vanish_leave_nothing(self):
        server = self.start()
        at_rest = self.client(server.tcp)
        at_rest.set(b'big', BIG)
        for data in (b'', b'get big\r\n' * 100, b'set a 0 0 1000\r\nhalf', b'\x80\x01\x00'):
            for _ in range(10):
                client = Client(server.tcp)
                client.send(data)
                # A reset, whatever is on its way.
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                client.close()
        server.eventually('curr_connections', '2')
        self.assertIsNone(at_rest.get(b'a'))

    def test_without_descriptors_clients_wait(self):
        server = self.start()
        there = self.client(server.unix)
        self.assertEqual(there.ask(b'mn'), b'MN')
        limit = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        while there.stats()['curr_connections'] != '1':
            pass
        used = {int(name) for name in os.listdir(f'/proc/{server.process.pid}/fd')}
        free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (free, limit[1]))
        waiting = self.client(server.tcp)
        waiting.send(b'mn\r\n')
        while there.stats()['accepting_conns'] == '1':
            pass
        self.assertGreater(int(there.stats()['listen_disabled_num']), 0)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limit)
        self.assertEqual(waiting.line(), b'MN')
        self.assertEqual(there.stats()['accepting_conns'], '1')

    def test_many_clients_are_served(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(4 * MANY, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), hard))
        server = self.start('-c', str(2 * MANY))
        clients = [self.client((server.tcp, server.unix)[n % 2]) for n in range(MANY)]
        for client in clients:
            client.send(b'incr nothing 1\r\n')
        for client in clients:
            self.assertEqual(client.line(), b'NOT_FOUND')
        self.assertEqual(clients[0].stats()['curr_connections'], str(MANY))
        for client in clients:
            client.close()
        server.eventually('curr_connections', '1')


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    # AddressSanitizer keeps what was freed, as much as this, which is no memory that a client costs.
    os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=1'
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
