# SPDX-License-Identifier: Apache-2.0
"""What a weights file says about itself, checked before a network is built from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from ..errors import WeightsError
from ..foreign import short

_LONGEST = 10_000
"""Characters of a configuration; those of real ones are below 200."""


@runtime_checkable
class Described(Protocol):
    """A module that knows what to write into its file."""

    architecture: ClassVar[str]
    config: dict[str, Any]

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        ...


@dataclass(frozen=True)
class Description:
    """Header of a safetensors file of this package."""

    FORMAT: ClassVar[str] = "searchtransfer"
    VERSION: ClassVar[int] = 1

    architecture: str
    """Which network: "ttsr"."""
    scale: int
    """The factor it enlarges by."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Constructor arguments that rebuild the network."""

    @classmethod
    def of(cls, module: Described) -> "Description":
        """The description of a module."""
        return cls(module.architecture, module.scale, module.config)

    def to_header(self) -> dict[str, str]:
        """As safetensors stores it: text to text."""
        return {
            "format": self.FORMAT,
            "version": str(self.VERSION),
            "architecture": self.architecture,
            "scale": str(self.scale),
            "config": json.dumps(dict(self.config), sort_keys=True),
        }

    @classmethod
    def from_header(cls, header: Mapping[str, str], path: Path) -> "Description | None":
        """Read a header; None if the file was not written by this package.

        Raises:
            WeightsError: the file is of a newer version, or its description is damaged.
        """
        if header.get("format") != cls.FORMAT:
            return None
        try:
            version, scale = _number(header["version"]), _number(header["scale"])
            architecture, text = header["architecture"], header["config"]
            if len(text) > _LONGEST:
                raise ValueError(f"config has {len(text)} characters, {_LONGEST} are allowed")
            config = json.loads(text)
        except (KeyError, ValueError, RecursionError) as error:
            raise WeightsError(
                f"{path}: the description in its header is damaged: {error}"
            ) from None
        if version > cls.VERSION:
            raise WeightsError(
                f"{path}: written in version {version} of the format, this package reads up to "
                f"{cls.VERSION}; update searchtransfer"
            )
        if not isinstance(config, dict):
            raise WeightsError(
                f"{path}: the configuration in its header is no mapping: {short(text, 40)!r}"
            )
        return cls(architecture, scale, config)

    def require(self, architecture: str, scale: int, path: Path) -> None:
        """Refuse weights of another network.

        Raises:
            WeightsError: architecture or scale differ.
        """
        if (self.architecture, self.scale) != (architecture, scale):
            raise WeightsError(
                f"{path}: holds weights of {short(self.architecture, 40)} x{self.scale}, "
                f"needed are those of {architecture} x{scale}"
            )


def _number(text: str) -> int:
    """A number as `to_header` writes it.

    Raises:
        ValueError: it is another text.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(f"{short(text, 40)!r} is no number")
    return int(text)
