"""Runs a program in namespaces of its own, so that nothing outside is touched and nothing outlives it.

Three processes take part:

    launcher   the process the user started; waits, passes signals on, returns the exit code
    init       first process of the new PID namespace; reaps orphans; its death kills all that is left
    main       the program; sees an empty network, its own /run, and mounts that nobody else sees

When the launcher is killed, even with -9, the kernel kills init (PR_SET_PDEATHSIG) and with it every QEMU, daemon
and holder. A program may detach() (`./run --keep`): the launcher returns, the rest stays until it is told to stop.
"""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Callable

from .deadline import LabError

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
EXIT_INTERRUPTED = 130
INIT_PID = 1

_libc = ctypes.CDLL(None, use_errno=True)
_outer_pid = 0


def run(main: Callable[[], int]) -> int:
    """Runs `main` contained and returns its exit code. Needs root: becomes root through sudo when it is not."""
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "--", "/usr/bin/python3", *sys.orig_argv[1:]])
    if _libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise LabError(f"cannot make namespaces: {reason}; the lab needs CAP_SYS_ADMIN (in a container: --privileged)")
    sys.stdout.flush()
    detached_read, detached_write = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(detached_read)
        os._exit(_init(main, detached_write))
    os.close(detached_write)
    return _launcher(init, detached_read)


def detach() -> None:
    """Called by main: lets the launcher return success while everything here stays up, without a terminal."""
    _close_terminal()
    os.kill(INIT_PID, signal.SIGUSR1)


def outer_pid() -> int:
    """The PID of init as the outside sees it: the handle for nsenter and for stopping."""
    return _outer_pid


def _launcher(init: int, detached: int) -> int:
    _forward_signals(init)
    if os.read(detached, 1):
        return 0
    _, status = os.waitpid(init, 0)
    return _exit_code(status)


def _init(main: Callable[[], int], detached: int) -> int:
    global _outer_pid
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # A session of its own: Ctrl-C reaches only the launcher, which passes it on once.
    os.setsid()
    _outer_pid = int(os.readlink("/proc/self"))  # Before the new /proc is mounted.
    program = os.fork()
    if program == 0:
        os.close(detached)
        os._exit(_main(main))
    _forward_signals(program)
    signal.signal(signal.SIGUSR1, lambda *_: _let_launcher_go(detached))
    while True:
        pid, status = os.wait()
        if pid == program:
            return _exit_code(status)


def _let_launcher_go(detached: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, 0)
    _close_terminal()
    os.write(detached, b"d")


def _close_terminal() -> None:
    """Whoever reads the launcher's output through a pipe gets its end."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _main(main: Callable[[], int]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _raise_interrupt)
    try:
        _private_mounts()
        return main()
    except KeyboardInterrupt:
        print("\ninterrupted: everything is stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _private_mounts() -> None:
    """Our own /proc, and an empty /run: sockets get short paths there and vanish with the namespace."""
    for command in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "proc", "proc", "/proc"],
        ["mount", "-t", "tmpfs", "-o", "mode=0755", "run", "/run"],
        ["ip", "link", "set", "lo", "up"],
    ):
        subprocess.run(command, check=True)


def _raise_interrupt(*_) -> None:
    raise KeyboardInterrupt


def _forward_signals(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, _frame: _send(pid, received))


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # It ended first: the wait that follows says how.


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
