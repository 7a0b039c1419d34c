"""Servers of all kinds for tests of `tombolo kv`: stock memcached, tombolo-kv, and a tombolo-kv that owns nothing."""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/support")
from forwarding import eventually
from tombolo_kv import Client, Guest, TomboloKv, as_this_user

TIMEOUT_S = 60
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3
NOBODY = "127.0.0.1:1"


class Programs:
    """Where they are, as the test was told."""
    tombolo = tombolo_kv = ""

    @classmethod
    def take(cls):
        """Those that the command line begins with."""
        cls.tombolo, cls.tombolo_kv = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))


class Memcached:
    """Stock memcached, over TCP or a Unix socket."""

    def __init__(self, over_unix=False):
        self.folder = tempfile.mkdtemp(prefix="memcached_", dir="/tmp")
        self.unix = os.path.join(self.folder, "memcached.sock")
        self.port_file = os.path.join(self.folder, "ports")
        self.over_unix = over_unix
        self.process = None
        self.start()

    def start(self):
        place = ["-s", self.unix] if self.over_unix else ["-l", "127.0.0.1", "-p", "-1"]
        self.process = subprocess.Popen(["memcached", *as_this_user(), "-m", "8", *place],
                                        env={**os.environ, "MEMCACHED_PORT_FILENAME": self.port_file})
        assert eventually(lambda: os.path.exists(self.unix if self.over_unix else self.port_file))

    def address(self):
        if self.over_unix:
            return "unix:" + self.unix
        with open(self.port_file, encoding="ascii") as file:
            return "127.0.0.1:" + re.search(r"TCP INET: (\d+)", file.read()).group(1)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def python_client(address):
    return Client(address[5:] if address.startswith("unix:") else ("127.0.0.1", int(address.rsplit(":", 1)[1])))


def kv(*words, value=None):
    """What it did, with stdout in bytes."""
    given = {"input": value} if value is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run([Programs.tombolo, "kv", *words], capture_output=True, timeout=TIMEOUT_S, check=False, **given)
    done.stderr = done.stderr.decode()
    return done


def each_server(test):
    """`test` with servers of all kinds, one after the other."""
    @functools.wraps(test)
    def with_each(self):
        for server in self.servers:
            with self.subTest(server):
                test(self, server)
    return with_each


class ServersTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.stock, cls.stock_unix = Memcached(), Memcached(over_unix=True)
        cls.owner = TomboloKv(Programs.tombolo_kv, "-t", "1", "-m", "16", with_owner_socket=True)
        cls.guest = Guest(Programs.tombolo_kv, cls.owner, "-t", "1")
        for server in (cls.stock, cls.stock_unix, cls.owner, cls.guest):
            cls.addClassCleanup(server.stop)
        cls.servers = [cls.stock.address(), cls.stock_unix.address(), "unix:" + cls.owner.unix,
                       "localhost:%d" % cls.owner.tcp[1], "127.0.0.1:%d" % cls.guest.tcp[1]]

    def assert_done(self, done, code=GOOD, stdout=None):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.startswith("error: "), code != GOOD, done.stderr)
        if stdout is not None:
            self.assertEqual(done.stdout, stdout)
