#!/usr/bin/python3
"""What docs/programs.md lists, each as real processes beside a real tombolod.

Usage: programs_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, 'tests/support')
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TOMBOLOD = TOMBOLO = ''
TIMEOUT_S = 60
REGION_BYTES = 16 << 20


class ProgramsTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, '--size', '16M', '--slots', '4', '--vectors', '8')
        self.addCleanup(self.daemon.stop)

    def command(self, *words):
        return [TOMBOLO, '--runtime-dir', self.daemon.runtime_dir, *words]

    def run_tombolo(self, *words, stdin=b''):
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False)

    def output(self, *words, stdin=b''):
        done = self.run_tombolo(*words, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, code, text, *words, stdin=b''):
        done = self.run_tombolo(*words, stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr.decode())

    def start(self, *words, **more):
        process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


class RegionTest(ProgramsTest):
    def test_all_of_the_region_can_be_read(self):
        self.assertEqual(len(self.output('region', 'read')), REGION_BYTES)
        self.assertEqual(self.output('region', 'read', '--length', '8'), b'\1TOMBOLO')

    def test_what_is_written_stays_and_has_the_same_sum_for_everybody(self):
        content = os.urandom((1 << 20) + 4096)
        self.output('region', 'write', 'plan', '--size', str(len(content)), stdin=content)
        told = self.output('region', 'read', 'plan')
        self.assertEqual(hashlib.sha1(told).hexdigest(), hashlib.sha1(content).hexdigest())
        self.assertEqual(hashlib.sha256(told).digest(), hashlib.sha256(content).digest())
        self.output('region', 'write', 'plan', '--offset', '5000', stdin=b'other')
        self.assertEqual(self.output('region', 'read', 'plan', '--offset', '4998', '--length', '9'),
                         content[4998:5000] + b'other' + content[5005:5007])
        self.assertIn(b'clean', self.output('fsck'))
        self.output('services', '--close', 'plan')
        deadline = time.monotonic() + TIMEOUT_S
        while self.run_tombolo('region', 'read', 'plan').returncode == 0:
            self.assertLess(time.monotonic(), deadline, 'it is still there')
        self.fails(1, "there is no memory 'plan'", 'region', 'read', 'plan')

    def test_says_what_is_wrong(self):
        self.fails(2, 'say how large it is, with --size', 'region', 'write', 'new', stdin=b'x')
        self.fails(1, 'has no', 'region', 'write', 'huge', '--size', '1G')
        self.output('region', 'write', 'small', '--size', '1', stdin=b'x')
        self.fails(1, 'more than the 4096 bytes', 'region', 'write', 'small', stdin=bytes(4097))
        self.fails(2, 'beyond the end', 'region', 'read', 'small', '--offset', '4097')
        self.assertEqual(self.output('region', 'read', 'small', '--offset', '4096'), b'')


class LockTest(ProgramsTest):
    HOLD = ('sh', '-c', 'echo held; exec sleep 600')

    def hold(self, *flags):
        process = self.start('lock', *flags, '--', *self.HOLD)
        self.assertEqual(process.stdout.readline(), 'held\n')
        return process

    def test_the_command_runs_with_the_lock_and_gives_its_own_exit_code(self):
        self.assertEqual(self.output('lock', 'job', '--', 'sh', '-c', 'echo $TOMBOLO_PLACE'), b'0\n')
        self.assertEqual(self.run_tombolo('lock', 'job', '--', 'sh', '-c', 'exit 7').returncode, 7)

    def test_one_at_a_time_and_who_is_killed_has_it_no_more(self):
        holder = self.hold('job')
        self.fails(1, "others hold all 1 places of 'job'", 'lock', '--timeout', '0', 'job', '--', 'true')
        self.output('lock', '--timeout', '0', 'other', '--', 'true')
        waiter = self.start('lock', 'job', '--', 'echo', 'mine')
        holder.send_signal(signal.SIGKILL)
        self.assertEqual(waiter.stdout.readline(), 'mine\n')
        self.assertEqual(waiter.wait(TIMEOUT_S), 0)

    def test_a_semaphore_has_as_many_places(self):
        self.hold('--places', '2', 'pool')
        second = self.hold('--places', '2', 'pool')
        self.fails(1, 'others hold all 2 places', 'lock', '--places', '2', '--timeout', '0.1', 'pool', '--', 'true')
        second.kill()
        self.assertEqual(self.output('lock', '--places', '2', 'pool', '--', 'sh', '-c', 'echo $TOMBOLO_PLACE'), b'1\n')

    def test_says_what_is_wrong(self):
        self.fails(1, "start '/no/such/program'", 'lock', 'job', '--', '/no/such/program')
        self.fails(2, 'characters too long', 'lock', 'x' * 40, '--', 'true')


class EventTest(ProgramsTest):
    def test_everybody_who_waits_for_the_event_is_told(self):
        waiters = [self.start('wait', 'ready') for _ in range(3)]
        other = self.start('wait', 'something-else')
        for waiter in waiters:
            self.assertEqual(waiter.stdout.readline(), "waiting for 'ready'\n")
        self.assertEqual(other.stdout.readline(), "waiting for 'something-else'\n")
        self.assertEqual(self.output('ring', 'ready'), b'3 told\n')
        self.assertEqual([waiter.wait(TIMEOUT_S) for waiter in waiters], [0, 0, 0])
        self.assertIsNone(other.poll())
        self.fails(1, "nobody waits for 'ready'", 'ring', 'ready')

    def test_counts(self):
        waiter = self.start('wait', '-n', '3', 'tick')
        waiter.stdout.readline()
        for _ in range(3):
            self.assertIsNone(waiter.poll())
            self.output('ring', 'tick')
        self.assertEqual(waiter.wait(TIMEOUT_S), 0)
        self.fails(1, 'it came 0 times within 0.1 s', 'wait', '--timeout', '0.1', 'tick')

    def test_a_doorbell_is_rung_by_slot_and_vector(self):
        waiter = self.start('wait')
        words = waiter.stdout.readline().split()
        self.assertEqual(words[:2], ['tombolo', 'ring'])
        self.output('ring', words[2])
        self.assertEqual(waiter.wait(TIMEOUT_S), 0)
        self.fails(2, 'there is no doorbell 9:0', 'ring', '9:0')

    def test_says_who_we_are(self):
        self.assertRegex(self.output('id').decode(), rf'^slot 0 of 4\nregion [0-9a-f-]{{36}}, {REGION_BYTES} bytes\n$')


if __name__ == '__main__':
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
