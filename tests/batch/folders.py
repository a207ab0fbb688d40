# SPDX-License-Identifier: Apache-2.0
"""A folder of tiny images, and batches over it as the command line runs them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scenes import reduced, save, sharp

from searchtransfer import Upscaler
from searchtransfer.batch import (
    Manifest,
    Outcome,
    Settings,
    Shelf,
    plan_batch,
    run_batch,
    same_for_all,
)

UPSCALER = Upscaler.from_pretrained("transfer")


def images(folder: Path, count: int = 3) -> Path:
    """Small images, and a reference beside their folder, which is returned."""
    for seed in range(count):
        save(folder / "in" / f"{seed}.png", reduced(sharp(seed)))
    save(folder / "ref.png", sharp(1))
    return folder / "in"


def batch(folder: Path, **more: Any) -> list[Outcome]:
    """Make `folder/in` with `folder/ref.png` into `folder/out`; more are settings or arguments."""
    given = {name: more.pop(name) for name in ("engine", "stop", "watcher") if name in more}
    upscaler = more.pop("upscaler", UPSCALER)
    shelf = Shelf(upscaler.prepare, 4)
    jobs = plan_batch([folder / "in"], str(folder / "out"), go_on=True)
    jobs = same_for_all(jobs, [folder / "ref.png"], shelf)
    manifest = Manifest(folder / "out")
    return run_batch(jobs, upscaler, shelf, Settings(**more), manifest=manifest, **given)


def statuses(outcomes: list[Outcome]) -> dict[str, str]:
    return {x.job.source.name: x.status for x in outcomes}


def lines(folder: Path) -> list[dict[str, Any]]:
    """Of the manifest."""
    text = (folder / "out" / "searchtransfer.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def told(folder: Path) -> list[dict[str, Any]]:
    """The lines without what differs from run to run, by output."""
    plain = [{k: v for k, v in x.items() if k not in ("run", "seconds")} for x in lines(folder)]
    return sorted(plain, key=lambda x: x["output"])


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.png")}


@contextmanager
def full_disk(place: Path, size: str) -> Iterator[Path]:
    """A folder that is a file system of its own, of so many bytes."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if sys.platform != "linux" or done.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
