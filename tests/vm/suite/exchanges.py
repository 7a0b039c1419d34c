"""Checked messages between guests, and between the host and a guest: by polling, and by doorbell."""

from lab.deadline import LabError

from .checks import Checks, expect
from .talk import exchange
from .world import HOST, World, place

POLLED = 10_000
RUNG = 1_000
SPARE = 50  # Messages more than have to come by doorbell: a sleeper may be woken by something else.
SECONDS = 90


def run(world: World, checks: Checks) -> None:
    for slots in ((1, 2), (HOST, 1)):
        between = f"between {place(slots[0])} and {place(slots[1])}"
        with checks.check(f"{POLLED} messages each way {between}, polling"):
            for report in exchange(world, slots, ["poll", POLLED], SECONDS):
                _complete(report, POLLED)
                expect(report["sleeps"], 0, "sleeps")
        with checks.check(f"{RUNG} messages each way {between}, by doorbell") as note:
            reports = exchange(world, slots, ["sleep", RUNG + SPARE], SECONDS)
            for report in reports:
                _complete(report, RUNG + SPARE)
                _slept(report)
            note(f"{reports[0]['took_ms'] / 2 / (RUNG + SPARE) * 1000:.0f} us a message")


def _complete(report: dict, count: int) -> None:
    expect((report["sent"], report["received"]), (count, count), "sent and received")


def _slept(report: dict) -> None:
    if min(report["sleeps"], report["doorbells"]) < RUNG:
        raise LabError(f"{report['sleeps']} sleeps and {report['doorbells']} doorbells, expected {RUNG} of each")
