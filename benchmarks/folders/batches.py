# SPDX-License-Identifier: Apache-2.0
"""200 images, ten of them bad, by every engine and with kills: the same bytes, nothing twice.

    python -m benchmarks.folders.batches [--folder FOLDER] [--without-ray] [--kills 10]

The images are cut from scikit-image's photos; each has a reference that overlaps it. Prints a
table, and ends with 1 where anything is not as it should be.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from searchtransfer.images import degrade

SIDE, MARGIN, SCALE = 96, 12, 4
IMAGES, BAD = 200, 10
DIFFERENT = ("run", "seconds")
"""What lines of the manifest differ in from run to run."""


def photos() -> list[np.ndarray]:
    left, right, _ = data.stereo_motorcycle()
    named = data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), left, right
    return [photo[..., :3] for photo in named]


def make_inputs(folder: Path) -> None:
    rng = random.Random(0)
    bad = bad_files()
    pictures = photos()
    for number in range(IMAGES):
        photo = pictures[number % len(pictures)]
        place = Path(f"group{number % 5}", f"{number:03}.png")
        y, x = (rng.randrange(MARGIN, size - SIDE - MARGIN) for size in photo.shape[:2])
        sharp = photo[y : y + SIDE, x : x + SIDE]
        around = photo[y - MARGIN : y + SIDE - 5, x - MARGIN : x + SIDE - 7]
        colour = torch.from_numpy(sharp.copy()).permute(2, 0, 1) / 255
        small = (degrade(colour, SCALE).permute(1, 2, 0) * 255).round().byte().numpy()
        for root, pixels in (("in", small), ("ref", around)):
            (folder / root / place).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / root / place)
        if number % (IMAGES // BAD) == 7:
            broken = bad[number // (IMAGES // BAD)]
            path = folder / ("ref" if broken is None else "in") / place
            path.write_bytes(path.read_bytes()[:90] if broken is None else broken)


def bad_files() -> list[bytes | None]:
    """Contents that are no pictures; None for a sound image with a broken reference."""
    sound = Path(data.__file__).with_name("astronaut.png").read_bytes()
    return [
        b"",
        b"nonsense",
        b"<!doctype html><title>404</title>",
        b"\x89PNG\r\n\x1a\n",
        sound[: len(sound) // 2],
        sound[:60],
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        bytes(4096),
        None,
        None,
    ]


def command(folder: Path, output: str, *more: str) -> list[str]:
    words = ["-i", folder / "in", "-r", folder / "ref", "-o", folder / output, "--pair-by", "name"]
    words += ["-n", "transfer", *more]
    return [sys.executable, "-m", "searchtransfer", "upscale", *map(str, words)]


def run(folder: Path, output: str, *more: str) -> tuple[int, float, str]:
    start = time.monotonic()
    done = subprocess.run(
        command(folder, output, *more), capture_output=True, text=True, check=False
    )
    return done.returncode, time.monotonic() - start, done.stderr


def killed(folder: Path, output: str, kills: int) -> tuple[int, float, str]:
    """Killed at random moments, each time gone on with, at last to the end."""
    rng = random.Random(1)
    start = time.monotonic()
    for _ in range(kills):
        before = results_in(folder / output)
        process = subprocess.Popen(
            command(folder, output, "-j", "2", "--on-exists", "skip"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # At a random moment, from the start of the work on, which takes about a dozen images.
        wanted = before + rng.randrange(0, 16)
        while process.poll() is None:
            there = results_in(folder / output)
            if there > before and there >= wanted:
                break
            time.sleep(0.02)
        time.sleep(rng.random())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    code, _, said = run(folder, output, "-j", "2", "--on-exists", "skip")
    return code, time.monotonic() - start, said


def results_in(folder: Path) -> int:
    """How many there are; folders may come and go meanwhile."""
    return sum(name.endswith(".png") for _, _, names in os.walk(folder) for name in names)


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(x.relative_to(folder)): x.read_bytes() for x in folder.rglob("*.png")}


def lines(folder: Path) -> list[dict[str, object]]:
    text = (folder / "searchtransfer.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def manifest(folder: Path) -> dict[object, dict[str, object]]:
    """The latest line of each result, without what differs from run to run."""
    plain = ({k: v for k, v in x.items() if k not in DIFFERENT} for x in lines(folder))
    return {x["output"]: x for x in plain}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--without-ray", action="store_true")
    parser.add_argument("--kills", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        make_inputs(folder)
        runs = {
            "one process": lambda: run(folder, "one"),
            "four processes": lambda: run(folder, "four", "-j", "4"),
            "ray": lambda: run(folder, "ray", "--engine", "ray", "--workers", "2"),
            "killed": lambda: killed(folder, "killed", asked.kills),
        }
        if asked.without_ray:
            del runs["ray"]
        faults = 0
        print("| run | exit | results | errors | same bytes | same manifest | twice | seconds |")
        print("|---|--:|--:|--:|---|---|--:|--:|")
        for name, work in runs.items():
            code, seconds, said = work()
            into = folder / name.split()[0]
            made, told = pictures(into), manifest(into)
            errors = [x for x in told.values() if x["status"] == "failed"]
            twice = Counter(x["output"] for x in lines(into) if x["status"] == "done")
            same = made == pictures(folder / "one")
            agree = told == manifest(folder / "one")
            again = sum(count - 1 for count in twice.values())
            words = [x for x in said.splitlines() if x.startswith("error: ")]
            named = sum(any(x["error"] in line for line in words) for x in errors)
            print(
                f"| {name} | {code} | {len(made)} | {named} | {'yes' if same else 'NO'} | "
                f"{'yes' if agree else 'NO'} | {again} | {seconds:.0f} |",
                flush=True,
            )
            good = code == 1 and len(made) == IMAGES - BAD and named == BAD and same and agree
            faults += not good
            left = [x for x in into.rglob("*") if x.name.endswith(".part")]
            if left:
                print(f"left behind: {left}")
                faults += 1
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
