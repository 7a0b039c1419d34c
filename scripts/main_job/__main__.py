"""The main job; `./run` builds what it needs and starts it. See vm_job.py and host_job.py for what it does."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/vm"), str(ROOT / "tests/support")]

import host_job  # noqa: E402
import vm_job  # noqa: E402
from keep import refuse_if_kept  # noqa: E402
from lab import containment  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from programs import Programs, fresh_folder  # noqa: E402
from steps import Steps  # noqa: E402

WORK = ROOT / "out/run"
HOST_STEPS, HOST_SECONDS = 3, 180
VM_STEPS, VM_SECONDS = 10, 480


def job(arguments: argparse.Namespace) -> int:
    fresh_folder(WORK)
    programs = Programs.copy(ROOT / "bazel-bin", WORK / "bin")
    if arguments.host:
        host_job.run(WORK, programs, Steps(HOST_STEPS, HOST_SECONDS))
    else:
        vm_job.run(WORK, programs, Steps(VM_STEPS, VM_SECONDS), arguments.keep)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("--host", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        refuse_if_kept(WORK)
        return containment.run(lambda: job(arguments))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


sys.exit(main())
