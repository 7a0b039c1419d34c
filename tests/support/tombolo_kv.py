"""tombolo-kv as a child process of a test, and clients of it on plain sockets."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

READY_TIMEOUT_S = 30
ANSWER_TIMEOUT_S = 30


def as_this_user():
    """The flags that root needs."""
    return ("-u", "root") if os.geteuid() == 0 else ()


class Client:
    """One connection; texts are bytes, without the ends of lines."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(ANSWER_TIMEOUT_S)
        self.socket.connect(address)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """Empty at the end."""
        return self.input.readline().rstrip(b"\r\n")

    def ask(self, command):
        self.send(command + b"\r\n")
        return self.line()

    def set(self, key, value):
        self.send(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value))
        return self.line()

    def get(self, key):
        """None for a miss."""
        self.send(b"get %s\r\n" % key)
        return self.answer_of_get()

    def answer_of_get(self):
        head = self.line()
        if head == b"END":
            return None
        value = self.input.read(int(head.split()[3]) + 2)[:-2]
        assert self.line() == b"END"
        return value

    def stats(self, which=b""):
        self.send(b"stats %s\r\n" % which)
        told = {}
        while (line := self.line()) != b"END":
            _, name, value = line.decode().split(" ", 2)
            told[name] = value
        return told


class TomboloKv:
    """Serves TCP and a Unix socket until stop(); construction returns when it says that it is ready."""

    def __init__(self, program, *flags, below="/tmp", with_owner_socket=False):
        self.program, self.flags = program, flags
        self.folder = tempfile.mkdtemp(prefix="tombolo_", dir=below)
        self.memory_file = os.path.join(self.folder, "memory")
        self.unix = os.path.join(self.folder, "kv.sock")
        self.owner = os.path.join(self.folder, "owner.sock") if with_owner_socket else None
        self.process = self.tcp = None
        self.log_path = os.path.join(self.folder, "log")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self, *more_flags):
        """Anew, with the memory file that there is."""
        notify_path = os.path.join(self.folder, "notify.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(self.log_path, "ab") as log:
            notify.bind(notify_path)
            self.process = subprocess.Popen(
                [self.program, *self._place(), "-s", self.unix, "-p", "-1", *as_this_user(), *self.flags, *more_flags],
                env={**os.environ, "NOTIFY_SOCKET": notify_path}, stderr=log)
            self._wait_until_ready(notify)
        os.unlink(notify_path)
        with Client(self.unix) as client:
            self.tcp = ("127.0.0.1", int(client.stats(b"settings")["tcpport"]))

    def _place(self):
        """Where the items are."""
        return ("-e", self.memory_file, *(("--owner-socket", self.owner) if self.owner else ()))

    def _wait_until_ready(self, notify):
        ended = os.pidfd_open(self.process.pid)
        try:
            waiting = select.poll()
            waiting.register(notify, select.POLLIN)
            waiting.register(ended, select.POLLIN)
            ready = dict(waiting.poll(READY_TIMEOUT_S * 1000))
        finally:
            os.close(ended)
        if notify.fileno() not in ready:
            raise AssertionError(f"tombolo-kv did not come up: {self.log()}")
        said = notify.recv(4096)
        assert said == b"READY=1", said

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def stats(self, which=b""):
        with Client(self.unix) as client:
            return client.stats(which)

    def eventually(self, name, wanted):
        """Asks for a statistic until it is what is wanted."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        with Client(self.unix) as client:
            while (seen := client.stats()[name]) != wanted:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} stays {seen}, not {wanted}")

    @contextlib.contextmanager
    def stopped(self):
        """Within it none of its threads runs."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self, with_signal=signal.SIGTERM):
        """Its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(30)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Guest(TomboloKv):
    """Serves the items of another one, which has an owner socket."""

    def __init__(self, program, host, *flags):
        self.host = host
        super().__init__(program, *flags)

    def _place(self):
        return ("--guest", "--window", self.host.memory_file, "--owner", self.host.owner)
