# SPDX-License-Identifier: Apache-2.0
"""`torch.nn`: names that classes of networks are written with; none can be made here."""

from .process import Absent


def __getattr__(name: str) -> type[Absent]:
    if name.startswith("__"):
        raise AttributeError(name)
    return Absent
