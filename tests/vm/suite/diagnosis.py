"""What `tombolo doctor` and `tombolo status` say of a host and its guests that are well."""

import json

from lab.deadline import LabError

from .checks import Checks, expect
from .world import HOST, World, place

GUEST = 1
DOCTOR_SECONDS = 100
STATUS_SECONDS = 30
# Of a guest whose agent has the device. What depends on the machine below, a warning at most, is left out.
WELL = {"device", "iommu", "vfio", "control", "broker", "doorbell"}


def run(world: World, checks: Checks) -> None:
    with checks.check("tombolo doctor finds no problem on the host"):
        found = doctor(world, HOST, "host")
        expect(found["peers"]["level"], "ok", "peers")
        expect(found["peers"]["numbers"]["virtual_machines"], 2, "virtual machines")
    with checks.check("tombolo doctor finds no problem in a guest") as note:
        found = doctor(world, GUEST, "guest")
        expect({name for name in WELL if found[name]["level"] != "ok"}, set(), "what is not well")
        expect(found["broker"]["numbers"]["slot"], GUEST, "slot")
        if found["doorbell"]["numbers"]["slot"] == GUEST:
            raise LabError("the guest rang itself, not a peer")
        note(f"{found['mapping']['numbers']['ns_per_line']:.1f} ns a line")
        note(f"doorbell {found['doorbell']['numbers']['median_us']:.0f} us")
    for slot in (HOST, GUEST):
        with checks.check(f"tombolo status on {place(slot)}"):
            told = json.loads(world.must_run(slot, world.cli("status", "--json"), STATUS_SECONDS))
            expect(told["daemon"]["state"], "answers", "daemon")
            expect((told["ready"], told["connected"]), (3, 0), "ready and connected peers")
            expect(told["memory"] is None, slot != HOST, "whether the region was read")


def doctor(world: World, slot: int, side: str) -> dict[str, dict]:
    """The findings by name, when there is no problem among them."""
    result = world.run_on(slot, world.cli("doctor", "--json", "--timeout", 20), DOCTOR_SECONDS)
    if not result.output:
        raise LabError(f"it ended with exit code {result.code}: {result.errors.strip()}")
    told = json.loads(result.output)
    expect(told["side"], side, "side")
    problems = {one["check"]: one["text"] for one in told["checks"] if one["level"] == "problem"}
    expect((problems, result.code), ({}, 0), "problems, and exit code")
    return {finding["check"]: finding for finding in told["checks"]}
