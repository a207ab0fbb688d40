# SPDX-License-Identifier: Apache-2.0
"""Several methods on the same photos; what is finished can be had at any time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..images.pairs import Pair
from ..process.items import Failure, harmless
from ..process.stop import Stop
from .gallery import Gallery
from .metrics import Profile
from .protocol import Evaluation, Method, Metric, References, Row, measured


@dataclass
class Comparison:
    """Methods that are measured one after the other, by one protocol."""

    methods: Mapping[str, Method]
    pairs: Sequence[Pair]
    profile: Profile = "ttsr"
    references: References = "first"
    scale: int = 4
    lpips: Metric | None = None
    shown: int = 0
    """Photos of each method whose pictures are kept, the worst ones."""
    galleries: list[Gallery] = field(default_factory=list)
    _rows: dict[str, list[Row]] = field(default_factory=dict)
    _failures: dict[str, list[str]] = field(default_factory=dict)

    def run(self, stop: Stop, on_photo: Callable[[str, int], None] | None = None) -> None:
        """Measure; a photo that fails does not stop the others.

        Args:
            stop: a way to end it early.
            on_photo: called with the method's name and the number of photos tried so far; an error
                in it is logged.

        Raises:
            Stopped: it was asked for. What is finished is kept.
        """
        watch = harmless(on_photo or (lambda name, count: None))
        for name, method in self.methods.items():
            gallery = Gallery(self.shown)
            self.galleries.append(gallery)
            rows = self._rows.setdefault(name, [])
            failures = self._failures.setdefault(name, [])
            watch(name, 0)
            for found in measured(
                method, self.pairs, self.profile, self.references, self.scale, self.lpips, stop
            ):
                if isinstance(found, Failure):
                    failures.append(found.message)
                else:
                    gallery.add(*found)
                    rows.append(found[0])
                watch(name, len(rows) + len(failures))

    @property
    def evaluations(self) -> list[Evaluation]:
        """Of the methods that were begun, as far as they are done."""
        return [
            Evaluation(
                name,
                self.profile,
                self.references,
                self.scale,
                tuple(rows),
                tuple(self._failures[name]),
            )
            for name, rows in list(self._rows.items())
            if name in self._failures
        ]
