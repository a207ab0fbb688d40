# SPDX-License-Identifier: Apache-2.0
"""Settings of a training of FusionNet."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ...errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Read from a flat YAML file."""

    features: int = 64
    blocks: int = 16
    steps: int = 10000
    """Of the whole training; the cosine ends there."""
    batch: int = 16
    side: int = 32
    """Of a window, in cells."""
    alone: float = 0.1
    """The part of the windows whose evidence is hidden."""
    alone_until: int = 0
    """Up to this step all evidence is hidden."""
    teacher: float = 0.5
    """Weight of the teacher where no useful reference is seen; the truth has the rest."""
    learning_rate: float = 5e-4
    warm_up: int = 200
    """Steps in which the learning rate rises from 0."""
    clip: float = 0.5
    """Largest norm of the gradient."""
    ema: float = 0.998
    """Decay of the mean of the weights."""
    bfloat16: bool = True
    """Convolutions in half precision: several times faster where the CPU has it in hardware."""
    crops: int | None = None
    """Use the crops with numbers below this; None: all."""
    held_out_crops: int = 80
    """Prepared to choose a checkpoint by."""
    validate_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "features",
            "blocks",
            "steps",
            "batch",
            "side",
            "validate_every",
            "held_out_crops",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("alone", "teacher", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be in [0, 1], got {getattr(self, name)}")


def read_config(path: Path) -> Config:
    """Read a configuration.

    Raises:
        ConfigError: the file cannot be read, or has an unknown key or a value of another type.
    """
    import yaml  # an optional extra

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as a configuration: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must be a mapping of names to values")
    known = {x.name: x for x in fields(Config)}
    return Config(**{name: _checked(path, name, value, known) for name, value in content.items()})


def _checked(path: Path, name: Any, value: Any, known: dict[str, Any]) -> Any:
    if name not in known:
        raise ConfigError(f"{path}: unknown key {name!r}; known are {', '.join(known)}")
    default = known[name].default
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = int if default is None else type(default)
    if type(value) is not expected and not (default is None and value is None):
        raise ConfigError(f"{path}: {name} must be of type {expected.__name__}, got {value!r}")
    return value
