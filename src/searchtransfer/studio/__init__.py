# SPDX-License-Identifier: Apache-2.0
"""The studio: a page in the browser that makes images sharp and shows why; see `run_studio`.

It has no logic of images of its own. The reasons for its parts are in `docs/design/studio.md`.
"""

from .limits import Limits as Limits
from .serve import run_studio as run_studio
