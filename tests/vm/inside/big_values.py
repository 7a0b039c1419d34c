"""big_values.py HOST PORT: 8 connections to a memcached, all open and all busy at once; each sets and gets values of
1 MiB and compares every byte. Runs in a guest."""

import hashlib
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

CONNECTIONS = 8
ROUNDS = 2
VALUE_BYTES = 1 << 20
SECONDS = 60


def value(connection: int, number: int) -> bytes:
    block = hashlib.sha512(f"{connection} {number}".encode()).digest()
    return block * (VALUE_BYTES // len(block))


def read_exactly(stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit(f"error: the connection ended after {len(data)} of {count} B")
    return data


def expect_line(stream, expected: bytes) -> None:
    line = stream.readline()
    if line != expected + b"\r\n":
        raise SystemExit(f"error: memcached said {line!r}, expected {expected!r}")


def talk(address: tuple[str, int], connection: int, all_open: Barrier) -> None:
    with socket.create_connection(address, SECONDS) as sock, sock.makefile("rwb") as stream:
        all_open.wait(SECONDS)
        for number in range(ROUNDS):
            key, data = f"big-{connection}-{number}".encode(), value(connection, number)
            stream.write(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(data), data))
            stream.flush()
            expect_line(stream, b"STORED")
            stream.write(b"get %s\r\n" % key)
            stream.flush()
            expect_line(stream, b"VALUE %s 0 %d" % (key, len(data)))
            if read_exactly(stream, len(data)) != data:
                raise SystemExit(f"error: {key.decode()} is not what was set")
            expect_line(stream, b"")
            expect_line(stream, b"END")


def main() -> None:
    address = (sys.argv[1], int(sys.argv[2]))
    all_open = Barrier(CONNECTIONS)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for end in [pool.submit(talk, address, number, all_open) for number in range(CONNECTIONS)]:
            end.result()


main()
