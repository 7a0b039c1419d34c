"""kvcache: its owner on the host, the device that shows its items to a guest, and what serves them there."""

import shlex
from pathlib import Path

from host_side import READY_SECONDS
from lab.deadline import LabError
from lab.guest import Guest
from lab.lab import HostPrograms
from lab.process import Program
from lab.qemu_options import Window
from programs import Programs
from tombolo_kv import Client

FOLDER = Path("/run/tombolo-kv")  # The lab has a /run of its own.
MEMORY_MIB = 64
DEVICE = Window(FOLDER / "memory", MEMORY_MIB << 20)
CLIENTS_SOCKET = FOLDER / "clients.sock"  # Of memcached's protocols, on the host.
OWNER_SOCKET = FOLDER / "owner.sock"
ALLOW = f"kvcache=unix:{OWNER_SOCKET}"
OWNER_IN_GUEST = "127.0.0.1:11300"
FORWARD = f"{OWNER_IN_GUEST}=kvcache"
GUEST_PORT = 11212  # At 11211 guests have the host's memcached.
IN_GUEST = f"127.0.0.1:{GUEST_PORT}"
GUEST_SECONDS = 30
UNIT = Path(__file__).resolve().parents[2] / "dist/systemd/tombolo-kv-guest.service"


def start_owner(host: HostPrograms, programs: Programs) -> Program:
    """Returns when it answers, with the memory file that there is, or a new one. QEMU needs that."""
    FOLDER.mkdir(exist_ok=True)
    places = ["-e", DEVICE.file, "-s", CLIENTS_SOCKET, "--owner-socket", OWNER_SOCKET]
    owner = host.spawn("tombolo-kv", [programs.kv, "-u", "root", "-m", MEMORY_MIB, *places])
    owner.wait_until(_owner_answers, READY_SECONDS, "it answered")
    return owner


def start_in_guest(guest: Guest, programs: Programs) -> int:
    """Runs what the unit says, as another user and at another port. Returns when it answers; its PID in the guest."""
    pid = guest.spawn("tombolo-kv", [programs.kv, *_flags_of_unit(), "-u", "nobody", "-p", GUEST_PORT])
    asks = f"memcping --servers={IN_GUEST} > /dev/null 2>&1"
    ready = guest.run(f"until {asks}; do kill -0 {pid} || exit 1; sleep 0.1; done", GUEST_SECONDS, check=False)
    if ready.code != 0:
        raise LabError(f"tombolo-kv in {guest.name} did not come up; its log is {guest.log('tombolo-kv')}")
    return pid


def _flags_of_unit() -> list[str]:
    """Without the operator's own, which are in a variable."""
    start = next(line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart="))
    return [word for word in shlex.split(start)[1:] if not word.startswith("$")]


def requests_to_owner() -> int:
    """How often guests have asked the owner so far."""
    with Client(str(CLIENTS_SOCKET)) as client:
        return int(client.stats()["remote_requests"])


def _owner_answers() -> bool:
    try:
        with Client(str(CLIENTS_SOCKET)) as client:
            return client.ask(b"mn") == b"MN"
    except OSError:
        return False
