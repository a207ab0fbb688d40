# SPDX-License-Identifier: Apache-2.0
"""What callers give, by type: whatever it is instead is told by an error of this package."""

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .errors import DTypeError, OptionError
from .foreign import short


def check_word(name: str, value: object, words: Collection[str]) -> None:
    """Raise `OptionError` unless the value is one of the words."""
    if not isinstance(value, str) or value not in words:
        listed = " or ".join(map(repr, words)) if len(words) < 3 else ", ".join(words)
        raise OptionError(f"{name} must be {listed}, got {_shown(value)}")


def check_path(name: str, value: object) -> None:
    """Raise `OptionError` unless the value is a path: text, or an object that stands for one."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise OptionError(f"{name} must be a path (str or pathlib.Path), got {_shown(value)}")


def check_function(name: str, value: Callable[..., Any] | None) -> None:
    """Raise `OptionError` unless the value can be called, or is None."""
    if value is not None and not callable(value):
        raise OptionError(f"{name} must be a function or None, got {_shown(value)}")


def check_kind(name: str, value: object, kind: type, source: str) -> None:
    """Raise `DTypeError` unless the value is of a class; `source` says where one comes from."""
    if not isinstance(value, kind):
        raise DTypeError(f"{name} must be a {kind.__name__}, {source}; got {_shown(value)}")


def check_flag(name: str, value: object) -> None:
    """Raise `OptionError` unless the value is True or False."""
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be True or False, got {_shown(value)}")


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise `OptionError` unless the value is a whole number in this range."""
    if not is_whole(value) or value < least or (most is not None and value > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise OptionError(f"{name} must be a whole number {limits}, got {_shown(value)}")


def check_number(name: str, value: Any, above: int | float, most: int | float) -> None:
    """Raise `OptionError` unless the value is a number above one and up to another."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not above < value <= most:
        raise OptionError(f"{name} must be a number above {above} to {most}, got {_shown(value)}")


def check_list(name: str, value: object, what: str) -> None:
    """Raise `DTypeError` unless the value is a list, or another sequence, that is no text."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise DTypeError(f"{name} must be a list of {what}, got {_shown(value)}")


def check_size(name: str, value: object) -> None:
    """Raise `OptionError` unless the value is a pair of whole numbers."""
    if (
        not isinstance(value, tuple | list)
        or len(value) != 2
        or not all(is_whole(side) for side in value)
    ):
        raise OptionError(f"{name} must be two whole numbers (height, width), got {_shown(value)}")


def check_tensor(name: str, value: object) -> None:
    """Raise `DTypeError` unless the value is a dense tensor that has values."""
    from torch import Tensor, strided

    if not isinstance(value, Tensor):
        raise DTypeError(f"{name} must be a tensor, got {_shown(value)}")
    if value.layout != strided:
        raise DTypeError(f"{name} must be dense, got {value.layout}; convert it with .to_dense()")
    if value.is_meta:
        raise DTypeError(f"{name} must have values, and tensors on the device 'meta' have none")


def is_whole(value: object) -> bool:
    """Whether it is a whole number, those of compilers included, and no truth value."""
    odd = isinstance(value, bool | type) or hasattr(value, "dim") or hasattr(value, "__len__")
    return hasattr(value, "__index__") and not odd


def _shown(value: object) -> str:
    text = short(repr(value), 40)
    plain = isinstance(value, str | int | float)
    return text if plain else f"{type(value).__name__} {text}"
