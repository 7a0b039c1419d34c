#!/usr/bin/python3
"""Clients that watch, and what is told of connections: beside stock memcached where both tell the same.

Usage: watch_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, Guest, TomboloKv, as_this_user  # pylint: disable=wrong-import-position

PROGRAM = ''
ANY_LINE = re.compile(rb'ts=\d+\.\d{1,6} gid=\d+ type=(item_get|item_store|eviction|conn_new|conn_close) .*')

# Each is answered before the next one is sent.
COMMANDS = (
    b'get a', b'set a 0 0 3\r\nabc', b'get a', b'get a nothing', b'gets a', b'gat 0 a', b'gat 0 nothing', b'touch a 100',
    b'add a 0 0 1\r\n1', b'add b 0 200 1\r\n1', b'replace a 0 0 2\r\n12', b'replace nothing 0 0 1\r\n1',
    b'append a 0 0 2\r\nxy', b'prepend a 0 0 1\r\nz', b'append nothing 0 0 1\r\n1', b'cas nothing 0 0 1 1\r\n1',
    b'cas a 0 0 1 999999\r\n1', b'set n 0 0 1\r\n5', b'incr n 5', b'decr n 1', b'incr nothing 1', b'delete b', b'delete b',
    b'mg a v', b'mg a s', b'mg nothing v', b'ms m 2 T100\r\nhi', b'ms m 1 MA\r\n!', b'ms m 1 ME\r\n1', b'ms m 1 C1\r\n1',
    b'md m', b'md m', b'ma n', b'me a', b'get a%b&c', b'set k/=? 0 0 1\r\n1', b'get d\x01\xe4', b'bogus', b'mn', b'version',
)


def comparable(line):
    """Without what is another one's business: time, number, descriptor; and what is left of an older item's life."""
    line = re.sub(rb'(cmd=(?:append|prepend)) ttl=\d+', rb'\1', line)
    return re.sub(rb'^ts=\S+ gid=\d+ | cfd=\d+', b'', line)


class Stock:
    """Debian's memcached, at a Unix socket."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory(prefix='tombolo_', dir='/tmp')
        test.addCleanup(folder.cleanup)
        self.unix = os.path.join(folder.name, 'sock')
        self.process = subprocess.Popen(['/usr/bin/memcached', *as_this_user(), '-s', self.unix, '-m', '64', '-t', '1'])
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        while True:
            try:
                Client(self.unix).close()
                return
            except OSError:
                pass


class Servers(unittest.TestCase):
    def start(self, *flags, **more):
        server = TomboloKv(PROGRAM, '-m', '64', '-t', '2', *flags, **more)
        self.addCleanup(server.stop)
        return server

    def client(self, address):
        client = Client(address)
        self.addCleanup(client.close)
        return client

    def watcher(self, address, kinds=b''):
        watcher = self.client(address)
        self.assertEqual(watcher.ask(b'watch ' + kinds), b'OK')
        return watcher


class WatchTest(Servers):
    def lines_until(self, watcher, last):
        """What it is told, up to a line with `last`, which is not given."""
        lines = []
        while last not in (line := watcher.line()):
            self.assertTrue(line, 'the end')
            self.assertRegex(line, ANY_LINE)
            lines.append(line)
        return lines

    def told_of_commands(self, server):
        watcher = self.watcher(server.unix, b'fetchers mutations')
        client = self.client(server.unix)
        for command in COMMANDS:
            client.send(command + b'\r\nmn\r\n')
            while client.line() != b'MN':
                pass
            if command == b'mn':
                client.line()
        client.ask(b'get the_last')
        return [comparable(line) for line in self.lines_until(watcher, b'key=the_last')]

    def test_commands_are_told_as_stock_memcached_tells_them(self):
        ours, stock = self.told_of_commands(self.start()), self.told_of_commands(Stock(self))
        self.assertEqual(ours, stock)
        self.assertGreater(len(ours), 50)

    def test_connections_are_told_as_stock_memcached_tells_them(self):
        told = []
        # One thread: whoever has gone before is told before, to nobody.
        for server in (self.start('-t', '1'), Stock(self)):
            watcher = self.watcher(server.unix, b'connevents fetchers')
            with Client(server.unix) as client:
                client.ask(b'get the_first')
            client = self.client(server.unix)
            client.send(b'quit\r\n')
            self.assertEqual(client.input.read(), b'')
            lines = []
            while len([line for line in lines if b'type=conn_close' in line]) < 2:
                lines.append(comparable(watcher.line()))
            # Memcached forgets at the end that it was a Unix socket.
            told.append(sorted(line.replace(b'rip= ', b'rip=unix ') for line in lines))
        self.assertEqual(told[0], told[1])

    def test_a_client_of_tcp_is_told_with_its_address(self):
        server = self.start('-t', '1')
        watcher = self.watcher(server.tcp, b'connevents')
        with Client(server.tcp) as client:
            self.assertEqual(client.ask(b'mn'), b'MN')
            port = client.socket.getsockname()[1]
        of_client = b' rip=127.0.0.1 rport=%d transport=tcp' % port
        lines = [watcher.line(), watcher.line()]
        self.assertRegex(lines[0], ANY_LINE)
        self.assertIn(b'type=conn_new' + of_client + b' cfd=', lines[0])
        self.assertIn(b'type=conn_close' + of_client + b' reason=normal cfd=', lines[1])

    def test_evictions_are_told(self):
        server = self.start('--shards', '1', '-I', '64k', '-m', '8')
        watcher = self.watcher(server.unix, b'evictions')
        client = self.client(server.unix)
        value = b'x' * 1000
        count = 20_000
        client.send(b''.join(b'set key=%d 0 %d 1000 noreply\r\n%s\r\n' % (n, 1000 * (n % 2), value) for n in range(count)))
        self.assertEqual(client.ask(b'mn'), b'MN')
        seen = set()
        while len(seen) < 2:
            line = watcher.line()
            found = re.fullmatch(rb'ts=\d+\.\d+ gid=\d+ type=eviction key=key%3D\d+ fetch=(yes|no) ttl=(-1|\d+) la=0 clsid=1 '
                                 rb'size=1000', line)
            self.assertTrue(found or line.startswith(b'skipped='), line)
            if found:
                seen.add(found.group(2) == b'-1')

    def private_bytes(self, server):
        with open(f'/proc/{server.process.pid}/status', encoding='ascii') as status:
            return int(re.search(r'^RssAnon:\s+(\d+) kB$', status.read(), re.MULTILINE).group(1)) << 10

    def test_who_does_not_read_holds_up_nobody_and_hears_what_was_lost(self):
        server = self.start('-t', '1')
        slow = self.client(server.unix)
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.assertEqual(slow.ask(b'watch'), b'OK')
        other = self.client(server.unix)
        keys = b' '.join(b'%0200d' % n for n in range(1000))
        before = self.private_bytes(server)
        for _ in range(100):
            other.send(b'get %s\r\n' % keys)
            self.assertEqual(other.line(), b'END')
        self.assertLess(self.private_bytes(server) - before, 16 << 20)  # Of 30 MB that there was to tell.
        numbers, skipped = [], 0
        # Lines are lost whenever there is no room for more, so more than once.
        while len(numbers) + skipped < 100 * 1000:
            line = slow.line()
            if line.startswith(b'skipped='):
                skipped += int(line.split(b'=')[1])
            else:
                numbers.append(int(re.search(rb'gid=(\d+)', line).group(1)))
        self.assertEqual(len(numbers) + skipped, 100 * 1000)
        self.assertGreater(skipped, 0)
        self.assertEqual(numbers, sorted(numbers))
        other.ask(b'get on')
        self.assertIn(b'key=on ', slow.line())

    def test_watchers_that_go_leave_their_places(self):
        server = self.start()
        for _ in range(3):
            watchers = [self.watcher(server.tcp) for _ in range(20)]
            refused = self.client(server.unix)
            self.assertEqual(refused.ask(b'watch'), b'WATCHER_TOO_MANY log watcher limit reached')
            refused.close()
            for watcher in watchers:
                watcher.close()
            server.eventually('curr_connections', '1')

    def test_who_watches_is_not_idle(self):
        server = self.start('-o', 'idle_timeout=1')
        watcher, silent = self.watcher(server.unix), self.client(server.unix)
        self.assertEqual(silent.input.read(), b'')  # Closed, after a second.
        self.client(server.unix).ask(b'get still')
        self.assertIn(b'key=still ', watcher.line())

    def test_an_operator_may_refuse_it(self):
        server = self.start('-W')
        self.assertNotIn('ignored', server.log())
        for command in (b'watch', b'watch fetchers', b'watch nonsense'):
            self.assertEqual(self.client(server.tcp).ask(command), b'CLIENT_ERROR watch commands not allowed')

    def test_a_guest_tells_what_it_serves(self):
        host = self.start(with_owner_socket=True)
        guest = Guest(PROGRAM, host, '-t', '2')
        self.addCleanup(guest.stop)
        watcher = self.watcher(guest.unix, b'fetchers mutations')
        client = self.client(guest.tcp)
        client.set(b'of_guest', b'value')
        client.get(b'of_guest')
        self.assertEqual([comparable(watcher.line()) for _ in range(3)],
                         [b'type=item_get key=of_guest status=not_found clsid=0 size=0',
                          b'type=item_store key=of_guest status=stored cmd=set ttl=0 clsid=1 size=5',
                          b'type=item_get key=of_guest status=found clsid=1 size=5'])


class StatsConnsTest(Servers):
    def conns(self, client):
        """Descriptor -> name -> value."""
        told = {}
        for name, value in client.stats(b'conns').items():
            number, what = name.split(':')
            told.setdefault(int(number), {})[what] = value
        return told

    def test_every_connection_is_told(self):
        server = self.start('--shards', '1')
        asker = self.client(server.tcp)
        self.watcher(server.unix)
        others = [self.client(server.tcp) for _ in range(5)]
        for other in others:
            self.assertEqual(other.ask(b'mn'), b'MN')
        told = self.conns(asker)
        here = 'tcp:%s:%d' % server.tcp
        by_address = {facts['addr']: facts for facts in told.values()}
        for client, state in ((asker, 'conn_parse_cmd'), *((other, 'conn_read') for other in others)):
            address = 'tcp:%s:%d' % client.socket.getsockname()
            self.assertEqual(by_address[address], {'addr': address, 'listen_addr': here, 'state': state,
                                                   'secs_since_last_cmd': by_address[address]['secs_since_last_cmd']})
        self.assertEqual(by_address[here]['state'], 'conn_listening')
        self.assertEqual(by_address['unix:' + server.unix]['state'], 'conn_listening')
        states = [facts['state'] for facts in told.values() if facts.get('listen_addr') == 'unix:' + server.unix]
        self.assertIn('conn_watch', states)
        for other in others:
            other.close()
        while len(self.conns(asker)) != 4:  # Those two, and two that listen.
            pass

    def test_names_and_order_are_those_of_stock_memcached(self):
        told = []
        for server in (self.start(), Stock(self)):
            conns = self.conns(self.client(server.unix))
            asker = next(facts for facts in conns.values() if facts['state'] == 'conn_parse_cmd')
            listener = next(facts for facts in conns.values() if facts['addr'] == 'unix:' + server.unix)
            asker['listen_addr'] = asker['listen_addr'].replace(server.unix, 'PATH')
            told.append((list(listener), asker['addr'], list(asker), asker['listen_addr']))
        self.assertEqual(told[0], told[1])


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    # AddressSanitizer keeps what was freed, as much as this, which is no memory that a client costs.
    os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=1'
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
