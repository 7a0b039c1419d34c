"""A guest whose device has no driver: its agent goes through sysfs, and looks for what would have interrupted it."""

import re

from lab.deadline import LabError

from .bad_input import FAILED, copy_agent, refused
from .checks import Checks, expect
from .diagnosis import doctor
from .exchanges import SECONDS
from .talk import exchange
from .world import HOST, RUNTIME, World

GUEST, OTHER = 2, 1
POLLED = 2_000
ASLEEP = 100
MOST_US = 20_000  # A millisecond between two looks, on a guest that is emulated and shares its processors.
STOP_SECONDS = 20
CACHED = ["--servers=127.0.0.1:11211"]


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(GUEST)
    with checks.check("an agent that is to go through sysfs says which driver holds the device"):
        copy_agent(world, GUEST)
        refused(world, GUEST, ["--device", "sysfs"], FAILED, "is held by the driver vfio-pci")
    with checks.check("vm2 joins through sysfs", essential=True) as note:
        world.stop_agent(guest)
        guest.run("cd /sys/bus/pci/drivers/vfio-pci && for device in 0000:*; do echo $device > unbind; done")
        world.start_agent(guest, ["--device", "sysfs"])
        said = guest.log("tombolo-agent").read_text()
        note(read_speed(said))
        expect("looked at every millisecond" in said, True, "whether the agent says that it looks")
    with checks.check("tombolo doctor tells that the device is used through sysfs"):
        _used_through(world, "sysfs")
    with checks.check("a second agent says that the device is held"):
        refused(world, GUEST, ["--device", "sysfs"], FAILED, "is held by another process")
    for slots in ((HOST, GUEST), (OTHER, GUEST)):
        with checks.check(f"{POLLED} messages each way, polling, and {ASLEEP} to sleepers: {slots[0]} and {GUEST}") as note:
            for report in exchange(world, slots, ["poll", POLLED], SECONDS):
                expect(report["received"], POLLED, "received")
            reports = exchange(world, slots, ["sleep", ASLEEP], SECONDS)
            took_us = reports[0]["took_ms"] / 2 / ASLEEP * 1000
            note(f"{took_us:.0f} us a message to a sleeper")
            if took_us > MOST_US:
                raise LabError(f"a message to a sleeper took {took_us:.0f} us, expected at most {MOST_US} us")
    with checks.check("a value is stored and read in the host's memcached, through the agent"):
        guest.run("echo of vm2 > /tmp/value && cd /tmp && memccp " + " ".join(CACHED) + " value")
        expect(guest.run(["memccat", *CACHED, "value"]).output.strip(), "of vm2", "value")
    with checks.check("kill -9 of the agent: its successor goes on with the device"):
        pid = guest.run(f"pgrep -P {world.agent_pids[GUEST]}").output.strip()
        guest.run(["kill", "-9", pid])
        ping = " ".join(world.cli("ping", HOST, "-n", 1))
        guest.run(f"until {ping}; do sleep 0.1; done", STOP_SECONDS)
        refused(world, GUEST, ["--device", "sysfs"], FAILED, "is held by another process")
    with checks.check("vm2 joins through /dev/mem, for root only, and exchanges messages") as note:
        world.stop_agent(guest)
        world.start_agent(guest, ["--device", "mem"])
        note(read_speed(guest.log("tombolo-agent").read_text()))
        expect(guest.run(f"stat -c %a {RUNTIME}/broker.sock").output.strip(), "600", "mode of the socket")
        for mode in (["poll", POLLED], ["sleep", ASLEEP]):
            for report in exchange(world, (HOST, GUEST), mode, SECONDS):
                expect(report["received"], mode[1], "received")
    with checks.check("tombolo doctor tells that the device is used through /dev/mem"):
        _used_through(world, "/dev/mem")


def _used_through(world: World, what: str) -> None:
    found = doctor(world, GUEST, "guest")
    expect((found["iommu"]["level"], found["vfio"]["level"]), ("ok", "warning"), "levels of iommu and vfio")
    expect(f"is used through {what}" in found["vfio"]["text"], True, f"whether it says so: {found['vfio']['text']}")


def read_speed(log: str) -> str:
    """What the agent has measured of its mapping."""
    found = re.search(r"the region is read at ([\d.]+) ns a cache line", log)
    if not found:
        raise LabError("the agent's log does not tell how fast the region is read")
    return f"{found[1]} ns a line"
