# SPDX-License-Identifier: Apache-2.0
"""The only place where numbers lie here: the memory of the processor."""


class Device:
    """As `torch.device`; always the CPU."""

    type = "cpu"

    def __init__(self, name: object = "cpu") -> None:
        if str(name) != "cpu":
            raise ValueError("there is only the CPU without torch")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device)

    def __hash__(self) -> int:
        return hash(self.type)

    def __str__(self) -> str:
        return self.type


CPU = Device()
