"""`tombolo v2` in two guests with ivshmem v2 devices: what v2_test.py checks of it."""

import json
import re
from pathlib import Path

from .checks import Checks, expect

SECONDS = 30
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/cli.md"
FAILED = 1
RESET = 0


def run(world, checks: Checks) -> None:
    """Nobody has the device of either guest, before and after it."""
    with checks.check("tombolo v2 ping --serve answers tombolo v2 ping") as note:
        _spawn(world, 1, "ping --serve")
        told = json.loads(_v2(world, 0, "ping 1 --json").output)
        expect(set(told), _fields_of_example("v2 ping"), "fields")
        expect((told["peer"], told["asked"], told["answered"]), (1, 5, 5), "peer, asked, answered")
        note(f"{sorted(told['round_trips_ns'])[2] / 1000:.0f} us each")
    with checks.check("tombolo v2 status tells who is there, and that a device is somebody else's"):
        told = json.loads(_v2(world, 0, "status --json").output)
        expect(set(told), _fields_of_example("v2 status"), "fields")
        expect((told["id"], told["max_peers"]), (0, 2), "ID and number of peers")
        expect([peer["state_name"] for peer in told["peers"]], ["reset", "ready"], "states")
        refused = _v2(world, 1, "status", check=False)
        expect((refused.code, "one process at a time" in refused.errors), (FAILED, True), refused.errors)
    with checks.check("who ends tombolo v2 by SIGTERM is in state RESET for the others"):
        world.guests[1].run("pkill -TERM -x tombolo")
        _await_end(world, 1)
        expect(json.loads(_v2(world, 0, "status --json").output)["peers"][1]["state"], RESET, "its state")
    with checks.check("tombolo v2 send and receive carry a file of 100 KB whole"):
        _spawn(world, 1, "receive 0 > /lab/received")
        world.guests[0].run("head -c 100001 /dev/urandom > /lab/sent")
        _v2(world, 0, "send 1 < /lab/sent")
        sent, received = (guest.folder / name for guest, name in zip(world.guests, ("sent", "received")))
        expect(received.read_bytes() == sent.read_bytes(), True, "whether it is the same")
    _await_end(world, 1)


def _v2(world, peer: int, words: str, check: bool = True):
    """Words of a shell may follow."""
    return world.guests[peer].run(f"{world.tombolo} v2 {words}", SECONDS, check=check)


def _spawn(world, peer: int, words: str) -> None:
    world.guests[peer].spawn("v2", ["bash", "-c", f"exec {world.tombolo} v2 {words}"])


def _await_end(world, peer: int) -> None:
    world.guests[peer].run("while pgrep -x tombolo; do sleep 0.05; done", SECONDS)


def _fields_of_example(command: str) -> set[str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    return set(json.loads(re.search(rf"^### `tombolo {command} --json`\n+```json\n(.*?)^```", text, re.M | re.S)[1]))
