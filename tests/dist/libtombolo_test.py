#!/usr/bin/python3
"""libtombolo_test.py LIBRARY HEADER...: what is visible in the library is what its headers declare, and nothing else."""

import re
import subprocess
import sys
import unittest
from typing import List, Set

VERSION = 'TOMBOLO_0'
_COMMENT = re.compile(r'/\*.*?\*/', re.DOTALL)
_TYPEDEF = re.compile(r'typedef [^;{]*(?:\{.*?\}[^;]*)?;', re.DOTALL)
_FUNCTION = re.compile(r'\b(tombolo_\w+)\(')


def declared(headers: List[str]) -> Set[str]:
    names: Set[str] = set()
    for path in headers:
        with open(path, encoding='utf-8') as header:
            code = _TYPEDEF.sub('', _COMMENT.sub('', header.read()))
        names.update(_FUNCTION.findall(code))
    return names


def visible(library: str) -> Set[str]:
    lines = subprocess.run(['nm', '--dynamic', '--defined-only', library], check=True, stdout=subprocess.PIPE, text=True)
    names = {line.split()[-1] for line in lines.stdout.splitlines()}
    # gold leaves visible what libstdc++ has as well.
    return {name for name in names if not name.startswith('_ZNSt')}


class LibtomboloTest(unittest.TestCase):
    def test_what_its_headers_declare_is_visible_and_nothing_else(self) -> None:
        names = declared(HEADERS)
        self.assertGreater(len(names), 40)
        self.assertEqual(visible(LIBRARY), {VERSION} | {f'{name}@@{VERSION}' for name in names})

    def test_its_name_is_that_of_its_file(self) -> None:
        lines = subprocess.run(['readelf', '--dynamic', LIBRARY], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertIn('soname: [libtombolo.so.0]', lines)


if __name__ == '__main__':
    LIBRARY, HEADERS = sys.argv[1], sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
