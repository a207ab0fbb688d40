# SPDX-License-Identifier: Apache-2.0
"""Means of what validation finds, where some of it is exact."""

import json
import math

import pytest

from searchtransfer.cli.train import _figure
from searchtransfer.training.fusion.validation import _Quality, _scores
from searchtransfer.training.journal import mean_psnr
from searchtransfer.training.validation import psnr_figures


def test_exact_photos_are_counted_and_in_no_mean():
    assert psnr_figures([20.0, 30.0]) == {"psnr": 25.0, "photos": 2}
    assert psnr_figures([20.0, math.inf, 30.0]) == {"psnr": 25.0, "photos": 3, "exact": 1}
    assert psnr_figures([math.inf]) == {"photos": 1, "exact": 1}
    assert math.isnan(psnr_figures([math.nan, math.inf])["psnr"])


def test_nothing_told_is_infinite():
    rows = [
        _Quality("moved", True, math.inf, 30.0),
        _Quality("moved", True, 40.0, 32.0),
        _Quality("useless", False, math.inf, math.inf),
        _Quality("useless", False, 27.0, 28.0),
    ]
    scores = _scores(rows)
    json.dumps(scores, allow_nan=False)
    assert scores["with reference"] == {"psnr": 40.0, "photos": 2, "exact": 1}
    assert scores["alone"] == {"psnr": 30.0, "photos": 4, "exact": 1, "harm": 1.0}


def test_the_best_is_what_is_exact():
    assert mean_psnr({"a": {"psnr": 30.0}, "b": {"psnr": 40.0}}) == 35.0
    assert mean_psnr({"a": {"psnr": 30.0}, "b": {"photos": 3, "exact": 3}}) == math.inf


@pytest.mark.parametrize(("name", "words"), [("photos", "3 photos"), ("exact", "3 of them exact")])
def test_counts_are_no_decibels(name, words):
    assert _figure(name, 3) == words
