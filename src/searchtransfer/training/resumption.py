# SPDX-License-Identifier: Apache-2.0
"""What has changed in a configuration since a checkpoint was written."""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import ConfigError
from .config import TrainConfig

_STARTS = ("model.extractor", "model.weights")  # what it once started from
_HARMLESS = ("run.", *_STARTS)  # with them the curve stays what it was


def require_same_model(before: dict[str, Any], config: TrainConfig) -> None:
    """Refuse to put weights into another network.

    Raises:
        ConfigError: an argument of the network differs.
    """
    changes = [
        text
        for key, text in _changes(before, config)
        if key.startswith("model.") and key not in _STARTS
    ]
    if changes:
        raise ConfigError(
            f"the checkpoint is of another network: {', '.join(changes)}; "
            "set run.folder to another place to train this one"
        )


def what_differs(before: dict[str, Any], config: TrainConfig) -> list[str]:
    """Settings that let the curve go another way than it would have gone."""
    return [text for key, text in _changes(before, config) if not key.startswith(_HARMLESS)]


def _changes(before: dict[str, Any], config: TrainConfig) -> list[tuple[str, str]]:
    old = dict(_leaves("", before))
    new = dict(_leaves("", json.loads(config.model_dump_json())))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        (key, f"{key} was {old.get(key)!r} and is {new.get(key)!r}")
        for key in keys
        if old.get(key) != new.get(key)
    ]


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        yield prefix[:-1], value
        return
    for key, inner in items:
        yield from _leaves(f"{prefix}{key}.", inner)
