# SPDX-License-Identifier: Apache-2.0
"""Requests that no page of the studio sends: it answers each, gives nothing away, and goes on.

    python -m attacks.fuzz_studio [--count 2000] [--seconds 600] [--seed 0]

A studio with small limits is started on loopback. Every request must be answered within 20 seconds,
by no fault of the server and without a path of its machine; a second visitor, whom nobody knows,
keeps pictures and choices; at the end the server answers as at first, and has grown by no more than
64 MiB of memory and 16 open files since the first quarter of the requests. Exit code 1 otherwise.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .images import good, png

SECONDS, GROWTH, FILES = 20.0, 64 << 20, 16
PROGRAM = """
from searchtransfer.studio import Limits, run_studio
limits = Limits(file_bytes=1 << 18, session_bytes=1 << 20, photo_pixels=1 << 20, sessions=6,
                away_seconds=600, stall_seconds=1, upload_seconds=3, header_seconds=2)
run_studio(limits=limits, on_ready=lambda address: print(address, flush=True))
"""
NAMES = (
    "x",
    "../x",
    "%2e%2e%2fx",
    "%00",
    "%ff%fe",
    "a" * 3000,
    "\u202e",
    "<b>",
    "{}",
    "%F0%9F%98%80",
)
SEGMENTS = ("static", "studio", "enter", "events", "small", "settings", "start", "page.html", "..")
METHODS = (
    "GET",
    "POST",
    "DELETE",
    "HEAD",
    "PUT",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "get",
    "",
)
VALUES = (
    *("null", "true", "[]", "{}", '""', "-1", "1e999", "NaN", "9" * 4000, "9" * 5000, '"\\ud800"'),
    *("4", "4.0", '"4"', "[4]", '{"x": 4}', "[" * 30000, '{"a":' * 9000, '"' + "x" * 60000 + '"'),
    *('"fusion"', '"transfer"', '"best"', '"vivid"', '"/etc/passwd"', '"ttsr"'),
)
HEADERS = (
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: \xb2",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Expect: 100-continue",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x",
    b"Origin: http://evil.example",
    b"Origin: \xff",
    b"Host: evil.example",
    b"X-Name: \xff\xfe\x00",
    b"X-Name: " + b"%" * 9000,
    b"X-Big: " + b"x" * 70000,
    b"X-More: \xff",
    b"Range: bytes=5-1,-9,99999999999999999999-",
    b"If-Range: x\r\nRange: bytes=0-0",
    b"no colon at all",
    b": empty",
)


@dataclass
class Target:
    """A studio that runs."""

    address: str
    pid: int
    secrets: tuple[str, ...]
    """What may be in no answer: paths of the machine."""

    def send(self, raw: bytes, seconds: float = SECONDS) -> bytes:
        """All that is answered; nothing more is said."""
        where = urlsplit(self.address)
        with socket.create_connection((where.hostname, where.port), timeout=seconds) as connection:
            end = time.monotonic() + seconds
            answer = b""
            try:
                connection.sendall(raw)
                while piece := connection.recv(1 << 16):
                    answer += piece
                    if time.monotonic() > end:
                        raise TimeoutError
                    if b"\n\n" in answer.partition(b"\ndata: {")[2]:
                        break
            except ConnectionError:  # it need not read what it refuses
                pass
            return answer

    def ask(self, method: str, path: str, body: bytes = b"", *headers: bytes) -> bytes:
        """A request as it should be, but for what is given."""
        return self.send(request(self.address, method, path.encode(), body, *headers))

    def used(self) -> tuple[int, int]:
        """Bytes of memory and open files of the server."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        memory = int(status.split("VmRSS:")[1].split()[0]) << 10
        return memory, len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


def request(address: str, method: str, path: bytes, body: bytes, *headers: bytes) -> bytes:
    """The bytes of a request that ends its connection."""
    head = [method.encode() + b" " + path + b" HTTP/1.1", b"Connection: close", *headers]
    for name, value in (("Host", urlsplit(address).netloc), ("Content-Length", str(len(body)))):
        if not any(x.lower().startswith(name.lower().encode()) for x in headers):
            head.append(f"{name}: {value}".encode())
    if any(x.lower().startswith(b"transfer-encoding") for x in headers):
        head.pop()
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@dataclass
class Stranger:
    """Somebody with a token of their own, and with keys of somebody else's pictures."""

    target: Target
    chance: random.Random
    token: str
    keys: tuple[str, ...]
    pictures: tuple[bytes, ...] = field(default_factory=lambda: (*map(good, ("PNG", "JPEG")), b""))

    def address(self, last: str) -> bytes:
        return f"/studio/{self.token}/{last}".encode()

    def header(self) -> list[bytes]:
        return [self.chance.choice(HEADERS)] if self.chance.random() < 0.2 else []

    def path(self) -> bytes:
        """Anything."""
        words = [*SEGMENTS, *NAMES, *self.keys, self.token]
        path = "/" + "/".join(self.chance.choice(words) for _ in range(self.chance.randint(0, 5)))
        method = self.chance.choice(METHODS)
        return request(self.target.address, method, path.encode(), b"", *self.header())

    def key(self) -> bytes:
        """A picture of others, or of nobody."""
        last = self.chance.choice([*self.keys, *NAMES, "run-1-0.png", "run-1.zip", "run-1-0.jpg"])
        method = self.chance.choice(["GET", "DELETE", "HEAD"])
        return request(self.target.address, method, self.address(last), b"", *self.header())

    def choices(self) -> bytes:
        """Settings of any type."""
        names = self.chance.sample(["model", "scale", "reduce", "look", "change", "x"], 4)
        pairs = [f'"{name}": {self.chance.choice(VALUES)}' for name in names]
        body = "{" + ", ".join(pairs) + "}"
        if self.chance.random() < 0.3:
            body = self.chance.choice(VALUES)
        content = body.encode("utf-8", "surrogatepass") + self.chance.choice([b"", b"", b"\xff"])
        path = self.address("settings")
        return request(self.target.address, "POST", path, content, *self.header())

    def upload(self) -> bytes:
        """A picture, none, a bomb, half of one, or none that ever comes."""
        content = bytearray(self.chance.choice([*self.pictures, png(60000, 60000), png(2000, 900)]))
        for _ in range(self.chance.randint(0, 6) if content else 0):
            content[self.chance.randrange(len(content))] = self.chance.randrange(256)
        body = bytes(content) + bytes(self.chance.choice([0, 0, 0, 1 << 19]))
        headers = [b"X-Name: " + self.chance.choice(NAMES).encode(), *self.header()]
        if self.chance.random() < 0.1:
            headers.append(b"X-More: 1")
        if self.chance.random() < 0.04:  # less than was promised
            headers.append(f"Content-Length: {len(body) + 9}".encode())
        what = self.address(self.chance.choice(["small", "reference"]))
        return request(self.target.address, "POST", what, body, *headers)

    def work(self) -> bytes:
        """Begin, end, listen, enter; the built-in pictures seldom, for they are large."""
        what = ["start", "cancel", "events", "start"]
        last = self.chance.choice(what) if self.chance.random() < 0.98 else "example"
        path = b"/studio/enter" if self.chance.random() < 0.1 else self.address(last)
        method = "GET" if last == "events" else "POST"
        return request(self.target.address, method, path, b"", *self.header())

    def noise(self) -> bytes:
        """What is no request."""
        whole = bytearray(self.choices() if self.chance.random() < 0.5 else self.path())
        for _ in range(self.chance.randint(1, 9)):
            whole[self.chance.randrange(min(len(whole), 200))] = self.chance.randrange(256)
        return bytes(whole[: self.chance.randint(1, len(whole))])

    def anything(self) -> tuple[str, bytes]:
        """A request, and of which kind it is."""
        kinds: list[Callable[[], bytes]] = [self.path, self.key, self.choices, self.upload]
        weighted = [*kinds, *kinds, *kinds, self.choices, self.upload, self.work, self.noise]
        kind = self.chance.choice(weighted)
        return kind.__name__, kind()


def enter(target: Target) -> str:
    """Become a visitor: the token."""
    answer = target.ask("POST", "/studio/enter")
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["token"])


def sees(target: Target, token: str) -> dict[str, str]:
    """The pieces of a visitor's page."""
    answer = target.ask("GET", f"/studio/{token}/events")
    line = b"{" + answer.partition(b"\ndata: {")[2].partition(b"\n")[0]
    pieces: dict[str, str] = json.loads(line)
    return pieces


def wrong_with(target: Target, answer: bytes) -> str:
    """What is wrong with an answer; nothing where it is empty."""
    status = answer.partition(b" ")[2][:3]
    if status.startswith(b"5") and status != b"503":
        return f"status {status.decode()}"
    if b"Traceback" in answer:
        return "a traceback"
    for secret in target.secrets:
        if secret.encode() in answer:
            return f"the answer has {secret}"
    return ""


def fuzz(target: Target, count: int, seconds: float, seed: int) -> tuple[Counter[str], list[str]]:
    """Send requests: how many there were of each kind and status, and what was wrong."""
    host = enter(target)
    target.ask("POST", f"/studio/{host}/small", good("PNG"), b"X-Name: mine.png")
    target.ask("POST", f"/studio/{host}/settings", b'{"model":"transfer","scale":2,"reduce":true}')
    before = {name: x for name, x in sees(target, host).items() if name in ("small", "settings")}
    ids = [x.split('"')[0] for x in before["small"].split('data-remove="')[1:]]
    keys = (*ids, *(f"{id}.png" for id in ids))
    stranger = Stranger(target, random.Random(seed), enter(target), keys)
    seen: Counter[str] = Counter()
    faults: list[str] = []
    begin, early = time.monotonic(), (0, 0)
    for number in range(count):
        if time.monotonic() - begin > seconds:
            break
        kind, raw = stranger.anything()
        try:
            answer = target.send(raw)
            fault = wrong_with(target, answer)
        except (TimeoutError, OSError) as error:
            answer, fault = b"", f"{type(error).__name__}: {error}"
        if fault:
            faults.append(f"request {number} of seed {seed} ({kind}): {fault}: {raw[:200]!r}")
            if not alive(target):
                return seen, [*faults, "the server is gone"]
        seen[kind] += 1
        seen[f"status {answer.partition(b' ')[2][:3].decode('latin-1') or 'none'}"] += 1
        if number <= count // 4:
            early = target.used()
    after = {name: x for name, x in sees(target, host).items() if name in before}
    if after != before:
        faults.append("another visitor's pictures or choices have changed")
    late = target.used()
    seen["growth in MiB"] = (late[0] - early[0]) >> 20
    if late[0] - early[0] > GROWTH or late[1] - early[1] > FILES:
        faults.append(f"the server grew from {early} to {late}, bytes and open files")
    return seen, faults


def alive(target: Target) -> bool:
    """Whether the page can still be had."""
    try:
        return target.ask("GET", "/").startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> int:
    """Start a studio, send requests, tell the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-studio-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": folder},
            text=True,
        )
        try:
            assert process.stdout is not None  # for the type checker
            address = process.stdout.readline().strip()
            target = Target(address, process.pid, (folder, sys.prefix))
            seen, faults = fuzz(target, options.count, options.seconds, options.seed)
        finally:
            process.terminate()
            process.wait(60)
        left = [str(path) for path in Path(folder).iterdir()]
    faults += [f"left behind: {path}" for path in left]
    print("\n".join(faults))
    print(json.dumps(dict(sorted(seen.items())) | {"faults": len(faults)}))
    return min(1, len(faults))


if __name__ == "__main__":
    sys.exit(main())
