"""An agent that cannot have its device: one sentence that says why, and an exit code."""

from pathlib import Path

from .checks import Checks, expect
from .world import World

GUEST, REBOOTED = 1, 2
SECONDS = 30
FAILED, USAGE = 1, 2
REFUSED = Path("/tmp/refused")
AGENT = "/tmp/tombolo-agent"  # A copy: an ordinary user may not enter the folder of the sources.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def run(world: World, checks: Checks) -> None:
    """In vm1 an agent runs and holds the device. vm2 is left without one."""
    copy_agent(world, GUEST)
    with checks.check("a second agent says that the device is held"):
        refused(world, GUEST, [], FAILED, "is held by another process")
    with checks.check("an address of another device, of none, and of nonsense are refused"):
        refused(world, GUEST, ["--device", "0000:00:00.0"], USAGE, "is not an ivshmem device")
        refused(world, GUEST, ["--device", "0000:00:1e.7"], FAILED, "0000:00:1e.7")
        refused(world, GUEST, ["--device", "shmem"], FAILED, "expected an address such as")
    with checks.check("an agent of an ordinary user says what it may not do"):
        refused(world, GUEST, [], FAILED, "as root", before=NOBODY)
    with checks.check("without interrupt remapping the agent names QEMU's options"):
        guest = world.lab.guest(REBOOTED)
        guest.kill()
        guest.start(interrupt_remapping=False)
        guest.wait_ready()
        copy_agent(world, REBOOTED)
        refused(world, REBOOTED, [], FAILED, "intremap=on")


def copy_agent(world: World, slot: int) -> None:
    world.must_run(slot, ["install", "-m", "755", world.programs.agent, AGENT], SECONDS)


def refused(
    world: World, slot: int, flags: list[str], code: int, says: str, before: list[str] = [], runtime: Path = REFUSED
) -> None:
    """An agent with these flags ends with this code; before copy_agent() there is none to start."""
    agent = [*before, AGENT, "--runtime-dir", runtime, "--log-level", "off", *flags]
    result = world.run_on(slot, agent, SECONDS)
    lines = result.errors.strip().splitlines()
    expect((result.code, len(lines)), (code, 1), f"exit code and lines of {lines}")
    expect(lines[0].startswith("error: ") and says in lines[0], True, f"'{lines[0]}' says '{says}'")
