#!/usr/bin/python3
"""The control API over TCP: tombolod with certificates of its own, and who is let in.

Usage: remote_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import grpc

sys.path.insert(0, "tests/support")
from certificates import Certificates
from forwarding import eventually
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
FAILED, USAGE, NOT_RUNNING = 1, 2, 3
LIST_PEERS = "/tombolo.control.v1.Membership/ListPeers"
DRAIN = "/tombolo.control.v1.Admin/Drain"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*words):
    """Leaks are not looked for: a program that ends may leave gRPC's thread in the middle of something that OpenSSL has
    allocated. One in some twenty did."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                          env={**os.environ, "TOMBOLO_CONFIG": "/dev/null", "ASAN_OPTIONS": sanitizer})


class RemoteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="remote_", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.ours = Certificates(cls.folder)
        for name in ("server", "client"):
            cls.ours.sign(name)
        cls.strangers = Certificates(cls.folder, "strangers")
        cls.strangers.sign("stranger")
        cls.address = f"127.0.0.1:{free_port()}"
        cls.daemon = Tombolod(TOMBOLOD, "--size", "16M", "--listen-tls", cls.address, *cls.ours.flags("server"))
        cls.addClassCleanup(cls.daemon.stop)

    def tombolo(self, *words, name="client", ca=None):
        return run(TOMBOLO, "--server", self.address, *self.ours.flags(name, ca), *words)

    def call(self, credentials, method=LIST_PEERS):
        """The code that a call ends with."""
        channel = (grpc.secure_channel(self.address, credentials) if credentials
                   else grpc.insecure_channel(self.address))
        with channel:
            try:
                channel.unary_unary(method)(b"", timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    def credentials(self, name, ca="ca"):
        ours = self.ours
        own = {"private_key": ours.read(ours.key(name)), "certificate_chain": ours.read(ours.pem(name))} if name else {}
        return grpc.ssl_channel_credentials(ours.read(ours.pem(ca)), **own)


class WhoIsLetInTest(RemoteTest):
    def test_whoever_has_a_certificate_of_the_authority_may_read(self):
        self.assertEqual(self.call(self.credentials("client")), grpc.StatusCode.OK)

    def test_nobody_who_comes_over_tcp_is_an_administrator(self):
        self.assertEqual(self.call(self.credentials("client"), DRAIN), grpc.StatusCode.PERMISSION_DENIED)
        done = run(TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "admin", "statistics", "--json")
        self.assertFalse(json.loads(done.stdout)["draining"])

    def test_without_a_certificate_nobody_is_let_in(self):
        self.assertEqual(self.call(self.credentials(None)), grpc.StatusCode.UNAVAILABLE)

    def test_with_a_certificate_of_somebody_else_nobody_is_let_in(self):
        self.assertEqual(self.call(self.credentials("stranger")), grpc.StatusCode.UNAVAILABLE)

    def test_without_tls_nobody_is_let_in(self):
        self.assertEqual(self.call(None), grpc.StatusCode.UNAVAILABLE)


class CommandTest(RemoteTest):
    def told(self, *words):
        done = self.tombolo(*words, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_it_shows_peers_status_and_services_and_watches(self):
        peers = self.told("peers")
        self.assertEqual([peer["kind"] for peer in peers["peers"]], ["host"])
        status = self.told("status")
        self.assertEqual(status["region"]["uuid"], peers["region_uuid"])
        self.assertEqual((status["where"], status["daemon"]["state"]), (None, "answers"))
        self.assertEqual(self.told("services")["services"], [])
        self.assertEqual(self.told("watch", "--count", "1")["event"], "snapshot")

    def test_it_is_refused_with_a_certificate_of_somebody_else(self):
        done = self.tombolo("peers", name="stranger")
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn(self.address, done.stderr)

    def test_it_believes_no_other_server(self):
        done = self.tombolo("peers", ca="strangers")
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn("--tls-ca", done.stderr)

    def test_what_needs_the_region_itself_is_refused(self):
        for command in ("stat", "fsck", "ping 0", "admin drain"):
            done = self.tombolo(*command.split())
            self.assertEqual(done.returncode, USAGE, command)
            self.assertIn("--server", done.stderr)

    def test_it_needs_its_own_certificate(self):
        done = run(TOMBOLO, "--server", self.address, "peers")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("Missing: --tls-cert, --tls-key, --tls-ca", done.stderr)

    def test_nobody_there_is_said(self):
        done = run(TOMBOLO, "--server", f"127.0.0.1:{free_port()}", *self.ours.flags("client"), "peers")
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn("--listen-tls", done.stderr)


class RenewalTest(RemoteTest):
    """Certificates of another authority take the place of the first ones; the daemon of this class is its own."""

    def setUp(self):
        for name in ("server", "client"):
            self.strangers.sign("other-" + name)
        self.take("server", "ca")
        self.daemon.signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: self.asks("client", "ca") == 0))

    def take(self, name, authority):
        """The files that the daemon was started with become those of `name`, and those whom `authority` signed."""
        for source, target in ((self.ours.pem(name), "pem"), (self.ours.key(name), "key"), (self.ours.pem(authority), "ca")):
            shutil.copy(source, self.serving(target))

    @classmethod
    def serving(cls, what):
        return os.path.join(cls.folder, "serving." + what)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for file, what in ((cls.ours.pem("server"), "pem"), (cls.ours.key("server"), "key"), (cls.ours.pem("ca"), "ca")):
            shutil.copy(file, cls.serving(what))
        cls.address = f"127.0.0.1:{free_port()}"
        cls.daemon = Tombolod(TOMBOLOD, "--size", "16M", "--listen-tls", cls.address, "--tls-cert", cls.serving("pem"),
                              "--tls-key", cls.serving("key"), "--tls-ca", cls.serving("ca"))
        cls.addClassCleanup(cls.daemon.stop)

    def asks(self, name, ca):
        return self.tombolo("peers", name=name, ca=ca).returncode

    def renew(self, name, authority):
        """By SIGHUP; returns when the daemon has said what became of it."""
        said = self.daemon.log().count("SIGHUP")
        self.take(name, authority)
        self.daemon.signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: self.daemon.log().count("SIGHUP") > said))

    def test_who_comes_then_meets_the_new_ones(self):
        self.renew("other-server", "strangers")
        self.assertEqual(self.asks("other-client", "strangers"), 0)
        self.assertEqual(self.asks("client", "strangers"), NOT_RUNNING)
        self.assertEqual(self.asks("other-client", "ca"), NOT_RUNNING)

    def test_who_is_connected_is_cut_off_and_goes_on_from_its_last_revision(self):
        with subprocess.Popen([TOMBOLO, "--server", self.address, *self.ours.flags("client"), "watch", "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            snapshot = json.loads(watch.stdout.readline())
            self.renew("other-server", "strangers")
            _, said = watch.communicate(timeout=TIMEOUT_S)
        self.assertEqual(watch.returncode, NOT_RUNNING)
        self.assertIn("Ask again with the last revision", said)
        attached = subprocess.Popen([TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "bench", "--serve"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(attached.wait)
        self.addCleanup(attached.terminate)
        resumed = self.tombolo("watch", "--json", "--count", "1", "--resume", str(snapshot["revision"]),
                               name="other-client", ca="strangers")
        self.assertEqual(json.loads(resumed.stdout)["revision"], snapshot["revision"] + 1)

    def test_bad_files_change_nothing(self):
        shutil.copy(self.ours.key("client"), self.serving("key"))
        self.daemon.signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: "is not that of the certificate" in self.daemon.log()))
        self.assertIn("the certificates are not taken, and all is as before", self.daemon.log())
        self.assertEqual(self.asks("client", "ca"), 0)


class StartTest(RemoteTest):
    def refuses(self, saying, flags, code=USAGE):
        done = run(TOMBOLOD, "--runtime-dir", os.path.join(self.folder, "run"), "--size", "16M", "--store", "none",
                   "--listen-tls", f"127.0.0.1:{free_port()}", *flags)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stderr.count("error:"), 1)

    def test_without_all_three_files_it_does_not_start(self):
        flags = self.ours.flags("server")
        self.refuses("Missing: --tls-ca", flags[:4])
        self.refuses("Missing: --tls-cert, --tls-key, --tls-ca", [])

    def test_files_without_an_address_are_a_mistake(self):
        done = run(TOMBOLOD, "--runtime-dir", os.path.join(self.folder, "run"), *self.ours.flags("server"))
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--listen-tls", done.stderr)

    def test_what_is_no_certificate_is_refused(self):
        bad = self.ours.pem("bad")
        with open(bad, "w", encoding="ascii") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        os.chmod(bad, 0o600)
        flags = self.ours.flags("server")
        self.refuses("no certificate in PEM", ["--tls-cert", bad, *flags[2:]])
        self.refuses("no certificate in PEM", [*flags[:4], "--tls-ca", bad])
        self.refuses("no private key in PEM", [*flags[:2], "--tls-key", bad, *flags[4:]])
        self.refuses("nowhere", [*flags[:2], "--tls-key", "/nowhere", *flags[4:]], FAILED)

    def test_a_key_of_another_certificate_is_refused(self):
        flags = self.ours.flags("server")
        self.refuses("is not that of the certificate", [*flags[:2], "--tls-key", self.ours.key("client"), *flags[4:]])

    def test_a_key_that_others_may_read_is_refused(self):
        open_key = self.ours.key("open")
        shutil.copy(self.ours.key("server"), open_key)
        os.chmod(open_key, 0o644)
        flags = self.ours.flags("server")
        self.refuses("chmod o=", [*flags[:2], "--tls-key", open_key, *flags[4:]])

    def test_an_expired_certificate_is_refused(self):
        self.ours.sign("expired", days=-1)
        self.refuses("has expired", self.ours.flags("expired"))

    def test_a_successor_serves_everybody_else_without_its_files(self):
        runtime_dir = os.path.join(self.folder, "successor")
        self.ours.sign("short")
        log = os.path.join(self.folder, "successor.log")
        with open(log, "wb") as file:
            holder = subprocess.Popen([TOMBOLOD, "--runtime-dir", runtime_dir, "--size", "16M", "--store", "holder",
                                       "--listen-tls", f"127.0.0.1:{free_port()}", *self.ours.flags("short")],
                                      stderr=file)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.terminate)
        peers = lambda: run(TOMBOLO, "--runtime-dir", runtime_dir, "peers").returncode
        self.assertTrue(eventually(lambda: peers() == 0))
        os.remove(self.ours.key("short"))
        with open(f"/proc/{holder.pid}/task/{holder.pid}/children", encoding="ascii") as children:
            os.kill(int(children.read().split()[0]), signal.SIGKILL)

        def said():
            with open(log, encoding="utf-8") as file:
                return "nobody is served over TCP until the next start" in file.read()
        self.assertTrue(eventually(said))
        self.assertTrue(eventually(lambda: peers() == 0))

    def test_an_address_that_is_taken_is_said(self):
        done = run(TOMBOLOD, "--runtime-dir", os.path.join(self.folder, "run"), "--size", "16M", "--store", "none",
                   "--listen-tls", self.address, *self.ours.flags("server"))
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("another program listens at", done.stderr)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
