#!/usr/bin/python3
"""`tombolo kv metrics`, of servers of all kinds, as Prometheus meets it.

Usage: kv_metrics_test.py TOMBOLO TOMBOLO_KV [unittest's flags]
"""

import os
import re
import shutil
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path[:0] = ["tests/control/cli", "tests/control/http", "tests/support"]
import exposition
from forwarding import eventually
from kv_servers import GOOD, NOBODY, NOT_RUNNING, TIMEOUT_S, Memcached, Programs, ServersTest, each_server, kv, python_client


class MetricsTest(ServersTest):
    def metrics(self, server):
        done = kv("metrics", "--server", server)
        self.assert_done(done)
        return exposition.parse(done.stdout.decode())

    @each_server
    def test_metrics_are_what_the_server_counts(self, server):
        with python_client(server) as client:
            for command in (b"get no", b"incr no 1", b"touch no 0", b"delete no", b"flush_all 1000"):
                client.ask(command)
            cas = client.set(b"a", b"1") and client.ask(b"mg a c").split(b"c")[1]
            for given, answer in ((cas, b"STORED"), (cas, b"EXISTS")):
                client.send(b"cas a 0 0 1 %s\r\n2\r\n" % given)
                self.assertEqual(client.line(), answer)
            told = client.stats()
        seen = self.metrics(server)
        commands = seen["memcached_commands_total"]
        for command in ("get", "incr", "decr", "touch", "delete", "cas"):
            for status, statistic in (("hit", "hits"), ("miss", "misses")):
                self.assertEqual(commands.value(command=command, status=status), int(told[f"{command}_{statistic}"]))
        self.assertEqual(commands.value(command="cas", status="badval"), int(told["cas_badval"]))
        self.assertEqual(commands.value(command="flush", status="hit"), int(told["cmd_flush"]))
        self.assertEqual(commands.value(command="set", status="hit"), int(told["cmd_set"]) - sum(
            int(told[name]) for name in ("cas_hits", "cas_misses", "cas_badval")))
        for name, statistic in (("up", None), ("limit_bytes", "limit_maxbytes"), ("current_items", "curr_items"),
                                ("items_total", "total_items"), ("max_connections", "max_connections")):
            self.assertEqual(seen["memcached_" + name].value(), int(told[statistic]) if statistic else 1, name)
        self.assertGreaterEqual(seen["memcached_read_bytes_total"].value(), int(told["bytes_read"]))
        self.assertEqual(list(seen["memcached_version"].samples), [(("version", told["version"]),)])
        self.assertGreaterEqual(sum(seen["memcached_slab_current_items"].samples.values()), 1)
        self.assertGreaterEqual(sum(seen["memcached_slab_chunks_used"].samples.values()), 1)
        self.assertGreaterEqual(seen["memcached_process_user_cpu_seconds_total"].value(), float(told["rusage_user"]))
        self.assertEqual("tombolo_kv_lock_free_hits_total" in seen, "lock_free_hits" in told)

    def test_promtool_finds_nothing_to_say_of_them(self):
        program = shutil.which("promtool") or self.skipTest("no promtool: Debian's package prometheus")
        for server in self.servers:
            self.assert_done(kv("set", "a", "1", "--server", server))
            text = kv("metrics", "--server", server).stdout
            done = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, timeout=TIMEOUT_S,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""), server)

    def test_who_is_down_is_not_up(self):
        done = kv("metrics", "--server", NOBODY)
        self.assert_done(done, NOT_RUNNING)
        self.assertEqual(list(exposition.parse(done.stdout.decode())), ["memcached_up"])
        self.assertTrue(done.stdout.endswith(b"memcached_up 0\n"))

    def test_over_http_they_are_of_now(self):
        other = Memcached(over_unix=True)
        self.addCleanup(other.stop)
        exporter = subprocess.Popen([Programs.tombolo, "kv", "metrics", "--http", "127.0.0.1:0", "--server", other.address()],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(exporter.communicate)
        self.addCleanup(exporter.terminate)
        url = re.fullmatch(r"metrics of unix:\S+ at (http://127\.0\.0\.1:\d+/metrics)\n", exporter.stdout.readline())[1]

        def ask():
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
                return exposition.parse(answer.read().decode())

        self.assertEqual(ask()["memcached_current_items"].value(), 0)
        self.assert_done(kv("set", "a", "1", "--server", other.address()))
        self.assertEqual(ask()["memcached_current_items"].value(), 1)
        other.process.kill()
        other.process.wait()
        self.assertEqual(ask()["memcached_up"].value(), 0)
        os.unlink(other.unix)
        other.start()
        self.assertTrue(eventually(lambda: ask()["memcached_up"].value() == 1))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url + "/no", timeout=TIMEOUT_S)
        self.assertEqual(refused.exception.code, 404)
        exporter.terminate()
        self.assertEqual(exporter.wait(TIMEOUT_S), GOOD)
        self.assertRegex(exporter.stderr.read(), r"^warning: .*\n.* answers again\.\n$")


if __name__ == "__main__":
    Programs.take()
    unittest.main(verbosity=2)
