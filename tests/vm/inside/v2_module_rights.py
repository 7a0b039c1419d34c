"""v2_module_rights.py DEVICE PEER: what the kernel module tombolo lets an open file of an ivshmem v2 device do, and what it
refuses. Runs in a guest, as root; DEVICE is /dev/tomboloN, PEER the guest's own, in state RESET, whose doorbells it rings. It
stores to the end of the sections that it may write. Prints how many checks passed."""

import ctypes
import errno
import fcntl
import mmap
import os

from module_calls import CACHED, GET_SECTIONS, PAGE, READ_ONLY, SEALED, SECTIONS, SET_MAPPING, SET_STATE, SLOT, UNCACHED, WOKEN_MS
from module_calls import expect, info, listen, mapped, opened, rang, refused, request_number, restrict, ring, run

READ, WRITE = mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE
RESET, READY = 0, 2
TABLE = 0  # Offset.


class Device:
    def __init__(self):
        fd = opened()
        self.peers, self.protocol, self.table, self.rw, self.output = sections(fd)
        self.vectors, self.total = info(fd)[2], info(fd)[4]
        os.close(fd)
        self.other = (SLOT + 1) % self.peers

    def output_of(self, peer: int) -> int:
        return self.table + self.rw + peer * self.output

    def state_of(self, peer: int) -> int:
        fd = opened()
        table = mapped(fd, TABLE, PAGE, READ)
        os.close(fd)
        return memoryview(table).cast("I")[peer]


def sections(fd: int) -> tuple:
    """peers, protocol, bytes of the state table, the R/W section and each output section"""
    return SECTIONS.unpack(fcntl.ioctl(fd, GET_SECTIONS, bytes(SECTIONS.size)))


def set_state(fd: int, state: int) -> None:
    request_number(fd, SET_STATE, state)


def check_told(device: Device) -> None:
    fd = opened()
    expect(info(fd)[:4], (1, SLOT, device.vectors, CACHED), "version, peer, vectors and mapping")
    expect(info(fd)[4:], (device.output_of(device.peers), 0, device.total), "memory and window")
    os.close(fd)


def check_mappings(device: Device) -> None:
    fd = opened()
    other, own = device.output_of(device.other), device.output_of(SLOT)
    for what, offset in (("the state table", TABLE), ("another's output section", other)):
        refused(errno.EPERM, f"writing to {what}", mapped, fd, offset, PAGE, WRITE)
        refused(errno.EACCES, f"making {what} writable", map_and_unprotect, fd, offset)
    refused(errno.EPERM, "writing to the end of another's", mapped, fd, other + device.output - PAGE, PAGE, WRITE)
    mapped(fd, device.table, device.rw, WRITE)
    mapped(fd, own, device.output, WRITE)
    refused(errno.EINVAL, "state table and R/W section at once", mapped, fd, TABLE, device.table + PAGE, READ)
    refused(errno.EINVAL, "the R/W section and one page", mapped, fd, device.table, device.rw + PAGE, READ)
    refused(errno.EINVAL, "two output sections at once", mapped, fd, device.output_of(0), 2 * device.output, READ)
    refused(errno.EPERM, "memory behind the last section", mapped, fd, device.total, PAGE, READ)
    refused(errno.EPERM, "a page too many", mapped, fd, device.total - PAGE, 2 * PAGE, READ)
    os.close(fd)


def map_and_unprotect(fd: int, offset: int) -> None:
    """By the C library: Python has no mprotect()."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    none, size = ctypes.c_void_p(), ctypes.c_size_t(PAGE)
    address = libc.mmap(none, size, READ, mmap.MAP_SHARED, fd, ctypes.c_long(offset))
    expect(address != ctypes.c_void_p(-1).value, True, f"a mapping of {offset} to be read")
    if libc.mprotect(ctypes.c_void_p(address), size, WRITE) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def check_memory(device: Device) -> None:
    """Either mapping shows the same memory, at the end of both sections that this peer writes."""
    for end in (device.table + device.rw, device.output_of(SLOT) + device.output):
        fd = opened()
        cached = mapped(fd, end - PAGE, PAGE)
        fcntl.ioctl(fd, SET_MAPPING, UNCACHED)
        uncached = mapped(fd, end - PAGE, PAGE)
        os.close(fd)
        for number, (one, other) in enumerate(((cached, uncached), (uncached, cached))):
            one[PAGE - 8 :] = bytes([number + 1]) * 8
            expect(other[PAGE - 8 :], bytes([number + 1]) * 8, f"what mapping {number} wrote before {end}")


def check_doorbells(device: Device) -> None:
    fd, listener = opened(), opened()
    last = device.vectors - 1
    eventfd = listen(listener, last)
    ring(fd, last)
    expect(rang(eventfd, WOKEN_MS), True, "this peer's own doorbell wakes it")
    refused(errno.EPERM, "a peer that there is not", ring, fd, last, device.peers)
    refused(errno.EPERM, "the last peer that a doorbell could name", ring, fd, last, 0xFFFF)
    refused(errno.EPERM, "a vector that there is not", ring, fd, device.vectors)
    refused(errno.EINVAL, "more than 32 bits", ring, fd, last, 0x10000)
    refused(errno.EINVAL, "an eventfd for a vector that there is not", listen, fd, device.vectors)
    refused(errno.EPERM, "more peers than there are", restrict, fd, (0, device.total), (0, device.peers), (0, last))
    restrict(fd, (0, device.total), (device.other, device.other), (last, last))
    refused(errno.EPERM, "a peer that this file gave up", ring, fd, last)
    for one in (fd, listener):
        os.close(one)


def check_states(device: Device) -> None:
    one, other, sealed = opened(), opened(), opened()
    set_state(one, READY)
    expect(device.state_of(SLOT), READY, "the state in the table")
    refused(errno.EBUSY, "the state of another file", set_state, other, READY)
    refused(errno.EBUSY, "to reset another file's state", set_state, other, RESET)
    refused(errno.EINVAL, "a state of more than 32 bits", set_state, one, 1 << 32)
    os.close(one)
    expect(device.state_of(SLOT), RESET, "the state when its file is closed")
    set_state(other, READY)
    set_state(other, RESET)
    restrict(sealed, (0, device.total), (0, device.peers - 1), (0, device.vectors - 1), READ_ONLY | SEALED)
    refused(errno.EPERM, "a state from a sealed file", set_state, sealed, READY)
    refused(errno.EPERM, "writing to one's own section by a read-only file", mapped, sealed, device.output_of(SLOT), PAGE)
    for fd in (other, sealed):
        os.close(fd)


def main() -> None:
    device = Device()
    check_told(device)
    check_mappings(device)
    check_memory(device)
    check_doorbells(device)
    check_states(device)


run(main)
