#!/usr/bin/python3
"""What `./run` prints: its figures come from NetPIPE's table, and a step that fails says which it is."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts/main_job"), str(ROOT / "tests/vm")]

import netpipe  # noqa: E402
import result_table  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from netpipe import Measurement  # noqa: E402
from steps import Steps  # noqa: E402


def printed(call) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        call()
    return output.getvalue()


class NetpipeTest(unittest.TestCase):
    def test_half_a_round_trip_comes_from_the_megabits(self):
        # 8 bytes in 2 us are 30.5 Mbps of 2^20 bits; the third column is rounded.
        self.assertAlmostEqual(netpipe.parse_seconds("      8  30.517578   0.00000200\n"), 2e-6, delta=1e-12)

    def test_bandwidth_is_in_millions_of_bytes(self):
        measured = netpipe.measurement("tombolo", 2e-6, (1 << 20) / 600e6)
        self.assertAlmostEqual(measured.latency_us, 2)
        self.assertAlmostEqual(measured.bandwidth_mbytes, 600)

    def test_of_several_rounds_the_median_counts(self):
        rounds = [Measurement("tcp", latency, bandwidth) for latency, bandwidth in ((9, 1), (1, 5), (2, 9))]
        self.assertEqual(netpipe.median(rounds), Measurement("tcp", 2, 5))


class ResultTableTest(unittest.TestCase):
    def test_ratios_say_which_way_they_go(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "result.json"
            ours, tcp = Measurement("tombolo", 5, 600), Measurement("tcp", 150, 1200)
            text = printed(lambda: result_table.show([ours, tcp], file))
            rows = {row["name"]: row for row in json.loads(file.read_text())}
        self.assertRegex(text, r"latency at 8 B +5\.00 us +150\.00 us +30\.0 x better")
        self.assertRegex(text, r"bandwidth at 1 MiB +600 MB/s +1200 MB/s +2\.0 x worse")
        self.assertAlmostEqual(rows["latency_8B"]["ratio"], 1 / 30)
        self.assertAlmostEqual(rows["bandwidth_1MiB"]["ratio"], 0.5)


class StepsTest(unittest.TestCase):
    def test_a_step_that_fails_says_which_and_why(self):
        steps = Steps(2, 60)
        self.addCleanup(steps.finish)

        def fail():
            with steps.step("Boot"):
                pass
            with steps.step("Join"):
                raise LabError("its log is /x")

        with self.assertRaises(LabError) as failure:
            printed(fail)
        self.assertEqual(str(failure.exception), "step 2 (Join) failed: its log is /x")


if __name__ == "__main__":
    unittest.main()
