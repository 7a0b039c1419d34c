"""`./dev bench kv-guests`: what one GET takes in each of two virtual machines: from the window, beside servers of memcached's
protocol, all asked in the same run by the same program. bench/README.md says what each line means."""

from pathlib import Path

from comparison import Comparison, Target, compare
from picture import Curve, Panel
from result import Result
from series import Series, measure

ROUNDS, QUICK_ROUNDS = 41, 5
SECONDS = 1800
ROOT = Path(__file__).resolve().parents[1]
GUESTS = ("vm1", "vm2")
NET = "memcached by virtio-net"
AT_MOST = 1 / 100  # Of the design: of memcached over virtio-net in the same guest.


def run(binaries: Path, quick: bool) -> Result:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    seen = measure(ROOT / "bench/kv_guests_lab.py", [str(binaries), str(ROOT / "out/kv_guests"), str(rounds)], SECONDS)
    asked = max(seen[f"{guest}/asked"].median() for guest in GUESTS)
    lines = [line for guest in GUESTS for line in comparisons(guest, seen)]
    return Result([f"of the gets from the window a share of {asked:.2g} asked the owner"], lines, [picture(seen)])


def comparisons(guest: str, seen: dict[str, Series]) -> list[Comparison]:
    window, net = seen[f"{guest}/window"], seen[f"{guest}/virtio"].named(NET)
    return [compare(f"{guest}: a get from the window", window, net, Target(AT_MOST)),
            compare(f"{guest}: a get from tombolo-kv in the guest, loopback TCP", seen[f"{guest}/guest"], net),
            compare(f"{guest}: a get from memcached through the tunnel", seen[f"{guest}/tunnel"], net)]


def picture(seen: dict[str, Series]) -> Panel:
    """A curve for each guest, over the ways, the fastest first."""
    ways = {1: "window", 2: "guest", 3: "tunnel", 4: "virtio"}
    curves = [Curve(guest, [(place, seen[f"{guest}/{way}"].median()) for place, way in ways.items()]) for guest in GUESTS]
    return Panel("One GET of 100 B in a guest", "ns", curves, over="way", tic_text=lambda place: ways[int(place)])
