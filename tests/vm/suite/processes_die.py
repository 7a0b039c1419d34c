"""kill -9 of an agent and of an endpoint, while an endpoint of the same guest talks with the host."""

import shlex

from lab.deadline import LabError

from .checks import Checks, expect
from .talk import EndlessTalk
from .watch import gone
from .world import HOST, World

GUEST = 1
TOLD_SECONDS = 1
RESTART_SECONDS = 20


def run(world: World, checks: Checks) -> None:
    with checks.check("the host and vm1 begin to talk", essential=True):
        talk = EndlessTalk(world, GUEST)
    with checks.check("kill -9 of vm1's agent: it comes back, and its endpoint goes on"):
        _kill_agent(world)
        talk.wait_progress()
        # The tunnels' endpoint is a new one, and so is that of `ping`.
        _until_success(world, HOST, world.cli("ping", GUEST, "-n", 3))
        _until_success(world, GUEST, world.cli("ping", HOST, "-n", 3))
        _until_success(world, GUEST, world.cli("peers"))
        talk.wait_progress()
        expect(world.states()[GUEST], "ready", "state of vm1")
    with checks.check("kill -9 of vm1's endpoint: its peer and the watch are told") as note:
        mark = world.watch.mark()
        world.lab.guest(GUEST).run(["kill", "-9", str(talk.guest_pid)])
        note(f"watch {world.watch.wait(mark, gone(talk.names[1]), 'the end of the endpoint', TOLD_SECONDS):.2f} s")
        talk.host.finish(TOLD_SECONDS)
        expect(talk.host_report()["departed"], True, "departure of the peer")


def _kill_agent(world: World) -> None:
    """Kills the holder's child, and returns when there is another."""
    guest, holder = world.lab.guest(GUEST), world.agent_pids[GUEST]
    child = guest.run(f"pgrep -P {holder}").output.strip()
    guest.run(["kill", "-9", child])
    other = f'until new=$(pgrep -P {holder}) && [ "$new" != {child} ]; do sleep 0.1; done'
    if guest.run(other, RESTART_SECONDS, check=False).code != 0:
        raise LabError(f"the holder did not start another agent; its log is {guest.log('tombolo-agent')}")


def _until_success(world: World, slot: int, command: list[str]) -> None:
    loop = f"until {shlex.join(command)} > /dev/null 2>&1; do sleep 0.1; done"
    world.must_run(slot, ["bash", "-c", loop], RESTART_SECONDS)
