#!/usr/bin/python3
"""A tombolo-kv that owns nothing, beside the one that owns the items; and what may come in at the owner's socket.

Usage: guest_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import ANSWER_TIMEOUT_S, Client, Guest, TomboloKv, as_this_user  # pylint: disable=wrong-import-position

PROGRAM = ''
MEMCCAPABLE_TESTS = 54
GONE = b'SERVER_ERROR the owner of the cache cannot be reached'

# A request header of the owner's protocol: kvcache/remote/owner_wire.h.
HEADER = struct.Struct('<BBHBBHIIQQqqqQQ')
HELLO, VISIT, PUT, FACTS = 1, 2, 3, 7
MAGIC = b'\1TKOWNER'


def request(op, key=b'', value=b'', value_bytes=None, flags=0):
    size = len(value) if value_bytes is None else value_bytes
    return HEADER.pack(op, 0, flags, len(key), 0, 0, size, 0, 0, 0, 0, 0, 0, 0, 0) + key + value


def hello(version=1):
    return request(HELLO, value=MAGIC + struct.pack('<II', version, 0))


def resident_kib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmRSS:'))


class GuestTest(unittest.TestCase):
    def setUp(self):
        self.host = self.start_host()

    def start_host(self, *flags):
        host = TomboloKv(PROGRAM, '-t', '2', '-m', '64', '--shards', '2', '-I', '4m', *flags, with_owner_socket=True)
        self.addCleanup(host.stop)
        return host

    def start_guest(self, *flags):
        guest = Guest(PROGRAM, self.host, '-t', '2', *flags)
        self.addCleanup(guest.stop)
        return guest

    def client(self, server):
        client = Client(server.tcp)
        self.addCleanup(client.close)
        return client

    def eventually(self, ask, wanted):
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while (seen := ask()) != wanted:
            self.assertLess(time.monotonic(), deadline, f'stays {seen}')

    def test_both_serve_the_same_items(self):
        guest, host = self.client(self.start_guest()), self.client(self.host)
        large = os.urandom(4 << 20)[:-100]
        for one, other in ((guest, host), (host, guest)):
            self.assertEqual(one.set(b'key', b'value'), b'STORED')
            self.assertEqual(other.get(b'key'), b'value')
            self.assertEqual(one.set(b'large', large), b'STORED')
            self.assertEqual(other.get(b'large'), large)
            self.assertEqual(other.ask(b'delete key'), b'DELETED')
            self.assertIsNone(one.get(b'key'))
        self.assertEqual(guest.set(b'large', bytes(4 << 20)), b'SERVER_ERROR object too large for cache')
        self.assertIsNone(host.get(b'large'))

    def test_hits_come_from_the_window(self):
        guest = self.client(self.start_guest())
        guest.set(b'key', b'value')
        guest.get(b'key')
        asked = int(self.host.stats()['remote_requests'])
        for _ in range(100):
            self.assertEqual(guest.get(b'key'), b'value')
        # But for those after this test was held up for a second.
        self.assertLess(int(self.host.stats()['remote_requests']), asked + 10)
        told = guest.stats()
        self.assertGreater(int(told['lock_free_hits']), 90)
        self.assertEqual(told['curr_items'], '1')

    def test_memccapable_is_content(self):
        guest = self.start_guest()
        result = subprocess.run(['memccapable', '-h', '127.0.0.1', '-p', str(guest.tcp[1]), '-t', '30'],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
        self.assertEqual(result.stdout.count('[pass]'), MEMCCAPABLE_TESTS, result.stdout)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_owner_may_die_and_come_back(self):
        guest = self.start_guest()
        client = self.client(guest)
        for death in range(3):
            self.assertEqual(client.set(b'key', b'%d' % death), b'STORED')
            self.host.kill()
            self.assertEqual(client.set(b'key', b'never'), GONE)
            # Its heartbeat is missed.
            self.eventually(lambda: client.ask(b'get key').startswith(b'VALUE') and bool(client.line() + client.line()),
                            False)
            self.assertEqual(client.ask(b'mg key v'), GONE)
            self.host.start()
            self.assertEqual(client.get(b'key'), b'%d' % death)
            self.assertEqual(client.ask(b'incr key 1'), b'%d' % (death + 1))
        self.assertEqual(guest.log().count('answers again'), 3)
        self.assertEqual(guest.log().count('cannot be reached'), 3)

    def test_an_owner_that_stopped_in_good_order_is_missed_at_once(self):
        client = self.client(self.start_guest())
        client.set(b'key', b'value')
        client.get(b'key')
        self.host.terminate()
        self.assertEqual(client.ask(b'get key'), GONE)

    def test_the_owner_may_begin_another_file(self):
        guest, host = self.client(self.start_guest()), self.host
        guest.set(b'key', b'value')
        host.kill()
        host.start('-m', '32')
        self.assertIsNone(guest.get(b'key'))
        self.assertEqual(guest.set(b'key', b'new'), b'STORED')
        self.assertEqual(guest.get(b'key'), b'new')

    def test_what_the_owner_forbids_is_forbidden(self):
        self.host.terminate()
        self.host.start('-F')
        self.assertEqual(self.client(self.start_guest()).ask(b'flush_all'), b'CLIENT_ERROR flush_all not allowed')

    def test_a_window_without_a_cache_is_refused(self):
        with tempfile.TemporaryDirectory(dir='/tmp') as folder:
            for content, message in ((b'x' * 8192, 'no memory file of version 1'), (bytes(8192), 'Start its owner first'),
                                     (b'x', 'Start its owner first')):
                window = os.path.join(folder, 'window')
                with open(window, 'wb') as file:
                    file.write(content)
                self.check_refused(message, '--window', window)
            self.check_refused('No such file', '--window', os.path.join(folder, 'none'))

    def check_refused(self, message, *flags):
        result = subprocess.run([PROGRAM, '--guest', '-p', '-1', '--owner', self.host.owner, *as_this_user(), *flags],
                                stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertIn('--window', result.stderr)

    def test_no_more_readers_than_there_may_be(self):
        self.host.terminate()
        self.host.start('--max-readers', '1')
        with Client(self.host.owner) as first, Client(self.host.owner) as second:
            first.send(hello())
            self.assertEqual(len(first.input.read(48 + 40)), 48 + 40)
            self.assertIn(b'as many readers as it takes', second.input.read())
            told = self.host.stats()
            self.assertEqual((told['curr_readers'], told['rejected_readers']), ('1', '1'))
        self.assertEqual(self.client(self.host).ask(b'mn'), b'MN')

    def attack(self, data):
        """Sends it, and what comes back until the owner closes, or nothing more comes."""
        with Client(self.host.owner) as client:
            try:
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
                return client.input.read()
            except ConnectionError:
                return b''

    def test_hostile_bytes_end_their_connection_and_nothing_else(self):
        guest = self.client(self.start_guest())
        guest.set(b'key', b'value')
        chance = random.Random(1)
        for _ in range(200):
            self.attack(chance.randbytes(chance.randrange(1, 500)))
            self.attack(hello() + chance.randbytes(chance.randrange(1, 500)))
            spoilt = bytearray(request(PUT, b'key', b'other'))
            spoilt[chance.randrange(HEADER.size)] ^= 1 << chance.randrange(8)
            self.attack(hello() + bytes(spoilt) + request(FACTS))
        self.attack(b'get key\r\n' * 20)
        self.assertIn('a reader elsewhere was cut off', self.host.log())
        self.assertIsNone(self.host.process.poll())
        self.assertEqual(guest.set(b'key', b'value'), b'STORED')
        self.assertEqual(guest.get(b'key'), b'value')

    def test_another_version_is_told_so(self):
        self.assertIn(b'was asked for version 2', self.attack(hello(2)))

    def test_what_has_not_arrived_costs_nothing(self):
        before = resident_kib(self.host.process.pid)
        readers = []
        for _ in range(100):
            readers.append(Client(self.host.owner))
            self.addCleanup(readers[-1].close)
            # The largest item, of which little comes; and half a header.
            readers[-1].send(hello() + request(PUT, b'key', b'x' * 100, value_bytes=(4 << 20) - 100))
        readers[0].input.read(1)
        self.client(self.host).set(b'other', b'1')
        self.assertLess(resident_kib(self.host.process.pid) - before, 64 << 10)

    def test_readers_that_vanish_leave_nothing(self):
        descriptors = len(os.listdir(f'/proc/{self.host.process.pid}/fd'))
        for _ in range(50):
            for data in (b'', hello(), hello() + request(PUT, b'key', b'x', value_bytes=100), hello()[:10]):
                reader = Client(self.host.owner)
                reader.send(data)
                reader.close()
        self.eventually(lambda: len(os.listdir(f'/proc/{self.host.process.pid}/fd')) <= descriptors, True)

    def test_what_a_reader_had_sent_that_has_gone_is_not_run(self):
        descriptors = len(os.listdir(f'/proc/{self.host.process.pid}/fd'))
        self.host.process.send_signal(signal.SIGSTOP)
        gone = Client(self.host.owner)
        gone.send(hello() + request(PUT, b'key', b'late'))
        gone.close()
        self.host.process.send_signal(signal.SIGCONT)
        # Who comes later was accepted later.
        with Client(self.host.owner) as reader:
            reader.send(hello())
            reader.input.read(48 + 40)
            self.eventually(lambda: len(os.listdir(f'/proc/{self.host.process.pid}/fd')) <= descriptors + 1, True)
        self.assertIsNone(self.client(self.host).get(b'key'))

    def test_who_does_not_read_is_not_read(self):
        host = self.client(self.host)
        host.set(b'large', b'x' * (1 << 20))
        before = resident_kib(self.host.process.pid)
        with Client(self.host.owner) as reader:
            reader.socket.settimeout(1)
            with self.assertRaises(TimeoutError):
                reader.send(hello() + request(VISIT, b'large', flags=1 << 4) * 200_000)
            self.assertEqual(host.get(b'large'), b'x' * (1 << 20))
            self.assertLess(resident_kib(self.host.process.pid) - before, 32 << 10)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    # AddressSanitizer keeps what was freed, as much as this, which is no memory that a reader costs.
    os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=1'
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
