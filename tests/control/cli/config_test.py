#!/usr/bin/python3
"""One configuration for all programs, as operators use it: files, variables and flags of the real ones.

Usage: config_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO EXAMPLE [unittest's flags]
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

TOMBOLOD = AGENT = TOMBOLO = EXAMPLE = ""
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3
TIMEOUT_S = 30

# `# key = value`: a key of the example that is a comment.
KEY_IN_COMMENT = re.compile(r"^# ([a-z-]+ = .*)$", re.MULTILINE)


class ConfigTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="config_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = os.path.join(self.folder, "tombolo.toml")
        self.runtime_dir = os.path.join(self.folder, "run")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith("TOMBOLO_")}
        # None of the machine's own.
        self.environment["TOMBOLO_CONFIG"] = "/dev/null"

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)
        self.environment["TOMBOLO_CONFIG"] = self.file

    def run_program(self, program, *words, **variables):
        return subprocess.run([program, *words], env={**self.environment, **variables},
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def config(self, *words, code=GOOD, **variables):
        done = self.run_program(TOMBOLO, "config", *words, **variables)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def shown(self, *words, **variables):
        """The values as (table, key) -> value, and the same for where they come from."""
        told = json.loads(self.config("show", "--json", *words, **variables).stdout)
        values = {(one["table"], one["key"]): one["value"] for one in told["values"]}
        origins = {(one["table"], one["key"]): (one["origin"], one["where"]) for one in told["values"]}
        return values, origins

    def start_tombolod(self, *words, **variables):
        """Returns what it says when it is ready."""
        process = subprocess.Popen([TOMBOLOD, "--store", "none", *words], env={**self.environment, **variables},
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        said = ""
        for line in process.stderr:
            said += line
            if "sockets in" in line:
                return line
        raise AssertionError(f"tombolod did not start: {said}")


class StartTest(ConfigTest):
    def write_small(self, more=""):
        self.write(f"runtime-dir = '{self.runtime_dir}'\n[daemon]\nsize = '16M'\nslots = 3\n{more}")

    def test_the_daemon_is_what_the_file_says(self):
        self.write_small("vectors = 4\nendpoints = 64\n")
        self.assertIn("16 MiB, 3 slots, 4 vectors, 64 endpoints, sockets in " + self.runtime_dir,
                      self.start_tombolod())

    def test_flags_are_stronger_than_variables_and_variables_than_the_file(self):
        self.write_small("vectors = 4\n")
        said = self.start_tombolod("--slots", "5", TOMBOLO_DAEMON_SLOTS="4",
                                   TOMBOLO_DAEMON_VECTORS="7")
        self.assertIn("16 MiB, 5 slots, 7 vectors, ", said)

    def test_the_file_may_be_named_by_a_flag(self):
        self.write_small()
        self.environment["TOMBOLO_CONFIG"] = "/does/not/exist"
        self.assertIn("3 slots", self.start_tombolod("--config", self.file))

    def test_tombolo_finds_the_daemon_that_the_file_names(self):
        self.write_small()
        self.start_tombolod()
        done = self.run_program(TOMBOLO, "peers")
        self.assertEqual(done.returncode, GOOD, done.stderr)
        self.assertIn("host", done.stdout)
        done = self.run_program(TOMBOLO, "peers", TOMBOLO_RUNTIME_DIR="/elsewhere")
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn("/elsewhere", done.stderr)
        done = self.run_program(TOMBOLO, "--runtime-dir", self.runtime_dir, "peers",
                                TOMBOLO_RUNTIME_DIR="/elsewhere")
        self.assertEqual(done.returncode, GOOD, done.stderr)

    def test_the_agent_is_what_the_file_says(self):
        self.write(f"[agent]\nhost = true\nruntime-dir = '{self.runtime_dir}'\n")
        done = self.run_program(AGENT)
        self.assertEqual(done.returncode, NOT_RUNNING, done.stderr)
        self.assertIn(self.runtime_dir + "/broker.sock", done.stderr)

    def test_no_program_starts_with_a_wrong_file(self):
        self.write("[daemon]\nslots = 4\n[deamon]\n")
        for program, words in ((TOMBOLOD, []), (AGENT, []), (TOMBOLO, ["peers"])):
            done = self.run_program(program, *words)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertEqual(done.stderr, f"error: {self.file}:3:2: there is no table [deamon]; did "
                                          "you mean daemon?\n")
            self.assertEqual(done.stdout, "")

    def test_a_program_minds_its_own_table(self):
        self.write(f"runtime-dir = '{self.runtime_dir}'\n[daemon]\nslots = 0\n[agent]\nhost = true\n")
        self.assertEqual(self.run_program(TOMBOLOD).returncode, USAGE)
        self.assertEqual(self.run_program(AGENT).returncode, NOT_RUNNING)
        self.assertEqual(self.run_program(TOMBOLO, "peers").returncode, NOT_RUNNING)

    def test_a_file_that_was_named_has_to_be_there(self):
        for program, words in ((TOMBOLOD, []), (AGENT, []), (TOMBOLO, ["peers"])):
            done = self.run_program(program, *words, TOMBOLO_CONFIG="/does/not/exist")
            self.assertEqual(done.returncode, FAILED, done.stderr)
            self.assertEqual(done.stderr,
                             "error: cannot read /does/not/exist: No such file or directory\n")


class CheckTest(ConfigTest):
    def test_all_errors_of_all_tables_are_told(self):
        self.write("daemon = 1\nlog-level = 'loud'\n[agent]\nallow = 'a'\nhots = true\n")
        done = self.config("check", code=FAILED, TOMBOLO_DAEMON_SLOTS="x")
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        places = ["TOMBOLO_DAEMON_SLOTS is", f"{self.file}:1:10:", f"{self.file}:2:13:",
                  f"{self.file}:4:9:", f"{self.file}:5:1:"]
        self.assertEqual(len(lines), len(places), lines)
        for line, place in zip(lines, places):
            self.assertTrue(line.startswith(f"error: {place} "), line)
        self.assertIn("did you mean host?", lines[-1])

    def test_values_that_do_not_go_together_are_told(self):
        self.write("[daemon]\nsize = '1M'\n[agent]\nhost = true\n")
        self.assertIn("[daemon]: a region of 1048576 bytes is too small",
                      self.config("check", code=FAILED).stderr)
        self.write(f"runtime-dir = '/{100 * 'x'}'\n[daemon]\nsize = '1M'\n")
        self.assertEqual(len(self.config("check", code=FAILED).stderr.splitlines()), 2)
        self.write("[agent]\nhost = true\nforward = ['127.0.0.1:1=a']\n")
        self.assertIn("exclude each other", self.config("check", code=FAILED).stderr)

    def test_another_file_can_be_checked(self):
        self.write("[daemon]\nslots = 4\n")
        other = os.path.join(self.folder, "other.toml")
        shutil.copy(self.file, other)
        self.write("[daemon]\nslots = 0\n")
        self.assertEqual(self.config("check", other).stdout, f"{other}: good\n")
        self.config("check", code=FAILED)
        self.config("check", "--config", other)
        self.assertIn("cannot read", self.config("check", "/does/not/exist", code=FAILED).stderr)
        self.assertIn("Is a directory", self.config("check", "/", code=FAILED).stderr)

    def test_what_is_no_toml_is_told_by_its_place(self):
        self.write("[daemon]\nslots = 4\nslots = 5\n")
        self.assertEqual(self.config("check", code=FAILED).stderr,
                         f"error: {self.file}:3:9: this is not TOML: key-value pair: cannot redefine "
                         "existing integer 'slots'.\n")


class ShowTest(ConfigTest):
    def test_origins_are_those_of_each_layer(self):
        self.write("runtime-dir = '/r'\n[daemon]\nslots = 3\nvectors = 4\n")
        values, origins = self.shown("daemon", "--", "--size", "16M", TOMBOLO_DAEMON_VECTORS="5")
        self.assertEqual(values["daemon", "size"], 16 << 20)
        self.assertEqual(origins["daemon", "size"], ("flag", "--size"))
        self.assertEqual(values["daemon", "vectors"], 5)
        self.assertEqual(origins["daemon", "vectors"], ("variable", "TOMBOLO_DAEMON_VECTORS"))
        self.assertEqual(values["daemon", "slots"], 3)
        self.assertEqual(origins["daemon", "slots"], ("file", f"{self.file}:3"))
        self.assertEqual(values["daemon", "runtime-dir"], "/r")
        self.assertEqual(origins["daemon", "runtime-dir"], ("file", f"{self.file}:1"))
        self.assertEqual(values["daemon", "endpoints"], 1024)
        self.assertEqual(origins["daemon", "endpoints"], ("default", None))
        self.assertNotIn(("agent", "host"), values)

    def test_a_file_that_a_flag_names_is_stronger_than_that_of_the_variable(self):
        self.write("[daemon]\nslots = 3\n")
        named, self.environment["TOMBOLO_CONFIG"] = self.file, "/does/not/exist"
        for words in (["daemon", "--config", named], ["daemon", "--", "--config", named]):
            self.assertEqual(self.shown(*words)[0]["daemon", "slots"], 3)
        # Of two the one that the program itself would be given.
        values, _ = self.shown("daemon", "--config", named, "--", "--config", "/dev/null")
        self.assertEqual(values["daemon", "slots"], 16)

    def test_without_a_table_all_are_shown(self):
        values, origins = self.shown()
        self.assertEqual(values[None, "runtime-dir"], "/run/tombolo")
        self.assertEqual(values["agent", "allow"], [])
        self.assertIs(values["daemon", "huge-pages"], False)
        self.assertEqual({origin for origin, _ in origins.values()}, {"default"})

    def test_what_is_shown_is_a_configuration(self):
        self.write('[agent]\nhost = true\nallow = ["a=unix:/tmp/\\u0022b"]\n[daemon]\nsize = "16M"\n')
        text = self.config("show", "--origin").stdout
        self.assertIn(f"size = 16777216  # {self.file}:5\n", text)
        self.assertIn("slots = 16  # default\n", text)
        self.assertEqual(tomllib.loads(text)["daemon"]["size"], 16 << 20)
        before = self.shown()[0]
        self.write(text)
        self.assertEqual(self.config("check").stdout, f"{self.file}: good\n")
        self.assertEqual(self.shown()[0], before)

    def test_a_wrong_configuration_is_not_shown(self):
        self.write("[daemon]\nslots = 0\n")
        done = self.config("show", code=FAILED)
        self.assertEqual(done.stdout, "")
        self.assertIn(f"{self.file}:2:9: ", done.stderr)

    def test_wrong_words_are_wrong_usage(self):
        self.assertIn("there are agent, daemon", self.config("show", "server", code=USAGE).stderr)
        self.assertIn("--none", self.config("show", "daemon", "--", "--none", code=USAGE).stderr)
        self.config("show", "daemon", "--", "--slots", "0", code=USAGE)
        self.config(code=USAGE)


class ExampleTest(ConfigTest):
    def test_the_example_in_the_tree_is_what_the_flags_say(self):
        with open(EXAMPLE, encoding="utf-8") as file:
            self.assertEqual(self.config("example").stdout, file.read(),
                             "write it anew: bazel-bin/control/cli/tombolo config example "
                             ">examples/tombolo.toml")

    def test_it_changes_nothing_with_its_comments_and_without(self):
        default = self.shown()[0]
        text = self.config("example").stdout
        self.write(text)
        self.assertEqual(self.shown()[0], default)
        keys = KEY_IN_COMMENT.sub(r"\1", text)
        self.assertGreater(len(tomllib.loads(keys)["daemon"]), 5)
        self.write(keys)
        self.config("check")
        self.assertEqual(self.shown()[0], default)


class HelpTest(ConfigTest):
    def test_help_begins_with_examples(self):
        for words in (["--help"], ["check", "-h"], ["show", "-h"], ["example", "-h"]):
            self.assertTrue(self.config(*words).stdout.startswith("Examples:\n  tombolo config "))

    def test_programs_say_how_they_are_configured(self):
        for program, variable in ((TOMBOLOD, "TOMBOLO_DAEMON_"), (AGENT, "TOMBOLO_AGENT_")):
            said = self.run_program(program, "--help").stdout
            self.assertIn("--config FILE", said)
            self.assertIn(variable, said)


if __name__ == "__main__":
    TOMBOLOD, AGENT, TOMBOLO, EXAMPLE = (os.path.abspath(path) for path in sys.argv[1:5])
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
