#!/usr/bin/python3
"""What ./test counts, from the events of `bazel test`."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts'))
from bazel_results import Count, count  # noqa: E402


def configured(label: str, kind: str = 'cc_test rule') -> dict:
    return {'id': {'targetConfigured': {'label': label}}, 'configured': {'targetKind': kind}}


def summary(label: str, status: str) -> dict:
    return {'id': {'testSummary': {'label': label}}, 'testSummary': {'overallStatus': status}}


class BazelResultsTest(unittest.TestCase):
    def count(self, *events: dict, exit_code: int = 0, tail: str = '') -> Count:
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write(''.join(json.dumps(event) + '\n' for event in events) + tail)
            file.flush()
            return count(file.name, exit_code)

    def test_passed_and_failed_tests_are_counted(self):
        events = [configured('//a'), configured('//b'), configured('//c', 'sh_test rule'),
                  summary('//a', 'PASSED'), summary('//b', 'FAILED'), summary('//c', 'TIMEOUT')]
        self.assertEqual(self.count(*events, exit_code=3), Count(1, 2))

    def test_what_is_no_test_does_not_count(self):
        events = [configured('//a'), configured('//lib', 'cc_library rule'), summary('//a', 'PASSED')]
        self.assertEqual(self.count(*events), Count(1, 0))

    def test_a_test_that_was_not_built_failed(self):
        self.assertEqual(self.count(configured('//a'), configured('//b'), summary('//a', 'PASSED'), exit_code=1),
                         Count(1, 1))

    def test_a_broken_build_of_something_else_is_one_failure(self):
        self.assertEqual(self.count(configured('//a'), summary('//a', 'PASSED'), exit_code=1), Count(1, 1))

    def test_bazel_that_did_not_even_start_is_one_failure(self):
        self.assertEqual(count('/nowhere/events.json', 37), Count(0, 1))

    def test_events_that_are_cut_off_count_as_far_as_they_go(self):
        events = [configured('//a'), configured('//b'), summary('//a', 'PASSED')]
        self.assertEqual(self.count(*events, exit_code=8, tail='{"id":{"testSum'), Count(1, 1))

    def test_a_test_that_passed_at_a_second_try_passed(self):
        self.assertEqual(self.count(configured('//a'), summary('//a', 'FLAKY')), Count(1, 0))


if __name__ == '__main__':
    unittest.main()
