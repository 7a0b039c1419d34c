"""The programs on the host side: the daemon, the host's agent, a stock memcached. The owner of a kvcache has a file of
its own."""

import json
import subprocess
from pathlib import Path
from typing import Sequence

from lab.lab import HostPrograms
from lab.process import Program, run as run_command
from programs import Programs

RUNTIME = Path("/run/tombolo")  # The lab has a /run of its own.
READY_SECONDS = 20
HOST_SLOT = 0
AGENT_ENDPOINT = "agent"
MEMCACHED_PORT = 11211
MEMCACHED = f"127.0.0.1:{MEMCACHED_PORT}"


def start_daemon(host: HostPrograms, programs: Programs, runtime: Path = RUNTIME) -> Program:
    """Returns when the daemon answers; gives its holder. There may be several, each for a region of its own."""
    name = "tombolod" if runtime == RUNTIME else f"tombolod-of-{runtime.name}"
    daemon = host.spawn(name, [programs.tombolod, "--runtime-dir", runtime, "--store", "holder"])
    daemon.wait_until(lambda: _succeeds(peers_command(programs, runtime)), READY_SECONDS, "it answered")
    return daemon


def start_agent(host: HostPrograms, programs: Programs, allow: Sequence[str] = ()) -> None:
    """The host ends of tunnels; guests may reach the host's memcached, and what `allow` names. Returns when it has
    joined."""
    allowed = [word for rule in (f"memcached={MEMCACHED}", *allow) for word in ("--allow", rule)]
    agent = host.spawn("tombolo-agent-host", [programs.agent, "--host", "--runtime-dir", RUNTIME, *allowed])
    agent.wait_until(lambda: AGENT_ENDPOINT in endpoints(programs, HOST_SLOT), READY_SECONDS, "it joined")


def peers_command(programs: Programs, runtime: Path = RUNTIME) -> list[str]:
    """The same in the lab and in a guest: on both sides the control socket is in `runtime`."""
    return [str(programs.cli), "--runtime-dir", str(runtime), "peers"]


def endpoints(programs: Programs, slot: int, runtime: Path = RUNTIME) -> list[str]:
    """Names of the endpoints of one peer."""
    peers = json.loads(run_command([*peers_command(programs, runtime), "--json"]))["peers"]
    return [endpoint["name"] for peer in peers if peer["slot"] == slot for endpoint in peer["endpoints"]]


def start_memcached(host: HostPrograms, *more_addresses: str) -> None:
    """Stock memcached, which listens at loopback and at these addresses of the host."""
    addresses = ",".join(("127.0.0.1", *more_addresses))
    memcached = host.spawn(
        "memcached", ["memcached", "-u", "root", "-l", addresses, "-p", str(MEMCACHED_PORT), "-U", "0"]
    )
    memcached.wait_until(lambda: _succeeds(["memcping", f"--servers={MEMCACHED}"]), READY_SECONDS, "it answered")


def _succeeds(command: list) -> bool:
    return (
        subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=READY_SECONDS
        ).returncode
        == 0
    )
