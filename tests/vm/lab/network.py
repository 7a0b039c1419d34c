"""A bridge with one tap per guest, in the lab's own network namespace.

QEMU's user-mode and socket networks stall on large messages and would flatter whoever is compared with them.
"""

import os
import stat
from pathlib import Path

from .deadline import LabError
from .process import run

BRIDGE = "br0"
PREFIX = "10.99.0"
PREFIX_BITS = 24
HOST_NUMBER = 254
TUN = Path("/dev/net/tun")


def name(number: int) -> str:
    return f"vm{number}"


def tap(number: int) -> str:
    return f"tap{number}"


def address(number: int) -> str:
    return f"{PREFIX}.{number}"


def mac(number: int) -> str:
    return f"52:54:00:99:00:{number:02x}"


def create(guests: int) -> None:
    """The bridge has the host's own address, so that `ssh vm1` works from inside the namespace."""
    if not TUN.exists() or not stat.S_ISCHR(os.stat(TUN).st_mode):
        raise LabError(f"no device {TUN} for the guests' network cards; in a container: --device {TUN}")
    lines = [
        f"link add {BRIDGE} type bridge",
        f"address add {address(HOST_NUMBER)}/{PREFIX_BITS} dev {BRIDGE}",
        f"link set {BRIDGE} up",
    ]
    for number in range(1, guests + 1):
        lines += [f"tuntap add {tap(number)} mode tap", f"link set {tap(number)} master {BRIDGE} up"]
    _ip(lines)


def remove(guests: int) -> None:
    """Once nobody holds the taps."""
    _ip([f"link delete {link}" for link in (BRIDGE, *(tap(number) for number in range(1, guests + 1)))])


def _ip(lines: list[str]) -> None:
    run(["ip", "-batch", "-"], input="\n".join(lines) + "\n")


def hosts_file(guests: int) -> str:
    """/etc/hosts for the lab's host side and for every guest."""
    entries = ["127.0.0.1 localhost", "::1 localhost", f"{address(HOST_NUMBER)} host"]
    entries += [f"{address(number)} {name(number)}" for number in range(1, guests + 1)]
    return "".join(f"{entry}\n" for entry in entries)
