# SPDX-License-Identifier: Apache-2.0
"""Time stamps of packets that are decoded in another order than they are shown."""

from collections.abc import Sequence


def decoding_times(shown_at: Sequence[int]) -> list[int]:
    """When packets are to be decoded: in order, and never after they are shown.

    Args:
        shown_at: when they are shown, in the order of decoding; all different.
    """
    ranked = sorted(shown_at)
    rank = {pts: number for number, pts in enumerate(ranked)}
    delay = max((at - rank[pts] for at, pts in enumerate(shown_at)), default=0)
    step = max(1, (ranked[-1] - ranked[0]) // max(1, len(ranked) - 1))
    early = [ranked[0] - (delay - at) * step for at in range(delay)]
    return [*early, *ranked[: len(ranked) - delay]]
