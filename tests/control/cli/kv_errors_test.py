#!/usr/bin/python3
"""What `tombolo kv` says of servers that are not there, that say nothing, that refuse, or that lie.

Usage: kv_errors_test.py TOMBOLO [unittest's flags]
"""

import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, "tests/support")
from forwarding import Service

TOMBOLO = ""
TIMEOUT_S = 60
FAILED, USAGE, NOT_RUNNING = 1, 2, 3
NOBODY = "127.0.0.1:1"


def kv(*words):
    return subprocess.run([TOMBOLO, "kv", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


class Liar:
    """A server that says one thing to whatever it is asked, or nothing, or closes."""

    def __init__(self, answer):
        self.answer = answer
        self.service = Service("127.0.0.1:0")
        self.address = self.service.address
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        try:
            with self.service.accept() as client:
                client.recv(65536)
                if self.answer is None:
                    return
                client.sendall(self.answer)
                while client.recv(65536):
                    pass
        except OSError:
            pass  # The client had enough of it.

    def stop(self):
        self.thread.join()
        self.service.close()


class ErrorsTest(unittest.TestCase):
    def failed(self, *words, code):
        done = kv(*words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertTrue(done.stderr.startswith("error: "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def told(self, answer, *words, code=FAILED):
        liar = Liar(answer)
        try:
            return self.failed(*words, "--server", liar.address, "--timeout", "0.2", code=code).replace(liar.address, "IT")
        finally:
            liar.stop()

    def test_nobody_there_is_exit_code_3(self):
        for words in (("get", "a"), ("set", "a", "1"), ("del", "a"), ("stats",)):
            told = self.failed(*words, "--server", NOBODY, code=NOT_RUNNING)
            self.assertIn("connect to 127.0.0.1:1: Connection refused; start tombolo-kv or memcached there", told)
        self.assertIn("there is no socket /nowhere/kv.sock; start", self.failed("get", "a", "--server", "unix:/nowhere/kv.sock", code=NOT_RUNNING))
        self.failed("get", "a", "--server", "unix:/etc/passwd", code=NOT_RUNNING)

    def test_what_is_no_address_is_wrong_usage(self):
        for text in ("", ":11211", "host:", "host:0", "host:65536", "host:http", "::1", "::1:11211", "[::1", "unix:",
                     "unix:" + "p" * 108, "a b:1", "/run/kv.sock", "host:+1"):
            self.assertIn("is no address of a server; write HOST:PORT",
                          self.failed("get", "a", "--server", text, code=USAGE), text)
        self.assertEqual(kv("get", "a", "--server", "a:1", "--server", "b:1").returncode, USAGE)

    def test_a_server_that_says_nothing_is_given_up(self):
        begin = time.monotonic()
        for words in (("get", "a"), ("set", "a", "1"), ("del", "a"), ("stats",)):
            self.assertIn("IT is connected and has said nothing for 0.2 s", self.told(b"", *words, code=NOT_RUNNING))
            self.assertIn("IT has closed the connection", self.told(None, *words, code=NOT_RUNNING))
        self.assertIn("has said nothing", self.told(b"VALUE a 0 100\r\nabc", "get", "a", code=NOT_RUNNING))
        self.assertIn("has said nothing", self.told(b"STAT pid 1\r\n", "stats", code=NOT_RUNNING))
        self.assertLess(time.monotonic() - begin, TIMEOUT_S)

    def test_errors_of_servers_are_told_with_what_to_do(self):
        for answer, seen in ((b"ERROR Too many open connections\r\n", "a larger -c"),
                             (b"CLIENT_ERROR unauthenticated\r\n", "it wants a password"),
                             (b"SERVER_ERROR out of memory storing object\r\n", "a larger -m"),
                             (b"SERVER_ERROR the owner of the cache cannot be reached\r\n", "tombolo-kv is down on the host"),
                             (b"SERVER_ERROR ouch\r\n", "its log may say more"),
                             (b"HTTP/1.1 400 Bad Request\r\n\r\n", "name a memcached server")):
            for words in (("get", "a"), ("set", "a", "1"), ("del", "a"), ("stats",)):
                told = self.told(answer, *words)
                self.assertIn("IT answered '" + answer.decode().split("\r\n", maxsplit=1)[0], told)
                self.assertIn(seen, told)

    def test_answers_that_make_no_sense_are_no_answers(self):
        for answer in (b"VALUE b 0 1\r\nx\r\nEND\r\n", b"VALUE a 0 -1\r\nx\r\nEND\r\n", b"VALUE a 0\r\nx\r\nEND\r\n",
                       b"VALUE a 0 99999999999999999999\r\nx\r\nEND\r\n", b"VALUE a 0 1073741825\r\nx\r\n",
                       b"VALUE a -1 1\r\nx\r\nEND\r\n", b"VALUE a 0 1\r\nxy\r\nEND\r\n", b"VALUE a 0 1\r\nx\r\nVALUE a 0 1\r\n",
                       b"STORED\r\n", b"\x1b[2J\r\n"):
            told = self.told(answer, "get", "a")
            self.assertIn("name a memcached server", told)
            self.assertNotIn("\x1b", told)
        self.assertIn("a line of more than", self.told(b"x" * 300_000, "get", "a"))
        for answer in (b"STAT pid 1\r\nnonsense\r\n", b"STAT\r\nEND\r\n", b"END"):
            self.told(answer, "stats", code=NOT_RUNNING if answer == b"END" else FAILED)


if __name__ == "__main__":
    TOMBOLO = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
