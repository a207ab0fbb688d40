# SPDX-License-Identifier: Apache-2.0
"""The photos that quality is measured on: pairs of scenes, and pictures that have no reference.

A folder of data holds `scenes/` (a folder of photos each; the first by name is the target and the
last its reference; names that begin with `flow-` are frames of moving scenes, others landmarks) and
`classic/set5` and `classic/set14`, whose pictures go with `classic/kodak/01.png`, which has nothing
to do with them.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
GROUPS = ("flow", "landmark", "set5", "set14")
ALONE = ("set5", "set14")
"""Groups whose pictures have no reference of their own."""


class Case(NamedTuple):
    """One photo, and what it is restored with."""

    group: str
    name: str
    target: Path
    other: Path

    @property
    def alone(self) -> bool:
        """Whether `other` has nothing to do with the target."""
        return self.group in ALONE


def photos_in(folder: Path, deep: bool = False) -> list[Path]:
    """By name; with `deep` those of folders in it too."""
    found = folder.rglob("*") if deep else folder.iterdir()
    return sorted(x for x in found if x.suffix.lower() in SUFFIXES)


def cases(data: Path) -> Iterator[Case]:
    """All of them, scenes first."""
    for scene in sorted((data / "scenes").iterdir()):
        photos = photos_in(scene)
        group = "flow" if scene.name.startswith("flow-") else "landmark"
        yield Case(group, scene.name, photos[0], photos[-1])
    unrelated = data / "classic" / "kodak" / "01.png"
    for group in ALONE:
        for path in photos_in(data / "classic" / group):
            yield Case(group, f"{group}/{path.stem[4:7]}", path, unrelated)


def add_choice(parser: argparse.ArgumentParser, *groups: str) -> None:
    """The folder of data, and options that choose among its cases."""
    parser.add_argument("data", type=Path, help="with the folders `scenes` and `classic`")
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=list(groups))
    parser.add_argument("--scenes", nargs="*", help="of the chosen groups; all if nothing is said")


def chosen(options: argparse.Namespace) -> Iterator[Case]:
    """What `add_choice` was told to take."""
    for case in cases(options.data):
        if case.group in options.groups and case.name in (options.scenes or [case.name]):
            yield case
