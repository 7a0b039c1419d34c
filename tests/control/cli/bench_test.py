#!/usr/bin/python3
"""`tombolo bench`: what it measures against a server of its own, as processes.

Usage: bench_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, "tests/support")
from forwarding import eventually
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3
LARGEST = 4 << 20
SVG = "{http://www.w3.org/2000/svg}"


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "32M")
        self.addCleanup(lambda: self.daemon and self.daemon.stop())

    def start(self, *words):
        process = subprocess.Popen([TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "bench", *words],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def serve(self):
        server = self.start("--serve")
        self.assertIn("serving in slot 0", server.stdout.readline())
        return server

    def bench(self, *words, code=GOOD):
        """What it printed: to stdout if it should succeed, else to stderr."""
        process = self.start(*words)
        out, said = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, code, said)
        self.assertEqual(said == "", code == GOOD, said)
        return said or out

    def test_figures_are_told_for_every_size(self):
        self.serve()
        told = json.loads(self.bench("0", "--json", "--seconds", "0.005", "--sizes", f"{LARGEST},8,1000,1,40000"))
        self.assertEqual([one["bytes"] for one in told["sizes"]], [1, 8, 1000, 40000, LARGEST])
        for one in told["sizes"]:
            self.assertGreaterEqual(one["round_trips"], 5)
            self.assertTrue(0 < one["latency_min_ns"] <= one["latency_median_ns"] <= one["latency_p99_ns"], one)
            self.assertAlmostEqual(one["bytes_per_second"], one["messages_per_second"] * one["bytes"],
                                   delta=one["bytes_per_second"] / 1000)
        # 4 MiB cannot be where 8 B are: all of it is written and read.
        self.assertGreater(told["sizes"][4]["latency_min_ns"], 10 * told["sizes"][1]["latency_min_ns"])

    def test_all_sizes_by_default_as_a_table(self):
        self.serve()
        lines = self.bench("0", "--seconds", "0.001").splitlines()
        self.assertEqual(lines[0].split(), ["SIZE", "MIN", "us", "MEDIAN", "us", "P99", "us", "MESSAGES/s", "MB/s"])
        self.assertEqual(len(lines), 1 + 20)
        self.assertTrue(lines[1].startswith("8 B ") and lines[20].startswith("4 MiB "), lines)

    def test_the_drawing_has_two_curves(self):
        self.serve()
        with tempfile.NamedTemporaryFile(suffix=".svg") as file:
            self.bench("0", "--seconds", "0.001", "--sizes", "8,64,512", "--svg", file.name)
            drawing = xml.etree.ElementTree.parse(file.name).getroot()
        self.assertEqual(drawing.tag, SVG + "svg")
        curves = [curve.get("points").split() for curve in drawing.iter(SVG + "polyline")]
        self.assertEqual([len(points) for points in curves], [3, 3])
        width, height = (float(drawing.get(name)) for name in ("width", "height"))
        for place in sum(curves, []):
            x, y = map(float, place.split(","))
            self.assertTrue(0 < x < width and 0 < y < height, place)
        self.assertIn("cannot write /nowhere/plot.svg",
                      self.start("0", "--seconds", "0", "--sizes", "8", "--svg", "/nowhere/plot.svg").communicate()[1])

    def test_two_may_measure_at_the_same_time(self):
        self.serve()
        words = ("0", "--seconds", "0.05", "--sizes", "8,100000", "--json")
        both = [self.start(*words) for _ in range(2)]
        for process in both:
            out, said = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual((process.returncode, said, len(json.loads(out)["sizes"])), (GOOD, "", 2))

    def test_a_server_that_ends_is_told(self):
        server = self.serve()
        client = self.start("0", "--seconds", "3600", "--sizes", "8")
        with_client = lambda: "tombolo-bench" in subprocess.run(
            [TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "peers"], capture_output=True, text=True,
            check=True).stdout
        self.assertTrue(eventually(with_client))
        server.kill()
        _, said = client.communicate(timeout=TIMEOUT_S)
        self.assertEqual(client.returncode, FAILED, said)
        self.assertRegex(said, "has ended|is not alive|departed|nobody answers")

    def test_the_server_ends_in_order_when_it_is_asked_to(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.serve()
            server.send_signal(number)
            self.assertEqual(server.communicate(timeout=TIMEOUT_S)[1], "")
            self.assertEqual(server.returncode, GOOD)

    def test_the_server_ends_with_its_daemon(self):
        server = self.serve()
        daemon, self.daemon = self.daemon, None
        daemon.stop()
        self.assertIn("the broker that this endpoint was attached to is gone",
                      server.communicate(timeout=TIMEOUT_S)[1])
        self.assertEqual(server.returncode, NOT_RUNNING)

    def test_what_cannot_be_measured_is_said(self):
        self.assertIn("start `tombolo bench --serve`", self.bench("0", code=FAILED))
        self.assertIn("there is no slot 99", self.bench("99", code=USAGE))
        self.assertIn("which slot", self.bench(code=USAGE))
        self.assertIn("--sizes", self.bench("0", "--sizes", "8,4194305", code=USAGE))
        self.assertIn("--sizes", self.bench("0", "--sizes", "0", code=USAGE))
        self.assertIn("excludes", self.bench("--serve", "0", code=USAGE))
        process = subprocess.run([TOMBOLO, "--runtime-dir", "/nowhere", "bench", "0"], capture_output=True,
                                 check=False)
        self.assertEqual(process.returncode, NOT_RUNNING)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
    unittest.main(verbosity=2)
