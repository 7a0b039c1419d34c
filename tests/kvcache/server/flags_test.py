#!/usr/bin/python3
"""What the command line does, and what it refuses.

Usage: flags_test.py TOMBOLO_KV [unittest's flags]
"""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, 'tests/support')
from tombolo_kv import Client, TomboloKv, as_this_user  # pylint: disable=wrong-import-position

PROGRAM = ''
USAGE = 2

# Flags -> a part of the message.
REFUSED = {
    '-d': '-d is not offered: it stays where it was started; let systemd run it',
    '-S': 'no SASL',
    '-Z': 'no TLS',
    '-A': 'SIGTERM',
    '-D ::': 'give one character',
    '-D ': '--prefix-delimiter',
    '-U 11211': 'there is no UDP',
    '-o ext_path=/tmp/x:1G': '-o ext_path is not offered',
    '-o idle_timeout=soon': 'give a number of seconds',
    '-o nonsense': '-o nonsense is not offered',
    '-o no_maxconns_fast': '-o no_maxconns_fast is not offered',
    '-p 70000': '70000',
    '-p 0': '-p 0 without -s: nobody could reach it',
    '-l 1.2.3.4:http': 'no address; write HOST',
    '-t 0': '-t',
    '-c 0': '-c',
    '-I 2k -m 0': '-m',
    '-I 512': 'it must be 1k to 1024m',
    '-I 64m -m 64': 'need at least 256 MiB',
    '-I lots': 'lots',
    '-a 999 -s /tmp/never.sock': 'in octal',
    '-s /tmp/' + 120 * 'x': 'the path of a Unix socket has at most 107 bytes',
    '--owner-socket /tmp/' + 120 * 'x': 'the path of a Unix socket has at most 107 bytes',
    '--window /dev/null': '--window is for a server that owns no items; give --guest too',
    '--guest': '--guest needs --window FILE',
    '--guest --window /dev/null': '--owner ADDRESS',
    '--guest --window /dev/null --owner localhost': "'localhost' is no address of an owner",
    '--guest --window /dev/null --owner 127.0.0.1:http': 'no address of an owner',
    '--guest --window auto --owner localhost': "'localhost' is no address of an owner",
    '--guest --window /dev/null --owner /x -m 64': '--memory-limit is for the owner of the items',
    '--guest --window /dev/null --owner /x -I 1m': '--max-item-size is for the owner of the items',
    '--nonsense': 'nonsense',
}

# Flags that change nothing, and what the log says of them; '' for nothing.
IGNORED = {
    '-C': '-C is ignored: every item has a CAS number',
    '-B binary': '-B is ignored: every connection may speak either protocol',
    '-f 1.1 -n 64': 'there are no slab classes',
    '-U 0': '',
    '-o modern,no_lru_crawler,hashpower=20,slab_sizes=100-200': '-o no_lru_crawler is ignored',
    '-v': '',
    '-vv': '',
}


def has_other_users():
    """Root of a sandbox is often alone."""
    with open('/proc/self/uid_map', encoding='ascii') as users:
        return os.geteuid() == 0 and sum(int(line.split()[2]) for line in users) > 1


def run(*flags):
    return subprocess.run([PROGRAM, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False)


class FlagsTest(unittest.TestCase):
    def start(self, *flags):
        server = TomboloKv(PROGRAM, '-m', '16', *flags)
        self.addCleanup(server.stop)
        return server

    def test_what_is_wrong_is_said(self):
        for flags, message in REFUSED.items():
            with self.subTest(flags):
                result = run(*flags.split())
                self.assertEqual(result.returncode, USAGE, result.stderr)
                self.assertIn(message, result.stderr)

    def test_what_means_nothing_here_is_ignored_with_a_word(self):
        for flags, message in IGNORED.items():
            with self.subTest(flags):
                server = self.start(*flags.split())
                self.assertIn(message, server.log())
                if not message:
                    self.assertNotIn('ignored', server.log())
                server.stop()

    def test_help_and_version_end_well(self):
        for flag, word in (('-h', 'memcached'), ('--help', '--memory-file'), ('-V', 'tombolo-kv 0.1.0')):
            result = run(flag)
            self.assertEqual(result.returncode, 0)
            self.assertIn(word, result.stdout)

    @unittest.skipUnless(has_other_users(), 'only root can become somebody')
    def test_root_becomes_somebody_else(self):
        self.assertIn('root needs -u USER', run('-p', '-1').stderr)
        self.assertIn('there is no such user', run('-p', '-1', '-u', 'nobody-of-that-name').stderr)
        with tempfile.TemporaryDirectory(dir='/tmp') as folder:
            os.chmod(folder, 0o777)
            memory, unix = os.path.join(folder, 'memory'), os.path.join(folder, 'sock')
            process = subprocess.Popen([PROGRAM, '-u', 'nobody', '-e', memory, '-s', unix, '-m', '16'],
                                       stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.stderr.close)
            while 'serves ' not in (line := process.stderr.readline()):
                self.assertTrue(line)
            self.assertEqual(os.stat(memory).st_uid, os.stat(f'/proc/{process.pid}').st_uid)
            self.assertNotEqual(os.stat(memory).st_uid, 0)
            process.terminate()
            self.assertEqual(process.wait(30), 0)

    def test_the_usual_address_is_the_loopback(self):
        server = self.start()
        self.assertRegex(server.stats(b'settings')['inter'], r'^127\.0\.0\.1:\d+$')

    def test_several_addresses_and_a_unix_socket_with_a_mode(self):
        server = self.start('-l', '127.0.0.1,127.0.0.2:0', '-l', '127.0.0.3', '-a', '0660')
        found = re.findall(r'(127\.0\.0\.\d):(\d+)', server.stats(b'settings')['inter'])
        self.assertEqual([host for host, _ in found], ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
        for host, port in found:
            with Client((host, int(port))) as client:
                self.assertEqual(client.ask(b'mn'), b'MN')
        self.assertEqual(stat.S_IMODE(os.stat(server.unix).st_mode), 0o660)

    def test_a_port_that_is_taken_is_said(self):
        with socket.create_server(('127.0.0.1', 0)) as taken, tempfile.TemporaryDirectory(dir='/tmp') as folder:
            result = run('-p', str(taken.getsockname()[1]), '-e', os.path.join(folder, 'memory'), '-m', '16',
                         *as_this_user())
            self.assertEqual(result.returncode, 1)
            self.assertIn('another program listens at 127.0.0.1:', result.stderr)

    def test_a_unix_socket_alone_is_all_there_is(self):
        with tempfile.TemporaryDirectory(dir='/tmp') as folder:
            unix, memory = os.path.join(folder, 'sock'), os.path.join(folder, 'memory')
            pid_file = os.path.join(folder, 'pid')
            process = subprocess.Popen([PROGRAM, '-s', unix, '-e', memory, '-P', pid_file, '-m', '16',
                                        *as_this_user()], stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.stderr.close)
            while 'serves ' not in (line := process.stderr.readline()):
                self.assertTrue(line)
            with Client(unix) as client:
                told = client.stats(b'settings')
            self.assertEqual((told['tcpport'], told['domain_socket']), ('0', unix))
            with open(pid_file, encoding='ascii') as file:
                self.assertEqual(int(file.read()), process.pid)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 0)
            self.assertFalse(os.path.exists(pid_file))

    def test_settings_are_told(self):
        server = self.start('-c', '77', '-t', '3', '-b', '99', '-R', '7', '-I', '128k', '-F')
        told = server.stats(b'settings')
        self.assertEqual([told[name] for name in ('maxconns', 'num_threads', 'tcp_backlog', 'reqs_per_event',
                                                  'item_size_max', 'flush_enabled')],
                         ['77', '3', '99', '7', '131072', 'no'])
        with Client(server.tcp) as client:
            self.assertEqual(client.ask(b'flush_all'), b'CLIENT_ERROR flush_all not allowed')
            self.assertEqual(client.set(b'fits', b'x' * (127 << 10)), b'STORED')
            self.assertEqual(client.set(b'large', b'x' * (128 << 10)), b'SERVER_ERROR object too large for cache')

    def test_flush_all_is_of_all_shards(self):
        server = self.start('-m', '64', '--shards', '8', '-I', '256k')
        with Client(server.tcp) as client:
            for number in range(100):
                client.set(b'%d' % number, b'value')
            self.assertEqual(client.stats()['curr_items'], '100')
            self.assertEqual(client.ask(b'flush_all'), b'OK')
            self.assertEqual([client.get(b'%d' % number) for number in range(100)], [None] * 100)


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
