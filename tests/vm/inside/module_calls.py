"""What scripts in guests ask of the kernel module tombolo: its requests, and checks of its answers. The first argument of such
a script is the device's file, /dev/tomboloN, the second one the guest's own slot or peer."""

import ctypes
import errno
import fcntl
import mmap
import os
import select
import signal
import struct
import sys

PAGE = mmap.PAGESIZE
CACHED, WRITE_COMBINING, UNCACHED = range(3)
READ_ONLY, SEALED = 1, 2
INFO, EVENTFD, RIGHTS = struct.Struct("=IIIIQQQ"), struct.Struct("=Ii"), struct.Struct("=QQHHHHII")
SECTIONS = struct.Struct("=IIQQQ")
WOKEN_MS = 2000
SILENCE_MS = 100
PATIENCE_SECONDS = 60


def request(direction: int, number: int, size: int) -> int:
    """As _IO, _IOR and _IOW of the kernel make it."""
    return direction << 30 | size << 16 | ord("t") << 8 | number


GET_INFO, SET_EVENTFD = request(2, 0x80, INFO.size), request(1, 0x81, EVENTFD.size)
RING, RESTRICT, SET_MAPPING = request(0, 0x82, 0), request(1, 0x83, RIGHTS.size), request(0, 0x84, 0)
# Of ivshmem v2 devices.
GET_SECTIONS, SET_STATE = request(2, 0x85, SECTIONS.size), request(0, 0x86, 0)

DEVICE, SLOT = sys.argv[1], int(sys.argv[2])
passed = 0


def expect(seen, expected, what: str) -> None:
    global passed
    if seen != expected:
        raise SystemExit(f"error: {what}: {seen}, expected {expected}")
    passed += 1


def refused(code: int, what: str, action, *arguments) -> None:
    try:
        action(*arguments)
    except OSError as error:
        expect(errno.errorcode[error.errno], errno.errorcode[code], what)
    else:
        raise SystemExit(f"error: {what}: was allowed, expected {errno.errorcode[code]}")


def opened() -> int:
    return os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)


def request_number(fd: int, command: int, number: int) -> None:
    """By the C library: Python's ioctl() takes no number of more than 31 bits."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ioctl(fd, ctypes.c_ulong(command), ctypes.c_ulong(number)) != 0:
        raise OSError(ctypes.get_errno(), "ioctl")


def info(fd: int) -> tuple:
    """version, slot, vectors, mapping, memory_bytes, window_offset, window_bytes"""
    return INFO.unpack(fcntl.ioctl(fd, GET_INFO, bytes(INFO.size)))


def restrict(fd: int, window: tuple, slots=(0, 0xFFFF), vectors=(0, 255), flags=0, reserved=0) -> None:
    fcntl.ioctl(fd, RESTRICT, RIGHTS.pack(*window, *slots, *vectors, flags, reserved))


def listen(fd: int, vector: int) -> int:
    eventfd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    fcntl.ioctl(fd, SET_EVENTFD, EVENTFD.pack(vector, eventfd))
    return eventfd


def ring(fd: int, vector: int, slot: int = SLOT) -> None:
    request_number(fd, RING, slot << 16 | vector)


def rang(eventfd: int, milliseconds: int) -> bool:
    poll = select.poll()
    poll.register(eventfd, select.POLLIN)
    if not poll.poll(milliseconds):
        return False
    os.eventfd_read(eventfd)
    return True


def mapped(fd: int, offset: int, size: int, protection=mmap.PROT_READ | mmap.PROT_WRITE) -> mmap.mmap:
    return mmap.mmap(fd, size, mmap.MAP_SHARED, protection, offset=offset)


def run(checks) -> None:
    """Prints how many answers were as expected."""
    signal.alarm(PATIENCE_SECONDS)
    checks()
    print(passed)
