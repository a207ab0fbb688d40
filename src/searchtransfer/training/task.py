# SPDX-License-Identifier: Apache-2.0
"""What the loop must be told of a network; everything else about training is the same for all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..errors import ConfigError
from ..evaluation import Method
from ..pairs import Pair, cufed_groups, cufed_pairs, list_pairs, scene_pairs, single_photos
from .config import Source, TrainConfig


class Restored(NamedTuple):
    """A result beside its truth; RGB in [-1, 1]."""

    sr: Float[Tensor, "b 3 h w"]
    hr: Float[Tensor, "b 3 h w"]
    own: Mapping[str, Callable[[], Tensor]] = {}
    """Losses that only this network has, by their names in `config.Losses`."""


@runtime_checkable
class Task(Protocol):
    """One for each architecture."""

    def build(self) -> nn.Module:
        """The network with its first weights; has `architecture`, `scale` and `config`."""

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Parameters to train, for an optimiser: `params` and `lr`."""

    def dataset(self) -> Dataset[Any]:
        """Samples by draw, with a length; see `data.PairDataset`."""

    def collate(self, samples: Sequence[Any]) -> Any:
        """A batch: a NamedTuple of tensors, and `skipped`, the reasons of what was left out."""

    def restore(self, model: nn.Module, batch: Any) -> Restored:
        """Run the network on a batch."""

    def method(self, model: nn.Module) -> Method:
        """The network as evaluation runs it, always with its present weights."""


def task_for(config: TrainConfig) -> Task:
    """The task of the network that a configuration names."""
    from .ttsr import TTSRTask

    return TTSRTask(config)


def find_pairs(source: Source, key: str) -> list[Pair]:
    """The pairs of a data set.

    Args:
        source: layout and place.
        key: of the source in the configuration, for messages.

    Raises:
        ConfigError: there is nothing at that place.
        DataError: it has another layout.
    """
    if not source.path.exists():
        raise ConfigError(f"{key}.path: there is no {source.path}")
    match source.layout:
        case "cufed":
            pairs = cufed_pairs(source.path)
        case "groups":
            pairs = cufed_groups(source.path)
        case "scenes":
            pairs = scene_pairs(source.path, source.neighbours)
        case "singles":
            pairs = single_photos(source.path)
        case "list":
            pairs = list_pairs(source.path)
    return pairs * source.repeat
