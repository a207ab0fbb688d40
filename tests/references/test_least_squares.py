# SPDX-License-Identifier: Apache-2.0
"""Closed forms beside the solver of linear algebra."""

import torch

from searchtransfer.references.least_squares import solved


def test_solves_what_the_library_solves() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(50, 3, 3, generator=generator, dtype=torch.float64)
    matrix = root @ root.mT + 0.1 * torch.eye(3, dtype=torch.float64)
    right = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    entries = [matrix[:, i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]
    torch.testing.assert_close(solved(entries, right.T).T, torch.linalg.solve(matrix, right))
