"""kill -9 of tombolod, again and again, while an endpoint of a guest talks with the host: its holder starts another one,
which goes on with the same machines and endpoints."""

import os
import signal
import time

from lab.deadline import Deadline, LabError

from .checks import Checks, expect
from .exchanges import SECONDS
from .talk import EndlessTalk, exchange
from .watch import gone
from .world import HOST, World

GUEST, OTHER_GUEST = 1, 2
DEATHS = 3
RESTART_SECONDS = 20
TOLD_SECONDS = 1
MESSAGES_AFTER = 500
POLL_SECONDS = 0.02
# Asleep in between and without a timer: a doorbell that a kill costs is enough to fail.
BY_DOORBELL = ("sleep", 1_000_000_000)


def run(world: World, checks: Checks) -> None:
    with checks.check("the host and vm1 begin to talk by doorbell", essential=True):
        talk = EndlessTalk(world, GUEST, BY_DOORBELL)
    before = world.peers()
    with checks.check(f"kill -9 of tombolod, {DEATHS} times: all go on, and none is another one") as note:
        for _ in range(DEATHS):
            note(f"{_kill_daemon(world):.2f} s")
            talk.wait_progress()
            expect(world.peers(), before, "peers")
    with checks.check("its successor serves new endpoints of the host and of both guests"):
        for slots in ((HOST, OTHER_GUEST), (GUEST, OTHER_GUEST)):
            exchange(world, slots, ["sleep", MESSAGES_AFTER], SECONDS)
        for guest in (GUEST, OTHER_GUEST):
            world.must_run(guest, world.cli("peers"), RESTART_SECONDS)
    with checks.check("kill -9 of vm1's endpoint: the successor's watch and its peer are told") as note:
        world.begin_watch()
        mark = world.watch.mark()
        world.lab.guest(GUEST).run(["kill", "-9", str(talk.guest_pid)])
        note(f"watch {world.watch.wait(mark, gone(talk.names[1], GUEST), 'the end of the endpoint', TOLD_SECONDS):.2f} s")
        talk.host.wait(TOLD_SECONDS)
        expect(talk.host_report()["departed"], True, "departure of the peer")


def _kill_daemon(world: World) -> float:
    """Kills the holder's child; the seconds until another one answers."""
    child = _child(world.daemon.pid)
    begin = time.monotonic()
    os.kill(child, signal.SIGKILL)
    deadline = Deadline(RESTART_SECONDS)
    while not _answers(world, child):
        if deadline.passed():
            raise LabError(f"no other tombolod answers; its log is {world.daemon.log}")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - begin


def _answers(world: World, killed: int) -> bool:
    return (
        _child(world.daemon.pid) not in (killed, None)
        and world.run_on(HOST, world.cli("peers"), RESTART_SECONDS).code == 0
    )


def _child(holder: int) -> int | None:
    """Nothing while there is none."""
    with open(f"/proc/{holder}/task/{holder}/children", encoding="ascii") as children:
        pids = children.read().split()
    return int(pids[0]) if pids else None
