"""Remote calls between guests and host: a folder of vm1 is served by examples/remote_read and read by the others."""

from pathlib import Path

from lab.deadline import LabError

from .checks import Checks, expect
from .world import HOST, RUNTIME, World, place

SERVER, READER = 1, 2
FOLDER = Path("/tmp/served")
NAME = "results.bin"
FILE_BYTES = 3 * 2**20 + 17  # Three full windows, and a rest.
SECONDS = 60
END_SECONDS = 20


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(SERVER)
    with checks.check("vm1 serves a folder by remote calls", essential=True):
        guest.run(f"mkdir -p {FOLDER} && head -c {FILE_BYTES} /dev/urandom > {FOLDER / NAME}")
        server = guest.spawn("remote-read", _command(world, "serve", FOLDER))
        guest.run("until grep -q 'I am endpoint' /lab/remote-read.log; do sleep 0.1; done", END_SECONDS)
        expected = guest.run(f"sha256sum < {FOLDER / NAME}").output
    for slot in (HOST, READER):
        with checks.check(f"{place(slot)} reads a file of it, in windows of a mebibyte"):
            read = f"set -o pipefail; {_shell(world, 'cat', NAME)} | sha256sum"
            expect(world.must_run(slot, ["bash", "-c", read], SECONDS), expected, "checksum")
    with checks.check("what lies outside of the folder, and what is not there, is refused"):
        for name, said in (("../../etc/passwd", "cannot open"), ("nothing", "No such file")):
            _refused(world, name, said)
    with checks.check("kill -9 of the server: its readers are told", essential=True):
        reader = world.lab.guest(READER)
        loop = f"while {_shell(world, 'cat', NAME)} > /dev/null; do echo read; done"
        pid = reader.spawn("remote-read-loop", ["bash", "-c", loop])
        reader.run("until grep -q read /lab/remote-read-loop.log; do sleep 0.1; done", SECONDS)
        guest.run(["kill", "-9", str(server)])
        reader.run(f"while kill -0 {pid} 2> /dev/null; do sleep 0.1; done", END_SECONDS)
        said = reader.log("remote-read-loop").read_text().splitlines()[-1]
        if "UNAVAILABLE" not in said and "nobody serves" not in said:
            raise LabError(f"the reader ended with '{said}', expected UNAVAILABLE or 'nobody serves'")


def _command(world: World, verb: str, what) -> list[str]:
    return [str(world.tests.remote_read), verb, str(RUNTIME / "broker.sock"), str(what)]


def _shell(world: World, verb: str, what: str) -> str:
    return " ".join(_command(world, verb, what))


def _refused(world: World, name: str, said: str) -> None:
    result = world.run_on(READER, _command(world, "cat", name), SECONDS)
    expect((result.code, said in result.errors), (1, True), f"exit code, and that {result.errors!r} has '{said}'")
