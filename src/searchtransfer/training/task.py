# SPDX-License-Identifier: Apache-2.0
"""What the loop must be told of a network; everything else about training is the same for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.utils.data import Dataset

from .config import Phase
from .objective import Objective, Restored
from .validation import Validator


@dataclass(frozen=True)
class Preparation:
    """How the work before the first step is shared, watched and ended."""

    process: int
    """The number of this one."""
    processes: int
    """That share the work."""
    workers: int
    """Processes that this one may start for it; 0: none."""
    stop: Callable[[], bool]
    """Whether to end early; asked between any two pieces of work."""
    tell: Callable[[int, int], None]
    """Called with how many pieces are done, and of how many."""
    skip: Callable[[Sequence[str]], None]
    """Called with why files could not be used."""
    meet: Callable[[], None]
    """Wait until all processes have come here."""


@runtime_checkable
class Task(Protocol):
    """One for each architecture."""

    def build(self) -> nn.Module:
        """The network with its first weights; has `architecture`, `scale` and `config`."""
        ...

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Parameters to train, for an optimiser: `params` and `lr`."""
        ...

    def objective(self) -> Objective:
        """What is minimised."""
        ...

    def prepare(self, how: Preparation) -> None:
        """Make what samples are read from, if it must be made; what is there is kept."""

    def dataset(self) -> Dataset[Any]:
        """Samples by draw, with a length; not read from before `prepare`."""
        ...

    def collate(self, samples: Sequence[Any]) -> Any:
        """A batch: a NamedTuple of tensors, and `skipped`, the reasons of what was left out."""

    def restore(self, model: nn.Module, batch: Any, phase: Phase) -> Restored:
        """Run the network on a batch."""
        ...

    def validator(self) -> Validator | None:
        """Shows how far training has come; None: nothing is to be looked at."""
