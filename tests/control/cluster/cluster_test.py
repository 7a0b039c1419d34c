#!/usr/bin/python3
"""A cluster of daemons with a real etcd, on this machine: what they publish and know, and an etcd that dies, comes late,
forgets or lies.

Usage: cluster_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from certificates import Certificates
from cluster import PREFIX, Host, assert_each_slot_has_one_owner
from etcd import Etcd
from forwarding import eventually
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
GOOD, FAILED, USAGE = 0, 1, 2
HOST_VALUE = {"schema": 1, "host": "x", "instance": "i", "machines": [], "kv_servers": []}


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.etcd = Etcd()
        self.addCleanup(self.etcd.stop)

    def host(self, name, *flags):
        made = Host(TOMBOLOD, TOMBOLO, name, self.etcd.endpoint, *flags)
        self.addCleanup(self.end, made)
        return made

    def end(self, host):
        if os.path.exists(host.folder):
            host.stop()

    def hosts(self, *names):
        made = [self.host(name) for name in names]
        self.all_see(made, names)
        # What there is is known a moment before changes to it would be.
        for host in made:
            self.assertTrue(eventually(lambda host=host: host.state() == "connected"), host.cluster())
        return made

    def all_see(self, hosts, names):
        for host in hosts:
            self.assertTrue(eventually(lambda host=host: host.sees() == sorted(names)), (host.name, host.cluster()))

    def test_each_host_knows_all_and_a_stopped_one_is_gone_at_once(self):
        first, second, third = self.hosts("one", "two", "three")
        self.assertTrue(eventually(lambda: first.state() == "connected"), first.cluster())
        uuids = {host["regions"][0]["uuid"] for host in first.cluster()["hosts"]}
        self.assertEqual(len(uuids), 3)
        third.stop()
        self.all_see([first, second], ["one", "two"])
        assert_each_slot_has_one_owner([first.cluster(), second.cluster()], self.etcd.history(PREFIX))

    def test_a_killed_host_is_gone_when_its_lease_is_and_comes_back(self):
        first, second = self.hosts("one", "two")
        second.kill()
        self.all_see([first], ["one"])
        self.host("two")
        self.all_see([first], ["one", "two"])

    def test_a_successor_takes_over_what_a_killed_daemon_has_published(self):
        folder = tempfile.mkdtemp(prefix="cluster_", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        holder = subprocess.Popen([TOMBOLOD, "--runtime-dir", os.path.join(folder, "run"), "--size", "16M", "--etcd",
                                   self.etcd.endpoint, "--cluster-host", "one", "--store", "holder"],
                                  env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"}, stderr=subprocess.DEVNULL)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.terminate)
        self.assertTrue(eventually(lambda: len(self.etcd.items(PREFIX)) == 2))
        with open(f"/proc/{holder.pid}/task/{holder.pid}/children", encoding="utf-8") as children:
            os.kill(int(children.read().split()[0]), signal.SIGKILL)

        def claims():
            return [value for key, value in self.etcd.history(PREFIX + "one/host") if value]

        self.assertTrue(eventually(lambda: len(claims()) == 2))  # If the successor is quick, others have noticed nothing.
        self.assertEqual(claims()[0], claims()[1])

    def test_who_attaches_is_seen_by_others(self):
        first, second = self.hosts("one", "two")
        endpoint = first.tombolo("ping", "0")  # Attaches, finds no agent, and goes.
        self.assertNotEqual(endpoint.returncode, GOOD)
        revision = json.loads(first.tombolo("peers", "--json").stdout)["revision"]

        def seen():
            return {host["name"]: host["regions"][0]["revision"] for host in second.cluster()["hosts"]}["one"]

        self.assertTrue(eventually(lambda: seen() == revision), (seen(), revision))

    def test_lists_for_other_programs_cover_all_hosts(self):
        first = self.host("one", "--cluster-kv", "10.0.0.1:11211", "--cluster-machine", "0=one.example:4",
                          "--cluster-machine", "1=vm1:2")
        second = self.host("two", "--cluster-kv", "10.0.0.2:11211", "--cluster-kv", "10.0.0.2:11212",
                            "--cluster-machine", "0=two.example")
        self.all_see([first, second], ["one", "two"])
        for host in first, second:
            lines = host.tombolo("hostfile").stdout.splitlines()
            self.assertRegex(lines[0], "^# Open MPI host file: 2 machines of 2 hosts")
            self.assertEqual(lines[1:], ["one.example slots=4", "two.example slots=1"])  # No VM is in slot 1.
            self.assertEqual(host.tombolo("kv", "servers").stdout.split(),
                             ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.2:11212"])
        self.assertEqual(first.tombolo("kv", "servers", "--libmemcached").stdout,
                         "--SERVER=10.0.0.1:11211 --SERVER=10.0.0.2:11211 --SERVER=10.0.0.2:11212\n")
        table = first.tombolo("peers", "--all").stdout.splitlines()
        self.assertEqual([line.split()[:4] for line in table],
                         [["HOST", "SLOT", "KIND", "STATE"], ["one", "0", "host", "ready"], ["two", "0", "host", "ready"]])

    def test_an_etcd_that_dies_leaves_what_was_known_and_comes_back(self):
        first, second = self.hosts("one", "two")
        self.etcd.kill()
        self.assertTrue(eventually(lambda: first.state() == "unreachable"))
        self.all_see([first], ["one", "two"])
        said = first.tombolo("hostfile")
        self.assertEqual(said.returncode, GOOD)
        self.assertRegex(said.stderr, r"^warning: other hosts are told as they were \d+ s ago; etcd cannot be used: ")
        self.assertEqual(first.tombolo("peers").returncode, GOOD)
        self.etcd.start()
        for host in first, second:
            self.assertTrue(eventually(lambda host=host: host.state() == "connected"), host.cluster())
        self.all_see([first, second], ["one", "two"])
        assert_each_slot_has_one_owner([first.cluster()], self.etcd.history(PREFIX))
        self.assertEqual(first.log().count("etcd cannot be used"), 1, first.log())

    def test_an_etcd_that_hangs_is_found_out(self):
        first, _ = self.hosts("one", "two")
        self.etcd.process.send_signal(signal.SIGSTOP)
        self.assertTrue(eventually(lambda: first.state() == "unreachable"))
        self.etcd.process.send_signal(signal.SIGCONT)
        self.assertTrue(eventually(lambda: first.state() == "connected"))

    def test_an_etcd_may_come_after_the_daemons(self):
        self.etcd.kill()
        first, second = self.host("one"), self.host("two")
        self.assertEqual(first.state(), "connecting")
        self.assertEqual(first.sees(), ["one"])
        self.etcd.start()
        self.all_see([first, second], ["one", "two"])

    def test_a_name_has_one_host(self):
        first, other = self.host("one"), self.host("other")
        self.all_see([first, other], ["one", "other"])
        second = self.host("one")
        self.assertTrue(eventually(lambda: second.state() == "name-taken"))
        self.assertIn("the name one is taken in etcd by the tombolod of region", second.log())
        self.assertEqual(second.tombolo("peers").returncode, GOOD)  # Its own host goes on.
        uuid = first.cluster()["hosts"][0]["regions"][0]["uuid"]
        for host in other, second:
            self.assertEqual([one["regions"][0]["uuid"] for one in host.cluster()["hosts"] if one["name"] == "one"], [uuid])
        first.stop()
        self.assertTrue(eventually(lambda: second.state() == "connected"))
        assert_each_slot_has_one_owner([other.cluster()], self.etcd.history(PREFIX))

    def test_values_that_lie_are_refused(self):
        first, second = self.hosts("one", "two")
        lies = {"a/host": "{", "b/host": "[" * 100_000, "c/host": json.dumps({**HOST_VALUE, "host": "one"}),
                "d/host": "x" * 600_000, "-e/host": json.dumps({**HOST_VALUE, "host": "-e"}), "f/else": "{}",
                "g/host": json.dumps({**HOST_VALUE, "host": "g", "kv_servers": [{"address": "$(reboot):1"}]}),
                "two/regions/00000000-0000-0000-0000-000000000000": json.dumps({"schema": 1, "peers": 5})}
        for key, value in lies.items():
            self.etcd.put(PREFIX + key, value)
        self.assertTrue(eventually(lambda: first.cluster()["etcd"]["refused_values"] == len(lies)), first.cluster())
        self.all_see([first], ["one", "two"])
        for key in lies:
            self.etcd.delete(PREFIX + key)
        self.assertTrue(eventually(lambda: first.cluster()["etcd"]["refused_values"] == 0))
        self.assertTrue(eventually(lambda: second.state() == "connected"), second.cluster())

    def test_what_somebody_deletes_is_published_again(self):
        first, second = self.hosts("one", "two")
        for key in self.etcd.items(PREFIX + "one/"):
            self.etcd.delete(key)
        self.assertTrue(eventually(lambda: len(self.etcd.items(PREFIX + "one/")) == 2))
        self.all_see([first, second], ["one", "two"])

    def test_a_history_that_was_forgotten_is_read_anew(self):
        first, _ = self.hosts("one", "two")
        self.etcd.process.send_signal(signal.SIGSTOP)
        self.assertTrue(eventually(lambda: first.state() == "unreachable"))
        self.etcd.process.send_signal(signal.SIGCONT)
        self.etcd.put(PREFIX + "three/host", json.dumps({**HOST_VALUE, "host": "three"}))
        self.etcd.compact()
        self.assertTrue(eventually(lambda: [host["name"] for host in first.cluster()["hosts"]] == ["one", "three", "two"]),
                        first.cluster())

    def test_over_tls_both_sides_show_who_they_are(self):
        folder = tempfile.mkdtemp(prefix="cluster_", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        ours, strangers = Certificates(folder), Certificates(folder, "strangers")
        for certificates, names in ((ours, ("server", "client")), (strangers, ("stranger",))):
            for name in names:
                certificates.sign(name)
        etcd = Etcd(certificates=ours)
        self.addCleanup(etcd.stop)

        def start(host, name, ca="ca"):
            flags = [flag.replace("--tls", "--etcd-tls") for flag in ours.flags(name, ca)]
            made = Host(TOMBOLOD, TOMBOLO, host, etcd.endpoint, *flags)
            self.addCleanup(made.stop)
            return made

        good = start("good", "client")
        self.assertTrue(eventually(lambda: good.state() == "connected"), good.cluster())
        for bad in (start("stranger", "stranger"), start("trusting", "client", ca="strangers")):
            self.assertTrue(eventually(lambda bad=bad: bad.cluster()["etcd"]["problem"]))
            self.assertEqual(bad.state(), "connecting")
        self.assertTrue(eventually(lambda: good.sees() == ["good"]))

    def test_certificates_are_read_anew_at_sighup(self):
        folder = tempfile.mkdtemp(prefix="cluster_", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        ours, strangers = Certificates(folder), Certificates(folder, "strangers")
        ours.sign("client")
        ours.sign("server")
        strangers.sign("stranger")
        etcd = Etcd(certificates=ours)
        self.addCleanup(etcd.stop)

        def take(certificate, key):
            shutil.copy(ours.pem(certificate), ours.pem("used"))
            shutil.copy(ours.key(key), ours.key("used"))

        take("stranger", "stranger")
        host = Host(TOMBOLOD, TOMBOLO, "one", etcd.endpoint,
                    *(flag.replace("--tls", "--etcd-tls") for flag in ours.flags("used")))
        self.addCleanup(host.stop)
        self.assertTrue(eventually(lambda: host.cluster()["etcd"]["problem"]))
        take("client", "stranger")
        host.signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: "the certificates for etcd are not taken" in host.log()))
        self.assertEqual(host.state(), "connecting")
        take("client", "client")
        host.signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: host.state() == "connected"), host.log())

    def test_flags_that_do_not_go_together_are_refused(self):
        for flags, words in ((["--cluster-host", "a"], "are for --etcd, which is missing"),
                             (["--etcd", "a:1", "--etcd-tls-ca", "x"], "go together"),
                             (["--etcd", "http://a:1"], "it is no HOST:PORT"),
                             (["--etcd", "a:1", "--etcd-prefix", "/x/"], "begins with '/'"),
                             (["--etcd", "a:1", "--cluster-host", "-a"], "it is no name of a host"),
                             (["--etcd", "a:1", "--cluster-machine", "vm1"], "it is no SLOT=NAME")):
            done = subprocess.run([TOMBOLOD, "--runtime-dir", "/nowhere", *flags], capture_output=True, text=True,
                                  timeout=60, check=False, env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"})
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(words, done.stderr)

    def test_without_etcd_it_says_so(self):
        alone = Tombolod(TOMBOLOD, "--size", "16M")
        self.addCleanup(alone.stop)
        done = Host.tombolo_at(TOMBOLO, alone.runtime_dir, "hostfile")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("it was started without --etcd", done.stderr)
        done = Host.tombolo_at(TOMBOLO, alone.runtime_dir, "peers", "--all", "--slot", "0")
        self.assertEqual(done.returncode, USAGE, done.stderr)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
    unittest.main(verbosity=2)
