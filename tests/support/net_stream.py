#!/usr/bin/python3
"""One TCP stream with a checksum, for tests of networks; each side prints the SHA-256 of its bytes.

    net_stream.py take ADDRESS PORT     serves one connection; prints "listening" first
    net_stream.py give ADDRESS PORT MIB SEED
"""

import hashlib
import random
import socket
import sys

TIMEOUT_S = 60
PIECE_BYTES = 1 << 20


def take(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as server:
        print("listening", flush=True)
        server.settimeout(TIMEOUT_S)
        connected, _ = server.accept()
        digest = hashlib.sha256()
        with connected:
            connected.settimeout(TIMEOUT_S)
            while piece := connected.recv(PIECE_BYTES):
                digest.update(piece)
    print(digest.hexdigest(), flush=True)


def give(address, port, mebibytes, seed):
    digest = hashlib.sha256()
    source = random.Random(seed)
    with socket.create_connection((address, port), timeout=TIMEOUT_S) as connected:
        for _ in range(mebibytes):
            piece = source.randbytes(PIECE_BYTES)
            digest.update(piece)
            connected.sendall(piece)
    print(digest.hexdigest(), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "take":
        take(sys.argv[2], int(sys.argv[3]))
    else:
        give(sys.argv[2], *(int(word) for word in sys.argv[3:6]))
