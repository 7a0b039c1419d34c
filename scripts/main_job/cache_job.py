"""Stock memcached clients in a guest without a network use the host's stock memcached, through the tunnel, and the host's
kvcache, whose hits are read in shared memory."""

import re
from pathlib import Path

import kvcache
from host_side import MEMCACHED
from lab.deadline import LabError
from lab.guest import Guest
from lab.process import run as run_command
from programs import Programs

KEYS = 1000
SECONDS = 60
SCRIPT = Path(__file__).with_name("cache_client.sh")


def through_the_tunnel(guest: Guest) -> int:
    """Microseconds of a GET."""
    _fill(guest, MEMCACHED)
    get_us = _get_us(guest, MEMCACHED)
    server = _statistics()
    # Each key is got twice.
    if server["cmd_set"] < KEYS or server["get_hits"] < 2 * KEYS:
        raise LabError(
            f"the host's memcached saw {server['cmd_set']} sets and {server['get_hits']} hits, "
            f"expected {KEYS} and {2 * KEYS}"
        )
    return get_us


def in_shared_memory(guest: Guest, programs: Programs) -> tuple[int, int]:
    """Microseconds of a GET, and how many of them the owner of the cache was asked for."""
    kvcache.start_in_guest(guest, programs)
    _fill(guest, kvcache.IN_GUEST)
    before = kvcache.requests_to_owner()
    get_us = _get_us(guest, kvcache.IN_GUEST)
    asked = kvcache.requests_to_owner() - before
    if asked > KEYS / 2:
        raise LabError(f"the owner of the kvcache was asked for {asked} of {KEYS} keys that its window shows")
    return get_us, asked


def told(memcached_us: int, kvcache_us: int, asked: int) -> str:
    """A line for each."""
    return (
        f"    memcached through the tunnel: {_hits(memcached_us)}\n"
        f"    kvcache in shared memory:     {_hits(kvcache_us)}, its owner was asked for {asked} of them\n"
    )


def _hits(get_us: int) -> str:
    return f"{KEYS} keys set and got, {KEYS} hits, every byte the same; {get_us} us per GET"


def _fill(guest: Guest, server: str) -> None:
    """Each key is set, and got once."""
    guest.run(["bash", SCRIPT, server, "fill", KEYS], SECONDS)


def _get_us(guest: Guest, server: str) -> int:
    """Of one GET among those of all keys."""
    return int(guest.run(["bash", SCRIPT, server, "get"], SECONDS).output)


def _statistics() -> dict[str, int]:
    text = run_command(["memcstat", f"--servers={MEMCACHED}"])
    return {name: int(value) for name, value in re.findall(r"(cmd_set|get_hits): (\d+)", text)}
