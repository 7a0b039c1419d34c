#!/usr/bin/python3
"""docs/api.md is what the comments of the .proto files say, and each part of the contract has some.

Usage: api_reference_test.py DOCUMENT SCRIPT FILE.proto... [unittest's flags]
"""

import importlib.util
import os
import sys
import tempfile
import unittest

DOCUMENT = SCRIPT = ""
FILES = []


def load(path):
    spec = importlib.util.spec_from_file_location("api_reference", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["api_reference"] = module
    spec.loader.exec_module(module)
    return module


class ApiReferenceTest(unittest.TestCase):
    def setUp(self):
        self.script = load(SCRIPT)

    def reference_of(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".proto", encoding="utf-8") as file:
            file.write("// A file.\nsyntax = \"proto3\";\n\n" + text)
            file.flush()
            return self.script.reference([file.name])

    def test_the_document_is_what_the_files_say(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.script.reference(sorted(FILES)), "run ./dev api")

    def test_the_document_has_every_declaration(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            document = file.read()
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    words = line.split()
                    if words[:1] == ["rpc"]:
                        self.assertIn(f".{words[1].split('(')[0]}**", document)
                    elif words[:1] in (["message"], ["enum"]):
                        self.assertIn(f"# {words[1]}\n", document)
                    elif "=" in words and line.startswith("  "):
                        self.assertIn(f"`{words[words.index('=') - 1]}`", document)

    def test_what_nobody_explains_is_refused(self):
        for text, name in [("message M {\n  uint32 a = 1;\n}", "M.a"),
                           ("service S {\n  rpc Call(M) returns (M);\n}", "Call"),
                           ("message M {\n  // Said.\n  uint32 a = 1;\n\n  uint32 b = 2;\n}", "M.b")]:
            with self.assertRaisesRegex(self.script.Unexplained, name):
                self.reference_of(text)

    def test_what_stands_together_is_explained_together(self):
        text = self.reference_of("message M {\n  // Said.\n  uint32 a = 1;\n  uint32 b = 2;\n}")
        self.assertIn("| `a` | uint32 | Said. |\n| `b` | uint32 | As above. |", text)

    def test_errors_become_a_list(self):
        text = self.reference_of("service S {\n  // Does it.\n  //   NOT_FOUND  it is not\n  //              there.\n"
                                 "  // More.\n  rpc Call(M) returns (stream M);\n}")
        self.assertIn("**S.Call**: M → stream M\n\nDoes it.\n\n- `NOT_FOUND`: it is not there.\n\nMore.", text)


if __name__ == "__main__":
    DOCUMENT, SCRIPT = (os.path.abspath(path) for path in sys.argv[1:3])
    FILES = [word for word in sys.argv[3:] if word.endswith(".proto")]
    unittest.main(argv=sys.argv[:1] + [word for word in sys.argv[3:] if not word.endswith(".proto")], verbosity=2)
