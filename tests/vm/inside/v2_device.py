"""v2_device.py STEP...: uses this guest's ivshmem v2 device as its driver would, through sysfs. Prints what the reading
steps gave, as JSON. Runs in a guest, as root; no driver may hold the device.

    find           its PCI address, class, and the sizes that its vendor capability tells
    r:OFFSET       a register                       w:OFFSET=VALUE    writes it
    R:OFFSET       a word of its memory, BAR2       W:OFFSET=VALUE    writes it
    one-shot       switches that mode on, in the vendor capability
    t:OFFSET       how many nanoseconds a word of its memory takes to read
"""

import json
import mmap
import struct
import sys
import time
from pathlib import Path

IDENTITY = ("0x110a", "0x4106")
CAPABILITIES, VENDOR = 0x34, 0x09
ONE_SHOT = 3  # Of the vendor capability: bit 0.
READS = 200


def find() -> Path:
    for device in Path("/sys/bus/pci/devices").iterdir():
        if ((device / "vendor").read_text().strip(), (device / "device").read_text().strip()) == IDENTITY:
            return device
    raise SystemExit("error: there is no ivshmem v2 device")


DEVICE = find()


def vendor_capability(config: bytes) -> int:
    at = config[CAPABILITIES]
    while at and config[at] != VENDOR:
        at = config[at + 1]
    return at


def switch_one_shot_on() -> None:
    with open(DEVICE / "config", "r+b", buffering=0) as config:
        config.seek(vendor_capability((DEVICE / "config").read_bytes()) + ONE_SHOT)
        config.write(b"\x01")


def described() -> dict:
    config = (DEVICE / "config").read_bytes()
    at = vendor_capability(config)
    table, rw, output = struct.unpack_from("<IQQ", config, at + 4)
    told = {"address": DEVICE.name, "class": (DEVICE / "class").read_text().strip()}
    return {**told, "table": table, "rw": rw, "output": output}


def words(resource: str) -> memoryview:
    """Accesses of 32 bits each."""
    with open(DEVICE / resource, "r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), (DEVICE / resource).stat().st_size)).cast("I")


def step(text: str):
    kind, _, rest = text.partition(":")
    if kind == "find":
        return described()
    if kind == "one-shot":
        return switch_one_shot_on()
    offset, _, value = rest.partition("=")
    view = REGISTERS if kind in "rw" else MEMORY
    index = int(offset, 0) // 4
    if value:
        view[index] = int(value, 0)
        return None
    if kind == "t":
        start = time.perf_counter_ns()
        for _ in range(READS):
            view[index]
        return (time.perf_counter_ns() - start) // READS
    return view[index]


(DEVICE / "enable").write_text("1")
REGISTERS, MEMORY = words("resource0"), words("resource2")
print(json.dumps([result for result in map(step, sys.argv[1:]) if result is not None]))
