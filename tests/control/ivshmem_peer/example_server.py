"""An ivshmem server as QEMU's documentation describes one (docs/specs/ivshmem-spec.rst), and as its example does what is
left open there: IDs count from 0 and are not given twice, and everybody is told of every coming and going."""

import os
import selectors
import socket
import struct
import threading


def send(connection, value, fds=()):
    """One message of the protocol, or what is none: with several descriptors."""
    socket.send_fds(connection, [struct.pack("<q", value)], fds)


class ExampleServer:
    """Serves a socket at `path` from a thread of its own, until close()."""

    def __init__(self, path, size_bytes, vectors):
        self._vectors = vectors
        self._next_id = 0
        self._peers = {}  # Connection -> (ID, eventfds); in the order of their coming.
        self.memory = os.memfd_create("example")
        os.ftruncate(self.memory, size_bytes)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._end = os.eventfd(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._end, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        if self._thread is None:
            return
        os.eventfd_write(self._end, 1)
        self._thread.join()
        self._thread = None
        for connection in list(self._peers):
            self._drop(connection)
        self._listener.close()
        self._selector.close()
        os.close(self._end)
        os.close(self.memory)

    def _serve(self):
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == self._end:
                    return
                if key.fileobj is self._listener:
                    self._welcome(self._listener.accept()[0])
                else:
                    self._leave(key.fileobj)  # A client has nothing to say: it has gone.

    def _welcome(self, connection):
        own = self._next_id, [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(self._vectors)]
        self._next_id += 1
        self._tell(connection, 0)
        self._tell(connection, own[0])
        self._tell(connection, -1, [self.memory])
        for other in self._peers:
            self._announce(other, own)
        for peer in [*self._peers.values(), own]:
            self._announce(connection, peer)
        self._peers[connection] = own
        self._selector.register(connection, selectors.EVENT_READ)

    def _announce(self, to, peer):
        for eventfd in peer[1]:
            self._tell(to, peer[0], [eventfd])

    def _leave(self, connection):
        self._selector.unregister(connection)
        number = self._drop(connection)
        for other in self._peers:
            self._tell(other, number)

    @staticmethod
    def _tell(connection, value, fds=()):
        try:
            send(connection, value, fds)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It goes too, and is found at the next turn.

    def _drop(self, connection):
        number, eventfds = self._peers.pop(connection)
        for eventfd in eventfds:
            os.close(eventfd)
        connection.close()
        return number
