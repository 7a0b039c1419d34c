"""Documents and models that name functions and constants of the code: each must exist."""

import re
from typing import Dict, Iterator, Set

from tree import Tree, Violation

DOCUMENTS = ('docs/wakeup.md',)
MODELS = 'tests/models/'
CODE_FOLDERS = ('transport/', 'control/')

_MEMBER = re.compile(r'\b([A-Z]\w+)::(~?[A-Z]\w+)')
_CONSTANT = re.compile(r'`(k[A-Z]\w+)`')
_TYPE = re.compile(r'^(?:class|struct) (?:alignas\(\w+\) )?(\w+)[^;]*\{', re.MULTILINE)
_WORD = re.compile(r'~?\w+')


def check(tree: Tree) -> Iterator[Violation]:
    words_of, all_words = _words_of_types(tree)
    for path in tree.with_suffix('.md', '.pml'):
        if path not in DOCUMENTS and not path.startswith(MODELS):
            continue
        for number, line in enumerate(tree.read(path).split('\n'), 1):
            for name, member in _MEMBER.findall(line):
                if member not in words_of.get(name, set()):
                    yield Violation(path, number, f'the code has no {name}::{member}')
            for constant in _CONSTANT.findall(line):
                if constant not in all_words:
                    yield Violation(path, number, f'the code has no {constant}')


def _words_of_types(tree: Tree) -> 'tuple[Dict[str, Set[str]], Set[str]]':
    """What each type's header says, by the type's name; and what all of them say."""
    words_of: Dict[str, Set[str]] = {}
    all_words: Set[str] = set()
    for path in tree.with_suffix('.h'):
        if not path.startswith(CODE_FOLDERS):
            continue
        code = '\n'.join(tree.code_lines(path))
        words = set(_WORD.findall(code))
        all_words |= words
        for name in _TYPE.findall(code):
            words_of.setdefault(name, set()).update(words)
    return words_of, all_words
