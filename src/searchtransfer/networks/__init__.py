# SPDX-License-Identifier: Apache-2.0
"""Networks as `torch.nn.Module`s; the mathematics is in `operators`."""

from .search_transfer import SearchTransfer as SearchTransfer
