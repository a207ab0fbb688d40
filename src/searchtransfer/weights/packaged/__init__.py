# SPDX-License-Identifier: Apache-2.0
"""Weights that come with the package; a model card lies beside each file."""

from pathlib import Path

from ...errors import WeightsError

_FOLDER = Path(__file__).parent

PACKAGED: tuple[str, ...] = tuple(sorted(x.stem for x in _FOLDER.glob("*.safetensors")))
"""Their names."""


def packaged(name: str) -> Path:
    """The file of some packaged weights.

    Raises:
        WeightsError: no such weights come with the package.
    """
    if name not in PACKAGED:
        raise WeightsError(
            f"no weights {name!r} come with the package; there are: {', '.join(PACKAGED) or 'none'}"
        )
    return _FOLDER / f"{name}.safetensors"
