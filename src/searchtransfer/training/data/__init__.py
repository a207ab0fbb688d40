# SPDX-License-Identifier: Apache-2.0
"""Where training pairs come from, and how a sample is made of one."""

from .dataset import Batch as Batch
from .dataset import PairDataset as PairDataset
from .dataset import collate as collate
from .pairs import Pair as Pair
from .pairs import cufed_groups as cufed_groups
from .pairs import cufed_pairs as cufed_pairs
from .pairs import list_pairs as list_pairs
from .pairs import scene_pairs as scene_pairs
from .pairs import single_photos as single_photos
from .pixels import Sample as Sample
from .sampler import DrawSampler as DrawSampler
from .skips import SkipLog as SkipLog
