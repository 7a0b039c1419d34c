"""control_calls.py TARGET PROTO: asks the control API at gRPC target TARGET for its health and for its peers, by bare
calls as any client makes them. PROTO: a folder with membership_pb2.py. Prints one JSON object. Runs in a guest."""

import json
import sys

import grpc

sys.path.insert(0, sys.argv[2])
import membership_pb2  # noqa: E402

DEADLINE_SECONDS = 20
SERVICE = "tombolo.control.v1.Membership"


def main() -> None:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        health = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=DEADLINE_SECONDS)
        listed = channel.unary_unary(
            f"/{SERVICE}/ListPeers",
            request_serializer=membership_pb2.ListPeersRequest.SerializeToString,
            response_deserializer=membership_pb2.ListPeersResponse.FromString,
        )(membership_pb2.ListPeersRequest(), timeout=DEADLINE_SECONDS)
    # HealthCheckResponse{status}: field 1, a varint of one byte.
    print(json.dumps({"health": health[1], "peers": [[peer.slot, peer.state] for peer in listed.peers]}))


main()
