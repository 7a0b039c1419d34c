#!/usr/bin/python3
"""`tombolo completion`: what real shells make of the scripts, compared with what --help lists.

Usage: completion_test.py TOMBOLO [unittest's flags]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOMBOLO = ""
TIMEOUT_S = 60
SHELLS = ("bash", "zsh", "fish")

# Prints what is offered for the last of the words "$@".
ASK_BASH = """
source "$SCRIPT"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_tombolo
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*words, **more):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S,
                          check=False, **more)


def help_of(*words):
    done = run(TOMBOLO, *words, "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands_of(*words):
    """The subcommands that --help lists."""
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_of(*words) + "\n", re.MULTILINE)
    return re.findall(r"^  (\S+)", listed.group(1), re.MULTILINE) if listed else []


def flags_of(*words):
    """The flags that --help lists, in short and in long."""
    listed = re.search(r"^Options:\n((?:  .*\n)+)", help_of(*words) + "\n", re.MULTILINE)
    lines = re.findall(r"^  (-\S+)", listed.group(1), re.MULTILINE)
    return {name for line in lines for name in line.split(",")}


def all_commands():
    for command in commands_of():
        yield (command,)
        for below in commands_of(command):
            yield (command, below)


class CompletionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="completion_", dir="/tmp")
        for shell in SHELLS:
            done = run(TOMBOLO, "completion", shell)
            assert done.returncode == 0, done.stderr
            with open(cls.script(shell), "w", encoding="utf-8") as file:
                file.write(done.stdout)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def script(cls, shell):
        return os.path.join(cls.folder, "tombolo." + shell)

    def offered(self, *words):
        """By bash, for the last word."""
        done = run("bash", "--norc", "-c", ASK_BASH, "bash", "tombolo", *words,
                   env={**os.environ, "SCRIPT": self.script("bash")})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_all_commands_are_offered(self):
        self.assertGreater(len(commands_of()), 12)
        self.assertCountEqual(self.offered(""), commands_of())
        self.assertEqual(self.offered("comp"), ["completion"])
        self.assertCountEqual(self.offered("config", ""), commands_of("config"))
        self.assertEqual(self.offered("nonsense-"), [])

    def test_all_flags_of_all_commands_are_offered(self):
        general = flags_of()
        self.assertIn("--runtime-dir", general)
        self.assertCountEqual(self.offered("-"), general)
        for command in all_commands():
            self.assertCountEqual(self.offered(*command, "-"), general | flags_of(*command), command)

    def test_the_words_that_a_flag_takes_are_offered(self):
        self.assertCountEqual(self.offered("doctor", "--side", ""), ["auto", "host", "guest"])
        self.assertEqual(self.offered("doctor", "--side", "h"), ["host"])
        self.assertEqual(self.offered("doctor", "--side", "=", "h"), ["host"], "as bash splits --side=h")
        self.assertCountEqual(self.offered("doctor", "--side", "="), ["auto", "host", "guest"])
        self.assertEqual(self.offered("stat", "--count", ""), [], "any number")
        self.assertCountEqual(self.offered("completion", ""), SHELLS)

    def test_paths_are_offered(self):
        name = os.path.join(self.folder, "tombolo.")
        self.assertCountEqual(self.offered("--runtime-dir", name), [self.script(shell) for shell in SHELLS])
        self.assertCountEqual(self.offered("stat", "--region", name), [self.script(shell) for shell in SHELLS])
        self.assertCountEqual(self.offered("cp", name), [self.script(shell) for shell in SHELLS])
        self.assertIn(self.script("zsh"), self.offered("config", "check", name))

    def test_a_value_is_no_command(self):
        self.assertCountEqual(self.offered("--runtime-dir", "peers", "config", ""), commands_of("config"))
        self.assertCountEqual(self.offered("--runtime-dir", "=", "peers", "config", ""), commands_of("config"))

    def test_each_shell_can_read_its_script(self):
        for shell in SHELLS:
            if not shutil.which(shell):
                continue
            done = run(shell, "-n", self.script(shell))
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def test_fish_offers_the_same(self):
        if not shutil.which("fish"):
            self.skipTest("there is no fish")
        for typed, expected in (("", commands_of()), ("config ", commands_of("config")),
                                ("doctor --side ", ["auto", "host", "guest"]),
                                ("--runtime-dir peers config ", commands_of("config"))):
            done = run("fish", "--no-config", "-c",
                       f"source {self.script('fish')}; complete -C 'tombolo {typed}'")
            offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
            self.assertCountEqual(offered, expected, done.stderr)

    def test_other_shells_are_wrong_usage(self):
        self.assertEqual(run(TOMBOLO, "completion", "tcsh").returncode, 2)
        self.assertEqual(run(TOMBOLO, "completion").returncode, 2)


class HelpTest(unittest.TestCase):
    def test_help_of_every_command_begins_with_examples(self):
        for command in [(), *all_commands()]:
            for flag in ("-h", "--help"):
                done = run(TOMBOLO, *command, flag)
                self.assertEqual(done.returncode, 0, command)
                self.assertRegex(done.stdout, r"^Examples:\n  .*tombolo", command)


if __name__ == "__main__":
    TOMBOLO = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
