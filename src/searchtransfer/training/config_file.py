# SPDX-License-Identifier: Apache-2.0
"""Configurations from YAML files: strict, and clear about what is wrong where."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import ConfigError
from ..foreign import short
from ..given import check_list, check_path
from .config import TrainConfig
from .plain_yaml import parse, read_text
from .tasks import CONFIGS

_SHOWN = 20
"""Faults that are named; a file that is no configuration has more of them than anybody reads."""
_LONGEST_WORD = 60
_DEEPEST = 32


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration.

    Args:
        path: a YAML file, or the name of a ready configuration (see `ready_configs`).
        overrides: `a.b=value`, applied in order after reading; numbers choose from lists
            (`phases.0.steps=10`), values are YAML.

    Raises:
        ConfigError: the file cannot be read, a key is unknown or given twice, a value has the wrong
            type or is out of range. All faults are named, each with its dotted path.
    """
    check_path("configuration", path)
    check_list("configuration: overrides", overrides, "texts a.b=value")
    text, name = _text(path)
    content = parse(text, name)
    if not isinstance(content, dict):
        raise ConfigError(f"{name}: must be a mapping of keys to values, it is {_kind(content)}")
    for override in overrides:
        _apply(content, override)
    return check(content, name)


def ready_configs() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = resources.files("searchtransfer.training") / "configs"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".yaml"))


def check(content: dict[str, Any], name: str) -> TrainConfig:
    """The configuration of a plain dictionary.

    Raises:
        ConfigError: see `load_config`.
    """
    config = _config_class(content, name)
    try:
        # By way of JSON, whose strict rules are those of YAML too: lists for tuples, text for paths
        return config.model_validate_json(json.dumps(content))
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [f"  {_fault(fault, config)}" for fault in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"  and {len(found) - _SHOWN} more")
        raise ConfigError("\n".join([f"{name}: cannot be used:", *lines])) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: holds what no configuration can: {error}") from None


def _config_class(content: dict[str, Any], name: str) -> type[TrainConfig]:
    """The configurations of the network that this one names; TTSR's if it names none."""
    model = content.get("model")
    wanted = model.get("architecture", "ttsr") if isinstance(model, dict) else "ttsr"
    if isinstance(wanted, str) and wanted in CONFIGS:
        return CONFIGS[wanted]
    raise ConfigError(
        f"{name}: cannot be used:\n  model.architecture: must be one of {', '.join(CONFIGS)}, "
        f"got {short(repr(wanted))}{_nearest(str(wanted), list(CONFIGS))}"
    )


def _text(path: str | Path) -> tuple[str, str]:
    if str(path) in ready_configs():
        file = resources.files("searchtransfer.training") / "configs" / f"{path}.yaml"
        return file.read_text("utf-8"), str(path)
    try:
        return read_text(Path(path)), str(path)
    except FileNotFoundError:
        near = _nearest(str(path), ready_configs())
        raise ConfigError(
            f"{path}: there is no such file, and no ready configuration of that name "
            f"({', '.join(ready_configs())}){near}"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from None


def _apply(content: dict[str, Any], override: str) -> None:
    if not isinstance(override, str):
        raise ConfigError(f"--set {short(repr(override))}: must have the form a.b=value")
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {short(override)}: must have the form a.b=value")
    if len(keys) > _DEEPEST:
        raise ConfigError(f"--set {short(override)}: must have at most {_DEEPEST} parts")
    place: Any = content
    for i, key in enumerate(keys):
        last = i == len(keys) - 1
        if isinstance(place, list):
            if not key.isdecimal() or len(key) > 9 or int(key) >= len(place):
                where = ".".join(keys[:i])
                raise ConfigError(
                    f"--set {short(override)}: {where} is a list of {len(place)}; "
                    f"choose by a number from 0, got {key!r}"
                )
            index: Any = int(key)
        elif isinstance(place, dict):
            index = key
            if not last and place.get(key) is None:
                place[key] = {}
        else:
            raise ConfigError(
                f"--set {short(override)}: {'.'.join(keys[:i])} is {_kind(place)}, "
                "nothing is inside it"
            )
        if last:
            place[index] = parse(text, f"--set {short(override)}")
        else:
            place = place[index]


def _fault(fault: Any, config: type[TrainConfig]) -> str:
    location = tuple(fault["loc"])
    path, fields = _walk(location, config)
    dotted = short(".".join(path)) or "(top)"
    kind, value = fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        near = _nearest(path[-1], fields) or f"; keys are {', '.join(fields)}"
        return f"{dotted}: there is no such key{near}"
    if kind == "missing":
        return f"{dotted}: is missing"
    expected = str(fault["msg"]).removeprefix("Value error, ")
    if isinstance(value, (dict, list)) or value is None:
        return f"{dotted}: {expected}"
    near = _nearest(value, re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""
    return f"{dotted}: {expected}, got {short(repr(value))}{near}"


def _walk(
    location: tuple[int | str, ...], config: type[TrainConfig]
) -> tuple[list[str], list[str]]:
    """The path as the user wrote it, and the keys that are valid where it ends."""
    models: list[type[BaseModel]] = [config]
    path, fields = [], list(config.model_fields)
    for part in location:
        path.append(str(part))
        if isinstance(part, int):
            continue
        fields = sorted({name for model in models for name in model.model_fields})
        inside = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        models = [model for annotation in inside for model in _models(annotation)]
    return path, fields


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _nearest(word: str, known: Sequence[str]) -> str:
    if len(word) > _LONGEST_WORD:
        return ""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _kind(value: Any) -> str:
    return "empty" if value is None else f"a {type(value).__name__}"
