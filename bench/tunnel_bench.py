"""The part of `./dev bench transport` about tunnels: TCP connections that `tombolo forward` carries between two
endpoints of the host, beside socat as a loopback TCP proxy, and beside no proxy at all."""

import socket
import subprocess
import sys
from pathlib import Path

from comparison import Comparison, Target, compare
from series import Series, measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/support"))
# pylint: disable=wrong-import-position
from forwarding import Forward, HostAgent
from tombolod import Tombolod

SECONDS = 300
SERVICE = "bench"
EXTRA_NS = 5000  # What the design allows a tunnel's latency above a direct connection.
SOCAT_BUFFER_BYTES = 256 << 10

AllSeries = dict[str, Series]


def free_ports(count: int) -> list[int]:
    """Held at once, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def measure_tunnel(root: Path, rounds: int) -> AllSeries:
    """`root`: the folder of the built programs."""
    target, proxied = free_ports(2)
    daemon = Tombolod(str(root / "control/daemon/tombolod"), "--log-level", "warn")
    agent = HostAgent(str(root / "control/agent/tombolo-agent"), daemon.runtime_dir, "--log-level", "warn",
                      "--allow", f"{SERVICE}=127.0.0.1:{target}")
    forward = Forward(str(root / "control/cli/tombolo"), daemon.runtime_dir, ("127.0.0.1:0", f"0:{SERVICE}"))
    socat = subprocess.Popen(["socat", "-b", str(SOCAT_BUFFER_BYTES),
                              f"TCP-LISTEN:{proxied},bind=127.0.0.1,reuseaddr,fork,nodelay",
                              f"TCP:127.0.0.1:{target},nodelay"])
    try:
        tunnel = forward.addresses[0].rsplit(":", 1)[1]
        return measure(root / "bench/transport/tunnel_sockets",
                       [str(rounds), str(target), f"direct={target}", f"socat={proxied}", f"tunnel={tunnel}"], SECONDS)
    finally:
        socat.kill()
        socat.wait()
        forward.process.kill()
        forward.process.communicate()
        agent.stop()
        daemon.stop()


def comparisons(seen: AllSeries) -> list[Comparison]:
    latency, throughput = seen["tunnel/latency"], seen["tunnel/throughput"]
    return [
        compare("tunnel, latency of 8 B", latency, seen["direct/latency"].named("direct loopback TCP"),
                Target(EXTRA_NS, of="difference")),
        compare("tunnel, latency of 8 B", latency, seen["socat/latency"].named("socat")),
        compare("tunnel, one direction", throughput, seen["socat/throughput"].named("socat"),
                Target(2, at_most=False)),
        compare("tunnel, one direction", throughput, seen["direct/throughput"].named("direct loopback TCP")),
    ]
