# SPDX-License-Identifier: Apache-2.0
"""Files whose description is a stranger's: bounded, strict, refused before they cost anything."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

import searchtransfer
from searchtransfer.errors import OptionError, WeightsError
from searchtransfer.models.fusion import load_network
from searchtransfer.networks import TTSR, FusionNet, load_ttsr
from searchtransfer.weights.arguments import OneOf, Real, Several, Whole

SMALL = {
    "fusion": FusionNet(8, 1),
    "ttsr": TTSR((1, 0, 0, 0), 8, texture_channels=(8, 8, 8), overlap="mean"),
}
LOAD = {"fusion": load_network, "ttsr": load_ttsr}


def hostile(path, kind, config, **changes):
    network = SMALL[kind]
    header = {"format": "searchtransfer", "version": "1", "scale": "4"}
    header |= {"architecture": kind, "config": config} | changes
    path.write_bytes(save(network.state_dict(), header))
    return path


CONFIGS = {
    "unknown key": '{"evil": 1}',
    "long key": json.dumps({"x" * 5000: 1}),
    "text": '{"features": "8"}',
    "fraction": '{"features": 8.0}',
    "truth": '{"features": true}',
    "nothing": '{"features": null}',
    "list": '{"features": [8]}',
    "negative": '{"features": -1}',
    "none": '{"features": 0}',
    "wide": '{"features": 20000}',
    "wide within bounds": '{"features": 4096}',
    "endless digits": '{"features": ' + "9" * 5000 + "}",
    "infinite": '{"features": Infinity}',
    "not a number": '{"features": NaN}',
    "deep": "[" * 100000 + "]" * 100000,
    "deep but short": "[" * 4000 + "]" * 4000,
    "deep in a key": '{"features": ' + "[" * 2000 + "]" * 2000 + "}",
    "no mapping": "7",
    "no JSON": "{",
    "long": " " * 20000,
    "escapes": json.dumps({"\x1b[2J": 1}),
}
CONFIGS_OF_FUSION = {
    "deep network": '{"features": 8, "blocks": 10000000}',
    "deep within bounds": '{"features": 4096, "blocks": 1024}',
}
CONFIGS_OF_TTSR = {
    "deep network": '{"blocks": [1, 0, 0, 10000000]}',
    "deep within bounds": '{"blocks": [1024, 1024, 1024, 1024], "features": 4096}',
    "many blocks": json.dumps({"blocks": [1] * 3000}),
    "text as blocks": '{"blocks": "1111"}',
    "channels": '{"texture_channels": [8, 8, 1000000]}',
    "overlap": '{"overlap": "median"}',
    "overlap as a list": '{"overlap": ["mean"]}',
    "scale of residuals": '{"residual_scale": 1e300}',
    "skip": '{"global_skip": 1}',
}
CASES = [
    *(("fusion", *item) for item in (CONFIGS | CONFIGS_OF_FUSION).items()),
    *(("ttsr", *item) for item in (CONFIGS | CONFIGS_OF_TTSR).items()),
]


@pytest.mark.parametrize(
    ("architecture", "name", "config"), CASES, ids=[f"{a}-{name}" for a, name, _ in CASES]
)
def test_a_hostile_description(tmp_path, architecture, name, config):
    path = hostile(tmp_path / "w.safetensors", architecture, config)
    with pytest.raises(WeightsError, match=r"w\.safetensors: ") as caught:
        LOAD[architecture](path)
    assert len(str(caught.value)) < 1500
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("architecture", list(LOAD))
@pytest.mark.parametrize(
    "changes",
    [
        {"version": "9" * 5000},
        {"version": "-1"},
        {"version": "\u0661"},
        {"version": "1.0"},
        {"scale": "four"},
        {"scale": "1" + "0" * 300},
        {"architecture": "x" * 9000},
        {"architecture": "\x1b]0;owned\x07"},
    ],
)
def test_other_hostile_fields(tmp_path, architecture, changes):
    path = hostile(tmp_path / "w.safetensors", architecture, "{}", **changes)
    with pytest.raises(WeightsError, match=r"w\.safetensors: ") as caught:
        LOAD[architecture](path)
    assert len(str(caught.value)) < 1500
    assert "\x1b" not in str(caught.value)


def test_true_descriptions_are_built(tmp_path):
    for architecture, network in SMALL.items():
        path = hostile(tmp_path / f"{architecture}.safetensors", architecture, "{}")
        config = json.dumps(dict(network.config))
        path = hostile(path, architecture, config)
        loaded = LOAD[architecture](path).state_dict()
        assert all(torch.equal(loaded[k], v) for k, v in network.state_dict().items())


def test_a_false_description_takes_no_memory(tmp_path):
    """The largest network within bounds would have 19 GB of weights."""
    path = hostile(tmp_path / "w.safetensors", "fusion", CONFIGS_OF_FUSION["deep within bounds"])
    code = f"""
from searchtransfer.models.fusion import load_network
from searchtransfer.errors import WeightsError
try:
    load_network({str(path)!r})
except WeightsError as error:
    print("refused", error)
"""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    source = str(Path(searchtransfer.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith("refused")


def test_a_header_that_is_too_long_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(save({"a": torch.ones(1)}, {"x": "y" * 2**21}))
    with pytest.raises(WeightsError, match=r"it states a header of 2\d+ bytes"):
        load_network(path)


@pytest.mark.parametrize(
    ("features", "blocks"), [(0, 1), (-1, 1), (8, -1), (5000, 1), (8, 2000), (True, 1)]
)
def test_numbers_that_no_network_has(features, blocks):
    with pytest.raises(OptionError, match=r"FusionNet: .* must be a whole number from"):
        FusionNet(features, blocks)


def test_arguments_say_what_they_take():
    assert Whole(1, 3).fault(2) == ""
    assert Whole(1, 3).fault(True) == Whole(1, 3).fault(4) != ""
    assert Real().fault(1) == Real().fault(-0.5) == ""
    assert Real().fault(float("nan")) and Real().fault("1") and Real().fault(10**400)
    assert Several(2, Whole(0, 1)).fault([0, 1]) == Several(2, Whole(0, 1)).fault((0, 1)) == ""
    assert "each of its 2 values must be a whole" in Several(2, Whole(0, 1)).fault([0, 2])
    assert OneOf((False, True)).fault(False) == ""
    assert OneOf((False, True)).fault(0) and OneOf(("a",)).fault(["a"])
