# SPDX-License-Identifier: Apache-2.0
"""How paths are written in messages."""

import os


def shown(path: str | bytes | os.PathLike[str]) -> str:
    """A path for messages: quoted, with control characters and stray bytes escaped."""
    return repr(os.fsdecode(path))
