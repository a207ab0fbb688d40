# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster makes what one process makes; a lost worker loses nothing."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch.folders import UPSCALER, batch, images, lines, pictures, statuses, told
from cli.commands import command
from scenes import tree

from searchtransfer.batch import (
    Elsewhere,
    Manifest,
    Settings,
    Shelf,
    engine_for,
    fetch_files,
    plan_batch,
    run_batch,
    same_for_all,
)
from searchtransfer.batch.cluster import connected
from searchtransfer.batch.knock import CALL, refusal
from searchtransfer.errors import BackendError, MissingExtraError, OptionError

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed; it is large, so this has a target of its own: make ray",
)


class Killer:
    """Kills one of the workers, once a picture is made."""

    def __init__(self):
        self.killed = 0

    def started(self, job): ...

    def progressed(self, stage, done): ...

    def finished(self, outcome):
        import psutil

        if outcome.status != "done" or self.killed:
            return
        for process in psutil.Process().children(recursive=True):
            if process.name().startswith("ray::MapWorker"):
                process.send_signal(signal.SIGKILL)
                self.killed += 1
                return


@needs_ray
@pytest.mark.filterwarnings("default")  # Ray's own
def test_the_same_bytes_as_one_process_though_a_worker_is_killed(tmp_path):
    for name in ("one", "two"):
        images(tmp_path / name, 12)
        (tmp_path / name / "in" / "3.png").write_bytes(b"nonsense")
    here = batch(tmp_path / "one")
    killer = Killer()
    there = batch(tmp_path / "two", engine=engine_for("ray", workers=2), watcher=killer)
    assert killer.killed == 1
    assert statuses(there) == statuses(here)
    assert pictures(tmp_path / "two") == pictures(tmp_path / "one")
    texts = [str(told(tmp_path / x)).replace(str(tmp_path / x), "") for x in ("one", "two")]
    assert texts[0] == texts[1]
    assert len(lines(tmp_path / "two")) == 12  # nothing was made twice


@needs_ray
@pytest.mark.filterwarnings("default")  # Ray's own
def test_from_urls_to_urls_though_a_worker_is_killed(tmp_path):
    images(tmp_path, 8)
    (tmp_path / "in" / "3.png").write_bytes(b"nonsense")
    batch(tmp_path)
    (tmp_path / "out").rename(tmp_path / "plain")
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path)
    elsewhere = Elsewhere(tmp_path / "places")
    archive = f"file://{tmp_path}/all.zip"
    sources = elsewhere.inputs([f"zip://in::{archive}", f"zip://ref.png::{archive}"], "input")
    out = elsewhere.output(f"dir://out::file://{tmp_path}")
    shelf, manifest = Shelf(UPSCALER.prepare, 4), Manifest(Path(out))
    fetch_files(elsewhere, sources[1:])
    jobs = same_for_all(plan_batch(sources[:1], out), sources[1:], shelf)
    killer = Killer()
    more = {"manifest": manifest, "elsewhere": elsewhere, "watcher": killer}
    engine = engine_for("ray", workers=2)
    outcomes = run_batch(jobs, UPSCALER, shelf, Settings(), engine=engine, **more)
    assert killer.killed == 1
    assert Counter(x.status for x in outcomes) == {"done": 7, "failed": 1}
    assert tree(tmp_path / "out") == tree(tmp_path / "plain")
    for path in (tmp_path / "plain").glob("*.png"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert len(lines(tmp_path)) == 8  # nothing was made twice


def test_a_cluster_that_cannot_be_reached(tmp_path):
    images(tmp_path, 1)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BackendError, match=rf"{address} cannot be reached .*refused"):
            batch(tmp_path, engine=engine_for("ray", address=address))
        # Before anything else is looked at.
        words = "upscale", "-i", tmp_path / "nothing", "-o", tmp_path / "out"
        done = command(*words, "--engine", "ray", "--address", address)
    assert done.exit_code == 2 and f"the cluster at {address} cannot be reached" in done.stderr
    assert not pictures(tmp_path)


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\4\0\0\0\1\x8d",  # HTTP/2: 404
        b"",
    ],
)
def test_something_else_listens(tmp_path, says):
    """Found out before Ray asks, which would go on asking for half a minute."""
    images(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            connection.recv(1024)
            connection.sendall(says)
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BackendError, match=f"cluster at {address} cannot be reached"):
            engine_for("ray", address=address)


def test_nothing_is_heard():
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = refusal("127.0.0.1", server.getsockname()[1], 0.3)
    assert said is not None and "within 0.3 seconds" in said


@contextmanager
def service(answer):
    """A gRPC server, and its port."""
    grpc = pytest.importorskip("grpc")

    def handle(details):
        if details.method == CALL:
            return grpc.unary_unary_rpc_method_handler(partial(answer, details))
        return None

    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([SimpleNamespace(service=handle)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def wants_a_token(details, request, context):
    import grpc

    if ("authorization", "Bearer right") not in [tuple(x) for x in details.invocation_metadata]:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken")
    return b""


@needs_ray
@pytest.mark.parametrize(
    ("set_here", "said"),
    [
        ({}, "refuses our token, or wants one: set RAY_AUTH_MODE=token"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "wrong"}, "refuses our token"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "schl\xfcssel"}, "refuses our token"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/nowhere"}, "/nowhere"),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "right"}, ""),
    ],
)
def test_a_cluster_that_wants_a_token(set_here, said):
    """Found out before Ray asks, which would go on asking for half a minute."""
    program = "from searchtransfer.batch.cluster import check; check('127.0.0.1:{}')"
    kept = {name: x for name, x in os.environ.items() if not name.startswith("RAY_")}
    with service(wants_a_token) as port:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program.format(port)],
            env=kept | set_here,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode == 0) == (not said)
    assert said in done.stderr


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_service_of_another_kind(name):
    with service(lambda details, request, context: b"") as port:
        assert refusal(name, port, 5.0) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("searchtransfer.batch.knock.CALL", "/other/Call")
        with service(lambda details, request, context: b"") as port:
            assert "is no cluster of Ray, or is another port" in str(refusal(name, port, 5.0))


def test_certificates_that_are_not_there(monkeypatch):
    monkeypatch.setenv("RAY_USE_TLS", "1")
    monkeypatch.setenv("RAY_TLS_CA_CERT", "/nowhere.pem")
    with pytest.raises(BackendError, match=r"'/nowhere.pem' cannot be read"):
        refusal("127.0.0.1", 6379, 5.0)


@pytest.mark.parametrize("noted", ["file", "variable"])
def test_the_latest_cluster_is_gone(tmp_path, monkeypatch, noted):
    images(tmp_path, 1)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        if noted == "file":
            (tmp_path / "ray").mkdir()
            (tmp_path / "ray" / "ray_current_cluster").write_text(address)
        else:
            monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(BackendError, match=rf"the cluster at {address} cannot be reached"):
            batch(tmp_path, engine=engine_for("ray", address="auto"))


@needs_ray
@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_cluster_that_runs_answers():
    with connected(None, 1) as ray:
        host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
        assert refusal(host, int(port), 5.0) is None


@pytest.mark.parametrize(
    "address", ["", "somewhere", "host:", ":6379", "host:99999", "ray://host:10001"]
)
def test_words_that_are_no_address(tmp_path, address):
    images(tmp_path, 1)
    with pytest.raises(OptionError, match=r"--address must be HOST:PORT"):
        batch(tmp_path, engine=engine_for("ray", address=address))


def test_options_of_the_other_engine():
    with pytest.raises(OptionError, match=r"--jobs is of --engine local; .*--workers"):
        engine_for("ray", jobs=2)
    for options in ({"workers": 2}, {"address": "auto"}):
        with pytest.raises(OptionError, match=r"is of --engine ray; .*--jobs"):
            engine_for("local", **options)
    with pytest.raises(OptionError, match="--workers must be a whole number from 1 on"):
        engine_for("ray", workers=0)


def test_without_ray(tmp_path, monkeypatch):
    images(tmp_path, 1)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[ray\]'"):
        batch(tmp_path, engine=engine_for("ray"))
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[ray\]'"):
        engine_for("ray", address="localhost:6379")
