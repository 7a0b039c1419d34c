"""Counts the test targets of one `bazel test` from the events that it writes as JSON, one per line."""

import json
from typing import Dict, Iterator, NamedTuple

GOOD = ('PASSED', 'FLAKY')


class Count(NamedTuple):
    passed: int
    failed: int


def count(events_path: str, exit_code: int) -> Count:
    """A test that has no good summary failed: it may have been impossible to build, or to start.

    When Bazel failed for another reason (a package that does not load, a library that does not build),
    that counts as one failure more.
    """
    tests, good = set(), set()
    for event in _events(events_path):
        identity = event.get('id', {})
        configured = identity.get('targetConfigured')
        summary = identity.get('testSummary')
        if configured and _is_test(event):
            tests.add(configured['label'])
        if summary and event.get('testSummary', {}).get('overallStatus') in GOOD:
            good.add(summary['label'])
    failed = len(tests | good) - len(good)
    return Count(len(good), failed or int(exit_code != 0))


def _is_test(event: Dict) -> bool:
    # "cc_test rule"; a test_suite stands for others.
    return event.get('configured', {}).get('targetKind', '').endswith('_test rule')


def _events(path: str) -> Iterator[Dict]:
    try:
        with open(path, encoding='utf-8') as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    return  # Cut off: Bazel was stopped.
    except FileNotFoundError:
        return
