"""QEMU takes vm1's device, which vfio has, away while vm1 talks with the host, and gives it back."""

from .checks import Checks, expect
from .exchanges import SECONDS
from .module_build import expect_kernel_well
from .talk import EndlessTalk, exchange
from .watch import of_slot
from .world import HOST, World

GUEST, WITNESS = 1, 2
MESSAGES = 200
END_SECONDS = 20


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(GUEST)
    boot_id = guest.boot_id()
    with checks.check("vm1's device is to be unplugged: its users talk on, the kernel waits for them", essential=True):
        guest.run("dmesg --clear")
        talk, mark = EndlessTalk(world, GUEST), world.watch.mark()
        guest.request_unplug_device()
        guest.run("until dmesg | grep -q 'blocked until released by user'; do sleep 0.1; done", END_SECONDS)
        talk.wait_progress()
    with checks.check("its users end: it is gone, and the others are told", essential=True) as note:
        guest.run(["kill", "-9", str(talk.guest_pid)])
        world.stop_agent(guest)
        guest.wait_device_unplugged(END_SECONDS)
        note(f"watch {world.watch.wait(mark, of_slot('left', GUEST), 'the departure of vm1', END_SECONDS):.2f} s")
        talk.host.finish(END_SECONDS)
        expect(talk.host_report()["departed"], True, "departure of the peer in vm1")
        expect(GUEST in world.peers(), False, "vm1 is among the peers without a device")
    with checks.check("vm1 goes on without it, and its kernel has nothing to complain of"):
        expect((guest.running(), guest.boot_id()), (True, boot_id), "vm1 is up, and its boot id")
        expect_kernel_well(guest)
    if guest.survives_plugging_in_again():
        how, bring_back = "is plugged in again", guest.plug_device
    else:
        how, bring_back = "is there when vm1 boots again", lambda: _boot_again(guest)
    with checks.check(f"it {how}: vm1 joins, and exchanges messages"):
        bring_back()
        world.start_agent(guest)
        for slots in ((HOST, GUEST), (GUEST, WITNESS)):
            for report in exchange(world, slots, ["sleep", MESSAGES], SECONDS):
                expect(report["received"], MESSAGES, "received")


def _boot_again(guest) -> None:
    guest.kill()
    guest.start()
    guest.wait_ready()
