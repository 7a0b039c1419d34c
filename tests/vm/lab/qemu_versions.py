"""Other versions of QEMU than the installed one: those of Debian's backports, unpacked beside it and never installed.

    qemu_versions.program("11.1")    fetches it at the first call: 40 MB, half a minute; then it is in the cache
    qemu_versions.chosen()           what the lab starts: $TOMBOLO_QEMU, any path, else the installed one

The packages come with all that they need down to the C library, from the archive that this machine's own apt uses, by
an apt with folders of its own: nothing of the system changes, no root is needed, and a release newer than the system's
will do. Whoever is in the lab has no network: call it before.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .deadline import LabError

# Versions, and the releases whose backports have them.
RELEASES = {"10.0": "bookworm", "11.1": "trixie"}
CHOICE = "TOMBOLO_QEMU"
PROGRAM = "qemu-system-x86_64"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH_SECONDS = 600


@dataclass(frozen=True)
class Emulator:
    """Of which guests: Debian's package, and the program in it that is started."""

    package: str
    program: str
    folder: str  # In the cache, followed by the version.


X86 = Emulator("qemu-system-x86", PROGRAM, "qemu")
ARM = Emulator("qemu-system-arm", "qemu-system-aarch64", "qemu-arm")

# Debian's loader and libraries of that release; its name is the program's, which is what `ps` and pgrep show. The
# module folder is empty so that it does not load the modules of the installed version.
START = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$here/no-modules"
exec "$here/loader/PROGRAM" --library-path "$libraries" "$here/usr/bin/PROGRAM" \\
  -L "$here/usr/share/qemu" -L "$here/usr/share/seabios" "$@"
"""


def program(version: str, emulator: Emulator = X86) -> Path:
    """What is started as `qemu-system-x86_64`, or another emulator's program, of a version of RELEASES."""
    if version not in RELEASES:
        raise LabError(f"no QEMU {version} to be had; there are {', '.join(RELEASES)}, and the installed one")
    folder = cache.folder() / f"{emulator.folder}-{version}"
    if not folder.exists():
        _fetch(RELEASES[version], folder, emulator)
    return folder / emulator.program


def chosen() -> str:
    return os.environ.get(CHOICE, PROGRAM)


def choose(version: str) -> None:
    """For this program and those that it starts."""
    os.environ[CHOICE] = str(program(version))


def shown(path: Path | str) -> str:
    """A program's version as it tells it: `10.0.2 (Debian 1:10.0.2+ds-2~bpo12+1)`."""
    return _run([str(path), "--version"]).splitlines()[0].removeprefix("QEMU emulator version ")


def major() -> int:
    return int(shown(chosen()).split(".")[0])


def _fetch(release: str, folder: Path, emulator: Emulator) -> None:
    """`folder` is there in whole or not at all: two labs may fetch at once."""
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        _unpack(_download(release, draft / "apt", emulator.package), draft)
        _make_startable(draft, emulator)
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _download(release: str, apt: Path, package: str) -> list[Path]:
    """The packages: apt believes that nothing is installed."""
    for part in ("lists/partial", "archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    source = f"deb [signed-by={KEYRING}] {_archive()}"
    (apt / "sources.list").write_text(f"{source} {release} main\n{source} {release}-backports main\n")
    options = {
        "Dir::State": apt,
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Install-Recommends": "false",
    }
    get = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*get, "update"])
    _run([*get, "--yes", "--download-only", f"--target-release={release}-backports", "install", package])
    return sorted((apt / "archives").glob("*.deb"))


def _archive() -> str:
    """Of this machine's apt: where it has the release that is installed from."""
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(CODENAME)", "Created-By: Packages"])
    release = _run(["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"]).strip()
    for line in targets.splitlines():
        address, *words = line.split()
        if words[:2] == ["Debian", release]:
            return address
    raise LabError(f"apt knows no archive of Debian {release}; run `apt-get update` first, then look at `apt-cache policy`")


def _unpack(packages: list[Path], folder: Path) -> None:
    """Only what it runs with: documents are a tenth of it."""
    for package in packages:
        _run(["dpkg", "-x", str(package), str(folder)])
    shutil.rmtree(folder / "apt")
    shutil.rmtree(folder / "usr/share/doc", ignore_errors=True)


def _make_startable(folder: Path, emulator: Emulator) -> None:
    name = "ld-linux-x86-64.so.2"
    places = [folder / place / "x86_64-linux-gnu" / name for place in ("usr/lib", "lib")]
    loader = next((place for place in places if place.exists()), None)
    if loader is None:
        raise LabError(f"{emulator.package} came without a loader {name}; look at `apt-cache depends {emulator.package}`")
    (folder / "no-modules").mkdir()
    (folder / "loader").mkdir()
    (folder / "loader" / emulator.program).symlink_to(os.path.relpath(loader, folder / "loader"))
    start = folder / emulator.program
    start.write_text(START.replace("PROGRAM", emulator.program))
    start.chmod(0o755)
    shown(start)  # It runs, or nobody is given it.


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except OSError as error:
        raise LabError(f"cannot start {command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{command[0]}` did not end within {FETCH_SECONDS} s") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(f"`{command[0]}` ended with exit code {done.returncode}: {lines[-1] if lines else 'it said nothing'}")
    return done.stdout
