# SPDX-License-Identifier: Apache-2.0
"""A server with the hub's layout of files and the few calls that reading and writing need."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Revisions = dict[str, dict[str, dict[str, bytes]]]
"""Files by repository, revision and name."""


def commit_of(files: dict[str, bytes]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for name in sorted(files):
        digest.update(name.encode() + files[name])
    return digest.hexdigest()


class Handler(BaseHTTPRequestHandler):
    revisions: Revisions
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(True)

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            said = json.loads(body)
            name = (
                f"{said['organization']}/{said['name']}"
                if said.get("organization")
                else said["name"]
            )
            self.revisions.setdefault(name, {"main": {}})
            return self._json({"url": f"http://{self.headers['Host']}/{name}", "name": name})
        if path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        found = re.fullmatch(r"/api/models/(\w+/\w+)/(preupload|commit)/(\w+)", path)
        if found is None:
            return self._json({"error": "not found"}, 404)
        name, what, revision = found.groups()
        if what == "preupload":
            files = [
                {"path": x["path"], "uploadMode": "regular", "shouldIgnore": False}
                for x in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        files = dict(self.revisions[name].get(revision, {}))
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        self.revisions[name][revision] = files
        host = f"http://{self.headers['Host']}"
        commit = commit_of(files)
        return self._json(
            {"success": True, "commitOid": commit, "commitUrl": f"{host}/{name}/commit/{commit}"}
        )

    def _answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        info = re.fullmatch(r"/api/models/(\w+/\w+)(?:/(revision|tree)/(\w+))?", path)
        file = re.fullmatch(r"/(\w+/\w+)/resolve/(\w+)/(.+)", path)
        if info is not None:
            files = self._files(info[1], info[3] or "main")
            if files is None:
                return self._json({"error": "not found"}, 404, {"X-Error-Code": "RevisionNotFound"})
            if info[2] == "tree":
                listed = [
                    {"type": "file", "path": name, "size": len(x), "oid": commit_of({name: x})}
                    for name, x in files.items()
                ]
                return self._json(listed)
            said = {
                "id": info[1],
                "sha": commit_of(files),
                "private": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "siblings": [{"rfilename": name} for name in files],
            }
            return self._json(said)
        files = None if file is None else self._files(file[1], file[2])
        if file is None or files is None or file[3] not in files:
            return self._json({"error": "not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        content = files[file[3]]
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit_of(files))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)
        return None

    def _files(self, name: str, revision: str) -> dict[str, bytes] | None:
        named = self.revisions.get(name, {})
        by_commit = {commit_of(files): files for files in named.values()}
        return named.get(revision) or by_commit.get(revision)

    def _json(self, said: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(said).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hub(revisions: Revisions) -> Iterator[str]:
    """Serve repositories; the address of the hub."""
    handler = type("Serving", (Handler,), {"revisions": revisions})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
