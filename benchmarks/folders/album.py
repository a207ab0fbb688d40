# SPDX-License-Identifier: Apache-2.0
"""An album of scenes and single photos: is the right scene among the first three, and how fast?

    python -m benchmarks.folders.album SCENES [SCENES ...] --singles FOLDER [--photos 500]

SCENES holds a folder of photos for each scene; a photo of a scene, reduced four times, is looked
for among the others of the album. Of a single photo the left 70 % are in the album; its right
70 %, warped, recoloured and reduced, are looked for. Times are of one thread; `processor` is time
of the processor, `wall` what the clock said.
"""

import argparse
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.machine import peak_mib
from benchmarks.common.scenes import photos_in
from searchtransfer.albums import Album
from searchtransfer.albums.file import new_index
from searchtransfer.images import crop_to_multiple, degrade, from_tensor, read_image, write_image

SCALE = 4


class Target(NamedTuple):
    scene: str
    small: Float[Tensor, "3 h w"]
    itself: Path | None


def reduced(colour: Tensor) -> Tensor:
    return degrade(crop_to_multiple(colour, SCALE), SCALE)


def warped(colour: Tensor) -> Tensor:
    """Seen from a little aside, in another light."""
    height, width = colour.shape[1:]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.array([[8, 4], [-3, 10], [-12, -5], [2, -9]], np.float32)
    plane = cv2.getPerspectiveTransform(corners, moved)
    pixels = colour.permute(1, 2, 0).numpy()
    there = cv2.warpPerspective(
        pixels, plane, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    there = there.clip(0, 1) ** 1.2 * np.array([0.95, 1, 0.9], np.float32)
    return torch.from_numpy(there.astype(np.float32)).permute(2, 0, 1).contiguous()


def make_album(
    scenes: list[Path], singles: Path, count: int, into: Path
) -> tuple[list[Target], dict[Path, str]]:
    targets: list[Target] = []
    names: dict[Path, str] = {}
    for root in scenes:
        for scene in sorted(x for x in root.iterdir() if x.is_dir()):
            found = photos_in(scene, deep=True)
            for photo in found:
                link = into / f"{scene.name}-{photo.name}"
                link.symlink_to(photo.resolve())
                names[link] = scene.name
                if len(found) > 1:
                    small = reduced(read_image(photo).colour)
                    targets.append(Target(scene.name, small, link))
    for photo in photos_in(singles, deep=True)[: count - len(names)]:
        colour = read_image(photo).colour
        width = colour.shape[2]
        left, right = colour[:, :, : int(0.7 * width)], colour[:, :, int(0.3 * width) :]
        path = into / f"single-{photo.stem}.png"
        write_image(from_tensor(left), path)
        names[path] = path.stem
        targets.append(Target(path.stem, reduced(warped(right.contiguous())), None))
    return targets, names


class Tally:
    """How many targets of each scene were right."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, target: Target, right: bool) -> None:
        group = "singles" if target.itself is None else target.scene
        self.counts[group][0] += right
        self.counts[group][1] += 1

    def show(self, title: str) -> None:
        print(tables.head(["scene", "targets", title]))
        for group, (right, of) in sorted(self.counts.items()):
            print(tables.row([group, of, f"{right / of:.1%}"]))
        right, of = (sum(x[i] for x in self.counts.values()) for i in range(2))
        print(tables.row(["all", of, f"{right / of:.1%}"]), flush=True)


def large(size: int, count: int = 100_000) -> None:
    """Cost of the index alone at another size: random descriptors."""
    rng = np.random.default_rng(0)
    index = new_index(size)
    start = time.process_time()
    for number in range(count):
        index.add(number, rng.standard_normal(size, np.float32), threads=1)
        if number in (count // 100, count // 10):
            print(f"  {number} descriptors: {time.process_time() - start:.1f} s", flush=True)
    print(f"  {count} descriptors: {time.process_time() - start:.1f} s")
    start = time.process_time()
    for _ in range(100):
        index.search(rng.standard_normal(size, np.float32), 12, threads=1)
    print(f"  a search: {10 * (time.process_time() - start):.2f} ms")
    print(f"  {len(bytes(index.save())) / 2**20:.0f} MiB on disk")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--singles", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--every", type=int, default=1, help="verify every so many targets only")
    parser.add_argument("--large", type=int, metavar="N", help="also an index of N descriptors")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        targets, names = make_album(asked.scenes, asked.singles, asked.photos, folder)
        clock, processor = time.perf_counter(), time.process_time()
        album = Album.open(folder, scale=SCALE)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        rate = len(names) / processor
        print(f"{len(names)} photos indexed: {rate:.1f} a second (processor), ", end="")
        print(
            f"{len(names) / clock:.1f} (wall); index {album.index.stat().st_size / 2**20:.1f} MiB"
        )
        start = time.process_time()
        Album.open(folder, scale=SCALE)
        print(f"opened again, nothing changed: {time.process_time() - start:.2f} s")
        alike_right = Tally()
        spent = 0.0
        for target in targets:
            start = time.process_time()
            alike = album.similar(target.small, 4)
            spent += time.process_time() - start
            others = [x for x in alike if x.path != target.itself][:3]
            alike_right.add(target, any(names[x.path] == target.scene for x in others))
        print(f"a query: {1000 * spent / len(targets):.1f} ms (processor)")
        alike_right.show("right in the top 3")
        chosen_right = Tally()
        wrong = verified = 0
        some = targets[:: asked.every]
        start = time.process_time()
        for target in some:
            chosen = album.choose(target.small, 3, leave_out=target.itself)
            chosen_right.add(target, any(names[x] == target.scene for x in chosen))
            verified += len(chosen)
            wrong += sum(names[x] != target.scene for x in chosen)
        spent = (time.process_time() - start) / len(some)
        print(f"a choice, verified by geometry: {1000 * spent:.0f} ms (processor)")
        chosen_right.show("right among the verified")
        print(f"of {verified} verified photos {wrong} show another scene")
        if asked.large:
            print(f"index alone, {asked.large} descriptors:")
            large(album._contents.vocabulary.size, asked.large)
    print(f"peak memory {peak_mib()} MiB")


if __name__ == "__main__":
    main()
