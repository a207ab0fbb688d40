# SPDX-License-Identifier: Apache-2.0
"""The three commands, each as an application of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer
from training.data.photos import photo, saved
from training.runs import data, settings
from typer.testing import CliRunner

from searchtransfer.cli.convert import convert
from searchtransfer.cli.evaluate import evaluate
from searchtransfer.cli.train import train
from searchtransfer.errors import ConfigError, OptionError, OutputError
from searchtransfer.networks import TTSR, load_ttsr
from searchtransfer.training import loop

SMALL = TTSR((1, 0, 0, 0), 8, texture_channels=(8, 8, 8))


def run(command, *words):
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def words(root, *overrides):
    return [part for word in settings(root, *overrides) for part in ("--set", word)]


def test_train(tmp_path):
    root = data(tmp_path)
    (root / "photos" / "bad.png").write_bytes(b"")
    result = run(train, "ttsr-tiny", *words(root, "phases.0.steps=2"))
    assert result.exit_code == 0
    weights = root / "run" / "weights" / "last.safetensors"
    assert "Trained 2 steps; best validation " in result.stdout
    assert str(weights) in result.stdout.replace("\n", "")
    assert "bad.png" in result.stderr and "is empty" in result.stderr
    assert "place" in result.stderr
    load_ttsr(weights)


def test_train_stopped_and_resumed(tmp_path, monkeypatch):
    root = data(tmp_path)
    learn = loop.Learner.learn

    def instead(self, *args):
        os.kill(os.getpid(), signal.SIGINT)
        return learn(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Learner, "learn", instead)
        result = run(train, "ttsr-tiny", *words(root, "phases.0.steps=2"))
    assert result.exit_code == 130
    assert "Stopped after step 1 of 2; go on with --resume." in result.stderr
    with pytest.raises(OutputError, match="resume it"):
        run(train, "ttsr-tiny", *words(root, "phases.0.steps=2"))
    result = run(train, "ttsr-tiny", "--resume", *words(root, "phases.0.steps=2"))
    assert result.exit_code == 0
    assert "resumed at step 1 of 2" in result.stderr


def test_train_with_a_fault_in_the_configuration():
    with pytest.raises(ConfigError, match="did you mean 'batch'"):
        run(train, "ttsr-tiny", "--set", "bach=1")


@pytest.fixture
def groups(tmp_path):
    folder = tmp_path / "groups"
    for number in range(3):
        saved(folder / f"a_{number}.png", photo(40, 44, seed=number))
    return folder


def test_weights_that_no_model_takes(tmp_path, groups):
    with pytest.raises(OptionError, match="none of the models bicubic, transfer takes any"):
        run(evaluate, groups, "-n", "bicubic", "-n", "transfer", "--weights", tmp_path / "x.pt")


def test_evaluate(tmp_path, groups):
    reports = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json", "html")}
    options = [part for kind, path in reports.items() for part in (f"--{kind}", path)]
    result = run(evaluate, groups, *options, "--lpips", "no")
    assert result.exit_code == 0
    assert "bicubic" in result.stdout and "fusion" in result.stdout
    content = json.loads(reports["json"].read_text())
    assert [e["method"] for e in content] == ["bicubic", "fusion"]
    assert content[0]["references"] == "first"
    assert reports["csv"].read_text().count("\n") == 3
    assert reports["html"].read_text().count("<img") == 8
    with pytest.raises(OutputError, match=r"out\.csv': exists already; .*--overwrite"):
        run(evaluate, groups, *options)
    assert run(evaluate, groups, *options, "--overwrite", "--lpips", "no").exit_code == 0


def test_evaluate_options_reach_the_protocol(tmp_path, groups):
    report = tmp_path / "a.json"
    options = ["--references", "all", "--profile", "c2", "-n", "bicubic", "--scale", 2]
    run(evaluate, groups, *options, "--lpips", "no", "--json", report)
    (content,) = json.loads(report.read_text())
    assert (content["references"], content["profile"], content["scale"]) == ("all", "c2", 2)
    assert len(content["rows"][0]["references"]) == 2


def test_evaluate_ttsr_and_other_layouts(tmp_path, groups):
    torch.save(SMALL.state_dict(), tmp_path / "a.pt")
    weights = ["-n", "ttsr", "--weights", tmp_path / "a.pt", "--lpips", "no"]
    assert run(evaluate, groups, *weights, "--layout", "scenes").exit_code == 0
    (tmp_path / "list.txt").write_text("groups/a_0.png\tgroups/a_1.png\n")
    assert run(evaluate, tmp_path / "list.txt", *weights, "--layout", "list").exit_code == 0


def test_evaluate_with_a_broken_photo(groups):
    (groups / "a_1.png").write_bytes(b"")
    result = run(evaluate, groups, "-n", "bicubic", "--lpips", "no")
    assert result.exit_code == 1
    assert "a_1.png" in result.stderr and "is empty" in result.stderr


def test_evaluate_says_that_lpips_is_missing(groups, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = run(evaluate, groups, "-n", "bicubic")
    assert result.exit_code == 0
    assert "LPIPS is not measured. LPIPS: its weights are not here" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", "ttsr"], "model 'ttsr' needs a file of weights"),
        (["-n", "bicubi"], "bicubi"),
    ],
)
def test_evaluate_models_that_cannot_be(groups, options, message):
    with pytest.raises(OptionError, match=message):
        run(evaluate, groups, *options)


def test_convert(tmp_path):
    torch.save(SMALL.state_dict(), tmp_path / "a.pt")
    result = run(convert, tmp_path / "a.pt", tmp_path / "a.safetensors")
    assert result.exit_code == 0 and "TTSR x4" in result.stdout
    for key, value in load_ttsr(tmp_path / "a.safetensors").state_dict().items():
        assert torch.equal(value, SMALL.state_dict()[key])
    with pytest.raises(OutputError, match="exists already"):
        run(convert, tmp_path / "a.pt", tmp_path / "a.safetensors")
    result = run(convert, tmp_path / "a.pt", tmp_path / "a.safetensors", "--overwrite")
    assert result.exit_code == 0


def test_the_commands_are_found_without_torch():
    code = (
        "import sys, importlib, importlib.util, types; "
        "package = types.ModuleType('searchtransfer'); "
        f"package.__path__ = [{str(Path(loop.__file__).parents[1])!r}]; "
        "sys.modules['searchtransfer'] = package; "
        "[importlib.import_module(f'searchtransfer.cli.{n}') for n in "
        "('train', 'evaluate', 'convert')]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
