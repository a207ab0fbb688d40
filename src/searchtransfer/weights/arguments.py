# SPDX-License-Identifier: Apache-2.0
"""What the arguments of a network may be, as a file of weights states them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..foreign import short

MAX_CHANNELS = 4096
MAX_BLOCKS = 1024
"""Far beyond any network that is trained, and built in about a second."""


@runtime_checkable
class Argument(Protocol):
    """A set of values."""

    def fault(self, value: Any) -> str:
        """What the value must be, if it is not; else nothing."""
        ...


@dataclass(frozen=True)
class Whole:
    """Whole numbers within bounds."""

    lowest: int
    highest: int

    def fault(self, value: Any) -> str:
        """See `Argument`."""
        fits = type(value) is int and self.lowest <= value <= self.highest
        return "" if fits else f"must be a whole number from {self.lowest} to {self.highest}"


@dataclass(frozen=True)
class Several:
    """Lists of so many values."""

    count: int
    each: Argument

    def fault(self, value: Any) -> str:
        """See `Argument`."""
        if not isinstance(value, list | tuple) or len(value) != self.count:
            return f"must be a list of {self.count} values"
        faults = [fault for item in value if (fault := self.each.fault(item))]
        return f"each of its {self.count} values {faults[0]}" if faults else ""


@dataclass(frozen=True)
class Real:
    """Finite numbers."""

    def fault(self, value: Any) -> str:
        """See `Argument`."""
        fits = type(value) in (int, float) and abs(value) < 1e6 and math.isfinite(value)
        return "" if fits else "must be a number between -1e6 and 1e6"


@dataclass(frozen=True)
class OneOf:
    """A choice."""

    values: tuple[Any, ...]

    def fault(self, value: Any) -> str:
        """See `Argument`."""
        fits = any(type(value) is type(known) and value == known for known in self.values)
        return "" if fits else f"must be one of {', '.join(map(repr, self.values))}"


def faults_of(config: Mapping[str, Any], arguments: Mapping[str, Argument]) -> list[str]:
    """What is wrong with the arguments that a file states, each cut to a line."""
    faults = []
    for name, value in config.items():
        if name not in arguments:
            faults.append(f"{short(repr(name), 40)} is no argument ({', '.join(arguments)} are)")
        elif fault := arguments[name].fault(value):
            faults.append(f"{name} {fault}, it is {short(repr(value), 40)}")
    return faults
