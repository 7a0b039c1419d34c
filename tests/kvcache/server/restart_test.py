#!/usr/bin/python3
"""What is there after the server was killed, stopped, or started in another shape.

Usage: restart_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, TomboloKv, as_this_user  # pylint: disable=wrong-import-position

PROGRAM = ''
WRITERS = 4
KEYS = 200
WRITES_BEFORE_DEATH = 3000
ROUNDS = 4


class Writer(threading.Thread):
    """Writes its own keys, again and again, until the server is gone; remembers what was acknowledged."""

    def __init__(self, address, number, first, written):
        super().__init__()
        self.address, self.number, self.first, self.written = address, number, first, written
        self.acknowledged = {}
        self.in_flight = None

    def run(self):
        try:
            with Client(self.address) as client:
                count = self.first
                while True:
                    key = b'%d:%d' % (self.number, count % KEYS)
                    value = b'%d ' % count * (1 + count % 300)
                    self.in_flight = (key, value)
                    if client.set(key, value) != b'STORED':
                        return
                    self.acknowledged[key] = value
                    self.written.release()
                    count += 1
        except OSError:
            pass


def large_page_kib(server):
    """Of its memory file, as the process has mapped it."""
    with open(f'/proc/{server.process.pid}/smaps', encoding='utf-8') as file:
        of_file = file.read().partition(server.memory_file)[2]
    return int(re.search(r'ShmemPmdMapped: +([0-9]+) kB', of_file)[1])


class RestartTest(unittest.TestCase):
    def start(self, *flags, below='/tmp'):
        server = TomboloKv(PROGRAM, '-t', '2', '-m', '64', *flags, below=below)
        self.addCleanup(server.stop)
        return server

    def test_an_item_as_large_as_a_segment_stays(self):
        server = self.start('-m', '128', '-I', '16m')
        value = os.urandom((16 << 20) - 64)
        with Client(server.tcp) as client:
            self.assertEqual(client.set(b'large', value), b'STORED')
            self.assertEqual(client.set(b'key', b'value'), b'STORED')
        server.kill()
        server.start()
        with Client(server.tcp) as client:
            self.assertEqual(client.get(b'large'), value)
            self.assertEqual(client.get(b'key'), b'value')
            self.assertIn(b'too large', client.set(b'larger', value + bytes(64)))

    def test_with_large_pages_items_stay(self):
        server = self.start('-L', below='/dev/shm')  # Of memory, wherever /tmp is.
        with Client(server.tcp) as client:
            client.set(b'key', b'value')
        server.kill()
        server.start()
        with Client(server.tcp) as client:
            self.assertEqual(client.get(b'key'), b'value')
        if 'the pages stay small' in server.log():
            self.skipTest('this kernel has no large pages for files in memory')
        self.assertGreater(large_page_kib(server), 60 << 10)

    def check(self, server, acknowledged, in_flight):
        with Client(server.tcp) as client:
            for key, value in acknowledged.items():
                seen = client.get(key)
                if seen != value:
                    self.assertIn((key, seen), in_flight, f'{key}: lost, or another value')

    def test_after_kill_9_every_acknowledged_write_is_there(self):
        server = self.start('--shards', '4')
        acknowledged = {}
        for death in range(ROUNDS):
            written = threading.Semaphore(0)
            writers = [Writer((server.tcp, server.unix)[n % 2], n, death * 100_000, written) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            for _ in range(WRITES_BEFORE_DEATH):
                written.acquire()
            server.kill()
            for writer in writers:
                writer.join()
                acknowledged.update(writer.acknowledged)
            server.start()
            self.assertEqual(server.log().count('is warm'), 4 * (death + 1))
            in_flight = [writer.in_flight for writer in writers]
            self.check(server, acknowledged, in_flight)
            acknowledged.update(self.found(server, in_flight))

    def found(self, server, in_flight):
        """What was written at the death may be there or not; from now on it is what it is."""
        with Client(server.tcp) as client:
            return {key: client.get(key) for key, _ in in_flight}

    def test_it_ends_in_good_order_by_a_signal_and_goes_on_warm(self):
        server = self.start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            with Client(server.tcp) as client:
                self.assertEqual(client.set(b'kept', b'value'), b'STORED')
                self.assertEqual(server.terminate(number), 0)
                self.assertEqual(client.line(), b'')
            self.assertFalse(os.path.exists(server.unix))
            server.start()
            with Client(server.tcp) as client:
                self.assertEqual(client.get(b'kept'), b'value')

    def test_sighup_is_nothing(self):
        server = self.start()
        server.process.send_signal(signal.SIGHUP)
        with Client(server.tcp) as client:
            self.assertEqual(client.ask(b'mn'), b'MN')

    def test_another_shape_begins_empty_and_says_why(self):
        server = self.start()
        with Client(server.tcp) as client:
            client.set(b'lost', b'value')
        inode = os.stat(server.memory_file).st_ino
        server.terminate()
        server.start('-m', '32')
        self.assertIn('it had 67108864 bytes, and 33554432 are wanted', server.log())
        self.assertNotEqual(os.stat(server.memory_file).st_ino, inode)
        with Client(server.tcp) as client:
            self.assertIsNone(client.get(b'lost'))
        server.terminate()
        server.start('-m', '32', '--shards', '1')
        self.assertIn('it had 2 shards, and 1 are wanted', server.log())

    def test_shards_that_are_too_small_for_the_largest_item_are_made_anew(self):
        server = self.start('--shards', '8', '-I', '1m')
        server.terminate()
        server.flags = ('-t', '2', '-m', '64', '-I', '8m')
        server.start()
        self.assertIn('it had 8 shards, and the largest item fits into no more than 2', server.log())
        with Client(server.tcp) as client:
            self.assertEqual(client.set(b'large', b'x' * (7 << 20)), b'STORED')

    def test_holes_are_filled(self):
        server = self.start()
        with Client(server.tcp) as client:
            client.set(b'kept', b'value')
        server.terminate()
        copy = server.memory_file + '.copy'
        subprocess.run(['cp', '--sparse=always', server.memory_file, copy], check=True)
        os.replace(copy, server.memory_file)
        self.assertLess(os.stat(server.memory_file).st_blocks * 512, 64 << 20)
        server.start()
        self.assertGreaterEqual(os.stat(server.memory_file).st_blocks * 512, 64 << 20)
        with Client(server.tcp) as client:
            self.assertEqual(client.get(b'kept'), b'value')

    def test_a_file_that_was_never_finished_is_made_anew(self):
        server = self.start()
        server.terminate()
        for size in (100, 4096, 64 << 20):
            os.unlink(server.memory_file)
            with open(server.memory_file, 'wb') as file:
                file.truncate(size)
            server.start()
            server.terminate()
        self.assertEqual(server.log().count('begins empty'), 2 * 4)

    def test_the_number_of_threads_may_change(self):
        server = self.start()
        with Client(server.tcp) as client:
            client.set(b'kept', b'value')
        server.terminate()
        server.start('-t', '5')
        with Client(server.tcp) as client:
            self.assertEqual(client.get(b'kept'), b'value')

    def second(self, memory_file):
        return subprocess.run([PROGRAM, '-e', memory_file, '-p', '-1', '-m', '64', *as_this_user()],
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def test_a_file_has_one_owner(self):
        server = self.start()
        second = self.second(server.memory_file)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f'another tombolo-kv owns the memory file {server.memory_file}', second.stderr)
        with Client(server.tcp) as client:
            self.assertEqual(client.set(b'a', b'1'), b'STORED')

    def test_the_file_is_for_user_and_group_alone(self):
        server = self.start()
        info = os.stat(server.memory_file)
        self.assertEqual(stat.S_IMODE(info.st_mode), 0o640)
        self.assertEqual(info.st_size, 64 << 20)
        self.assertGreaterEqual(info.st_blocks * 512, 64 << 20)

    def test_what_is_not_ours_is_left_alone(self):
        server = self.start()
        foreign = os.path.join(server.folder, 'letter')
        for text in (b'Dear reader, this is no cache.', bytes(3 << 20) + b'an image begins with zeros'):
            with open(foreign, 'wb') as file:
                file.write(text)
            result = self.second(foreign)
            self.assertEqual(result.returncode, 1)
            self.assertIn('is no memory file', result.stderr)
            with open(foreign, 'rb') as file:
                self.assertEqual(file.read(), text)
        result = self.second(server.folder)
        self.assertEqual(result.returncode, 1)
        self.assertIn('directory', result.stderr.lower())
        link = os.path.join(server.folder, 'link')
        os.symlink(foreign, link)
        self.assertIn('is a symbolic link', self.second(link).stderr)
        open_file = os.path.join(server.folder, 'open')
        with open(open_file, 'wb'):
            os.chmod(open_file, 0o666)
        self.assertIn('others may write it', self.second(open_file).stderr)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
