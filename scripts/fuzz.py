#!/usr/bin/python3
"""Builds the fuzz targets of tests/fuzz and lets libFuzzer run all of them, two at a time.

Usage: scripts/fuzz.py [SECONDS] [TARGET...]

SECONDS: for each target, 60 unless it is said. TARGET: such as channel, or channel/hostile, where every load
of a shared word gives what the fuzzer likes; all unless one is named.

Corpora stay in out/fuzz/corpus, so a later run goes on where this one ended; inputs that crash or hang are in
out/fuzz/found, and `out/fuzz/bin/TARGET [--hostile] FILE` repeats one. The last line is "N passed, M failed".
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from typing import List, NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, 'out', 'fuzz')

DEFAULT_SECONDS = 60
AT_ONCE = 2
MAX_INPUT_BYTES = 4096
# One input does at most some hundred steps: even under sanitizers on a busy machine that is no second's work.
INPUT_TIMEOUT_SECONDS = 25
MEMORY_LIMIT_MIB = 1024
# On top of the time that the target is given: start, seeds, and the last input.
GRACE_SECONDS = 120

BAZEL = ['--noshow_progress', '--noshow_loading_progress', '--ui_event_filters=-info']


class Target(NamedTuple):
    label: str
    is_hostile: bool

    def program(self) -> str:
        return self.label.split(':')[1][:-len('_fuzz')]

    def name(self) -> str:
        return self.program() + ('/hostile' if self.is_hostile else '')

    def command(self) -> List[str]:
        return [os.path.join(OUT, 'bin', self.program()), *(['--hostile'] if self.is_hostile else [])]

    def path(self, kind: str) -> str:
        return os.path.join(OUT, kind, self.name().replace('/', '-'))


class Result(NamedTuple):
    target: Target
    executions: int
    coverage: int
    found: List[str]
    is_good: bool


def find_targets() -> List[Target]:
    targets = []
    for tag, is_hostile in (('fuzz', False), ('hostile', True)):
        query = f'attr(tags, "\\b{tag}\\b", kind(cc_binary, //tests/fuzz/...))'
        labels = subprocess.run(['bazel', 'query', *BAZEL, query], cwd=ROOT, check=True, text=True,
                                stdout=subprocess.PIPE).stdout.split()
        targets += [Target(label, is_hostile) for label in sorted(labels)]
    return targets


def build(targets: List[Target]) -> bool:
    """Copied away, because other builds use the same names below bazel-bin."""
    os.makedirs(os.path.join(OUT, 'bin'), exist_ok=True)
    programs = {target.label: target.command()[0] for target in targets}
    command = ['bazel', 'build', *BAZEL, '--config=fuzz', *programs]
    print('+ ' + ' '.join(command), flush=True)
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        return False
    for label, program in programs.items():
        if os.path.exists(program):
            os.remove(program)
        shutil.copy(os.path.join(ROOT, 'bazel-bin', label[2:].replace(':', '/')), program)
    return True


def run(target: Target, seconds: int) -> Result:
    for kind in ('corpus', 'found'):
        os.makedirs(target.path(kind), exist_ok=True)
    before = set(os.listdir(target.path('found')))
    command = [*target.command(), f'-max_total_time={seconds}', f'-max_len={MAX_INPUT_BYTES}',
               f'-timeout={INPUT_TIMEOUT_SECONDS}', f'-rss_limit_mb={MEMORY_LIMIT_MIB}',
               '-print_final_stats=1', f'-artifact_prefix={target.path("found")}/', target.path('corpus')]
    environment = dict(os.environ, TOMBOLO_FUZZ_SEEDS=target.path('corpus'))
    try:
        done = subprocess.run(command, cwd=OUT, env=environment, stdin=subprocess.DEVNULL, text=True, errors='replace',
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + GRACE_SECONDS,
                              check=False)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b'').decode(errors='replace') + '\nerror: it did not end in time\n', 1
    log = target.path('bin') + '.log'
    with open(log, 'w', encoding='utf-8') as file:
        file.write(output)
    if code != 0:
        print(f'--- {target.name()} failed; all of it is in {log}', flush=True)
        print('\n'.join(output.splitlines()[-60:]), flush=True)
    found = sorted(set(os.listdir(target.path('found'))) - before)
    return Result(target, last_number(r'stat::number_of_executed_units: (\d+)', output),
                  last_number(r'cov: (\d+)', output), found, code == 0)


def last_number(pattern: str, text: str) -> int:
    numbers = re.findall(pattern, text)
    return int(numbers[-1]) if numbers else 0


def print_table(results: List[Result]) -> None:
    print(f'\n{"target":24} {"executions":>12} {"coverage":>9}  found')
    for result in results:
        found = ', '.join(result.found) or ('' if result.is_good else 'failed')
        print(f'{result.target.name():24} {result.executions:12} {result.coverage:9}  {found}')


def main() -> int:
    arguments = sys.argv[1:]
    seconds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else DEFAULT_SECONDS
    targets = find_targets()
    unknown = set(arguments) - {target.name() for target in targets}
    if unknown:
        print(f'error: no target {", ".join(sorted(unknown))}; there are '
              f'{", ".join(target.name() for target in targets)}.', file=sys.stderr)
        return 2
    targets = [target for target in targets if not arguments or target.name() in arguments]
    if not build(targets):
        print(f'0 passed, {len(targets)} failed')
        return 1
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda target: run(target, seconds), targets))
    print_table(results)
    failed = sum(not result.is_good for result in results)
    print(f'{len(results) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
