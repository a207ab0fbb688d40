# SPDX-License-Identifier: Apache-2.0
"""What has changed in a configuration since a checkpoint was written."""

import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import ConfigError
from .config import TrainConfig

_HARMLESS = re.compile(
    r"run\..*|model\.(extractor|weights)|teacher\.files|data\.(cache|prepared)"
)  # with them the curve stays what it was
_FREE = re.compile(
    r"phases\..*|validation\..*|data\.(max_skipped|photos|train\.\d+\.path)"
)  # a run may be prolonged or looked at otherwise, and folders move


def require_same_run(before: dict[str, Any], config: TrainConfig) -> None:
    """Refuse to put weights into another network, or to go on in another way than was begun.

    Raises:
        ConfigError: a setting differs that neither prolongs a run nor says where things are.
    """
    changes = [
        (key, text)
        for key, text in _changes(before, config)
        if not _HARMLESS.fullmatch(key) and not _FREE.fullmatch(key)
    ]
    if not changes:
        return
    texts = ", ".join(text for _, text in changes)
    if any(key.startswith("model.") for key, _ in changes):
        raise ConfigError(
            f"the checkpoint is of another network: {texts}; "
            "set run.folder to another place to train this one"
        )
    raise ConfigError(
        f"the run was begun with other settings: {texts}. Set them back; or train on from its "
        "weights (model.weights) with run.folder set to another place"
    )


def what_differs(before: dict[str, Any], config: TrainConfig) -> list[str]:
    """Settings that let the curve go another way than it would have gone."""
    return [text for key, text in _changes(before, config) if not _HARMLESS.fullmatch(key)]


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
