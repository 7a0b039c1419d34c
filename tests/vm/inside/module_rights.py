"""module_rights.py DEVICE SLOT: what the kernel module tombolo lets an open file do, and what it refuses. Runs in a
guest, as root; DEVICE is /dev/tomboloN, SLOT the guest's own, whose doorbells it rings. Prints how many checks passed."""

import errno
import fcntl
import mmap
import os

from module_calls import CACHED, EVENTFD, GET_SECTIONS, PAGE, READ_ONLY, SEALED, SECTIONS, SET_EVENTFD, SET_MAPPING, SET_STATE
from module_calls import SILENCE_MS, SLOT, UNCACHED, WOKEN_MS, WRITE_COMBINING
from module_calls import expect, info, listen, mapped, opened, rang, refused, request, restrict, ring, run


def check_info(size: int) -> None:
    fd = opened()
    expect(info(fd)[:4], (1, SLOT, info(fd)[2], CACHED), "version, slot and mapping")
    expect(info(fd)[4:], (size, 0, size), "memory and window")
    os.close(fd)


def check_eventfds(last_vector: int) -> None:
    one, other = opened(), opened()
    first, second = listen(one, last_vector), listen(other, last_vector)
    silent = listen(one, last_vector - 1)
    ring(one, last_vector)
    expect((rang(first, WOKEN_MS), rang(second, WOKEN_MS)), (True, True), "both listeners of a vector are woken")
    expect(rang(silent, SILENCE_MS), False, "another vector is woken")
    fcntl.ioctl(one, SET_EVENTFD, EVENTFD.pack(last_vector, -1))
    os.close(other)
    ring(one, last_vector)
    expect((rang(first, SILENCE_MS), rang(second, SILENCE_MS)), (False, False), "who stopped, or closed, is woken")
    refused(errno.EINVAL, "a vector that is not there", fcntl.ioctl, one, SET_EVENTFD, EVENTFD.pack(last_vector + 1, first))
    refused(errno.EINVAL, "an eventfd that is none", fcntl.ioctl, one, SET_EVENTFD, EVENTFD.pack(0, one))
    os.close(one)


def check_doorbells(vectors: int, size: int) -> None:
    fd, listener = opened(), opened()
    restrict(fd, (0, size), (SLOT, SLOT), (2, 3))
    eventfd = listen(listener, 3)
    ring(fd, 3)
    expect(rang(eventfd, WOKEN_MS), True, "an allowed doorbell wakes")
    refused(errno.EPERM, "a vector below", ring, fd, 1)
    refused(errno.EPERM, "a vector above", ring, fd, 4)
    refused(errno.EPERM, "another slot", ring, fd, 3, SLOT + 1)
    refused(errno.EPERM, "more slots than before", restrict, fd, (0, size), (0, SLOT), (2, 3))
    refused(errno.EPERM, "more vectors than before", restrict, fd, (0, size), (SLOT, SLOT), (2, 4))
    os.close(fd)
    os.close(listener)


def check_windows(size: int) -> None:
    fd = opened()
    window = (size // 2, 4 * PAGE)
    restrict(fd, window)
    mapped(fd, window[0], 4 * PAGE)
    mapped(fd, window[0] + 3 * PAGE, PAGE)
    refused(errno.EPERM, "a page before the window", mapped, fd, window[0] - PAGE, PAGE)
    refused(errno.EPERM, "a page after it", mapped, fd, window[0] + 4 * PAGE, PAGE)
    refused(errno.EPERM, "one page too many", mapped, fd, window[0], 5 * PAGE)
    refused(errno.EPERM, "the memory's begin", mapped, fd, 0, PAGE)
    refused(errno.EPERM, "a wider window", restrict, fd, (window[0], 5 * PAGE))
    refused(errno.EINVAL, "half a page", restrict, fd, (window[0] + 512, PAGE))
    refused(errno.EINVAL, "a flag that is none", restrict, fd, window, (0, 0), (0, 0), 4)
    restrict(fd, window, flags=READ_ONLY | SEALED)
    mapped(fd, window[0], PAGE, mmap.PROT_READ)
    refused(errno.EPERM, "writing to what is read-only", mapped, fd, window[0], PAGE)
    refused(errno.EPERM, "narrowing what is sealed", restrict, fd, window, (0, 0), (0, 0), READ_ONLY | SEALED)
    refused(errno.EPERM, "an eventfd of a sealed file", listen, fd, 0)
    refused(errno.EPERM, "another mapping of a sealed file", fcntl.ioctl, fd, SET_MAPPING, CACHED)
    os.close(fd)


def check_mappings(size: int) -> None:
    """All of them show the same memory, at its very end too. Nobody else may use the last page."""
    maps = []
    for mapping in (CACHED, WRITE_COMBINING, UNCACHED):
        fd = opened()
        fcntl.ioctl(fd, SET_MAPPING, mapping)
        maps.append(mapped(fd, size - PAGE, PAGE))
        os.close(fd)
    before = maps[0][PAGE - 8 :]
    for number, one in enumerate(maps):
        one[PAGE - 8 :] = bytes([number]) * 8
        ring_fd = opened()
        ring(ring_fd, 0)  # Which also lets go of what a write-combining mapping holds back.
        os.close(ring_fd)
        expect([other[PAGE - 8 :] for other in maps], [bytes([number]) * 8] * 3, f"what mapping {number} wrote")
    maps[0][PAGE - 8 :] = before
    fd = opened()
    refused(errno.EINVAL, "a mapping of a kind that is none", fcntl.ioctl, fd, SET_MAPPING, 3)
    refused(errno.EPERM, "memory behind the end", mapped, fd, size, PAGE)
    refused(errno.ENOTTY, "a request that is none", fcntl.ioctl, fd, request(0, 0x90, 0))
    refused(errno.ENOTTY, "the sections of a device that has none", fcntl.ioctl, fd, GET_SECTIONS, bytes(SECTIONS.size))
    refused(errno.ENOTTY, "the state of a device that has none", fcntl.ioctl, fd, SET_STATE, 1)
    os.close(fd)


def main() -> None:
    fd = opened()
    _, _, vectors, _, size, *_ = info(fd)
    os.close(fd)
    check_info(size)
    check_eventfds(vectors - 1)
    check_doorbells(vectors, size)
    check_windows(size)
    check_mappings(size)


run(main)
