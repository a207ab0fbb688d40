# SPDX-License-Identifier: Apache-2.0
"""Where training pairs come from, and how a sample is made of one."""

from .dataset import Batch as Batch
from .dataset import PairDataset as PairDataset
from .dataset import collate as collate
from .pixels import Sample as Sample
from .sampler import DrawSampler as DrawSampler
from .skips import SkipLog as SkipLog
