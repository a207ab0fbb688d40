# SPDX-License-Identifier: Apache-2.0
"""The package's own files, read a second time on NumPy arrays; see `lite.loading`.

`searchtransfer.lite.pipeline.references.matching` is `searchtransfer/references/matching.py`.
"""

from pathlib import Path

__path__ = [str(Path(__file__).parents[2])]
