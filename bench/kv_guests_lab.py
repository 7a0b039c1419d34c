#!/usr/bin/python3
"""kv_guests_lab.py BINARIES WORK ROUNDS: boots two guests, which are shown the memory of one tombolo-kv, and lets
bench/kv/guest_gets measure in one after the other. Prints what that prints, with the guest's name before each: "vm1/window".
What it does itself it tells on stderr; logs are in WORK."""

import json
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/vm", "scripts/main_job", "tests/support")]

# pylint: disable=wrong-import-position
import host_side
import kvcache
from lab import containment, network
from lab.deadline import LabError
from lab.guest import Guest
from lab.lab import Lab
from lab.qemu_options import Ivshmem
from programs import Programs, fresh_folder
from tombolo_kv import Client
from vm_job import VECTORS, start_agent

GUESTS = 2
KEYS = 10_000
FIRST_KEY = 1_000_000  # As in guest_gets.
VALUE = b"v" * 100
PORT = host_side.MEMCACHED_PORT
HOST = network.address(network.HOST_NUMBER)
SECONDS = 600
# Of one guest: the stock memcached by its network card and by the agent's tunnel, and tombolo-kv --guest in itself.
SERVERS = {"virtio": f"{HOST}:{PORT}", "tunnel": f"127.0.0.1:{PORT}", "guest": kvcache.IN_GUEST}


def run(binaries: Path, work: Path, rounds: int) -> int:
    fresh_folder(work)
    programs = Programs.copy(binaries, work / "bin")
    # A guest that is up would not see a rebuilt file change.
    gets = Path(shutil.copy(binaries / "bench/kv/guest_gets", work / "bin"))
    devices = {number: [Ivshmem(host_side.RUNTIME / f"slot-{number}.sock", VECTORS), kvcache.DEVICE]
               for number in range(1, GUESTS + 1)}
    with Lab(work, GUESTS, devices) as lab:
        _start_host(lab, programs)
        _tell(f"boot {GUESTS} virtual machines")
        lab.boot()
        for guest in lab.guests:
            start_agent(guest, programs)
            kvcache.start_in_guest(guest, programs)
        for guest in lab.guests:
            _tell(f"measure in {guest.name}")
            _measure(guest, gets, rounds)
    return 0


def _start_host(lab: Lab, programs: Programs) -> None:
    host_side.start_daemon(lab, programs)
    host_side.start_agent(lab, programs, [kvcache.ALLOW])
    kvcache.start_owner(lab, programs)
    host_side.start_memcached(lab, HOST)
    for address in (str(kvcache.CLIENTS_SOCKET), (HOST, PORT)):
        with Client(address) as client:
            for number in range(KEYS):
                client.set(b"key-%d" % (FIRST_KEY + number), VALUE)


def _measure(guest: Guest, gets: Path, rounds: int) -> None:
    servers = [f"{name}={address}" for name, address in SERVERS.items()]
    done = guest.run([gets, rounds, KEYS, f"owner={kvcache.OWNER_IN_GUEST}", *servers], SECONDS)
    for line in done.output.splitlines():
        row = json.loads(line)
        print(json.dumps(row | {"name": f"{guest.name}/{row['name']}"}), flush=True)


def _tell(what: str) -> None:
    print(f"+ {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(containment.run(lambda: run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
    except LabError as error:
        sys.exit(f"error: {error}")
