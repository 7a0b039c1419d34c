"""QMP, QEMU's own control channel: cables, resets, orderly ends."""

import socket

from .deadline import Deadline, LabError
from .json_channel import JsonChannel

ANSWER_SECONDS = 10


class Qmp:
    """Events that arrive between answers are kept until somebody waits for them."""

    def __init__(self, name: str, sock: socket.socket):
        self._channel = JsonChannel(f"{name}: QMP", sock)
        self._events: list[str] = []

    def connect(self) -> None:
        """Reads the greeting and leaves QMP's negotiation mode."""
        self._channel.receive(Deadline(ANSWER_SECONDS))
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments):
        self._channel.send({"execute": command, "arguments": arguments})
        answer = self._next_answer(Deadline(ANSWER_SECONDS))
        if "error" in answer:
            raise LabError(f"{self._channel.name}: {command} failed: {answer['error']['desc']}")
        return answer["return"]

    def wait_event(self, name: str, deadline: Deadline) -> None:
        while name not in self._events:
            self._note_event(self._channel.receive(deadline))
        self._events.remove(name)

    def forget_events(self) -> None:
        """Before an action whose event is going to be waited for."""
        self._events.clear()

    def close(self) -> None:
        self._channel.close()

    def _next_answer(self, deadline: Deadline) -> dict:
        while True:
            message = self._channel.receive(deadline)
            if "event" not in message:
                return message
            self._note_event(message)

    def _note_event(self, message: dict) -> None:
        if "event" in message:
            self._events.append(message["event"])
