# SPDX-License-Identifier: Apache-2.0
"""In the place of libraries that are not installed: an error for whoever uses them."""

from typing import NoReturn

from ..errors import MissingExtraError


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Absent(name)


class _Absent:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "_Absent":
        return _Absent(f"{self._name}.{name}")

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise MissingExtraError(
            f"{self._name} is part of a library that is not installed here. Files other than "
            "Pillow's need the whole package: pip install searchtransfer"
        )
