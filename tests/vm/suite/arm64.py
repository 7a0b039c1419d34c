"""An x86-64 guest and an arm64 guest, which is emulated, in one region: which accesses each way to the region bears on arm64,
messages, streams and cache reads between the two and with the host, and MPI jobs with ranks in the arm64 guest."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import host_side
import kvcache
from host_side import AGENT_ENDPOINT, RUNTIME
from lab import kernel
from lab.architecture import ARM64 as ARCHITECTURE
from lab.deadline import Deadline, LabError
from lab.guest import Guest
from lab.guest_agent import Result
from lab.qemu_options import Ivshmem, Window
from programs import COMPONENTS
from tombolo_kv import Client

from . import arm64_module, arm64_mpi
from .checks import Checks, expect
from .exchanges import SECONDS
from .module_build import expect_kernel_well
from .talk import exchange
from .world import AGENT_SECONDS, HOST, World, device

X86_64, ARM64 = 1, 2
BOOT_SECONDS = 180
POLLED = 2_000
ASLEEP = 200
LOOK_SECONDS = 0.05
STREAM_BYTES = (512 << 10) + 13  # What comes last is not aligned to anything.
# For longer than a second: before a reader has seen the owner's heart beat, it does not answer.
VALUES, TIMES = 100, 3_000
PREFIX = "arm64-"
PAGE, PAGE_PORT, FORWARD_PORT = "bytes", 8080, 8081
GETS = 16

BORNE = {"aligned word", "atomic add", "compare and swap", "memcpy of 4096"}
# What compilers and C libraries make of ordinary code; aligned programs make them too.
NOT_BY_DEVICE_MEMORY = {"unaligned store", "unaligned load", "memcpy of 13", "memcpy of 100 at 3"}


def prepare() -> None:
    """Before the lab is entered, which has no network."""
    ARCHITECTURE.qemu()


def devices() -> dict[int, list[Ivshmem | Window]]:
    """Of the guests of this lab."""
    return {X86_64: [device(X86_64)], ARM64: [device(ARM64), kvcache.DEVICE]}


def kernels() -> dict[int, kernel.Kernel]:
    return {ARM64: kernel.find_arm64()}


def run(world: World, checks: Checks, built: Path) -> None:
    """`built`: where Bazel leaves programs of arm64."""
    guest = world.lab.guest(ARM64)
    with checks.check("tombolod, an x86-64 guest and an arm64 guest start", essential=True):
        world.start_host([arm64_mpi.ALLOW])
        world.lab.boot(BOOT_SECONDS)
        _bring_programs(world, guest, built)
    _alignment(guest, checks)
    with checks.check("both join the region, arm64 with vfio behind an SMMUv3", essential=True):
        world.start_agent(world.lab.guest(X86_64))
        guest.spawn("busybox-httpd", ["busybox", "httpd", "-f", "-p", f"127.0.0.1:{PAGE_PORT}", "-h", "/lab"])
        _start_agent(world, guest, *arm64_mpi.FORWARD, "--allow", f"page=127.0.0.1:{PAGE_PORT}")
    _messages(world, checks, "Device memory")
    _stream_from_host(guest, checks, "Device memory")
    _stream_to_x86_64(world, guest, checks)
    arm64_mpi.inside(world, checks, guest, "Device memory", "sizes")
    arm64_mpi.with_host(world, checks, guest, "Device memory", "region_messages", "--one-sided")
    _cache(guest, checks)
    with checks.check("arm64 joins through sysfs, which gives it Normal memory", essential=True):
        world.stop_agent(guest)
        guest.run("cd /sys/bus/pci/drivers/vfio-pci && for device in 0000:*; do echo $device > unbind; done")
        _start_agent(world, guest, "--device", "sysfs")
    _messages(world, checks, "Normal memory")
    _stream_from_host(guest, checks, "Normal memory")
    _with_module(world, guest, checks)


def _with_module(world: World, guest: Guest, checks: Checks) -> None:
    with checks.check("the kernel module is cross-compiled, and has the device", essential=True):
        module = arm64_module.build(kernel.find_arm64(), world.lab.work / "module")
        world.stop_agent(guest)
        arm64_module.bind(guest, module)
    with checks.check("its cached mapping bears every access, and our copies are right"):
        _expect_accesses(_try(guest, "module"), refused=set())
    with checks.check("arm64 joins through the module", essential=True):
        _start_agent(world, guest, "--device", "module")
    _messages(world, checks, "cached memory")
    arm64_mpi.inside(world, checks, guest, "cached memory", "region_messages", "--one-sided")
    with checks.check("arm64's kernel has nothing to complain of"):
        expect_kernel_well(guest)


def _alignment(guest: Guest, checks: Checks) -> None:
    region = _resource(guest, "doorbell")
    guest.run(f"echo 1 > {region.parent}/enable; truncate -s 64K /tmp/memory")
    with checks.check("private memory bears every access, and our copies are right"):
        _expect_accesses(_try(guest, "file", "/tmp/memory", "write-back"), refused=set())
    with checks.check("resource2_wc, Normal memory, bears every access, and our copies are right"):
        _expect_accesses(_try(guest, "file", f"{region}_wc", "write-combining"), refused=set())
    with checks.check("resource2, Device memory, refuses what is not aligned; our copies are right"):
        _expect_accesses(_try(guest, "file", region, "device"), NOT_BY_DEVICE_MEMORY)
    with checks.check("resource2 refuses copies that take it for other memory"):
        expect(_try(guest, "file", region, "write-back")["our copies"], "SIGBUS", "copies by memcpy")
    with checks.check("vfio gives Device memory too; our copies are right"):
        _expect_accesses(_try(guest, "vfio"), NOT_BY_DEVICE_MEMORY)


def _expect_accesses(seen: dict, refused: set) -> None:
    expected = {name: "ok" for name in BORNE | NOT_BY_DEVICE_MEMORY | {"our copies"}}
    expect(seen, {**expected, **{name: "SIGBUS" for name in refused}}, "accesses")


def _messages(world: World, checks: Checks, memory: str) -> None:
    for other, name in ((HOST, "the host"), (X86_64, "x86-64")):
        with checks.check(f"{POLLED} messages each way, polling, and {ASLEEP} to sleepers: {name}, arm64 in {memory}") as note:
            for mode in (["poll", POLLED], ["sleep", ASLEEP]):
                reports = exchange(world, (other, ARM64), mode, SECONDS)
                for report in reports:
                    expect((report["sent"], report["received"]), (mode[1], mode[1]), "sent and received")
                note(f"{mode[0]} {reports[0]['took_ms'] / 2 / mode[1] * 1000:.0f} us a message")


def _stream_from_host(guest: Guest, checks: Checks, memory: str) -> None:
    value = os.urandom(STREAM_BYTES)
    (guest.folder / PAGE).write_bytes(value)
    memcached = f"nc 127.0.0.1 {host_side.MEMCACHED_PORT}"
    with checks.check(f"a stream to the host: {STREAM_BYTES} B set in its memcached, arm64 in {memory}"):
        set_it = f"printf 'set bytes 0 0 {STREAM_BYTES}\\r\\n'; cat /lab/{PAGE}; printf '\\r\\nquit\\r\\n'"
        expect(guest.run(f"({set_it}) | {memcached}").output.strip(), "STORED", "memcached's answer")
    with checks.check(f"a stream from the host: the value got {GETS} times, faster than it is read"):
        get_it = f"for i in $(seq {GETS}); do printf 'get bytes\\r\\n'; done; printf 'quit\\r\\n'"
        answer = b"VALUE bytes 0 %d\r\n%s\r\nEND\r\n" % (STREAM_BYTES, value)
        _expect_digest(guest.run(f"({get_it}) | {memcached} | sha256sum"), answer * GETS)


def _stream_to_x86_64(world: World, guest: Guest, checks: Checks) -> None:
    value = (guest.folder / PAGE).read_bytes()
    with checks.check(f"a stream to x86-64: {STREAM_BYTES} B from a web server in arm64"):
        other = world.lab.guest(X86_64)
        address = f"127.0.0.1:{FORWARD_PORT}"
        other.spawn("forward", world.cli("forward", "--listen", address, "--to", f"{ARM64}:page"))
        get_it = f"until busybox wget -q -O /tmp/got http://{address}/{PAGE}; do sleep 0.1; done 2> /dev/null"
        _expect_digest(other.run(f"{get_it}; sha256sum < /tmp/got", AGENT_SECONDS), value)


def _expect_digest(seen: Result, expected: bytes) -> None:
    expect(seen.output.split()[0], hashlib.sha256(expected).hexdigest(), "digest")


def _cache(guest: Guest, checks: Checks) -> None:
    with Client(str(kvcache.CLIENTS_SOCKET)) as client:
        for number in range(VALUES):
            key = f"{PREFIX}{number}"
            client.set(key.encode(), _value(key, number).encode())
    window = _resource(guest, "plain")
    guest.run(f"echo 1 > {window.parent}/enable")
    for file, memory in ((f"{window}_wc", "Normal"), (window, "Device")):
        with checks.check(f"{VALUES * TIMES} gets from the window in arm64, {memory} memory: no value is wrong") as note:
            told = json.loads(guest.run(["/lab/bin/read_values", file, PREFIX, VALUES, TIMES]).output)
            note(f"{told['hits']} hits, {told['others']} others")
            expect((told["hits"] >= VALUES, told["wrong"]), (True, 0), "hits, and wrong values")


def _value(key: str, number: int) -> str:
    """As read_values expects it."""
    size_bytes = number * 37 + 1
    return (key * (size_bytes // len(key) + 1))[:size_bytes]


def _bring_programs(world: World, guest: Guest, built: Path) -> None:
    """Those that are on the host too have the same path here."""
    ours = guest.folder / "bin"
    ours.mkdir()
    programs = {
        "control/agent/tombolo-agent": world.programs.agent,
        **{component: world.programs.component_folder / Path(component).name for component in COMPONENTS},
        "tests/mpi/mpi_check": world.tests.mpi_check,
        "tests/vm/exchange/exchange": world.tests.exchange,
        "tests/vm/alignment/alignment": None,
        "tests/vm/window/read_values": None,
    }
    for program, path in programs.items():
        if not (built / program).exists():
            raise LabError(f"{built / program} has not been built; ./dev vm builds it")
        copy = Path(shutil.copy(built / program, ours))
        if path:
            guest.run(f"mkdir -p {path.parent} && cp /lab/bin/{copy.name} {path}")
    # Debian's mpirun is an alternative, which only packages that are installed have.
    guest.run("ln -sf mpirun.openmpi /usr/bin/mpirun")


def _start_agent(world: World, guest: Guest, *flags: str) -> None:
    """World.start_agent() asks by programs that arm64 has not."""
    forward = ("--forward", f"{host_side.MEMCACHED}=memcached")
    pid = guest.spawn("tombolo-agent", [world.programs.agent, "--runtime-dir", RUNTIME, *forward, *flags])
    world.agent_pids[guest.number] = pid
    deadline = Deadline(AGENT_SECONDS)
    while AGENT_ENDPOINT not in host_side.endpoints(world.programs, guest.number):
        if deadline.passed():
            raise LabError(f"{guest.name}'s agent did not join; its log is {guest.log('tombolo-agent')}")
        time.sleep(LOOK_SECONDS)
    guest.run(f"until [ -S {RUNTIME}/broker.sock ]; do sleep 0.1; done", AGENT_SECONDS)


def _try(guest: Guest, *words) -> dict:
    return json.loads(guest.run(["/lab/bin/alignment", *words]).output)


def _resource(guest: Guest, kind: str) -> Path:
    """The memory of the device with interrupts (doorbell), or without (plain), as sysfs shows it."""
    has = "-e" if kind == "doorbell" else "! -e"
    find = f"for device in $(grep -l 0x1110 /sys/bus/pci/devices/*/device); do d=${{device%/device}}; "
    return Path(guest.run(find + f"[ {has} $d/resource1 ] && echo $d/resource2; done; true").output.split()[0])
