# SPDX-License-Identifier: Apache-2.0
"""Requests that no page sends: the studio answers each, gives nothing away, and goes on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from attacks.fuzz_studio import Target, fuzz, wrong_with


def test_any_request_is_answered(tmp_path):
    pytest.importorskip("starlette", reason="the studio needs the extra `studio`")
    from studio.server import running

    limits = {"file_bytes": 2**18, "session_bytes": 2**20, "photo_pixels": 2**20, "sessions": 6}
    with running(tmp_path, stall_seconds=1, header_seconds=2, **limits) as studio:
        secrets = (str(studio.temporary), sys.prefix)
        target = Target(studio.address, studio.process.pid, secrets)
        seen, faults = fuzz(target, count=120, seconds=60, seed=1)
        assert faults == []
        assert seen["status 200"] > 10 and seen["status 422"] > 5
    assert "ERROR" not in studio.log.read_text()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "status 500"),
        (b"HTTP/1.1 200 OK\r\n\r\nTraceback (most", "a traceback"),
        (
            b"HTTP/1.1 422 x\r\n\r\n{'message': '/tmp/of/ours/upload-1'}",
            "the answer has /tmp/of/ours",
        ),
        (b"HTTP/1.1 503 x\r\n\r\nas many visitors", ""),
        (b"", ""),
    ],
)
def test_a_fault_is_found(answer, wrong):
    assert wrong_with(Target("http://127.0.0.1:1", 1, ("/tmp/of/ours",)), answer) == wrong
