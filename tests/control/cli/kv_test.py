#!/usr/bin/python3
"""`tombolo kv` against stock memcached, tombolo-kv, and a tombolo-kv that owns nothing.

Usage: kv_test.py TOMBOLO TOMBOLO_KV [unittest's flags]
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import unittest

sys.path[:0] = ["tests/control/cli", "tests/support"]
from forwarding import eventually
from kv_servers import (FAILED, GOOD, NOBODY, NOT_RUNNING, TIMEOUT_S, USAGE, Memcached, Programs, ServersTest, each_server,
                        kv, python_client)
from terminal import LEAVE, Terminal

MIB = 1 << 20
MONTH_S = 30 * 24 * 3600
BYTES = bytes(range(256)) * 1000


class ItemsTest(ServersTest):
    @each_server
    def test_a_value_comes_back_as_it_was(self, server):
        for value in (BYTES, b"", b"\r\nEND\r\n", b"x" * (MIB - 300)):
            self.assert_done(kv("set", "a", "--server", server, value=value), stdout=b"")
            self.assert_done(kv("get", "a", "--server", server), stdout=value)
        self.assert_done(kv("set", "a", "-", "--server", server, value=b"in"))
        self.assert_done(kv("set", "b", "hello there", "--server", server))
        self.assert_done(kv("set", "c", "--server", server, "--", "-5"))
        self.assert_done(kv("get", "a", "b", "c", "--server", server), stdout=b"inhello there-5")
        self.assert_done(kv("set", "k" * 250, "long", "--server", server))
        self.assert_done(kv("get", "k" * 250, "--server", server), stdout=b"long")

    @each_server
    def test_what_is_not_there_is_exit_code_1(self, server):
        self.assert_done(kv("set", "a", "here", "--server", server))
        done = kv("get", "no", "a", "nor", "--server", server)
        self.assert_done(done, FAILED, b"here")
        self.assertIn(f"there is no item no, nor at {server}", done.stderr)
        done = kv("del", "no", "a", "--server", server)
        self.assert_done(done, FAILED, b"")
        self.assertIn("there is no item no at", done.stderr)
        self.assert_done(kv("get", "a", "--server", server), FAILED)
        self.assert_done(kv("set", "a", "again", "--server", server))
        self.assert_done(kv("del", "a", "--server", server))

    @each_server
    def test_flags_and_expiry_are_the_items(self, server):
        self.assert_done(kv("set", "a", "1", "--flags", "4294967295", "--ttl", "3600", "--server", server))
        self.assert_done(kv("set", "late", "1", "--ttl", str(MONTH_S + 3600), "--server", server))
        self.assert_done(kv("set", "never", "1", "--server", server))
        with python_client(server) as client:
            self.assertEqual(client.ask(b"mg a f"), b"HD f4294967295")
            for key, wanted in ((b"a", 3600), (b"late", MONTH_S + 3600)):
                left = int(client.ask(b"mg %s t" % key).removeprefix(b"HD t"))
                self.assertTrue(wanted - TIMEOUT_S <= left <= wanted + 1, left)
            self.assertEqual(client.ask(b"mg never t"), b"HD t-1")

    def test_an_expiry_that_cannot_be_said_is_wrong_usage(self):
        done = kv("set", "a", "1", "--ttl", "4000000000")
        self.assert_done(done, USAGE)
        self.assertIn("after 2038-01-19", done.stderr)

    def test_a_wrong_key_is_wrong_usage_and_no_server_is_asked(self):
        for key, seen in (("k" * 251, "a key of 251 bytes"), ("a b", "'a b' has a blank or control character at byte 1"),
                          ("a\x1bb", "'a?b'"), ("a\r\nflush_all", "'a??flush_all'"), ("", "a key of 0 bytes")):
            for words in (("get", "good", key), ("set", key, "1"), ("del", "good", key)):
                done = kv(*words, "--server", NOBODY)
                self.assert_done(done, USAGE, b"")
                self.assertIn(seen, done.stderr)
        self.assert_done(kv("set", "schlüssel", "1", "--server", self.servers[0]))
        self.assert_done(kv("get", "schlüssel", "--server", self.servers[0]), stdout=b"1")

    @each_server
    def test_a_value_that_is_too_large_says_what_is_allowed(self, server):
        self.assert_done(kv("set", "a", "old", "--server", server))
        done = kv("set", "a", "--server", server, value=b"x" * (3 * MIB))
        self.assert_done(done, FAILED)
        self.assertIn(f"has {3 * MIB} bytes", done.stderr)
        self.assertIn(f"is {MIB} (-I)", done.stderr)

    def test_stdin_that_cannot_be_read_and_stdout_that_is_full_are_told(self):
        done = subprocess.run(f"'{Programs.tombolo}' kv set a --server {self.servers[0]} </", shell=True, check=False,
                              capture_output=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"read the value from stdin", done.stderr)
        self.assert_done(kv("set", "a", "1", "--server", self.servers[0]))
        done = subprocess.run(f"'{Programs.tombolo}' kv get a --server {self.servers[0]} >/dev/full", shell=True, check=False,
                              capture_output=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"write the value to stdout", done.stderr)

    def test_on_a_terminal_the_prompt_is_on_a_line_of_its_own(self):
        self.assert_done(kv("set", "a", "value", "--server", self.servers[0]))
        terminal = Terminal(Programs.tombolo, "kv", "get", "a", "--server", self.servers[0])
        self.addCleanup(terminal.close)
        terminal.wait_for(rb"^value\r\n")
        self.assertEqual(terminal.end(), GOOD)


class StatsTest(ServersTest):
    def table(self, *words, code=GOOD):
        """Name -> values."""
        done = kv("stats", *words)
        self.assert_done(done, code)
        lines = [line.split() for line in done.stdout.decode().splitlines()]
        return {line[0]: line[1:] for line in lines}

    @each_server
    def test_it_prints_what_each_server_counts(self, server):
        with python_client(server) as client:
            told = client.stats()
        table = self.table("--server", server)
        self.assertEqual(table["STATISTIC"], [server])
        self.assertEqual({name for name in table if name != "STATISTIC"}, set(told))
        self.assertEqual(table["pid"], [told["pid"]])
        settings = json.loads(kv("stats", "settings", "items", "--json", "--server", server).stdout)
        self.assertEqual(settings["servers"][0]["statistics"]["item_size_max"], MIB)
        self.assertIsNone(settings["servers"][0]["error"])

    def test_several_servers_are_side_by_side(self):
        servers = [word for server in self.servers for word in ("--server", server)]
        table = self.table(*servers)
        self.assertEqual(table["STATISTIC"], self.servers)
        self.assertEqual(table["pid"][0], str(self.stock.process.pid))
        self.assertEqual(table["pid"][2], table["pid"][3])
        self.assertEqual(table["lock_free_hits"][:2], ["-", "-"], "stock memcached has none")
        self.assertEqual(table["slabs_moved"][2:], ["-", "-", "-"])

    def test_one_that_is_down_hides_none_of_the_others(self):
        table = self.table("--server", NOBODY, "--server", self.servers[0], code=NOT_RUNNING)
        self.assertEqual(table["STATISTIC"], [self.servers[0]])
        done = kv("stats", "--json", "--server", NOBODY, "--server", self.servers[0])
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn("1 of 2 servers failed; the first: connect to 127.0.0.1:1: ", done.stderr)
        down, up = json.loads(done.stdout)["servers"]
        self.assertIn("Connection refused", down["error"])
        self.assertEqual(down["statistics"], {})
        self.assertIsNone(up["error"])
        self.assertIsInstance(up["statistics"]["rusage_user"], float)
        self.assertRegex(up["statistics"]["version"], r"1\.6")

    @each_server
    def test_groups_that_the_server_does_not_have(self, server):
        done = kv("stats", "nonsense", "--server", server)
        self.assert_done(done, USAGE)
        self.assertIn("no statistics 'nonsense'", done.stderr)

    def test_groups_that_no_server_has(self):
        self.assertIn("no group of statistics", kv("stats", "detail on", "--server", self.servers[0]).stderr)

    @each_server
    def test_reset_sets_counters_to_0(self, server):
        kv("get", "a", "--server", server)
        self.assertNotEqual(self.table("--server", server)["cmd_get"], ["0"])
        self.assert_done(kv("stats", "reset", "--server", server))
        self.assertEqual(self.table("--server", server)["cmd_get"], ["0"])


class TopTest(ServersTest):
    widths = itertools.count()

    def start_traffic(self, server):
        """Two gets that hit, one that misses, and a set, again and again."""
        ended = threading.Event()

        def ask():
            with python_client(server) as client:
                while not ended.is_set():
                    client.set(b"here", b"x" * 1000)
                    for key in (b"here", b"here", b"nowhere"):
                        client.get(key)

        thread = threading.Thread(target=ask)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)

    def top(self, *words):
        terminal = Terminal(Programs.tombolo, "kv", "top", "--interval", "0.05", *words, columns=220)
        self.addCleanup(terminal.close)
        return terminal

    def silent(self, view):
        """How many of its servers are, as it draws itself anew."""
        view.resize(24, 200 + next(self.widths) % 20)
        os.kill(view.process.pid, signal.SIGWINCH)
        return int(view.wait_for(rb"2 servers, (\d) silent").group(1))

    def test_json_has_the_rates_of_each_server(self):
        self.start_traffic(self.servers[1])
        self.start_traffic(self.servers[2])
        done = kv("top", "--json", "--interval", "0.3", *itertools.chain(*(("--server", one) for one in self.servers[:3])))
        self.assert_done(done)
        told = json.loads(done.stdout)
        self.assertGreaterEqual(told["seconds"], 0.3)
        idle, *busy = told["servers"]
        self.assertEqual([one["server"] for one in told["servers"]], self.servers[:3])
        self.assertEqual((idle["per_second"]["cmd_get"], idle["hit_ratio"]), (0, None))
        for one in busy:
            rates = one["per_second"]
            self.assertGreater(rates["cmd_set"], 0)
            self.assertAlmostEqual(one["hit_ratio"], 2 / 3, delta=0.1)
            self.assertAlmostEqual(rates["get_hits"] + rates["get_misses"], rates["cmd_get"], delta=1)
            self.assertAlmostEqual(rates["cmd_get"] / rates["cmd_set"], 3, delta=0.5)
            self.assertGreater(rates["bytes_written"], 2000 * rates["cmd_set"] * 0.9)
            self.assertGreaterEqual(one["curr_items"], 1)

    def test_once_is_one_table(self):
        done = kv("top", "--once", "--interval", "0.05", "--server", self.servers[0], "--server", NOBODY)
        self.assert_done(done, NOT_RUNNING)
        heading, row, silent = done.stdout.decode().splitlines()
        self.assertEqual(heading.split()[:3], ["SERVER", "GETS/s", "HITS/s"])
        self.assertEqual(row.split()[0], self.servers[0])
        self.assertIn("Connection refused", silent)

    def test_it_is_seen_live_how_a_server_goes_and_comes_back(self):
        other = Memcached(over_unix=True)
        self.addCleanup(other.stop)
        view = self.top("--server", self.servers[1], "--server", other.address())
        view.wait_for(rb"2 servers, 0 silent   as given")
        self.start_traffic(self.servers[1])
        view.wait_for(rb"66\.\d")
        other.process.kill()
        other.process.wait()
        view.wait_for(rb"nobody listens at")
        os.unlink(other.unix)
        other.start()
        self.assertTrue(eventually(lambda: self.silent(view) == 0))
        view.press(b"s")
        view.wait_for(rb"by traffic")
        view.press(b"q")
        view.wait_for(re.escape(LEAVE))
        self.assertEqual(view.end(), GOOD)

    def test_without_any_server_or_terminal_it_says_what_to_do(self):
        done = kv("top", "--server", NOBODY)
        self.assert_done(done, NOT_RUNNING)
        self.assertIn("start tombolo-kv or memcached there", done.stderr)
        done = kv("top", "--server", self.servers[0])
        self.assert_done(done, FAILED)
        self.assertIn("use `tombolo kv top --once`", done.stderr)


if __name__ == "__main__":
    Programs.take()
    unittest.main(verbosity=2)
