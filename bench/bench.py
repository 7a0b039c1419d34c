#!/usr/bin/python3
"""bench.py NAME [--quick]: measures, prints a table, and writes bench/out/NAME.json and NAME.svg. `./dev bench` builds
the programs and calls it."""

import argparse
from pathlib import Path

import comparison
import transport_bench

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench/out"
PROGRAMS = ROOT / "bazel-bin/bench"

BENCHES = {"transport": transport_bench}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="a few rounds only: to see that it works")
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    remarks, comparisons, _ = BENCHES[arguments.name].run(PROGRAMS, arguments.quick)
    print("\n" + "\n".join(remarks) + "\n\n" + comparison.table(comparisons) + "\n")
    results = OUT / f"{arguments.name}.json"
    comparison.write_json(comparisons, results)
    print(f"written: {results.relative_to(ROOT)}")


main()
