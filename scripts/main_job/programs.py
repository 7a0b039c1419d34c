"""Our own programs, copied out of bazel-bin: a guest that is up would not see a rebuilt file change, and Open MPI tries
to load everything that lies beside a component."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.deadline import LabError

COMPONENTS = ("mpi_btl/component/mca_btl_tombolo.so", "mpi_btl/mpool/mca_mpool_tombolo.so")


@dataclass(frozen=True)
class Programs:
    tombolod: Path
    agent: Path
    cli: Path
    kv: Path
    component_folder: Path

    @staticmethod
    def copy(built: Path, target: Path) -> "Programs":
        components = target / "openmpi"
        components.mkdir(parents=True)
        for component in COMPONENTS:
            _copy(built / component, components)
        return Programs(
            tombolod=_copy(built / "control/daemon/tombolod", target),
            agent=_copy(built / "control/agent/tombolo-agent", target),
            cli=_copy(built / "control/cli/tombolo", target),
            kv=_copy(built / "kvcache/server/tombolo-kv", target),
            component_folder=components,
        )


def fresh_folder(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)


def _copy(file: Path, folder: Path) -> Path:
    if not file.exists():
        raise LabError(f"{file} has not been built; ./run builds it")
    return Path(shutil.copy(file, folder))
