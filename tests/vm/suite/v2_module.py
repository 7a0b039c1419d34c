"""The kernel module (guest/module) with ivshmem v2 devices, in guests without an IOMMU and without systemd: loaded as its
init script does, what it allows and refuses, messages through it, and its end under use."""

from pathlib import Path

from .checks import Checks, expect
from .module_build import INSTALLED, SOURCES, build_module, expect_kernel_well, install_module

RIGHTS = Path(__file__).resolve().parents[1] / "inside/v2_module_rights.py"
DEVICE = "/dev/tombolo0"
INIT = "/etc/init.d/tombolo-module"
SERVICE = f"MODPROBE_OPTIONS='-d {INSTALLED}' {INIT}"
BY_HAND = {"tombolo-bind": "/usr/local/sbin/tombolo-bind", "tombolo-module.init": INIT}  # As README.md says.
LSB_NOT_RUNNING = 3
SECONDS = 30
POLLED, ASLEEP = 200, 50


def build(world, checks: Checks) -> Path:
    with checks.check("the module is built for the guests' kernel", essential=True):
        return build_module(world.lab)


def run(world, module: Path, checks: Checks) -> None:
    """Both guests are up, and their device has no driver."""
    with checks.check("guests have no IOMMU; the init script loads the module, and gives it the device", essential=True):
        for guest in world.guests:
            expect(guest.run("ls /sys/kernel/iommu_groups").output, "", "IOMMU groups")
            _install(guest, module)
            expect(guest.run(f"{SERVICE} status", check=False).code, LSB_NOT_RUNNING, "status before")
            guest.run(f"dmesg --clear; {SERVICE} start && test -c {DEVICE} && {SERVICE} status")
    with checks.check("files have the sections, doorbells and states of their peer, and no others") as note:
        note(f"{world.guests[1].run(['/usr/bin/python3', '-B', RIGHTS, DEVICE, 1]).output.strip()} answers")
    _check_messages(world, checks)
    _check_ends(world, checks)
    _check_reload(world, checks)
    with checks.check("the kernels have nothing to complain of"):
        for guest in world.guests:
            expect_kernel_well(guest)


def _install(guest, module: Path) -> None:
    install_module(guest, module)
    for name, place in BY_HAND.items():
        guest.run(f"install -D {SOURCES / name} {place}")


def _check_messages(world, checks: Checks) -> None:
    with checks.check(f"{POLLED} messages of all sizes by polling, and back, through the module", essential=True) as note:
        world.echo(1)
        report = world.talk(0, "poll", 1, POLLED)
        expect(report["way"], "module", "way to the device")
        note(f"{report['took_us'] / POLLED:.0f} us each")
    _check_sleepers(world, checks, f"{ASLEEP} messages to a sleeper, and back")


def _check_sleepers(world, checks: Checks, name: str) -> None:
    with checks.check(name) as note:
        report = world.talk(0, "sleep", 1, ASLEEP)
        expect(report["rings"] >= ASLEEP // 2, True, f"whether it was rung, which it was {report['rings']} times")
        note(f"{report['took_us'] / ASLEEP:.0f} us each")


def _check_ends(world, checks: Checks) -> None:
    with checks.check("kill -9 of the process: its peer is in state RESET, the other one is rung and sees it go") as note:
        waiter = world.await_reset(0, 1)
        world.end_peers(1)
        note(f"{world.finish(0, waiter)['rings']} interrupts")
    with checks.check("a device that is in use has one user, and its module is not unloaded"):
        world.echo(1)
        world.talk(0, "poll", 1, 1)  # It has begun.
        refused = world.guests[1].run([world.peer, "states"], SECONDS, check=False)
        expect("is held by another process" in refused.errors, True, f"whether v2_peer says so, and not {refused.errors.strip()}")
        expect(world.guests[1].run("rmmod tombolo", check=False).code != 0, True, "whether rmmod failed")
    with checks.check("the device is taken from the module under use: its user ends, the other one sees it go"):
        driver = "/sys/bus/pci/drivers/tombolo"
        waiter = world.await_reset(0, 1)
        world.guests[1].run(f"basename {driver}/*:* > {driver}/unbind && ! test -e {DEVICE}")
        world.guests[1].run("while pgrep -x v2_peer; do sleep 0.05; done", SECONDS)
        world.finish(0, waiter)


def _check_reload(world, checks: Checks) -> None:
    with checks.check("the module is unloaded, and loaded again for devices in one-shot mode"):
        for peer, guest in enumerate(world.guests):
            guest.run(f"{SERVICE} stop && ! test -e /sys/module/tombolo")
            world.probe(peer, "one-shot")
            guest.run(f"{SERVICE} start && test -c {DEVICE}")
        world.echo(1)
    _check_sleepers(world, checks, f"{ASLEEP} messages to a sleeper in one-shot mode, and back")
