# SPDX-License-Identifier: Apache-2.0
"""A studio in a process of its own, with small limits, that notes connections to elsewhere."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SOURCE = Path(__file__).parents[2] / "src"

START_SECONDS = 120

PROGRAM = """
import logging, socket, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
logging.getLogger("searchtransfer").setLevel(logging.DEBUG)
connect, look_up = socket.socket.connect, socket.getaddrinfo

def watched_connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
        print("OUTBOUND", address, file=sys.stderr, flush=True)
    return connect(self, address)

def watched_look_up(host, *rest, **more):
    if host not in ("127.0.0.1", "::1", "localhost", None):
        print("OUTBOUND", host, file=sys.stderr, flush=True)
    return look_up(host, *rest, **more)

socket.socket.connect, socket.getaddrinfo = watched_connect, watched_look_up
from searchtransfer.studio import Limits, run_studio
run_studio(limits=Limits(%s), on_ready=lambda address: print(address, flush=True))
"""


@dataclass(frozen=True)
class Studio:
    """A server that runs."""

    address: str
    log: Path
    temporary: Path
    """Where it makes its folder."""
    process: subprocess.Popen[bytes]

    def enter(self) -> "Visitor":
        """Be a visitor without a browser."""
        return Visitor(self, json.loads(self.request("POST", "/studio/enter")[1])["token"])

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of the server itself, not of its worker."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) * 1024

    def workers(self) -> list[int]:
        """The processes that it has started."""
        pid = self.process.pid
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Ask for exactly this path; no client tidies it up."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            if body is not None:
                headers.setdefault("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders(body)
            reply = connection.getresponse()
            return reply.status, reply.read(), reply.headers
        finally:
            connection.close()

    def folders(self) -> list[Path]:
        """Of visitors."""
        return [
            path
            for path in self.temporary.glob("searchtransfer-studio-*/*")
            if re.fullmatch("[0-9a-f]{16}", path.name)
        ]


@dataclass(frozen=True)
class Visitor:
    """Somebody who talks to the studio as the page does."""

    studio: Studio
    token: str

    def ask(
        self, method: str, what: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """One request; the status, and what is said."""
        path = f"/studio/{self.token}/{what}"
        status, reply, _ = self.studio.request(method, path, body, **headers)
        return status, json.loads(reply) if reply.startswith(b"{") else {}

    def choose(self, model: str = "best", scale: int = 4, reduce: bool = False) -> None:
        """Settle what is to be done."""
        settings = {"model": model, "scale": scale, "reduce": reduce}
        assert self.ask("POST", "settings", json.dumps(settings).encode())[0] == 200

    def sees(self) -> dict[str, Any]:
        """All pieces of the page now."""
        connection = http.client.HTTPConnection(urlsplit(self.studio.address).netloc, timeout=60)
        try:
            connection.request("GET", f"/studio/{self.token}/events")
            line = connection.getresponse().readline()
            pieces: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return pieces
        finally:
            connection.close()


@contextmanager
def running(folder: Path, end: int | None = signal.SIGINT, **limits: float) -> Iterator[Studio]:
    """Run a studio; it must leave nothing behind, and must not have called anybody.

    Args:
        folder: for its log and its temporary files.
        end: the signal that ends it; None where the test ends it and says what is left.
        limits: of visitors.
    """
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    log = folder / "log.txt"
    limits.setdefault("away_seconds", 600)  # visitors without a browser do not listen
    options = ", ".join(f"{name}={value}" for name, value in limits.items())
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM % options],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=folder,
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text()
        yield Studio(address, log, temporary, process)
    finally:
        process.send_signal(end or signal.SIGKILL)
        process.wait(60)
        process.stdout.close()  # type: ignore[union-attr]
    assert "OUTBOUND" not in log.read_text()
    if end is not None:
        assert not list(temporary.glob("searchtransfer-studio-*"))


def wait_for(what: object, seconds: float = 180) -> None:
    """Wait until a function says yes.

    Raises:
        AssertionError: it does not.
    """
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
        time.sleep(0.1)
