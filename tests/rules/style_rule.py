"""What a script can see of the house style."""

import re
from typing import Iterator

from include_rule import is_below
from tree import CODE, SCRIPTS, Tree, Violation

MAX_FILE_LINES = 400

# Word -> (where it is allowed, what to do instead). Comments and strings do not count.
WORDS = {
    r'\bvolatile\b': (('transport/device', 'guest/flat'), 'volatile is for device registers; use std::atomic'),
    r'\batomic_thread_fence\b': ((), 'use an ordered access: TSan does not see free-standing fences'),
    r'\batomic_ref\b': ((), 'shared words are SharedWords (transport/layout/shared_word.h)'),
    r'\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(': (
        ('control', 'transport', 'mpi_btl', 'kvcache', 'bench', 'examples'),
        'tests do not sleep to wait: poll with a deadline, or inject the time'),
}
# In transport every access to an atomic names its order.
UNNAMED_ORDER = re.compile(r'\.load\(\s*\)|\.(store|exchange|fetch_\w+)\([^(),]*\)')

# Headers that C includes too keep the guard that every C compiler knows.
C_HEADERS = ('transport/c', 'mpi_btl/component', 'mpi_btl/engine/engine.h', 'mpi_btl/preload',
             'kvcache/client/kvcache.h', 'guest/module', 'guest/flat')


def check(tree: Tree) -> Iterator[Violation]:
    yield from _check_sizes(tree)
    yield from _check_guards(tree)
    for path in tree.with_suffix(*CODE):
        yield from _check_words(tree, path)


def _check_sizes(tree: Tree) -> Iterator[Violation]:
    for path in tree.with_suffix(*CODE, *SCRIPTS):
        lines = tree.read(path).count('\n')
        if lines > MAX_FILE_LINES:
            yield Violation(path, 0, f'has {lines} lines, more than {MAX_FILE_LINES}: split it')


def _check_guards(tree: Tree) -> Iterator[Violation]:
    for path in tree.with_suffix('.h'):
        if any(is_below(path, header) for header in C_HEADERS):
            continue
        if not re.search(r'^#pragma once$', tree.read(path), re.MULTILINE):
            yield Violation(path, 0, 'has no #pragma once')


def _check_words(tree: Tree, path: str) -> Iterator[Violation]:
    for number, line in enumerate(tree.code_lines(path), 1):
        for word, (allowed, text) in WORDS.items():
            if re.search(word, line) and not any(is_below(path, folder) for folder in allowed):
                yield Violation(path, number, text)
        if is_below(path, 'transport') and UNNAMED_ORDER.search(line):
            yield Violation(path, number, 'an access to an atomic names its memory order')
