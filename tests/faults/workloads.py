"""What is asked of programs while their system calls fail: joining, attaching, talking."""

import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from forwarding import connect, receive_exactly  # pylint: disable=wrong-import-position

TIMEOUT_S = 60
SLOTS = 2
VECTORS = 4
# Version, own id, the memory, and each slot's doorbells.
JOIN_MESSAGES = 3 + SLOTS * VECTORS

# As transport/endpoint/broker_protocol.h has them.
BROKER_MAGIC = 0x4B524254
BROKER_VERSION = 3
REQUEST = struct.Struct("<IHHHHI32s")
REPLY = struct.Struct("<IHHiHHHHIIIQQQ192s")
ATTACH, DETACH = 1, 3


def join(path):
    """Joins as QEMU does. False: the server let go of us before all was said."""
    descriptors = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(TIMEOUT_S)
        server.connect(path)
        try:
            for _ in range(JOIN_MESSAGES):
                data, more, _, _ = socket.recv_fds(server, 8, 2)
                if len(data) != 8:
                    return False
                descriptors += more
        except ConnectionResetError:
            return False
        finally:
            for fd in descriptors:
                os.close(fd)
    return len(descriptors) == JOIN_MESSAGES - 2


def ask(broker, operation):
    """The code of the broker's answer, and its descriptors; no code: it let go of us."""
    broker.sendall(REQUEST.pack(BROKER_MAGIC, BROKER_VERSION, operation, 0, 0, 0, b"faults"))
    data, fds, _, _ = socket.recv_fds(broker, REPLY.size, 8)
    for fd in fds:
        os.close(fd)
    if not data:
        return None, 0
    _, version, _, code, *_ = REPLY.unpack(data)
    if version != BROKER_VERSION:
        raise ValueError(f"the broker has version {version}, this file knows {BROKER_VERSION}")
    return code, len(fds)


def attach(path):
    """Attaches and detaches in a process of its own, whose death proves the end of the endpoint. False: the
    broker refused, or let go of us."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if attach_here(path) else 1)  # pylint: disable=protected-access
    return os.waitpid(pid, 0)[1] == 0


def attach_here(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as broker:
        broker.settimeout(TIMEOUT_S)
        broker.connect(path)
        try:
            return ask(broker, ATTACH) == (0, 2) and ask(broker, DETACH) == (0, 0)
        except (ConnectionResetError, BrokenPipeError):
            return False


def talk(address):
    """Says something to an echo and hears it. False: the connection ended early."""
    said = os.urandom(100_000)
    with connect(address) as near:
        try:
            near.sendall(said)
            near.shutdown(socket.SHUT_WR)
            return receive_exactly(near, len(said) + 1) == said
        except (ConnectionResetError, BrokenPipeError):
            return False


class EchoService:
    """Echoes whatever comes to a Unix socket."""

    def __init__(self, path):
        self.address = "unix:" + path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(path)
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            accepted, _ = self._socket.accept()
            threading.Thread(target=self._echo, args=(accepted,), daemon=True).start()

    @staticmethod
    def _echo(accepted):
        with accepted:
            try:
                while block := accepted.recv(65536):
                    accepted.sendall(block)
            except OSError:
                pass  # It was reset: the test knows why.
