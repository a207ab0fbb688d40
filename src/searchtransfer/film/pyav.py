# SPDX-License-Identifier: Apache-2.0
"""PyAV, which reads and writes films: an extra, imported where it is used."""

from typing import Any

from ..errors import MissingExtraError


def pyav() -> Any:
    """The module `av`.

    Raises:
        MissingExtraError: it is not installed, or does not work.
    """
    try:
        import av
    except Exception as error:  # a broken library raises whatever it likes
        raise MissingExtraError(
            f"film: frames are read and written by PyAV, which is missing or broken ({error}); "
            "install the extra: pip install 'searchtransfer[video]'"
        ) from error
    return av
