"""tombolod as a child process of a test, in a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile

READY_TIMEOUT_S = 30


class Tombolod:
    """Runs the daemon until stop(), without a holder, so that a kill is its end; construction returns when it
    says that it is ready. `enter`: words that start a program where it is to run."""

    def __init__(self, program, *flags, enter=()):
        self.folder = tempfile.mkdtemp(prefix="tombolo_", dir="/tmp")
        self.log_path = os.path.join(self.folder, "log")
        notify_path = os.path.join(self.folder, "notify.sock")
        self.runtime_dir = os.path.join(self.folder, "run")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(
            self.log_path, "wb"
        ) as log:
            notify.bind(notify_path)
            notify.settimeout(READY_TIMEOUT_S)
            self._process = subprocess.Popen(
                [*enter, program, "--runtime-dir", self.runtime_dir, "--store", "none", *flags],
                env={**os.environ, "NOTIFY_SOCKET": notify_path},
                stderr=log,
            )
            try:
                self._wait_until_ready(notify)
            except BaseException:
                self.stop()
                raise

    def _wait_until_ready(self, notify):
        said = notify.recv(4096)
        if said != b"READY=1":
            raise AssertionError(f"tombolod said {said!r}")

    def socket(self, slot=None):
        name = "ivshmem.sock" if slot is None else f"slot-{slot}.sock"
        return os.path.join(self.runtime_dir, name)

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        """Ends it as a crash does; stop() is still to be called."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        """Ends it as an operator does; returns its exit code and the sockets that it left."""
        self._process.terminate()
        try:
            code = self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        left = os.listdir(self.runtime_dir) if os.path.isdir(self.runtime_dir) else []
        shutil.rmtree(self.folder)
        return code, left
