"""An etcd of one server as a child process of a test, and what a test says to it over its JSON gateway."""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

READY_TIMEOUT_S = 60
CALL_TIMEOUT_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _text(data):
    return base64.b64encode(data.encode()).decode()


def _bytes(text):
    return base64.b64decode(text).decode()


class Etcd:
    """`address`: where clients reach it. `enter`: words that start a program where it is to run. `certificates`: with
    "server" and "client" among them, so that it speaks TLS and wants the same."""

    def __init__(self, address="127.0.0.1", enter=(), certificates=None):
        self.endpoint = f"{address}:{free_port()}"
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._enter = list(enter)
        self.folder = tempfile.mkdtemp(prefix="etcd_", dir="/tmp")
        self._tls_flags = []
        self._url = f"http://{self.endpoint}"
        handlers = [urllib.request.ProxyHandler({})]
        if certificates:
            self._url = f"https://{self.endpoint}"
            self._tls_flags = ["--cert-file", certificates.pem("server"), "--key-file", certificates.key("server"),
                               "--client-cert-auth", "--trusted-ca-file", certificates.pem(certificates.name)]
            context = ssl.create_default_context(cafile=certificates.pem(certificates.name))
            context.load_cert_chain(certificates.pem("client"), certificates.key("client"))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)
        self.start()

    def start(self):
        """Goes on with what it had before, if anything."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self._enter, "etcd", "--name", "one", "--data-dir", os.path.join(self.folder, "data"),
                 "--listen-client-urls", self._url, "--advertise-client-urls", self._url, "--listen-peer-urls", self._peer,
                 "--initial-advertise-peer-urls", self._peer, "--initial-cluster", f"one={self._peer}",
                 "--logger", "zap", "--unsafe-no-fsync", *self._tls_flags], stdout=log, stderr=log)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError("etcd does not start: " + log.read()[-2000:])
            time.sleep(0.05)

    def answers(self):
        try:
            self.ask("kv/range", {"key": _text("x")})
            return True
        except (urllib.error.URLError, OSError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def ask(self, call, message):
        """One call; in the test's own network."""
        request = urllib.request.Request(f"{self._url}/v3/{call}", json.dumps(message).encode())
        with self._opener.open(request, timeout=CALL_TIMEOUT_S) as answer:
            return json.load(answer)

    def put(self, key, value):
        self.ask("kv/put", {"key": _text(key), "value": _text(value)})

    def delete(self, key):
        self.ask("kv/deleterange", {"key": _text(key)})

    def compact(self):
        """Forgets everything but what there is now."""
        revision = self.ask("kv/range", {"key": _text("x")})["header"]["revision"]
        self.ask("kv/compaction", {"revision": revision, "physical": True})

    def items(self, prefix):
        """Key -> value."""
        answer = self.ask("kv/range", {"key": _text(prefix), "range_end": _text(prefix[:-1] + chr(ord(prefix[-1]) + 1))})
        return {_bytes(one["key"]): _bytes(one["value"]) for one in answer.get("kvs", [])}

    def history(self, prefix):
        """All that was put and deleted, as (key, value or None), in order, up to now."""
        revision = int(self.ask("kv/range", {"key": _text("x")})["header"]["revision"])
        self.put("end-of-history", "")
        message = {"create_request": {"key": _text("\0"), "range_end": _text("\0"), "start_revision": 1}}
        request = urllib.request.Request(f"{self._url}/v3/watch", json.dumps(message).encode())
        told = []
        with self._opener.open(request, timeout=CALL_TIMEOUT_S) as answer:
            for line in answer:
                for event in json.loads(line)["result"].get("events", []):
                    if int(event["kv"]["mod_revision"]) > revision:
                        return told
                    if _bytes(event["kv"]["key"]).startswith(prefix):
                        is_gone = event.get("type") == "DELETE"
                        told.append((_bytes(event["kv"]["key"]), None if is_gone else _bytes(event["kv"]["value"])))
        raise AssertionError("etcd has ended its history early")
