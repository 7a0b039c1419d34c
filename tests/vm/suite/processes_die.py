"""kill -9 of an agent and of an endpoint, while an endpoint of the same guest talks with the host."""

import shlex

from host_side import AGENT_ENDPOINT
from lab.deadline import LabError

from .checks import Checks, expect
from .mpi import Soak
from .talk import EndlessTalk
from .watch import gone
from .world import HOST, World

GUEST = 1
TOLD_SECONDS = 1
RESTART_SECONDS = 20
# Asleep in between and without a timer, so that one doorbell that a new agent costs is enough to fail.
BY_DOORBELL = ("sleep", 1_000_000_000)


def run(world: World, checks: Checks) -> None:
    with checks.check("the host and vm1 begin to talk by doorbell", essential=True):
        talk = EndlessTalk(world, GUEST, BY_DOORBELL)
    with checks.check("kill -9 of vm1's agent: it comes back, and its endpoint goes on") as note:
        note(f"watch {_kill_agent(world):.2f} s")
        talk.wait_progress()
        # The tunnels' endpoint is a new one, and so is that of `ping`.
        _until_success(world, HOST, world.cli("ping", GUEST, "-n", 3))
        _until_success(world, GUEST, world.cli("ping", HOST, "-n", 3))
        _until_success(world, GUEST, world.cli("peers"))
        talk.wait_progress()
        expect(world.states()[GUEST], "ready", "state of vm1")
    with checks.check("kill -9 of vm1's agent, twice: an MPI soak of 2 ranks per guest goes on") as note:
        soak = Soak(world)
        for _ in range(2):
            # The ranks leave little of the guest's one processor.
            _kill_agent(world, RESTART_SECONDS)
            _until_success(world, GUEST, world.cli("peers"))
            expect(soak.goes_on(), True, "whether the soak goes on")
        note(soak.expect_good())
    with checks.check("kill -9 of vm1's endpoint: its peer and the watch are told") as note:
        mark = world.watch.mark()
        world.lab.guest(GUEST).run(["kill", "-9", str(talk.guest_pid)])
        note(f"watch {world.watch.wait(mark, gone(talk.names[1], GUEST), 'the end of the endpoint', TOLD_SECONDS):.2f} s")
        talk.host.wait(TOLD_SECONDS)
        expect(talk.host_report()["departed"], True, "departure of the peer")


def _kill_agent(world: World, told_seconds: float = TOLD_SECONDS) -> float:
    """Kills the holder's child, and returns when there is another. Seconds until the watch told the end of what was an
    endpoint in it: its tunnels; at most `told_seconds`."""
    guest, holder = world.lab.guest(GUEST), world.agent_pids[GUEST]
    child = guest.run(f"pgrep -P {holder}").output.strip()
    mark = world.watch.mark()
    guest.run(["kill", "-9", child])
    told = world.watch.wait(mark, gone(AGENT_ENDPOINT, GUEST), "the end of vm1's agent", told_seconds)
    other = f'until new=$(pgrep -P {holder}) && [ "$new" != {child} ]; do sleep 0.1; done'
    if guest.run(other, RESTART_SECONDS, check=False).code != 0:
        raise LabError(f"the holder did not start another agent; its log is {guest.log('tombolo-agent')}")
    return told


def _until_success(world: World, slot: int, command: list[str]) -> None:
    loop = f"until {shlex.join(command)} > /dev/null 2>&1; do sleep 0.1; done"
    world.must_run(slot, ["bash", "-c", loop], RESTART_SECONDS)
