"""Stock memcached clients in a guest without a network use the host's stock memcached."""

import re
from pathlib import Path

from host_side import MEMCACHED
from lab.deadline import LabError
from lab.guest import Guest
from lab.process import run as run_command

KEYS = 1000
SECONDS = 60
SCRIPT = Path(__file__).with_name("cache_client.sh")


def run(guest: Guest) -> str:
    """What the guest's clients and the host's memcached say about it, one line each."""
    client = guest.run(["bash", SCRIPT, MEMCACHED, KEYS], SECONDS).output
    server = _statistics()
    if server["cmd_set"] < KEYS or server["get_hits"] < KEYS:
        raise LabError(
            f"the host's memcached saw {server['cmd_set']} sets and {server['get_hits']} hits, expected {KEYS} of each"
        )
    return f"{client}    the host's memcached counts {server['cmd_set']} sets and {server['get_hits']} hits\n"


def _statistics() -> dict[str, int]:
    text = run_command(["memcstat", f"--servers={MEMCACHED}"])
    return {name: int(value) for name, value in re.findall(r"(cmd_set|get_hits): (\d+)", text)}
