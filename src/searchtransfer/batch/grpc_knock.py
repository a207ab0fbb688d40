# SPDX-License-Identifier: Apache-2.0
"""Whether a cluster answers at an address: the smallest gRPC call there is, without a library.

A connection says little: firewalls and proxies accept any, and what listens may be something else.
Ray itself finds that out after half a minute, or not at all. Any gRPC server answers any call with
the HTTP status 200 (what it has to say is told otherwise); RFC 9113, and RFC 7541 for headers.
"""

import socket
from collections.abc import Callable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_OF_STREAM, END_OF_HEADERS, PADDED, PRIORITY = 0x1, 0x4, 0x8, 0x20
STATUS_200 = 0x88
"""How a header block begins that says so."""

CALL = "/ray.rpc.NodeInfoGcsService/CheckAlive"


def answers(host: str, port: int, seconds: float) -> bool:
    """Whether a gRPC server answers; False for whatever else listens.

    Args:
        host: name or number.
        port: of it.
        seconds: that each step may take.

    Raises:
        OSError: nobody listens, or nothing is heard in time.
    """
    with socket.create_connection((host, port), seconds) as connection:
        connection.sendall(
            PREFACE
            + _frame(SETTINGS, 0, 0, b"")
            + _frame(HEADERS, END_OF_HEADERS, 1, _headers(f"{host}:{port}"))
            + _frame(DATA, END_OF_STREAM, 1, bytes(5))  # no message
        )
        with connection.makefile("rb") as heard:
            return _is_welcome(heard.read)


def _is_welcome(read: Callable[[int], bytes]) -> bool:
    """Whether the first header block says 200, behind whatever else comes."""
    while True:
        head = read(9)
        length, kind, flags = int.from_bytes(head[:3]), head[3:4], head[4:5]
        if len(head) < 9 or length > 2**14:  # no HTTP/2
            return False
        content = read(length)
        if kind[0] != HEADERS:
            continue
        start = (1 if flags[0] & PADDED else 0) + (5 if flags[0] & PRIORITY else 0)
        block = content[start:].lstrip(bytes(range(0x20, 0x40)))  # sizes of tables
        return block[:1] == bytes([STATUS_200])


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def _headers(authority: str) -> bytes:
    def text(words: str) -> bytes:
        return bytes([len(words)]) + words.encode()

    post_http = b"\x83\x86"
    return (
        post_http
        + b"\x04"
        + text(CALL)
        + b"\x01"
        + text(authority[:127])
        + b"\x0f\x10"  # content-type
        + text("application/grpc")
        + b"\x00"
        + text("te")
        + text("trailers")
    )
