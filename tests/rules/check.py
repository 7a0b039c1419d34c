#!/usr/bin/python3
"""Checks the whole tree against the house rules: check.py ROOT. Exit code 1 when one is broken."""

import sys
from typing import List

import include_rule
import layout_rule
import name_rule
import style_rule
from tree import Tree, Violation


def violations(root: str) -> List[Violation]:
    tree = Tree(root)
    return [found for rule in (include_rule, style_rule, layout_rule, name_rule) for found in rule.check(tree)]


def main() -> int:
    if len(sys.argv) != 2:
        print('usage: check.py ROOT', file=sys.stderr)
        return 2
    found = violations(sys.argv[1])
    for violation in found:
        print(violation)
    print(f'{len(found)} violations of the house rules')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
