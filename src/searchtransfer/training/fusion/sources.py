# SPDX-License-Identifier: Apache-2.0
"""The photos of a data folder: those to train on, or those that are held out."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError
from ...images.pairs import Pair, cufed_pairs, scene_pairs, single_photos
from ..data.sizes import shorter_side
from ..data.views import NEAR, Views
from ..degradations import ALBUM, CLEAN, Album, Recipe
from .drawing import Sources, smallest
from .split import BY_CONTENT, Split, photo_name, scene_name


def find_sources(
    data: Path,
    held_out: bool = False,
    split: Split = BY_CONTENT,
    views: Views = NEAR,
    recipe: Recipe = CLEAN,
    album: Album = ALBUM,
    scale: int = 4,
) -> Sources:
    """Photos for training, or those that are held out to choose checkpoints by.

    Args:
        data: holds `scenes/`, `pairs/cufed/`, `singles/`, or some of them; else all photos below it
            are singles.
        held_out: those that training never sees, not even as a copy in another folder.
        split: which these are; see `settled`.
        views: how far made references may be from their target.
        recipe: what small pictures have been through.
        album: what references have been through.
        scale: how many times smaller small pictures are.

    Raises:
        DataError: nothing is there, or too little to hold something out.
    """
    found = _Found.of(data, smallest(scale))
    split = found.settled(split)
    kept = found.held_out(split)
    if held_out:
        scenes = [x for x in found.scenes if split.holds(scene_name(x.target.parent))]
        chosen = Sources(scenes, [], [x for x in found.singles if photo_name(x.target) in kept])
    else:
        chosen = Sources(
            _without(found.scenes, kept), _without(found.cufed, kept), _without(found.singles, kept)
        )
    if not (chosen.scenes or chosen.cufed or chosen.singles):
        raise DataError(
            f"{data}: its {found.photos} photos are too few to hold one out and to train on the "
            "others; add some, or set validation.crops=0 to do without"
            if found.photos
            else f"{data}: no photos of at least {smallest(scale)} pixels a side are in it"
            f"{found.small}"
        )
    return replace(chosen, views=views, recipe=recipe, album=album, scale=scale)


def settled(data: Path, split: Split, scale: int = 4) -> Split:
    """A rule by which at least one of two photos, and one of two scenes, is held out."""
    return _Found.of(data, smallest(scale)).settled(split)


class _Found(NamedTuple):
    """Everything in a data folder that is large enough and can be opened."""

    scenes: list[Pair]
    cufed: list[Pair]
    singles: list[Pair]
    small: str
    """What was left out, for messages."""

    @classmethod
    def of(cls, data: Path, smallest: int) -> "_Found":
        folders, cufed, singles = _folders(data / "scenes"), data / "pairs/cufed", data / "singles"
        bare = not folders and not cufed.is_dir() and not singles.is_dir()
        photos = single_photos(data if bare else singles) if bare or singles.is_dir() else []
        pairs = cufed_pairs(cufed) if cufed.is_dir() else []
        # Many folders hold thumbnails too; their sizes are known without decoding them.
        sides = [shorter_side(pair.target) or 0 for pair in photos]
        large = [pair for pair, side in zip(photos, sides, strict=True) if side >= smallest]
        small = f": of {len(sides)}, the largest has {max(sides)}" if sides else ""
        return cls(
            [pair for folder in folders for pair in scene_pairs(folder, neighbours=2)],
            [x for x in pairs if (shorter_side(x.target) or 0) >= smallest],
            large,
            small,
        )

    @property
    def photos(self) -> int:
        return len(self.scenes) + len(self.cufed) + len(self.singles)

    def settled(self, split: Split) -> Split:
        split = split.with_one_of(photo_name(pair.target) for pair in self.singles)
        return split.with_one_of(scene_name(pair.target.parent) for pair in self.scenes)

    def held_out(self, split: Split) -> set[str]:
        """All photos that training must not see, by `photo`."""
        singles = {photo_name(pair.target) for pair in self.singles}
        scenes = [pair for pair in self.scenes if split.holds(scene_name(pair.target.parent))]
        return {x for x in singles if split.holds(x)} | {photo_name(pair.target) for pair in scenes}


def _without(pairs: Iterable[Pair], kept: set[str]) -> list[Pair]:
    """The pairs of photos that are not held out; without those whose references all are."""
    chosen = []
    for pair in pairs:
        references = tuple(path for path in pair.references if photo_name(path) not in kept)
        if photo_name(pair.target) not in kept and bool(references) == bool(pair.references):
            chosen.append(replace(pair, references=references))
    return chosen


def _folders(folder: Path) -> list[Path]:
    return sorted(x for x in folder.iterdir() if x.is_dir()) if folder.is_dir() else []
