"""One JSON object per line over a socket: what QMP and QEMU's guest agent have in common."""

import json
import socket

from .deadline import Deadline, LabError

RECEIVE_BYTES = 65536


class ChannelClosed(LabError):
    """The other side is gone: QEMU has ended."""


class NoAnswer(LabError):
    """The deadline passed first."""


class JsonChannel:
    """Not thread safe. Every receive has a deadline; every error names the channel."""

    def __init__(self, name: str, sock: socket.socket):
        self.name = name
        self._socket = sock
        self._buffer = b""

    def send(self, message: dict, prefix: bytes = b"") -> None:
        try:
            self._socket.sendall(prefix + json.dumps(message).encode() + b"\n")
        except TimeoutError:
            raise NoAnswer(f"{self.name}: it does not read what it was sent before") from None
        except OSError as error:
            raise ChannelClosed(f"{self.name}: {error.strerror or error}") from None

    def receive(self, deadline: Deadline) -> dict:
        return json.loads(self.receive_line(deadline))

    def receive_line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._buffer:
            self._buffer += self._receive_bytes(deadline)
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def close(self) -> None:
        self._socket.close()

    def _receive_bytes(self, deadline: Deadline) -> bytes:
        self._socket.settimeout(max(deadline.remaining(), 0.001))
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            raise NoAnswer(f"{self.name}: no answer within {deadline.seconds:.0f} s") from None
        except ConnectionError:
            data = b""
        if not data:
            raise ChannelClosed(f"{self.name}: QEMU has ended")
        return data
