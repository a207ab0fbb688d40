# SPDX-License-Identifier: Apache-2.0
"""Pure functions on tensors; they know nothing of images, files or networks."""

from .blocks import fold as fold
from .blocks import fold_mean as fold_mean
from .blocks import overlap_count as overlap_count
from .blocks import select_blocks as select_blocks
from .blocks import unfold as unfold
from .interruption import interruptible as interruptible
from .keys import Keys as Keys
from .match import Match as Match
from .match import ViewMatch as ViewMatch
from .search import search as search
from .search import search_views as search_views
from .transfer import transfer as transfer
