# SPDX-License-Identifier: Apache-2.0
"""Albums: of many photos, those that show the same scene as a small image."""

from .album import INDEX as INDEX
from .album import Album as Album
from .album import Similar as Similar
