"""cache_calls.py PORT CALL: uses the cache that tombolo-kv serves at 127.0.0.1:PORT of this guest. Prints one JSON object,
or ends with an error. Runs in a guest.

    fill      sets KEYS items and gets each once, of which the owner is told
    hits      gets each ROUNDS times and compares every byte
    same      gets each once and compares every byte
    store     stores to every page of the window, as root; how many pages took it
    gone      whatever is asked is answered by an error, now that the owner is dead; the seconds that it took
    back      the items are there again, and another one can be set
"""

import json
import mmap
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from tombolo_kv import Client  # noqa: E402

KEYS = 200
ROUNDS = 10
PATTERN = b"DAMAGED!"
GONE = b"SERVER_ERROR the owner of the cache cannot be reached"
MISSED_SECONDS = 20  # A heartbeat is missed within one; the machine may be emulated and busy.
PAUSE_SECONDS = 0.05


def value(number: int) -> bytes:
    return b"%d " % number * (1 + number * 3)


def key(number: int) -> bytes:
    return b"key-%d" % number


def expect(seen, expected, what: str) -> None:
    if seen != expected:
        raise SystemExit(f"error: {what}: {seen!r:.200}, expected {expected!r:.200}")


def same(client: Client, rounds: int = 1) -> dict:
    for _ in range(rounds):
        for number in range(KEYS):
            expect(client.get(key(number)), value(number), f"item {number}")
    return {"gets": KEYS * rounds}


def fill(client: Client) -> dict:
    for number in range(KEYS):
        expect(client.set(key(number), value(number)), b"STORED", f"set of item {number}")
    return same(client)


def hits(client: Client) -> dict:
    return same(client, ROUNDS)


def store(_: Client) -> dict:
    """As a hostile kernel would: the file of the device may be opened for writing, and mapped."""
    plain = [device for device in Path("/sys/bus/pci/devices").iterdir() if is_plain(device)]
    expect(len(plain), 1, "ivshmem-plain devices")
    file = os.open(plain[0] / "resource2", os.O_RDWR)
    with mmap.mmap(file, os.fstat(file).st_size) as window:
        pages = range(0, len(window), mmap.PAGESIZE)
        for page in pages:
            window[page : page + len(PATTERN)] = PATTERN
        taken = sum(window[page : page + len(PATTERN)] == PATTERN for page in pages)
    return {"pages": len(pages), "taken": taken}


def is_plain(device: Path) -> bool:
    is_ivshmem = (device / "device").read_text() == "0x1110\n" and (device / "vendor").read_text() == "0x1af4\n"
    return is_ivshmem and not (device / "resource1").exists()


def gone(client: Client) -> dict:
    begin = time.monotonic()
    expect(client.set(b"other", b"value"), GONE, "set without an owner")
    set_end = time.monotonic()
    # Until its heartbeat is missed there are hits.
    while (said := client.ask(b"mg key-1 v")) != GONE:
        expect((said[:2], client.line()), (b"VA", value(1)), "get without an owner")
        if time.monotonic() - set_end > MISSED_SECONDS:
            raise SystemExit(f"error: there are hits {MISSED_SECONDS} s after the death of the owner")
        time.sleep(PAUSE_SECONDS)
    return {"set": set_end - begin, "get": time.monotonic() - set_end}


def back(client: Client) -> dict:
    told = same(client)
    expect(client.set(b"other", b"value"), b"STORED", "set")
    expect(client.get(b"other"), b"value", "get")
    return told


def main() -> None:
    calls = {call.__name__: call for call in (fill, hits, same, store, gone, back)}
    with Client(("127.0.0.1", int(sys.argv[1]))) as client:
        print(json.dumps(calls[sys.argv[2]](client)))


main()
