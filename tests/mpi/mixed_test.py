#!/usr/bin/python3
"""A job whose nodes are in one region, in another, in both or in none: each pair of ranks talks through what it shares.

Usage: mixed_test.py TOMBOLOD TOMBOLO BTL MPOOL MPI_CHECK
"""

import os
import sys
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

sys.path.insert(0, "tests/mpi")
# pylint: disable=wrong-import-position
from btl_choices import choices
from mpi_jobs import FAKE_NODE, Job, Programs, Tombolod, World

NO_BROKER = "/nobody/serves/here"


class Node(NamedTuple):
    host: str
    ranks: int
    regions: Sequence[str]


NODES = [Node("vm1", 2, ["first"]), Node("vm2", 1, ["first", "second"]), Node("vm3", 1, ["second", "first"]),
         Node("vm4", 1, ["second"]), Node("vm5", 1, [])]
RANKS = sum(node.ranks for node in NODES)


class TwoRegions(World):
    def __init__(self, programs: Programs):
        super().__init__(programs)
        self._second = Tombolod(programs.daemon, "--log-level", "warn")
        self._brokers = {"first": self.broker(), "second": os.path.join(self._second.runtime_dir, "broker.sock")}

    def close(self) -> None:
        self._second.stop()
        super().close()

    def environment(self) -> Dict[str, str]:
        return {**super().environment(), "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader,tcp,tombolo",
                "OMPI_MCA_btl_base_verbose": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                "OMPI_MCA_plm_rsh_agent": FAKE_NODE}

    def command(self, program: Sequence[str], ranks: int, nodes: int, options: Sequence[str]) -> List[str]:
        """One part of the job for each node, with the broker of that node."""
        words = ["mpirun", *options]
        for node in NODES:
            brokers = [self._brokers[region] for region in node.regions] or [NO_BROKER]
            words += ["-x", f"OMPI_MCA_btl_tombolo_broker={','.join(brokers)}",
                      "--host", f"{node.host}:{node.ranks}", "-n", str(node.ranks), *program, ":"]
        return words[:-1]


def expected(one: Node, other: Node) -> str:
    if one.host == other.host:
        return "vader"
    return "tombolo" if set(one.regions) & set(other.regions) else "tcp"


def expected_choices() -> Dict[Tuple[str, str], Set[str]]:
    """Of all pairs of hosts; two ranks of a host are one of those."""
    return {(one.host, other.host): {expected(one, other)} for one in NODES for other in NODES
            if one is not other or one.ranks > 1}


def main() -> int:
    programs = Programs(*(os.path.abspath(path) for path in sys.argv[1:5]))
    world = TwoRegions(programs)
    try:
        job = Job(world, [os.path.abspath(sys.argv[5]), "--only", "sizes"], RANKS, len(NODES))
        try:
            job.expect_end()
            assert job.exit_code() == 0, f"exit code {job.exit_code()}: {job.log()}"
            assert f"{RANKS} ranks on {len(NODES)} nodes: " in job.log(), job.log()
            seen = choices(job.log())
            assert seen == expected_choices(), f"seen {seen}, expected {expected_choices()}; the job said: {job.log()}"
        finally:
            job.close()
        world.expect_clean()
    finally:
        world.close()
    print(f"{RANKS} ranks on {len(NODES)} nodes took what each pair shares")
    return 0


if __name__ == "__main__":
    sys.exit(main())
