#!/usr/bin/python3
"""Every N-th system call fails, or does less than was asked, on the attach, join and tunnel paths:
nothing crashes, hangs or leaks.

Usage: faults_test.py [--long] [SCENARIO...]    scenarios by a part of their name

The programs are those of bazel-bin, or of the folder $TOMBOLO_BIN. The short form lets each kind of call
fail a few times; --long all of them, with every error. The last line is "N passed, M failed".
"""

import os
import sys
import time

from inject import Fault, ShortCall
from scenarios import ALL, SHORT, World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TOMBOLO_BIN", os.path.join(ROOT, "bazel-bin"))
PROGRAMS = {"tombolod": "control/daemon/tombolod", "tombolo-agent": "control/agent/tombolo-agent",
            "tombolo": "control/cli/tombolo", "hello": "examples/hello"}
SHORT_CALLS_LIBRARY = os.path.join(BIN, "tests/faults/short_calls.so")
SHORT_CALLS = 5
LONG_CALLS = 400


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0


def run_one(scenario, fault, count):
    """Whether the fault happened: if not, the program makes fewer such calls."""
    try:
        trace = scenario.check(fault)
    except AssertionError as error:
        count.failed += 1
        print(f"FAILED  {scenario.name}: {fault}: {error}", flush=True)
        return True
    count.passed += 1
    return bool(trace.injected())


def run_short_calls(scenario, is_long, count):
    for call, errors in SHORT.items():
        for error in errors:
            for n in range(1, 1 + (LONG_CALLS if is_long else SHORT_CALLS)):
                if not run_one(scenario, ShortCall(call, error, n, SHORT_CALLS_LIBRARY), count):
                    break


def run_scenario(scenario, is_long, count):
    # Once without any fault: how it should be, and what ld.so does.
    clean = scenario.check(None, ",".join([*scenario.faults, "munmap"]))
    run_short_calls(scenario, is_long, count)
    for call, errors in scenario.faults.items():
        first = clean.calls_of_loader(call) + 1
        most = min(scenario.most_calls.get(call, LONG_CALLS), LONG_CALLS if is_long else SHORT_CALLS)
        for error in errors if is_long else errors[:1]:
            for n in range(first, first + most):
                if not run_one(scenario, Fault(call, error, n), count):
                    break


def main():
    words = sys.argv[1:]
    is_long = "--long" in words
    wanted = [word for word in words if word != "--long"]
    programs = {name: os.path.join(BIN, path) for name, path in PROGRAMS.items()}
    count = Count()
    for kind in ALL:
        if wanted and not any(word in kind.name for word in wanted):
            continue
        begin, before = time.monotonic(), count.passed + count.failed
        world = World(programs)
        scenario = kind(world)
        try:
            run_scenario(scenario, is_long, count)
        finally:
            scenario.close()
            world.close()
        print(f"{kind.name}: {count.passed + count.failed - before} faults in "
              f"{time.monotonic() - begin:.0f} s", flush=True)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
