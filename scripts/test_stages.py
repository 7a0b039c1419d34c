#!/usr/bin/python3
"""The stages of ./test: each is timed, counted and summed up, and none can run for ever.

Tests that Bazel runs count one by one and per configuration, those with virtual machines one by one; a check
counts as one. Whatever could not be
built or did not end counts as failed. The last line is "N passed, M failed".
"""

import os
import re
import subprocess
import sys
import time
from typing import Callable, List, NamedTuple, Sequence

import bazel_results
from bazel_results import Count

OUT = 'out/test'
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Quiet while it works; errors, logs of failed tests and the list of results remain.
BAZEL = ['--keep_going', '--noshow_progress', '--noshow_loading_progress', '--ui_event_filters=-info']

# What other versions of QEMU are tried with: what they do to the device.
OTHER_QEMU = ['exchanges', 'hot_unplug']


class Stage(NamedTuple):
    name: str
    what: str
    deadline_seconds: int
    run: Callable[[int], Count]


def bazel_tests(name: str, *arguments: str, targets: Sequence[str] = ('//...',)) -> Callable[[int], Count]:
    """`bazel test` of all of `targets` that `arguments` leave."""
    def run(deadline_seconds: int) -> Count:
        events = f'{OUT}/{name}.json'
        if os.path.exists(events):
            os.remove(events)
        code = call(['bazel', 'test', *BAZEL, f'--build_event_json_file={events}', *arguments, *targets],
                    deadline_seconds)
        return bazel_results.count(events, code)
    return run


def check(*commands: List[str]) -> Callable[[int], Count]:
    """Commands that all have to succeed; the ones after a failure are not run."""
    def run(deadline_seconds: int) -> Count:
        good = all(call(command, deadline_seconds) == 0 for command in commands)
        return Count(1, 0) if good else Count(0, 1)
    return run


def counting_program(*command: str) -> Callable[[int], Count]:
    """A program whose last line is "N passed, M failed"; without such a line it failed."""
    def run(deadline_seconds: int) -> Count:
        print('+ ' + ' '.join(command), flush=True)
        last_line = ''
        with subprocess.Popen(limited(command, deadline_seconds), cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as program:
            for last_line in program.stdout:
                print('  ' + last_line, end='', flush=True)
        match = re.fullmatch(r'(\d+) passed, (\d+) failed\n?', last_line)
        if not match:
            return Count(0, 1)
        return Count(int(match[1]), int(match[2]) or int(program.returncode != 0))
    return run


def arm64_tests(deadline_seconds: int) -> Count:
    if call(['scripts/arm64_sysroot.sh'], deadline_seconds) != 0:
        return Count(0, 1)
    tests = bazel_tests('arm64', '--config=arm64', targets=ARM64_TESTS)(deadline_seconds)
    job = check(['./dev', 'arm64', 'mpi'])(deadline_seconds)
    return Count(tests.passed + job.passed, tests.failed + job.failed)


def limited(command: Sequence[str], deadline_seconds: int) -> List[str]:
    # INT first, so that a program stops what it has started.
    return ['timeout', '--signal=INT', '--kill-after=30', str(deadline_seconds), *command]


def call(command: List[str], deadline_seconds: int) -> int:
    print('+ ' + ' '.join(command), flush=True)
    code = subprocess.run(limited(command, deadline_seconds), cwd=ROOT, stdin=subprocess.DEVNULL,
                          check=False).returncode
    if code in (124, 137):
        print(f'error: it did not end within {deadline_seconds} s', flush=True)
    return code


# What the processor's order of stores and loads, its atomics and its words can break; all else is `./dev arm64 test`.
ARM64_TESTS = (
    '//tests/transport/alloc:all',
    '//tests/transport/region:region_copy_test',
    '//tests/transport/ring:all',
    '//tests/transport/stream:stream_threads_test',
    '//tests/kvcache:torn_read_test',
    '//tests/mpi_btl/engine:one_sided_test',
    '//tests/mpi_btl/engine:rank_engine_test',
)

STAGES = [
    Stage('format', 'clang-format', 60, check(['scripts/format.sh', '--check'])),
    Stage('gcc', 'all tests, built by gcc', 2400, bazel_tests('gcc')),
    Stage('arm64', 'tests built for arm64, in QEMU\'s user mode, and an MPI job of both architectures', 1200, arm64_tests),
    Stage('deb', 'Debian packages, and lintian', 600, check(['./dev', 'deb'])),
    Stage('vm', 'tests with real virtual machines', 1500, counting_program('./dev', 'vm')),
    Stage('vm-10.0', "guests under the QEMU of the release's backports",
          400, counting_program('./dev', 'vm', '--qemu', '10.0', *OTHER_QEMU)),
    Stage('vm-11.1', "guests under the QEMU of the next release's backports",
          400, counting_program('./dev', 'vm', '--qemu', '11.1', *OTHER_QEMU)),
    Stage('v2', 'guests with ivshmem v2 devices', 300, counting_program('./dev', 'v2')),
    Stage('faults', 'the programs while their system calls fail', 600, counting_program('./dev', 'faults')),
    Stage('asan', 'tests under AddressSanitizer and UndefinedBehaviorSanitizer', 2400,
          bazel_tests('asan', '--config=asan')),
    Stage('tsan', 'tests under ThreadSanitizer', 1200, bazel_tests('tsan', '--config=tsan')),
    Stage('fuzz', 'fuzz targets, 20 s each', 1500, counting_program('./dev', 'fuzz', '20')),
    Stage('clang', 'clang, with layering_check, and clang-tidy', 2400, check(['scripts/tidy.sh', '--all'])),
]


def run_stage(stage: Stage) -> Count:
    print(f'\n=== {stage.name}: {stage.what}', flush=True)
    begin = time.monotonic()
    count = stage.run(stage.deadline_seconds)
    seconds = time.monotonic() - begin
    print(f'=== {stage.name}: {count.passed} passed, {count.failed} failed in {seconds:.0f} s', flush=True)
    return count


def main() -> int:
    if sys.argv[1:] == ['--names']:
        print(' '.join(stage.name for stage in STAGES))
        return 0
    unknown = set(sys.argv[1:]) - {stage.name for stage in STAGES}
    if unknown:
        print(f'error: no stage {", ".join(sorted(unknown))}; see ./test --help', file=sys.stderr)
        return 2
    os.makedirs(os.path.join(ROOT, OUT), exist_ok=True)
    os.chdir(ROOT)
    counts = [run_stage(stage) for stage in STAGES if not sys.argv[1:] or stage.name in sys.argv[1:]]
    passed, failed = (sum(numbers) for numbers in zip(*counts))
    print(f'\n{passed} passed, {failed} failed', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
