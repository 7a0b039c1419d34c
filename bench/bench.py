#!/usr/bin/python3
"""bench.py NAME [--quick]: measures, prints a table, and writes bench/out/NAME.json and NAME.svg. `./dev bench` builds
the programs and calls it."""

import argparse
from pathlib import Path

import comparison
import kv_bench
import kv_guests_bench
import kv_memcaslap_bench
import kv_miss_bench
import mpi_bench
import picture
import transport_bench

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench/out"
BINARIES = ROOT / "bazel-bin"

BENCHES = {"transport": transport_bench, "mpi": mpi_bench, "kv": kv_bench, "kv-memcaslap": kv_memcaslap_bench,
           "kv-miss": kv_miss_bench, "kv-guests": kv_guests_bench}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="a few rounds only: to see that it works")
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    result = BENCHES[arguments.name].run(BINARIES, arguments.quick)
    print("\n" + "\n".join(result.remarks) + "\n\n" + comparison.table(result.comparisons) + "\n")
    table_file, picture_file = OUT / f"{arguments.name}.json", OUT / f"{arguments.name}.svg"
    comparison.write_json(result.comparisons, table_file)
    picture.draw(result.panels, picture_file)
    print(f"written: {table_file.relative_to(ROOT)}, {picture_file.relative_to(ROOT)}")


main()
