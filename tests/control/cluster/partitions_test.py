#!/usr/bin/python3
"""Three hosts and an etcd, each in a network namespace of its own, that are cut off from each other and come back.

Each scenario cuts something, waits until those who are left know of it, heals, and waits until all know all. Meanwhile
two peers of one host talk without losing a word, and no host, region or slot has two owners. How long it took until
others knew is printed; what is asserted is that they come to know.

One scenario of each kind, or all 20 with TOMBOLO_PARTITIONS=all. With TOMBOLO_PARTITIONS=throughput also what a
message between two endpoints of a host takes of the processor while the host is cut off, beside what it took before and takes
after.

Usage: partitions_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO TALK_ALONE [unittest's flags]
"""

import os
import re
import statistics
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from cluster import PREFIX, Host, assert_each_slot_has_one_owner
from etcd import Etcd
from forwarding import eventually

TOMBOLOD = AGENT = TOMBOLO = TALK_ALONE = ""
IN_NAMESPACE = "TOMBOLO_PARTITIONS_TEST_IS_ROOT"
NAMES = ["h0", "h1", "h2"]
ALL = os.environ.get("TOMBOLO_PARTITIONS") == "all"
THROUGHPUT = os.environ.get("TOMBOLO_PARTITIONS") == "throughput"
ROUNDS = 20
MESSAGES = 500_000
TIMES = 5
# A cut must not be seen in the median of as many rounds.
MOST_CHANGE = 0.01
REPLY = re.compile(r"^(\d+): [\d.]+ ")


def ip(*words, enter=()):
    subprocess.run([*enter, "ip", *words], check=True, timeout=60)


class Place:
    """A network namespace at a bridge of the test's own, with the address 10.1.0.NUMBER."""

    def __init__(self, number):
        self.address = f"10.1.0.{number}"
        self.link = f"p{number}"
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self._holder.stdout.readline()
        self.enter = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
        ip("link", "set", self.link, "master", "br0", "up")
        for words in (("link", "set", "lo", "up"), ("address", "add", f"{self.address}/24", "dev", "eth0"),
                      ("link", "set", "eth0", "up")):
            ip(*words, enter=self.enter)

    def cut(self):
        ip("link", "set", self.link, "down")

    def heal(self):
        ip("link", "set", self.link, "up")

    def loses_what_it_sends_to(self, other):
        ip("route", "add", "blackhole", other.address, enter=self.enter)

    def sends_again_to(self, other):
        ip("route", "delete", "blackhole", other.address, enter=self.enter)

    def end(self):
        self._holder.communicate()


class Talk:
    """`tombolo ping` between two peers of one host, without end."""

    def __init__(self, host):
        self._agent = subprocess.Popen([AGENT, "--host", "--runtime-dir", host.runtime_dir], stderr=subprocess.DEVNULL)
        assert eventually(lambda: '"agent"' in host.tombolo("peers", "--json").stdout)
        self._log_path = os.path.join(host.folder, "talk")
        with open(self._log_path, "wb") as log:
            self._ping = subprocess.Popen([TOMBOLO, "--runtime-dir", host.runtime_dir, "ping", "0", "-n", "1000000",
                                           "--interval", "0.005", "--timeout", "60"], stdout=log)

    def replies(self):
        """How many messages were answered. Fails if one was not, or the talk has ended."""
        assert self._ping.poll() is None
        with open(self._log_path, encoding="utf-8") as log:
            lines = log.read().split("\n")[1:-1]
        for number, line in enumerate(lines, 1):
            found = REPLY.match(line)
            assert found and int(found[1]) == number, line
        return len(lines)

    def end(self):
        for process in (self._ping, self._agent):
            process.kill()
            process.wait()


class Work:
    """What it takes to send messages between two endpoints of a host, which wait for nobody (talk_alone.c)."""

    def __init__(self, host):
        self.broker = os.path.join(host.runtime_dir, "broker.sock")

    def seconds(self, messages):
        """Of the processor: who else has it meanwhile does not count."""
        with subprocess.Popen([TALK_ALONE, self.broker, str(messages)]) as talk:
            _, status, used = os.wait4(talk.pid, 0)
            talk.returncode = os.waitstatus_to_exitcode(status)
        assert talk.returncode == 0
        return used.ru_utime + used.ru_stime

    def of_a_message(self):
        """Without what it takes to begin and to end. The least of several: what disturbs only adds."""
        least = [min(self.seconds(count) for _ in range(TIMES)) for count in (MESSAGES, 3 * MESSAGES)]
        return (least[1] - least[0]) / (2 * MESSAGES)


class PartitionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ip("link", "set", "lo", "up")
        ip("link", "add", "br0", "type", "bridge")
        ip("address", "add", "10.1.0.254/24", "dev", "br0")
        ip("link", "set", "br0", "up")
        *cls.places, cls.etcd_place = [Place(number) for number in (1, 2, 3, 9)]
        for place in (*cls.places, cls.etcd_place):
            cls.addClassCleanup(place.end)
        cls.etcd = Etcd(cls.etcd_place.address, cls.etcd_place.enter)
        cls.addClassCleanup(cls.etcd.stop)
        cls.hosts = []
        for name, place in zip(NAMES, cls.places):
            host = Host(TOMBOLOD, TOMBOLO, name, cls.etcd.endpoint, "--log-level", "warn", enter=place.enter)
            cls.hosts.append(host)
            cls.addClassCleanup(host.stop)
        cls.talk = Talk(cls.hosts[0])
        cls.addClassCleanup(cls.talk.end)
        cls.took = []

    @classmethod
    def tearDownClass(cls):
        print(f"\n{cls.talk.replies()} messages answered, none lost", file=sys.stderr)
        print("until others knew of a cut, seconds:", " ".join(f"{seconds:.1f}" for seconds in cls.took), file=sys.stderr)

    def setUp(self):
        self.all_know_all()
        self.before = self.talk.replies()

    def tearDown(self):
        for place in (*self.places, self.etcd_place):
            place.heal()
        self.all_know_all()
        assert_each_slot_has_one_owner([host.cluster() for host in self.hosts], self.etcd.history(PREFIX))
        self.assertTrue(eventually(lambda: self.talk.replies() > self.before))

    def all_know_all(self):
        for host in self.hosts:
            self.assertTrue(eventually(lambda host=host: host.state() == "connected" and host.sees() == NAMES), host.cluster())

    def cut_off(self, *numbers):
        """What the hosts that are left know in the end is that only they are, and those that are cut off that they are."""
        begun = time.monotonic()
        left = [host for host in self.hosts if host.name not in [NAMES[number] for number in numbers]]
        for host in left:
            self.assertTrue(eventually(lambda host=host: host.sees() == [one.name for one in left]), host.cluster())
        if left:
            self.took.append(time.monotonic() - begun)
        for number in numbers:
            host = self.hosts[number]
            self.assertTrue(eventually(lambda host=host: host.state() == "unreachable"), host.cluster())

    def scenario(self, *numbers):
        for number in numbers:
            self.places[number].cut()
        self.cut_off(*numbers)
        for number in numbers:
            self.assertEqual(self.hosts[number].sees(), NAMES)  # As it knew them.
            self.places[number].heal()

    def one_way(self, number, to_etcd):
        ends = (self.places[number], self.etcd_place)
        sender, receiver = ends if to_etcd else reversed(ends)
        sender.loses_what_it_sends_to(receiver)
        try:
            self.cut_off(number)
        finally:
            sender.sends_again_to(receiver)

    def test_one_host_is_cut_off(self):
        self.scenario(0)

    def test_two_hosts_are_cut_off(self):
        self.scenario(1, 2)

    def test_etcd_is_cut_off(self):
        self.etcd_place.cut()
        self.cut_off(0, 1, 2)
        self.etcd_place.heal()

    def test_what_a_host_sends_is_lost(self):
        self.one_way(0, to_etcd=True)

    def test_what_etcd_sends_to_a_host_is_lost(self):
        self.one_way(1, to_etcd=False)

    def test_a_link_flaps(self):
        for _ in range(10):
            self.places[2].cut()
            self.places[2].heal()
        self.scenario(2)

    def test_another_is_cut_off_when_the_first_comes_back(self):
        self.places[0].cut()
        self.cut_off(0)
        self.places[1].cut()
        self.cut_off(0, 1)
        self.places[0].heal()
        self.cut_off(1)
        self.places[1].heal()

    @unittest.skipUnless(THROUGHPUT, "it measures: TOMBOLO_PARTITIONS=throughput")
    def test_a_cut_changes_no_throughput(self):
        """Before, cut off, after: their order and the mean of the outer two leave out what drifts."""
        work = Work(self.hosts[0])
        work.of_a_message()
        ratios = []
        for _ in range(ROUNDS):
            before = work.of_a_message()
            self.etcd_place.cut()
            self.cut_off(0, 1, 2)
            during = work.of_a_message()
            self.etcd_place.heal()
            self.all_know_all()
            ratios.append(2 * during / (before + work.of_a_message()))
        low, median, high = statistics.quantiles(ratios, n=4)
        print(f"processor time of a message while cut off, beside before and after: median of {ROUNDS} ratios {median:.4f}, "
              f"quartiles {low:.4f} and {high:.4f}; {before * 1e9:.0f} ns", file=sys.stderr)
        self.assertLess(abs(median - 1), MOST_CHANGE)

    def test_etcd_dies_while_a_host_is_cut_off(self):
        self.places[0].cut()
        self.cut_off(0)
        self.etcd.kill()
        self.etcd.start()
        self.places[0].heal()


def more(numbers, act):
    def test(self):
        act(self, *numbers)
    return test


# With those above, twenty.
if ALL:
    for numbers in ((1,), (2,), (0, 1), (0, 2), (0, 1, 2)):
        setattr(PartitionsTest, f"test_cut_off_{'_'.join(map(str, numbers))}", more(numbers, PartitionsTest.scenario))
    for number in range(3):
        for to_etcd in (False, True):
            if (number, to_etcd) in ((0, True), (1, False)):
                continue
            setattr(PartitionsTest, f"test_one_way_{number}_{to_etcd}", more((number, to_etcd), PartitionsTest.one_way))
    for again in range(3):
        setattr(PartitionsTest, f"test_again_{again}", more((again,), PartitionsTest.scenario))


if __name__ == "__main__":
    if IN_NAMESPACE not in os.environ:
        os.environ[IN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--map-root-user", "--net", sys.executable, *sys.argv])
    TOMBOLOD, AGENT, TOMBOLO, TALK_ALONE = (os.path.abspath(sys.argv.pop(1)) for _ in range(4))
    unittest.main(verbosity=2)
