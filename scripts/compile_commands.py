#!/usr/bin/python3
"""Turns Bazel's own account of its compilations into a compile_commands.json.

  bazel aquery --config=clang --output=jsonproto 'mnemonic("CppCompile", //...)' |
    scripts/compile_commands.py WORKSPACE EXECUTION_ROOT > out/compile_commands.json

Paths are those of the workspace, so that tools name files as people do. Module maps stay, so that a tool made of
clang checks layering as the compiler does.
"""

import json
import sys
from typing import Dict, Iterator, List

# What concerns only the way Bazel runs the compiler.
FLAGS_WITH_VALUE = ('-o', '-MF', '-c')
FLAG_BEGINNINGS = ('-MD', '-frandom-seed=', '-fcolor-diagnostics', '-D__')


def source_of(arguments: List[str]) -> str:
    return arguments[arguments.index('-c') + 1]


def useful(arguments: List[str], execution_root: str) -> Iterator[str]:
    remaining = iter(arguments)
    for argument in remaining:
        if argument in FLAGS_WITH_VALUE:
            next(remaining)
        elif argument == '-iquote':
            yield from include_folder(next(remaining), execution_root)
        elif not argument.startswith(FLAG_BEGINNINGS):
            yield with_folder(argument, execution_root)


def with_folder(argument: str, execution_root: str) -> str:
    flag, equals, value = argument.partition('=')
    if flag == '-fmodule-map-file':
        return f'{flag}{equals}{execution_root}/{value}'
    return f'{execution_root}/{argument}' if is_outside(argument) else argument


def include_folder(folder: str, execution_root: str) -> List[str]:
    """Folders outside of the workspace hold what others wrote or generated: system headers to a tool."""
    return ['-isystem', f'{execution_root}/{folder}'] if is_outside(folder) else ['-iquote', folder]


def is_outside(path: str) -> bool:
    return path.startswith(('external/', 'bazel-out/'))


def commands(actions: List[Dict], workspace: str, execution_root: str) -> Iterator[Dict]:
    seen = set()
    for action in actions:
        source = source_of(action['arguments'])
        if source in seen or source.startswith('bazel-out/'):
            continue
        seen.add(source)
        arguments = list(useful(action['arguments'], execution_root)) + ['-c', source]
        yield {'directory': workspace, 'file': source, 'arguments': arguments}


def main() -> int:
    if len(sys.argv) != 3:
        print('usage: compile_commands.py WORKSPACE EXECUTION_ROOT < aquery.json', file=sys.stderr)
        return 2
    actions = json.load(sys.stdin).get('actions', [])
    json.dump(list(commands(actions, *sys.argv[1:])), sys.stdout, indent=1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
