"""vm1 is killed with -9 and comes back to its slot, again and again, and then reboots; vm2 goes on talking with the host.

The host talks with vm1 too, in a talk that each of its deaths ends; and an MPI rank in vm2 waits for one in vm1 when
that is killed for the first time.
"""

from lab.deadline import LabError

from . import mpi
from .checks import Checks, expect
from .exchanges import SECONDS
from .talk import EndlessTalk, exchange
from .watch import of_slot
from .world import World

VICTIM, WITNESS = 1, 2
DEATHS = 5
TOLD_SECONDS = 1
LONGEST_GAP_MS = 5000  # Two emulated machines on two processors, one of which boots.
MESSAGES_AFTER = 500
MPI_TOLD_SECONDS = 10  # Since the first death a boot has passed already.


def run(world: World, checks: Checks) -> None:
    witness = world.lab.guest(WITNESS)
    boot_id = witness.boot_id()
    with checks.check("the host and vm2 begin to talk", essential=True):
        talk = EndlessTalk(world, WITNESS)
    with checks.check("MPI: a rank in vm2 waits for one in vm1", essential=True):
        job = mpi.WaitingJob(world, WITNESS, VICTIM)
    for number in range(1, DEATHS + 1):
        with checks.check(f"vm1 is killed with -9 and boots again into its slot ({number} of {DEATHS})") as note:
            note(f"watch {_kill_and_boot(world):.2f} s")
            talk.wait_progress()
        if number == 1:
            with checks.check("MPI: the rank in vm2 was told of the death of vm1"):
                job.expect_told(MPI_TOLD_SECONDS)
    with checks.check("vm1 reboots inside its QEMU"):
        _reboot(world)
        talk.wait_progress()
    with checks.check("vm2 has talked with the host all the time") as note:
        reports = talk.stop()
        gap_ms = max(report["longest_gap_ms"] for report in reports)
        note(f"{reports[0]['received']} messages, longest gap {gap_ms} ms")
        expect((witness.running(), witness.boot_id()), (True, boot_id), "vm2 is up, and its boot id")
        if gap_ms > LONGEST_GAP_MS:
            raise LabError(f"nothing came for {gap_ms} ms, expected at most {LONGEST_GAP_MS} ms")
    with checks.check("vm1 and vm2 exchange messages after all that, polling and by doorbell"):
        for mode in ("poll", "sleep"):
            exchange(world, (VICTIM, WITNESS), [mode, MESSAGES_AFTER], SECONDS)


def _kill_and_boot(world: World) -> float:
    """Seconds until the watch told the end."""
    talk = EndlessTalk(world, VICTIM)
    guest, before, mark = world.lab.guest(VICTIM), world.peers()[VICTIM], world.watch.mark()
    guest.kill()
    told = world.watch.wait(mark, of_slot("left", VICTIM), "the end of vm1", TOLD_SECONDS)
    _expect_departure(talk)
    expect(VICTIM in world.peers(), False, "vm1 is among the peers after its death")
    guest.start()
    guest.wait_ready()
    world.start_agent(guest)
    after = world.peers()[VICTIM]
    expect((after["state"], after["incarnation"]), ("ready", before["incarnation"] + 1), "state and incarnation")
    expect(after["boot_id"] != before["boot_id"], True, "the boot id is another one")
    return told


def _reboot(world: World) -> None:
    talk = EndlessTalk(world, VICTIM)
    guest, before, mark = world.lab.guest(VICTIM), world.peers()[VICTIM], world.watch.mark()
    guest.reboot()
    world.start_agent(guest)
    world.watch.wait(mark, of_slot("rebooted", VICTIM), "the reboot of vm1", TOLD_SECONDS)
    _expect_departure(talk)
    after = world.peers()[VICTIM]
    expect((after["state"], after["incarnation"]), ("ready", before["incarnation"]), "state and incarnation")
    expect(after["boot_id"], guest.boot_id(), "boot id")


def _expect_departure(talk: EndlessTalk) -> None:
    talk.host.finish(TOLD_SECONDS)
    expect(talk.host_report()["departed"], True, "departure of the peer in vm1")
