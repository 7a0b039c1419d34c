"""A guest whose cable is pulled: stock memcached clients and gRPC go through the agent."""

import json
from pathlib import Path

import host_side

from .checks import Checks, expect
from .world import HOST, RUNTIME, World

GUEST = 2
CAPABILITIES = 54  # memccapable's tests.
INSIDE = Path(__file__).resolve().parents[1] / "inside"
PYTHON = ["/usr/bin/python3", "-B"]
SERVING = 1
READY = 2  # PEER_STATE_READY.


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(GUEST)
    guest.unplug()
    with checks.check("the cable is pulled"):
        expect(guest.run("cat /sys/class/net/eth0/carrier").output.strip(), "0", "carrier")
    _memcached(world, checks)
    with checks.check("gRPC: Health and ListPeers answer"):
        said = world.must_run(
            GUEST, [*PYTHON, INSIDE / "control_calls.py", f"unix:{RUNTIME}/control.sock", world.tests.proto], 60
        )
        answers = json.loads(said)
        expect(answers["health"], SERVING, "health")
        expect(answers["peers"], [[slot, READY] for slot in (HOST, 1, 2)], "peers")
    with checks.check("tombolo peers answers"):
        listed = json.loads(world.must_run(GUEST, world.cli("peers", "--json"), 20))["peers"]
        expect({peer["slot"]: peer["state"] for peer in listed}, world.states(), "peers")
    guest.plug()


def memccapable(world: World, slot: int, port: int) -> None:
    """All of its tests pass, against a server at that port of 127.0.0.1."""
    said = world.run_on(slot, ["memccapable", "-h", "127.0.0.1", "-p", port, "-t", "30"], 90)
    text = said.output + said.errors
    expect((text.count("[pass]"), said.code), (CAPABILITIES, 0), "tests passed, and exit code")


def _memcached(world: World, checks: Checks) -> None:
    for slot, where in ((HOST, "directly"), (GUEST, "through the agent")):
        with checks.check(f"memccapable passes {where}"):
            memccapable(world, slot, host_side.MEMCACHED_PORT)
    with checks.check("8 connections at once with values of 1 MiB"):
        world.must_run(GUEST, [*PYTHON, INSIDE / "big_values.py", "127.0.0.1", "11211"], 90)
