"""Which transport each rank took for each other one, by what Open MPI says with `--mca btl_base_verbose 1`."""

import re
from typing import Dict, Set, Tuple

_CHOICE = re.compile(r"^\[(\w+):\d+\] mca: bml: Using (\w+) btl for send to \S+ on node (\w+)", re.M)


def choices(log: str) -> Dict[Tuple[str, str], Set[str]]:
    """By the hosts of the two; a rank's way to itself is left out."""
    found: Dict[Tuple[str, str], Set[str]] = {}
    for host, btl, other in _CHOICE.findall(log):
        if btl != "self":
            found.setdefault((host, other), set()).add(btl)
    return found
