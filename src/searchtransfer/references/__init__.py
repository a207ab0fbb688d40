# SPDX-License-Identifier: Apache-2.0
"""Reference photos, every copy of them that is searched, and where cells are found in them."""

from .reference import SCALES as SCALES
from .reference import Reference as Reference
