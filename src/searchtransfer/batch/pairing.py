# SPDX-License-Identifier: Apache-2.0
"""Which references serve which input: by name or by folder. Only names are looked at."""

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from ..errors import OptionError
from ..foreign import shown
from ..images import ImageWarning
from ..images.files import some_images_in
from ..images.listing import LeftOut
from .plan import Job

PairBy = Literal["name", "folder"]
FIRST = 10
"""Names that a sentence lists; of more it says the number."""

_NUMBERED = re.compile(r"(.+)[_-]\d+")


@dataclass(frozen=True)
class Pairing:
    """Jobs with their references."""

    jobs: list[Job]
    unmatched: list[Job]
    """Those for which there is no reference."""
    unused: list[Path]
    """References that serve no input."""


def pair(
    jobs: Sequence[Job],
    folders: Sequence[Path],
    by: PairBy,
    on_left_out: Callable[[LeftOut], None] | None = None,
) -> Pairing:
    """Give each job the references that its name, or that of its folder, asks for.

    By name, the input `SUB/NAME.*` has the references `SUB/NAME.*`, else `SUB/NAME_1.*`,
    `SUB/NAME-2.*` and so on in the order of their names, as long as no other input is called so. By
    folder, it has all photos of the folder `SUB`, not those below. `SUB` is the place below the
    folder that was given, and may be nothing.

    Args:
        jobs: from `plan_batch`.
        folders: of references.
        by: "name" or "folder".
        on_left_out: hears of each file that is no image; None: a warning names them.

    Raises:
        OptionError: no folder, or something else, is given; or references share a name, so that
            it is not clear which is meant.
        ImageFileError: a folder has no images, or cannot be listed.
    """
    photos = _photos(folders, on_left_out)
    groups = _by_name(jobs, photos) if by == "name" else _by_folder(jobs, photos)
    matched, unmatched = [], []
    for job, references in zip(jobs, groups, strict=True):
        if references:
            matched.append(replace(job, references=references))
        else:
            unmatched.append(job)
    used = {path for job in matched for path in job.references}
    return Pairing(matched, unmatched, [path for path in photos.values() if path not in used])


def unmatched_text(pairing: Pairing, by: PairBy) -> str:
    """Which inputs have no reference, in a sentence."""
    named = [shown(job.source) for job in pairing.unmatched]
    spare = [shown(path) for path in pairing.unused]
    rule = (
        "a reference has the name of its input, or that and a number (of a.png: a.jpg, or a_1.jpg "
        "and a_2.jpg), in the same subfolder"
        if by == "name"
        else "references lie in the subfolder of their input"
    )
    rest = f"; references that serve no input: {_first(spare)}" if spare else ""
    return f"no reference for {len(named)} of the inputs: {_first(named)}{rest}; {rule}"


def paired(
    jobs: Sequence[Job],
    folders: Sequence[Path],
    by: PairBy,
    keep_going: bool,
    on_left_out: Callable[[LeftOut], None] | None = None,
) -> list[Job]:
    """As `pair`: the jobs that have references, which must be all.

    Args:
        jobs: from `plan_batch`.
        folders: of references.
        by: "name" or "folder".
        keep_going: leave out those that have none, with a warning.
        on_left_out: as of `pair`.

    Raises:
        OptionError: one has none, or with `keep_going` all; and as `pair`.

    Warns:
        ImageWarning: inputs are left out, or references serve no input.
    """
    found = pair(jobs, folders, by, on_left_out)
    if found.unmatched:
        told = unmatched_text(found, by)
        if not (keep_going and found.jobs):
            raise OptionError(f"{told}; --keep-going leaves such inputs out")
        warnings.warn(f"{told}; left out", ImageWarning, stacklevel=2)
    elif found.unused:
        spare = _first([shown(path) for path in found.unused])
        warnings.warn(f"references that serve no input: {spare}", ImageWarning, stacklevel=2)
    return found.jobs


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - FIRST} more" if len(names) > FIRST else ""
    return ", ".join(names[:FIRST]) + more


def _photos(
    folders: Sequence[Path], on_left_out: Callable[[LeftOut], None] | None
) -> dict[PurePath, Path]:
    """All photos by their places below the folders.

    Raises:
        OptionError: two have the same place.
    """
    if not folders or not all(folder.is_dir() for folder in folders):
        wrong = next((folder for folder in folders if not folder.is_dir()), None)
        got = "none" if wrong is None else shown(wrong)
        raise OptionError(f"--pair-by needs folders of references (-r FOLDER), got {got}")
    photos: dict[PurePath, Path] = {}
    for folder in folders:
        for path in some_images_in(folder, "reference folder", on_left_out=on_left_out):
            place = path.relative_to(folder)
            if place in photos:
                raise OptionError(
                    f"--pair-by: {shown(photos[place])} and {shown(path)} have the same name in "
                    "their folders; rename one"
                )
            photos[place] = path
    return photos


def _by_name(jobs: Sequence[Job], photos: Mapping[PurePath, Path]) -> list[tuple[Path, ...]]:
    names = {job.place.with_suffix("") for job in jobs}
    same: dict[PurePath, list[Path]] = defaultdict(list)
    numbered: dict[PurePath, list[Path]] = defaultdict(list)
    for place, path in photos.items():
        name = place.with_suffix("")
        if name in names:
            same[name].append(path)
        elif match := _NUMBERED.fullmatch(name.name):
            numbered[name.with_name(match[1])].append(path)
    twice = [
        " and ".join(shown(path) for path in paths) for paths in same.values() if len(paths) > 1
    ]
    if twice:
        raise OptionError(
            f"--pair-by name: references share the name of an input: {_first(twice)}; number them "
            "(a_1.jpg, a_2.jpg) if both shall serve, or take one away"
        )
    keys = [job.place.with_suffix("") for job in jobs]
    return [tuple(same.get(key) or sorted(numbered.get(key, []))) for key in keys]


def _by_folder(jobs: Sequence[Job], photos: Mapping[PurePath, Path]) -> list[tuple[Path, ...]]:
    groups: dict[PurePath, list[Path]] = defaultdict(list)
    for place, path in photos.items():
        groups[place.parent].append(path)
    return [tuple(groups.get(job.place.parent, [])) for job in jobs]
