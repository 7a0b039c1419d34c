#!/usr/bin/python3
"""The status page of a real tombolod, as Prometheus, a browser, a script and a stranger meet it.

Usage: status_page_test.py TOMBOLOD ALERTS_YML DASHBOARD_JSON [unittest's flags]
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = ["tests/control/http", "tests/support"]
# pylint: disable=wrong-import-position
import exposition
from tombolod import Tombolod

TOMBOLOD = ALERTS = DASHBOARD = ""
TIMEOUT_S = 30
EXIT_FAILED, EXIT_USAGE = 1, 2
PATHS = ("/", "/status.css", "/status.js", "/metrics", "/healthz", "/readyz", "/api/v1/status.json")
# What a metric of ours looks like within an expression of PromQL.
METRIC = re.compile(r"\b((?:tombolo|process)_[a-z_]+)\b")


class StatusPageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Tombolod(TOMBOLOD, "--size", "16M", "--slots", "3", "--http", "127.0.0.1:0")
        cls.addClassCleanup(cls.daemon.stop)
        cls.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", cls.daemon.log()).group(1))

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        return connection

    def ask(self, path, method="GET", connection=None, **headers):
        connection = connection or self.connect()
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()

    def raw(self, request):
        """All that is answered to bytes, until the daemon closes."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            with connection.makefile("rb") as answer:
                return answer.read()

    def metrics(self):
        answer, text = self.ask("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        return exposition.parse(text)

    def test_metrics_tell_of_an_idle_daemon(self):
        families = self.metrics()
        self.assertEqual(families["tombolo_region_size_bytes"].value(), 16 << 20)
        self.assertEqual(families["tombolo_region_slots"].value(), 3)
        self.assertGreater(families["tombolo_region_free_bytes"].value(), 1 << 20)
        self.assertEqual(families["tombolo_peers"].value(kind="host", state="ready"), 1)
        self.assertEqual(families["tombolo_peers"].value(kind="vm", state="ready"), 0)
        self.assertEqual(families["tombolo_peer_ready"].samples, {(("slot", "0"),): 1})
        self.assertEqual(families["tombolo_membership_events_total"].value(event="joined"), 1)
        self.assertEqual(families["tombolo_messages_sent_total"].value(slot="0"), 0)
        self.assertAlmostEqual(families["process_start_time_seconds"].value(), time.time(), delta=600)
        self.assertGreater(families["process_open_fds"].value(), 3 * 16)

    def test_what_grows_does_not_shrink(self):
        before, after = self.metrics(), self.metrics()
        for name, family in before.items():
            if family.type == "counter":
                for labels, value in family.samples.items():
                    self.assertGreaterEqual(after[name].samples[labels], value, name)

    def promtool(self, *words, **options):
        program = shutil.which("promtool") or self.skipTest("no promtool: Debian's package prometheus")
        done = subprocess.run([program, *words], text=True, capture_output=True, timeout=TIMEOUT_S, check=False,
                              **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_promtool_finds_nothing_to_say_of_the_metrics(self):
        self.assertEqual(self.promtool("check", "metrics", input=self.ask("/metrics")[1]), "")

    def test_alerts_are_raised_by_what_they_are_for(self):
        self.promtool("check", "rules", ALERTS)
        self.promtool("test", "rules", "tests/control/http/alerts_test.yml")

    def test_alerts_and_dashboard_ask_for_metrics_that_there_are(self):
        names = set(self.metrics())
        with open(ALERTS, encoding="utf-8") as file:
            expressions = re.findall(r"expr: (.*)", file.read())
        with open(DASHBOARD, encoding="utf-8") as file:
            expressions += [target["expr"] for panel in json.load(file)["panels"]
                            for target in panel.get("targets", [])]
        self.assertGreater(len(expressions), 15)
        for expression in expressions:
            self.assertLessEqual(set(METRIC.findall(expression)), names, expression)

    def test_it_is_healthy_and_becomes_ready(self):
        self.assertEqual(self.ask("/healthz")[1], "ok\n")
        deadline = time.monotonic() + TIMEOUT_S
        while self.ask("/readyz")[0].status != 200:
            self.assertLess(time.monotonic(), deadline)

    def test_status_json_tells_of_an_idle_daemon(self):
        answer, text = self.ask("/api/v1/status.json?any")
        self.assertEqual(answer.getheader("Content-Type"), "application/json")
        status = json.loads(text)
        self.assertEqual(status["schema"], 1)
        self.assertEqual(status["region"]["size_bytes"], 16 << 20)
        self.assertEqual([peer["kind"] for peer in status["peers"]], ["host"])
        self.assertEqual([slot["slot"] for slot in status["slots"]], [0])

    def test_the_page_is_all_its_own(self):
        answer, page = self.ask("/")
        self.assertEqual(answer.getheader("Content-Type"), "text/html; charset=utf-8")
        policy = answer.getheader("Content-Security-Policy")
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
        for text in (page, self.ask("/status.css")[1], self.ask("/status.js")[1]):
            self.assertNotRegex(text.replace("http://www.w3.org/2000/svg", ""), r"https?:|//[a-z]+\.|@import|url\(")
        self.assertNotRegex(page, r"<style|\sstyle=|\son\w+=|<script>|innerHTML")
        self.assertNotRegex(self.ask("/status.js")[1], r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b")
        for path in re.findall(r'(?:href|src)="([^"]+)"', page):
            self.assertEqual(self.ask("/" + path)[0].status, 200, path)

    def test_head_tells_as_much_as_get_and_a_connection_stays(self):
        connection = self.connect()
        for path in ("/", "/status.css", "/status.js"):
            got, body = self.ask(path, connection=connection)
            head, nothing = self.ask(path, method="HEAD", connection=connection)
            self.assertEqual((head.status, nothing), (200, ""))
            self.assertEqual(head.getheader("Content-Length"), str(len(body.encode())))
            self.assertEqual(got.getheader("Connection"), "keep-alive")

    def test_only_get_and_head_are_allowed(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            for path in PATHS:
                answer, _ = self.ask(path, method=method)
                self.assertEqual((answer.status, answer.getheader("Allow")), (405, "GET, HEAD"))

    def test_other_paths_are_not_found(self):
        for path in ("/x", "/metrics/", "//", "/../etc/passwd", "/%2e%2e/etc/passwd", "/status.html", "/api/v1/"):
            answer, text = self.ask(path)
            self.assertEqual(answer.status, 404)
            self.assertIn("/metrics", text)

    def test_a_strangers_page_cannot_read_it_under_another_name(self):
        self.assertEqual(self.ask("/metrics", Host="evil.example")[0].status, 421)
        self.assertEqual(self.ask("/metrics", Host=f"localhost:{self.port}")[0].status, 200)

    def test_garbage_is_refused_and_disturbs_nobody(self):
        for garbage, status in ((b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400"), (b"GET /\r\n\r\n", b"400"),
                                (b"GET / HTTP/9.9\r\n\r\n", b"505"), (b"\0" * 100_000, b"431"),
                                (b"GET /" + b"a" * 100_000, b"431"),
                                (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n", b"431"),
                                (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", b"413")):
            self.assertTrue(self.raw(garbage).startswith(b"HTTP/1.1 " + status), garbage[:40])
        self.assertEqual(self.ask("/healthz")[0].status, 200)

    def test_idle_connections_block_nobody_and_do_not_pile_up(self):
        before = self.metrics()["process_open_fds"].value()
        with contextlib.ExitStack() as idle:
            for i in range(500):
                connection = idle.enter_context(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(b"GET /healthz HT" if i % 2 else b"")
            start = time.monotonic()
            self.assertEqual(self.ask("/healthz")[0].status, 200)
            self.assertLess(time.monotonic() - start, 5)
            self.assertLess(self.metrics()["process_open_fds"].value(), before + 100)

    def test_a_stopped_daemon_ends_at_once_though_somebody_listens(self):
        daemon = Tombolod(TOMBOLOD, "--size", "16M", "--http", "localhost:0")
        port = int(re.search(r"http://localhost:(\d+)/", daemon.log()).group(1))
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S):
            start = time.monotonic()
            self.assertEqual(daemon.stop(), (0, []))
        self.assertLess(time.monotonic() - start, 5)


class AddressTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="status_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)

    def fails(self, address, code, saying):
        done = subprocess.run([TOMBOLOD, "--runtime-dir", self.folder + "/run", "--size", "16M", "--http", address],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)

    def test_a_bad_address_is_told(self):
        for bad in ("9477", "localhost", "example.org:80", "127.0.0.1:66000", "127.0.0.1:", "::1:80", "unix:"):
            self.fails(bad, EXIT_USAGE, f"'{bad}' is no address; write 127.0.0.1:PORT, [::1]:PORT or unix:/PATH.")

    def test_an_address_that_is_taken_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.fails(address, EXIT_FAILED, f"another program listens at {address}")

    def test_without_the_flag_nothing_listens(self):
        daemon = Tombolod(TOMBOLOD, "--size", "16M")
        self.addCleanup(daemon.stop)
        self.assertNotIn("status:", daemon.log())

    def test_a_public_address_is_warned_of(self):
        daemon = Tombolod(TOMBOLOD, "--size", "16M", "--http", "0.0.0.0:0")
        self.addCleanup(daemon.stop)
        self.assertIn("0.0.0.0:0 is no loopback address", daemon.log())

    def test_a_unix_socket_is_for_its_group_and_goes_with_the_daemon(self):
        path = self.folder + "/http.sock"
        daemon = Tombolod(TOMBOLOD, "--size", "16M", "--http", "unix:" + path)
        with contextlib.ExitStack() as running:
            running.callback(daemon.stop)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
            client = running.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    TOMBOLOD, ALERTS, DASHBOARD = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(verbosity=2)
