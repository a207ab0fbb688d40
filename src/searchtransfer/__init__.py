# SPDX-License-Identifier: Apache-2.0
"""Reference-based super-resolution: a small image made sharp with the texture of a reference."""

from .networks import SearchTransfer as SearchTransfer
from .operators import Match as Match
from .operators import search as search
from .operators import transfer as transfer
from .reference import Reference as Reference
from .upscaler import Upscaler as Upscaler
