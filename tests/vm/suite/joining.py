"""Two guests join and see each other."""

from lab.deadline import LabError

from .checks import Checks, expect
from .world import HOST, World

READY = {0: "ready", 1: "ready", 2: "ready"}


def run(world: World, checks: Checks) -> None:
    with checks.check("tombolod, the host's agent and memcached start", essential=True):
        world.start_host()
    with checks.check("two guests boot", essential=True):
        world.lab.boot()
    with checks.check("two guests join", essential=True):
        for guest in world.lab.guests:
            world.start_agent(guest)
        expect(world.states(), READY, "peers")
        boots = [world.lab.guest(slot).boot_id() for slot in (1, 2)]
        expect([world.peers()[slot]["boot_id"] for slot in (1, 2)], boots, "boot ids")
    with checks.check("every agent answers every other") as note:
        for asker in (HOST, 1, 2):
            for slot in (HOST, 1, 2):
                said = world.must_run(asker, world.cli("ping", slot, "-n", 3, "--interval", 0), 20)
                if asker != slot:
                    note(f"{asker}-{slot} {said.splitlines()[1].split(': ')[-1]}")
    with checks.check("the watch began with a snapshot and told both joins"):
        told = [(event["event"], event.get("peer", {}).get("slot")) for event in world.watch.events()]
        missing = {("snapshot", None), ("joined", 1), ("joined", 2), ("ready", 1), ("ready", 2)} - set(told)
        if missing or told[0][0] != "snapshot":
            raise LabError(f"told {told}, missing {missing}")
