# SPDX-License-Identifier: Apache-2.0
"""In the place of OpenCV where it is not installed: no keypoints are found, which is said.

Pictures are then made as those are in which keypoints find no plane: photos are searched as they
are, smaller, larger, in quarter turns and mirrored.
"""

import warnings
from typing import Any

from . import absent

INTER_AREA = 3


class NoGeometryWarning(UserWarning):
    """A photo may help less than it could, for its geometry cannot be looked for."""


class SIFT:
    """A detector of keypoints that finds none."""

    @classmethod
    def create(cls, **_: object) -> "SIFT":
        """As of OpenCV."""
        return cls()

    def detectAndCompute(self, picture: object, mask: object) -> tuple[tuple[()], None]:
        """Nothing.

        Warns:
            NoGeometryWarning: always.
        """
        warnings.warn(
            "OpenCV is not installed, so that photos which show the scene tilted, or turned by "
            "less than a quarter, may help little: pip install opencv-python-headless",
            NoGeometryWarning,
            stacklevel=2,
        )
        return (), None


def resize(picture: Any, size: object, interpolation: object = None) -> Any:
    """The picture as it is, for nothing is looked for in it."""
    return picture


def __getattr__(name: str) -> object:
    return getattr(absent, name)
