"""Programs that carry connections, and the sockets at both of their ends, for tests in Python."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

TIMEOUT_S = 60
PAUSE_S = 0.01  # Between two looks at what another process does.


def eventually(condition):
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
    return True


def parse(address):
    """What `socket` calls an address that is written as Tombolo writes it."""
    if address.startswith("unix:"):
        return socket.AF_UNIX, address[len("unix:"):]
    host, port = address.rsplit(":", 1)
    return socket.AF_INET, (host, int(port))


def connect(address):
    family, place = parse(address)
    made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(TIMEOUT_S)
    made.connect(place)
    return made


def reset(connected):
    """Closes a TCP connection as a program that crashed would."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()


def receive_exactly(connected, size_bytes):
    got = bytearray()
    while len(got) < size_bytes:
        more = connected.recv(size_bytes - len(got))
        if not more:
            break
        got += more
    return bytes(got)


class Service:
    """Listens at an address; what connects is the test's to talk to."""

    def __init__(self, address, backlog=4096):
        family, place = parse(address)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(place)
        self._socket.listen(backlog)
        self._socket.settimeout(TIMEOUT_S)
        self.address = address
        if family == socket.AF_INET:
            self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]

    def accept(self):
        accepted, _ = self._socket.accept()
        accepted.settimeout(TIMEOUT_S)
        return accepted

    def close(self):
        self._socket.close()


class HostAgent:
    """`tombolo-agent --host`, a holder and its child; construction returns when it is ready."""

    def __init__(self, program, runtime_dir, *flags, wrapper=()):
        self.folder = tempfile.mkdtemp(prefix="agent_", dir="/tmp")
        notify_path = os.path.join(self.folder, "notify.sock")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(notify_path)
        self._notify.settimeout(TIMEOUT_S)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [*wrapper, program, "--host", "--runtime-dir", runtime_dir, *flags],
                env={**os.environ, "NOTIFY_SOCKET": notify_path}, stderr=log)
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self):
        """Once per start of the child."""
        said = self._notify.recv(4096)
        if said != b"READY=1":
            raise AssertionError(f"tombolo-agent said {said!r}")

    def child(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return int(children.read().split()[0])

    def kill(self):
        """Kills the child; returns when the holder has started another one that is ready."""
        os.kill(self.child(), signal.SIGKILL)
        self.wait_until_ready()

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(TIMEOUT_S)
        self._notify.close()
        shutil.rmtree(self.folder)
        return code


class Forward:
    """`tombolo forward`; construction returns when it listens. `pairs`: of LISTEN and TO."""

    def __init__(self, program, runtime_dir, *pairs, verbose=False):
        words = [program, "--runtime-dir", runtime_dir, "forward"]
        for listen, target in pairs:
            words += ["--listen", listen, "--to", target]
        self.process = subprocess.Popen(words + ["-v"] * verbose, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.addresses = []
        for _ in pairs:
            line = self.process.stdout.readline()
            if not line.startswith("listening at "):
                raise AssertionError(f"it said {line!r} and {self.process.communicate()[1]!r}")
            self.addresses.append(line.split()[2])

    def end(self, signal_number=None):
        """Its exit code and what it said on stderr; ends it by a signal if one is given."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        said = self.process.communicate(timeout=TIMEOUT_S)[1]
        return self.process.returncode, said
