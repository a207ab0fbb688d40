# SPDX-License-Identifier: Apache-2.0
"""The oracle's assertion must fail where it should."""

import pytest
import torch
from oracle import assert_best, relevances


def one_query() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One query cell, three key cells with relevance 1, 0.8 and 0."""
    query = torch.tensor([[[1.0]], [[0.0]]])
    key = torch.tensor([[[1.0, 0.8, 0.0]], [[0.0, 0.6, 1.0]]])
    return relevances(query, [key], 1), torch.tensor([[1.0]]), torch.tensor([[0]])


def test_right_answer_passes() -> None:
    relevance, score, position = one_query()
    torch.testing.assert_close(relevance, torch.tensor([[1.0, 0.8, 0.0]]).double())
    assert_best(score, position, relevance)


def test_worse_block_fails() -> None:
    relevance, _, _ = one_query()
    with pytest.raises(AssertionError, match="less relevant"):
        assert_best(torch.tensor([[0.8]]), torch.tensor([[1]]), relevance)


def test_wrong_score_fails() -> None:
    relevance, score, position = one_query()
    with pytest.raises(AssertionError, match="off the relevance"):
        assert_best(score - 1e-4, position, relevance)


def test_wrong_index_outside_the_rounding_band_fails() -> None:
    relevance = torch.tensor([[1.0, 1.0 - 5e-6]]).double()
    with pytest.raises(AssertionError):
        assert_best(torch.tensor([[1.0]]), torch.tensor([[1]]), relevance)


def test_either_index_inside_the_rounding_band_passes() -> None:
    relevance = torch.tensor([[1.0, 1.0 - 1e-7]]).double()
    assert_best(torch.tensor([[1.0]]), torch.tensor([[1]]), relevance)
