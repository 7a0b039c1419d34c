"""The source tree as the rules see it: files, their lines, and how a violation is told."""

import os
import re
from typing import Iterator, List, NamedTuple

CODE = ('.cc', '.h', '.c')
SCRIPTS = ('.py', '.sh', '.bzl')
GENERATED_FOLDERS = ('.git', 'out', '__pycache__')


class Violation(NamedTuple):
    path: str
    line: int  # 0: the file as a whole.
    text: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: {self.text}'


class Tree:
    """All files below `root`, by paths relative to it."""

    def __init__(self, root: str):
        self.root = root
        self.paths = sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for folder, subfolders, files in os.walk(self.root):
            subfolders[:] = [name for name in subfolders
                             if name not in GENERATED_FOLDERS and not name.startswith('bazel-')]
            for name in files:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def with_suffix(self, *suffixes: str) -> List[str]:
        return [path for path in self.paths if path.endswith(suffixes)]

    def read(self, path: str) -> str:
        with open(os.path.join(self.root, path), encoding='utf-8') as file:
            return file.read()

    def code_lines(self, path: str) -> List[str]:
        """The lines of a C or C++ file, with comments and string literals blanked out."""
        return _blank_out(self.read(path)).split('\n')


_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.DOTALL)


def _blank_out(text: str) -> str:
    def keep_lines(match: 're.Match') -> str:
        return re.sub(r'[^\n]', ' ', match.group())
    return _NOT_CODE.sub(keep_lines, text)
