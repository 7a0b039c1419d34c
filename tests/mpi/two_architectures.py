#!/usr/bin/python3
"""An MPI job with a rank of x86-64 and one of arm64, in QEMU's user mode, over Tombolo alone; `./dev arm64 mpi` builds what it
needs.

Usage: two_architectures.py BUILT BUILT_FOR_ARM64 SYSROOT    bazel-bin, bazel-arm64-bin, and Debian's packages for arm64
"""

import os
import shutil
import sys
from typing import Dict, List, Sequence

sys.path.insert(0, "tests/mpi")
# pylint: disable=wrong-import-position
from mpi_jobs import HANG_S, Job, Programs, World

BTL, MPOOL, MPI_CHECK = "mpi_btl/component/mca_btl_tombolo.so", "mpi_btl/mpool/mca_mpool_tombolo.so", "tests/mpi/mpi_check"
RANKS = 2
CHECKS = (["--only", "sizes"], ["--one-sided", "--threads"])


class TwoArchitectures(World):
    """A job's program is that of x86-64: the other rank runs the same one of arm64."""

    def __init__(self, built: str, built_for_arm64: str, sysroot: str):
        super().__init__(Programs(*(os.path.join(built, path) for path in
                                    ("control/daemon/tombolod", "control/cli/tombolo", BTL, MPOOL))))
        components = os.path.join(self.folder, "components_arm64")
        os.mkdir(components)
        for component in (BTL, MPOOL):
            shutil.copy(os.path.join(built_for_arm64, component), components)
        self._components = components
        self._arm64 = ["qemu-aarch64-static", "-L", sysroot, os.path.join(built_for_arm64, MPI_CHECK)]

    def environment(self) -> Dict[str, str]:
        # QEMU's user mode (7.2) has no epoll_pwait2, with which a rank sleeps.
        return {**super().environment(), "OMPI_MCA_btl_tombolo_idle_us": "0"}

    def command(self, program: Sequence[str], ranks: int, nodes: int, options: Sequence[str]) -> List[str]:
        """One part of the job for each architecture."""
        first = super().command(program, 1, nodes, ["--oversubscribe", *options])
        component_path = f"OMPI_MCA_mca_base_component_path={self._components}:SYS_DEFAULT"
        return [*first, ":", "-x", component_path, "-n", "1", *self._arm64, *program[1:]]


def run(world: World, mpi_check: str, flags: Sequence[str]) -> None:
    job = Job(world, [mpi_check, *flags], RANKS)
    try:
        if not job.ends_within(HANG_S) or job.exit_code() != 0:
            raise AssertionError(f"exit code {job.exit_code()} of mpi_check {' '.join(flags)}: {job.log()}")
        assert f"{RANKS} ranks on 1 nodes: " in job.log(), job.log()
        print(job.log().strip().splitlines()[-1], flush=True)
    finally:
        job.close()
    world.expect_clean()


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    built, built_for_arm64, sysroot = (os.path.abspath(path) for path in sys.argv[1:])
    world = TwoArchitectures(built, built_for_arm64, sysroot)
    try:
        for flags in CHECKS:
            run(world, os.path.join(built, MPI_CHECK), flags)
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
