#!/usr/bin/python3
"""docs/cli.md tells the truth: what each command prints with --json looks like its example there.

Usage: cli_docs_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO TOMBOLO_KV DOCUMENT [unittest's flags]
"""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, "tests/support")
from forwarding import eventually
from tombolo_kv import TomboloKv
from tombolod import Tombolod

TOMBOLOD = AGENT = TOMBOLO = TOMBOLO_KV = DOCUMENT = ""
TIMEOUT_S = 60

HEADING = re.compile(r"^### `tombolo ([a-z0-9 -]+) --json`\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)

# They need a device that only a guest has: tests/vm/v2_test.py compares.
OF_A_DEVICE = {"v2 status", "v2 ping"}

# Fields whose shape depends on what was seen, on which key of the configuration it is, or on the server.
FREE_FIELDS = ("numbers", "value", "statistics")


def examples():
    """Command -> its examples."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    return {command: [json.loads(example) for example in EXAMPLE.findall(section)]
            for command, section in HEADING.findall(text)}


def difference(seen, example, where=""):
    """How `seen` is of another shape than `example`; empty when it is of the same. null stands for anything."""
    if example is None:
        return ""
    if isinstance(seen, dict) and isinstance(example, dict):
        if seen.keys() != example.keys():
            return f"{where} has {sorted(seen)}, the example {sorted(example)}"
        return next(filter(None, (difference(value, example[key], f"{where}.{key}")
                                  for key, value in seen.items() if key not in FREE_FIELDS)), "")
    if isinstance(seen, list) and isinstance(example, list):
        return next(filter(None, (difference_to_any(one, example, f"{where}[]") for one in seen)), "")
    if kind(seen) != kind(example):
        return f"{where} is {seen!r}, in the example {example!r}"
    return ""


def difference_to_any(seen, elements, where):
    differences = [difference(seen, element, where) for element in elements]
    return "" if "" in differences else "; ".join(differences) or f"{where} has no example"


def kind(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


class CliDocsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Tombolod(TOMBOLOD, "--size", "16M")
        cls.addClassCleanup(cls.daemon.stop)
        cls.agent = subprocess.Popen([AGENT, "--host", "--runtime-dir", cls.daemon.runtime_dir])
        cls.addClassCleanup(cls.agent.wait)
        cls.addClassCleanup(cls.agent.terminate)
        assert eventually(lambda: '"agent"' in cls.output("peers --json"))
        cls.server = subprocess.Popen([TOMBOLO, "--runtime-dir", cls.daemon.runtime_dir, "bench", "--serve"],
                                      stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.server.wait)
        cls.addClassCleanup(cls.server.terminate)
        assert eventually(lambda: '"bench-server"' in cls.output("peers --json"))
        cls.cache = TomboloKv(TOMBOLO_KV, "-m", "16")
        cls.addClassCleanup(cls.cache.stop)
        cls.member = subprocess.Popen(["unshare", "--map-root-user", "--net", TOMBOLO, "--runtime-dir",
                                       cls.daemon.runtime_dir, "net", "up"], stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.member.wait)
        cls.addClassCleanup(cls.member.terminate)
        assert eventually(lambda: "10.77.0.1" in cls.output("net status"))
        cls.output("ping 0 --json")  # So that there is somebody who is busy.
        cls.examples = examples()

    @classmethod
    def output(cls, words):
        return subprocess.run([TOMBOLO, "--runtime-dir", cls.daemon.runtime_dir, *words.split()],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S,
                              check=False, env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"}).stdout

    def commands_of(self, command):
        """That --help lists."""
        return re.findall(r"^  ([a-z0-9-]+) ", self.output(f"{command} --help").partition("Subcommands:")[2], re.MULTILINE)

    def assert_like(self, told, example):
        self.assertEqual(difference(told, example), "")

    def test_every_command_with_json_has_an_example(self):
        self.assertGreater(len(self.commands_of("")), 12)
        for command in self.commands_of(""):
            below = self.commands_of(command)
            for one in [f"{command} {name}" for name in below] or [command]:
                self.assertEqual("--json" in self.output(f"{one} --help"), one in self.examples, one)

    def test_what_is_printed_looks_like_the_example(self):
        cache = f"--server unix:{self.cache.unix}"
        limits = "--size 2M --slots 3 --vectors 3 --endpoints 64"
        arguments = {"regions create": f"blue {limits}", "regions resize": "blue --size 4M", "regions show": "blue",
                     "bench": "0 --sizes 8 --seconds 0", "ping": "0", "top": "--interval 0.01", "vm-args": "3",
                     "config show": "daemon -- --size 16M", "kv stats": cache, "kv top": f"--interval 0.01 {cache}"}
        commands = sorted(set(self.examples) - {"watch", "services --watch"} - OF_A_DEVICE)
        self.assertGreater(len(commands), 7)
        for command in commands:
            words = arguments.get(command, "").split(" -- ")
            line = " -- ".join([f"{command} --json {words[0]}", *words[1:]])
            with self.subTest(line):
                self.assert_like(json.loads(self.output(line)), self.examples[command][0])

    def test_watch_tells_a_snapshot_and_events(self):
        snapshot, event = self.examples["watch"]
        self.assert_like(json.loads(self.output("watch --json --count 1")), snapshot)
        for line in self.output("watch --json --resume 1 --count 2").splitlines():
            self.assert_like(json.loads(line), event)

    def test_a_watch_of_services_begins_with_a_snapshot(self):
        self.assert_like(json.loads(self.output("services --watch --json --count 1")), self.examples["services --watch"][0])

    def test_a_wrong_example_is_found(self):
        self.assertIn("[].b", difference([{"a": 1, "b": None}], [{"a": 2.5, "b": "x"}]))
        self.assertIn("has ['a']", difference({"a": 1}, {"a": 1, "b": 2}))
        self.assertEqual(difference([1], ["a", 2]), "")


if __name__ == "__main__":
    TOMBOLOD, AGENT, TOMBOLO, TOMBOLO_KV, DOCUMENT = (os.path.abspath(path) for path in sys.argv[1:6])
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
