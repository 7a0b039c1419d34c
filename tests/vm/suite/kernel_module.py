"""The kernel module (guest/module) in a guest: what it allows and refuses, messages through it, and its end under use."""

import os
from pathlib import Path

from .checks import Checks, expect
from .exchanges import SECONDS
from .module_build import BIND, build_module, expect_kernel_well, install_module
from .talk import EndlessTalk, exchange
from .watch import of_slot
from .without_driver import read_speed
from .world import HOST, World

GUEST, OTHER = 2, 1
RIGHTS = Path(__file__).resolve().parents[1] / "inside/module_rights.py"
DEVICE = "/dev/tombolo0"
POLLED, RUNG = 2_000, 200
SPARE = 20
RELOADS = int(os.environ.get("TOMBOLO_MODULE_RELOADS", "5"))  # 100 in the long form.
RELOAD_SECONDS = 2
END_SECONDS = 20


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(GUEST)
    with checks.check("the module is built for the guests' kernel", essential=True):
        module = build_module(world.lab)
    with checks.check("tombolo-bind loads it, and gives it the device that vfio-pci had", essential=True):
        world.stop_agent(guest)
        address = _address(guest)
        install_module(guest, module)
        guest.run(f"dmesg --clear; {BIND} start")
        guest.run(f"test -c {DEVICE}")
    with checks.check("files have the rights, windows, mappings and eventfds that they asked for, and no others") as note:
        note(f"{guest.run(['/usr/bin/python3', '-B', RIGHTS, DEVICE, GUEST]).output.strip()} answers")
    with checks.check("vm2 joins through the module", essential=True) as note:
        world.start_agent(guest, ["--device", "module"])
        note(read_speed(guest.log("tombolo-agent").read_text()))
    for slots in ((HOST, GUEST), (OTHER, GUEST)):
        with checks.check(f"{POLLED} messages by polling and {RUNG} by doorbell between {slots[0]} and {GUEST}") as note:
            for report in exchange(world, slots, ["poll", POLLED], SECONDS):
                expect(report["received"], POLLED, "received")
            reports = exchange(world, slots, ["sleep", RUNG + SPARE], SECONDS)
            expect(min(report["doorbells"] for report in reports) >= RUNG, True, "whether doorbells rang")
            note(f"{reports[0]['took_ms'] / 2 / (RUNG + SPARE) * 1000:.0f} us a message")
    with checks.check("it is not unloaded under use"):
        expect(guest.run("rmmod tombolo", check=False).code != 0, True, "whether rmmod failed")
    if guest.survives_plugging_in_again():
        with checks.check("QEMU unplugs the device under use: its users end, others are told, and it comes back"):
            _unplug(world)
            for report in exchange(world, (HOST, GUEST), ["sleep", RUNG], SECONDS):
                expect(report["received"], RUNG, "received")
    with checks.check(f"it is loaded and unloaded {RELOADS} times"):
        world.stop_agent(guest)
        loop = f"for i in $(seq {RELOADS}); do rmmod tombolo && insmod {module} && ls /dev/tombolo? || exit 1; done"
        guest.run(loop, END_SECONDS + RELOADS * RELOAD_SECONDS)
    with checks.check("tombolo-bind takes the device away and unloads it"):
        guest.run(f"{BIND} stop && ! test -e /sys/module/tombolo && ! test -e /sys/bus/pci/devices/{address}/driver")
    with checks.check("vm2 joins through vfio again, as the next group expects it"):
        world.start_agent(guest)
    with checks.check("the kernel has nothing to complain of"):
        expect_kernel_well(guest)


def _address(guest) -> str:
    """Of the device with interrupts, which has a BAR1; the other one is the window of a cache."""
    find = "for file in $(grep -l 0x1110 /sys/bus/pci/devices/*/device); do test -e ${file%device}resource1 && echo $file; done"
    return guest.run(f"basename $(dirname $({find}))").output.strip()


def _unplug(world: World) -> None:
    """By device_del: QEMU's button, as an operator or libvirt presses it."""
    guest = world.lab.guest(GUEST)
    talk, mark = EndlessTalk(world, GUEST), world.watch.mark()
    guest.request_unplug_device()
    guest.wait_device_unplugged(END_SECONDS)
    world.watch.wait(mark, of_slot("left", GUEST), "the departure of vm2", END_SECONDS)
    talk.host.finish(END_SECONDS)
    expect(talk.host_report()["departed"], True, "departure of the peer in vm2")
    guest.run(f"while kill -0 {talk.guest_pid} 2> /dev/null; do sleep 0.1; done", END_SECONDS)
    guest.run(f"! test -e {DEVICE}")
    guest.plug_device()
    # The holder starts agents until one finds the device again.
    ping = " ".join(world.cli("ping", HOST, "-n", 1))
    guest.run(f"until {ping}; do sleep 0.1; done", END_SECONDS)
