#!/usr/bin/python3
"""Checks a Promela model with Spin, as it should be and with each of its seeded bugs: run_model.py MODEL.pml

The model's first comment names what is run:

  RUN name: -DFLAG ...     must have no error, and the search must be complete
  BUG number name: what    the run of that name with -DBUG=number: the checker must find an error

A statement that none of the runs reaches fails the test too: what is never executed proves nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, FrozenSet, List, NamedTuple

_RUN = re.compile(r'^ \* RUN (\w+):(.*)$', re.MULTILINE)
_BUG = re.compile(r'^ \* BUG (\d+) (\w+): (.*)$', re.MULTILINE)
_UNREACHED = re.compile(r'^\t(?:.*/)?(\w+\.pml):(\d+), state \d+, (".*")$', re.MULTILINE)

# -DSAFETY: no liveness here. A bug is found early, so what counts there is the time to compile.
COMPILE = ['gcc', '-w', '-DSAFETY', '-DMEMLIM=3000', '-o', 'pan', 'pan.c']
OPTIMIZE, NO_OPTIMIZE = '-O1', '-O0'
SEARCH = ['./pan', '-m100000']
SEARCH_SECONDS = 600


class Variant(NamedTuple):
    run: str
    flags: List[str]
    bug: int = 0  # 0: none, and no error is expected.
    what: str = 'no error'


class Verdict(NamedTuple):
    variant: Variant
    problem: str  # Empty: as expected.
    states: int
    seconds: float
    unreached: FrozenSet[str]


def variants(model: str) -> List[Variant]:
    runs: Dict[str, List[str]] = {name: flags.split() for name, flags in _RUN.findall(model)}
    good = [Variant(name, flags) for name, flags in runs.items()]
    bugs = [Variant(name, runs[name] + [f'-DBUG={number}'], int(number), what)
            for number, name, what in _BUG.findall(model)]
    return good + bugs


def search(path: str, variant: Variant, folder: str) -> str:
    """What the verifier prints."""
    optimize = NO_OPTIMIZE if variant.bug else OPTIMIZE
    for command in (['spin', '-a', *variant.flags, path], COMPILE + [optimize]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            return f'{" ".join(command)}: {done.stdout}{done.stderr}'
    try:
        done = subprocess.run(SEARCH, cwd=folder, capture_output=True, text=True, timeout=SEARCH_SECONDS)
    except subprocess.TimeoutExpired:
        return f'the search did not end in {SEARCH_SECONDS} s'
    return done.stdout + done.stderr


def trail(path: str, flags: List[str], folder: str) -> str:
    name = os.path.basename(path)
    shutil.copy(os.path.join(folder, name + '.trail'), os.path.join(folder, 'pan.trail'))
    command = ['spin', '-k', 'pan.trail', '-p', '-g', *flags, path]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def judge(output: str, bug: int) -> str:
    """What is wrong with the verifier's answer; empty when nothing is."""
    errors = re.search(r'errors: (\d+)', output)
    if not errors or 'search depth too small' in output:
        return f'the search was not completed:\n{output}'
    found = re.search(r'^pan:\d+: (assertion violated|invalid end state).*$', output, re.MULTILINE)
    if bug:
        return '' if found else 'the checker does not see this bug'
    if errors.group(1) == '0' and 'Search not completed' not in output:
        return ''
    return found.group() if found else output


def check(path: str, variant: Variant) -> Verdict:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        output = search(path, variant, folder)
        problem = judge(output, variant.bug)
        if problem and not variant.bug and os.path.exists(os.path.join(folder, os.path.basename(path) + '.trail')):
            problem += '\n' + trail(path, variant.flags, folder)
    states = re.search(r'([\d.e+]+) states, stored', output)
    unreached = frozenset(f'{file}:{line}: no run reaches {text}'
                          for file, line, text in _UNREACHED.findall(output) if text != '"-end-"')
    return Verdict(variant, problem, int(float(states.group(1))) if states else 0,
                   time.monotonic() - begin, unreached)


def report(verdicts: List[Verdict]) -> int:
    failures = 0
    for verdict in verdicts:
        label = f'bug {verdict.variant.bug}' if verdict.variant.bug else 'as it is'
        print(f'{verdict.variant.run:12} {label:9} {verdict.states:9} states {verdict.seconds:6.1f} s  '
              f'{verdict.problem or "as expected: " + verdict.variant.what}')
        failures += bool(verdict.problem)
    unreached = frozenset.intersection(*(v.unreached for v in verdicts if not v.variant.bug))
    for text in sorted(unreached):
        print(text)
    return failures + len(unreached)


def main() -> int:
    if len(sys.argv) != 2:
        print('usage: run_model.py MODEL.pml', file=sys.stderr)
        return 2
    if not shutil.which('spin'):
        print('spin is not installed; ./dev install installs what the tests need.', file=sys.stderr)
        return 1
    path = os.path.abspath(sys.argv[1])
    with open(path, encoding='utf-8') as file:
        work = variants(file.read())
    bugs = sum(1 for variant in work if variant.bug)
    if bugs == len(work) or bugs < 5:
        print(f'{path} names {len(work) - bugs} runs and {bugs} bugs; at least 1 and 5 are wanted.')
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = report(list(pool.map(lambda variant: check(path, variant), work)))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
