"""QEMU without a guest OS: one ivshmem-doorbell device, driven over the qtest protocol.

The processor never runs; the test itself does what a driver would: it places the BARs, makes the
device bus master, programs MSI-X so that each vector writes a word into guest memory, and rings.
"""

import os
import resource
import select
import signal
import subprocess
import tempfile
import time

QEMU = "qemu-system-x86_64"
ANSWER_TIMEOUT_S = 60
DOORBELL_TIMEOUT_S = 20

_DEVICE_NUMBER = 5
_BAR0 = 0xE0000000  # Registers.
_BAR1 = 0xE0010000  # MSI-X table.
_BAR2 = 0x800000000  # The region.
_IV_POSITION = 8
_DOORBELL = 12
_MAILBOX = 0x100000  # In guest memory: one word for each vector, written by its interrupt.
_PCI_COMMAND = 0x04
_MEMORY_AND_BUS_MASTER = 0x6
_PCI_CAPABILITIES = 0x34
_MSIX_CAPABILITY = 0x11


def _more_descriptors():
    """QEMU holds one descriptor for each (slot, vector)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class QemuFailed(Exception):
    """QEMU ended by itself; the message is what it said."""


class Qemu:
    """A QEMU whose device has `vectors` vectors and is connected to the server at `path`."""

    def __init__(self, path, vectors):
        self._vectors = vectors
        self._buffer = b""
        self._stderr = tempfile.TemporaryFile()
        device = f"ivshmem-doorbell,chardev=server,vectors={vectors},addr={_DEVICE_NUMBER}"
        self._process = subprocess.Popen(
            [
                QEMU, "-machine", "q35", "-nodefaults", "-display", "none", "-accel", "tcg", "-S",
                "-qtest", "stdio", "-qtest-log", "/dev/null",
                "-chardev", f"socket,id=server,path={path}", "-device", device,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            preexec_fn=_more_descriptors,
        )
        try:
            self._place_bars()
            self._enable_msix()
        except BaseException:
            self.kill()
            raise

    # The device, as a driver sees it.

    def slot(self):
        return self._readl(_BAR0 + _IV_POSITION)

    def ring(self, slot, vector):
        self._writel(_BAR0 + _DOORBELL, slot << 16 | vector)

    def clear_interrupts(self):
        for vector in range(self._vectors):
            self._writel(_MAILBOX + 4 * vector, 0)

    def has_interrupt(self, vector):
        return self._readl(_MAILBOX + 4 * vector) == self._message(vector)

    def wait_for_interrupt(self, vector):
        """Asks QEMU, which serves its eventfds between two questions."""
        deadline = time.monotonic() + DOORBELL_TIMEOUT_S
        while not self.has_interrupt(vector):
            if time.monotonic() > deadline:
                raise AssertionError(f"no interrupt of vector {vector}")

    def write_region(self, offset, value):
        self._writel(_BAR2 + offset, value)

    def read_region(self, offset):
        return self._readl(_BAR2 + offset)

    def stderr(self):
        self._stderr.seek(0)
        return self._stderr.read().decode()

    def is_running(self):
        return self._process.poll() is None

    def kill(self):
        """kill -9, as the worst way in which a machine ends."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._stderr.close()

    # PCI, as firmware sees it.

    def _place_bars(self):
        self._write_config(0x10, _BAR0)
        self._write_config(0x14, _BAR1)
        self._write_config(0x18, _BAR2 & 0xFFFFFFFF)
        self._write_config(0x1C, _BAR2 >> 32)
        self._write_config(_PCI_COMMAND, _MEMORY_AND_BUS_MASTER)

    def _enable_msix(self):
        capability = self._find_capability(_MSIX_CAPABILITY)
        for vector in range(self._vectors):
            entry = _BAR1 + 16 * vector
            self._writel(entry, _MAILBOX + 4 * vector)
            self._writel(entry + 4, 0)
            self._writel(entry + 8, self._message(vector))
            self._writel(entry + 12, 0)
        self._write_config(capability, self._read_config(capability) | 0x80000000)
        self.clear_interrupts()

    def _find_capability(self, wanted):
        offset = self._read_config(_PCI_CAPABILITIES) & 0xFF
        while offset:
            header = self._read_config(offset)
            if header & 0xFF == wanted:
                return offset
            offset = header >> 8 & 0xFF
        raise AssertionError("the device has no MSI-X")

    @staticmethod
    def _message(vector):
        return 0xD0000 + vector

    def _read_config(self, offset):
        self._select_config(offset)
        return int(self._command("inl 0xcfc"), 16)

    def _write_config(self, offset, value):
        self._select_config(offset)
        self._command(f"outl 0xcfc {value:#x}")

    def _select_config(self, offset):
        self._command(f"outl 0xcf8 {0x80000000 | _DEVICE_NUMBER << 11 | offset:#x}")

    def _readl(self, address):
        return int(self._command(f"readl {address:#x}"), 16)

    def _writel(self, address, value):
        self._command(f"writel {address:#x} {value:#x}")

    # The qtest protocol: a line for a line.

    def _command(self, line):
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        answer = self._read_line().split()
        if not answer or answer[0] != "OK":
            raise AssertionError(f"qtest answered {answer} to '{line}'")
        return answer[1] if len(answer) > 1 else ""

    def _read_line(self):
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        output = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([output], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError("QEMU does not answer: " + self.stderr())
            chunk = os.read(output, 4096)
            if not chunk:
                self._fail()
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def _fail(self):
        self._process.wait(timeout=ANSWER_TIMEOUT_S)
        raise QemuFailed(self.stderr())
