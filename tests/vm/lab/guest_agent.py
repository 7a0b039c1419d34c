"""Runs commands in a guest through QEMU's guest agent over virtio-serial: works with the network cable pulled."""

import base64
import contextlib
import itertools
import json
import socket
import time
from dataclasses import dataclass
from typing import Sequence

from .deadline import Deadline, LabError
from .json_channel import JsonChannel, NoAnswer

ANSWER_SECONDS = 20
SYNC_RESEND_SECONDS = 1
SLACK_SECONDS = 10
POLL_FIRST_SECONDS = 0.01
POLL_LAST_SECONDS = 0.5
# Makes the agent drop whatever half message it holds; see "guest-sync-delimited" in qemu-ga-ref(7).
RESET_BYTE = b"\xff"


@dataclass(frozen=True)
class Result:
    code: int
    output: str
    errors: str


class GuestAgent:
    """Not thread safe."""

    def __init__(self, name: str, sock: socket.socket):
        self._channel = JsonChannel(f"{name}: guest agent", sock)
        self._ids = itertools.count(1)

    def synchronize(self, deadline: Deadline) -> None:
        """Returns when the agent answers: the guest is up. Asks again now and then: a request that was under way
        when the guest was reset is lost."""
        while True:
            number = next(self._ids)
            # Until the guest is up, nobody reads: after 70 requests there is no room for another one.
            with contextlib.suppress(NoAnswer):
                self._channel.send({"execute": "guest-sync-delimited", "arguments": {"id": number}}, RESET_BYTE)
            if self._answered(number, deadline):
                return

    def run(self, argv: Sequence[str], seconds: float, stdin: bytes = b"") -> Result:
        """Runs a command to its end. timeout(1) ends it in the guest when it takes longer (exit code 124)."""
        deadline = Deadline(seconds + SLACK_SECONDS)
        limited = ["--kill-after=2", f"{seconds:.0f}", *argv]
        pid = self._execute(
            "guest-exec", path="timeout", arg=limited, **{"capture-output": True, "input-data": _encode(stdin)}
        )["pid"]
        pause = POLL_FIRST_SECONDS
        while True:
            status = self._execute("guest-exec-status", pid=pid)
            if status["exited"]:
                return _result(status)
            if deadline.passed():
                raise LabError(f"{self._channel.name}: `{' '.join(argv)}` did not end within {seconds:.0f} s")
            time.sleep(pause)
            # Asking costs an emulated guest processor time, which would show in what is being measured there.
            pause = min(pause * 2, POLL_LAST_SECONDS)

    def send(self, argv: Sequence[str]) -> None:
        """Starts a command that takes the guest down, so that no answer can be expected."""
        self._channel.send(_request("guest-exec", path=argv[0], arg=list(argv[1:])))

    def close(self) -> None:
        self._channel.close()

    def _execute(self, command: str, **arguments):
        self._channel.send(_request(command, **arguments))
        answer = self._channel.receive(Deadline(ANSWER_SECONDS))
        if "error" in answer:
            raise LabError(f"{self._channel.name}: {command} failed: {answer['error']['desc']}")
        return answer["return"]

    def _answered(self, number: int, deadline: Deadline) -> bool:
        patience = Deadline(min(SYNC_RESEND_SECONDS, deadline.remaining()))
        try:
            # Answers come in order: when this one is here, those to earlier requests have been drained.
            while not _is_sync(self._channel.receive_line(patience).lstrip(RESET_BYTE), number):
                pass
            return True
        except NoAnswer:
            if deadline.passed():
                raise NoAnswer(f"{self._channel.name}: no answer within {deadline.seconds:.0f} s") from None
            return False


def _request(command: str, **arguments) -> dict:
    return {"execute": command, "arguments": arguments}


def _is_sync(line: bytes, number: int) -> bool:
    """Whatever else arrives, such as the answer to an earlier request, is left over from before."""
    try:
        return json.loads(line) == {"return": number}
    except ValueError:
        return False


def _result(status: dict) -> Result:
    code = status["exitcode"] if "exitcode" in status else 128 + status.get("signal", 0)
    return Result(code, _decode(status.get("out-data", "")), _decode(status.get("err-data", "")))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
