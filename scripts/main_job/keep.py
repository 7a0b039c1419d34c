"""`./run --keep`: leaves everything up and writes two small programs beside the logs, `enter` and `stop`."""

import signal
from pathlib import Path

from lab import containment
from lab.deadline import LabError

PID_FILE = "kept.pid"
MARK = "main_job"  # In the command line of a lab that is up; a PID alone may belong to anybody by now.
STOP = """\
if grep -q {mark} /proc/{pid}/cmdline 2> /dev/null; then
  kill {pid}
  while kill -0 {pid} 2> /dev/null; do sleep 0.1; done
fi
rm -f "{file}"
"""


def leave_up(work: Path, names: list[str]) -> None:
    """Lets ./run return. Comes back when somebody runs `stop`."""
    pid = containment.outer_pid()
    enter = _program(work / "enter", f'exec nsenter --target {pid} --mount --net --pid -- "$@"')
    stop = _program(work / "stop", STOP.format(pid=pid, mark=MARK, file=work / PID_FILE))
    (work / PID_FILE).write_text(f"{pid}\n")
    print("The virtual machines stay up.")
    for name in names:
        print(f"    {enter} ssh {name}")
    print(f"    {enter} {work / 'bin/tombolo'} peers     on the host side\n    {stop}     ends them all", flush=True)
    containment.detach()
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return


def refuse_if_kept(work: Path) -> None:
    """The logs of a lab that is up are not overwritten."""
    file = work / PID_FILE
    if file.exists() and _is_lab(file.read_text().strip()):
        raise LabError(f"virtual machines of an earlier `./run --keep` are up; stop them with {work / 'stop'}")


def _is_lab(pid: str) -> bool:
    try:
        return MARK.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n# Needs root.\n{text}\n")
    path.chmod(0o755)
    return path
