"""The client's side of QEMU's ivshmem protocol, as a program that is not QEMU would write it."""

import os
import select
import socket
import struct


class RawClient:
    """A client of the ivshmem server at `path`; `messages` is a list of (value, fd or None)."""

    def __init__(self, path):
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(20)
        self._socket.connect(path)

    def read(self, count):
        """Reads the next `count` messages, eight bytes at a time."""
        for _ in range(count):
            data, fds, _, _ = socket.recv_fds(self._socket, 8, 2)
            if len(data) != 8 or len(fds) > 1:
                raise AssertionError(f"a message of {len(data)} bytes with {len(fds)} descriptors")
            for fd in fds:
                os.set_inheritable(fd, False)  # Or other programs that the test starts would have it.
            self.messages.append((struct.unpack("<q", data)[0], fds[0] if fds else None))

    def has_unread(self):
        """Whether the server has said more than was read."""
        ready, _, _ = select.select([self._socket], [], [], 0)
        return bool(ready)

    def values(self):
        return [value for value, _ in self.messages]

    def eventfd(self, slot, vector):
        """The descriptor that rings (slot, vector)."""
        announced = [fd for value, fd in self.messages[3:] if value == slot]
        return announced[vector]

    def close(self):
        self._socket.close()
        for _, fd in self.messages:
            if fd is not None:
                os.close(fd)
        self.messages = []
