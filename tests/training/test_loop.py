# SPDX-License-Identifier: Apache-2.0
"""The training loop in one process."""

import os
import signal

import pytest
import torch
from safetensors.torch import load_file
from training.data.photos import saved
from training.runs import data, edges, tiny

from searchtransfer.errors import ConfigError, DataError, OutputError, TrainingError, WeightsError
from searchtransfer.networks import TTSR, load_ttsr
from searchtransfer.training import loop, train
from searchtransfer.training.checkpoint import checkpoints, latest_checkpoint
from searchtransfer.training.journal import read_journal

ALL = "phases.0.losses={l1: 1, transferal: 1e-2, adversarial: 1e-3}"


@pytest.fixture
def root(tmp_path):
    return data(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of eight steps with all losses that nothing interrupted."""
    folder = data(tmp_path_factory.mktemp("whole"))
    train(tiny(folder, ALL))
    return folder


def quiet(progress):
    """Notes are looked at where a test is about them."""


def curve(root, folder="run"):
    """Losses and scores by step, without the times."""
    return [
        {key: line[key] for key in ("step", "losses", "scores", "rate") if key in line}
        for line in read_journal(root / folder)
    ]


def last(root, folder="run"):
    return latest_checkpoint(root / folder / "checkpoints")[0]


def assert_close_curves(ours, theirs):
    """The same steps, and losses that differ by rounding only."""
    for a, b in zip(ours, theirs, strict=True):
        assert a["step"] == b["step"]
        assert a.get("losses", {}) == pytest.approx(b.get("losses", {}), rel=1e-4)


def assert_same_checkpoint(ours, theirs):
    assert ours.tensors.keys() == theirs.tensors.keys()
    for key, value in ours.tensors.items():
        assert torch.equal(value, theirs.tensors[key]), key


def test_the_tiny_configuration_learns(root):
    words = ("model.blocks=[1, 1, 1, 1]", "data.patch=32", "run.checkpoint_every=60")
    outcome = train(tiny(root, *words, "phases.0.steps=80", "validation.every=20"))
    lines = read_journal(root / "run")
    losses = [line["losses"]["total"] for line in lines if "losses" in line]
    assert len(losses) == outcome.step == 80
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    scores = [line["scores"]["place"]["psnr"] for line in lines if "scores" in line]
    assert outcome.best_psnr == max(scores) > scores[0] + 0.5
    model = load_ttsr(outcome.weights)
    average = last(root).part("average")
    assert all(torch.equal(v, average[f"module.{k}"]) for k, v in model.state_dict().items())


def test_a_run_leaves_what_it_says(root):
    seen = []
    outcome = train(tiny(root, ALL), on_progress=seen.append)
    assert [p.step for p in seen if p.losses] == list(range(1, 9))
    assert set(seen[0].losses) == {"l1", "transferal", "adversarial", "critic", "total"}
    assert [p.step for p in seen if p.scores] == [4, 8]
    assert (outcome.step, outcome.steps, outcome.interrupted) == (8, 8, False)
    assert [p.name for p in checkpoints(root / "run" / "checkpoints")] == [
        "step-000000008.safetensors",
        "step-000000006.safetensors",
    ]
    assert {p.name for p in (root / "run" / "weights").iterdir()} == {
        "best.safetensors",
        "last.safetensors",
    }
    assert any((root / "run" / "tensorboard").iterdir())
    checkpoint = last(root)
    for part in ("model", "average", "critic", "optimiser", "critic_optimiser"):
        assert checkpoint.part(part)
    assert checkpoint.state["step"] == 8
    assert checkpoint.state["config"]["model"]["features"] == 8


def test_the_last_validation_is_that_of_the_kept_weights(root):
    from searchtransfer.evaluation import evaluate, with_ttsr
    from searchtransfer.images.pairs import scene_pairs

    outcome = train(tiny(root))
    result = evaluate(with_ttsr(load_ttsr(outcome.weights)), scene_pairs(root / "scenes"))
    scores = read_journal(root / "run")[-1]["scores"]["place"]
    assert scores["psnr"] == pytest.approx(result.mean("psnr"), abs=1e-6)
    assert scores["ssim"] == pytest.approx(result.mean("ssim"), abs=1e-6)


def test_weights_of_losses_count(root):
    train(tiny(root, "phases.0.losses={l1: 1, transferal: 0.5}", "phases.0.steps=1"))
    losses = read_journal(root / "run")[0]["losses"]
    assert losses["total"] == pytest.approx(losses["l1"] + 0.5 * losses["transferal"], rel=1e-6)


def test_phases_follow_each_other(root):
    phases = (
        "phases=[{name: a, epochs: 2}, {name: b, steps: 2, losses: {l1: 1, transferal: 1}}, "
        "{name: c, epochs: 0.5, losses: {l1: 1, adversarial: 1}}]"
    )
    seen = []
    train(tiny(root, phases), on_progress=seen.append)  # an epoch has 4 photos: one step of 4
    steps = [(p.phase, tuple(sorted(p.losses))) for p in seen if p.losses]
    assert steps == [
        ("a", ("l1", "total")),
        ("a", ("l1", "total")),
        ("b", ("l1", "total", "transferal")),
        ("b", ("l1", "total", "transferal")),
        ("c", ("adversarial", "critic", "l1", "total")),
    ]


def test_stopped_by_a_signal_and_resumed_the_curve_is_the_same(root, whole):
    def stop(progress):
        if progress.losses and progress.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    outcome = train(tiny(root, ALL), on_progress=stop)
    assert outcome.interrupted and outcome.step == 5
    assert signal.getsignal(signal.SIGTERM) == handler
    notes = []
    outcome = train(tiny(root, ALL), resume=True, on_progress=lambda p: notes.append(p.note))
    assert not outcome.interrupted
    assert "resumed at step 5 of 8" in notes
    assert curve(root) == curve(whole)
    assert_same_checkpoint(last(root), last(whole))
    for name in ("best", "last"):
        ours, theirs = (
            load_file(folder / "run" / "weights" / f"{name}.safetensors")
            for folder in (root, whole)
        )
        assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_a_run_can_be_prolonged(root):
    train(tiny(root, "optimiser.schedule=constant"))
    notes = []
    config = tiny(root, "optimiser.schedule=constant", "phases.0.steps=12")
    train(config, resume=True, on_progress=lambda p: notes.append(p.note))
    assert any("phases.0.steps was 8 and is 12" in note for note in notes)
    train(tiny(root, "optimiser.schedule=constant", "phases.0.steps=12", folder="whole"))
    assert_same_checkpoint(last(root), last(root, "whole"))


def test_resuming_a_finished_run_changes_nothing(root):
    train(tiny(root))
    before = curve(root)
    outcome = train(tiny(root), resume=True, on_progress=quiet)
    assert outcome.step == 8
    assert curve(root) == before


def test_resuming_where_nothing_is_begins(root):
    assert train(tiny(root), resume=True).step == 8


def test_a_damaged_checkpoint_is_passed_over_and_said(root, whole):
    train(tiny(root, ALL))
    path = checkpoints(root / "run" / "checkpoints")[0]
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning) as caught:
        train(tiny(root, ALL), resume=True)
    messages = [str(warning.message) for warning in caught]
    assert any("does not have the digest" in m and "one before is used" in m for m in messages)
    assert any("resumed at step 6 of 8" in m for m in messages)
    assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    assert_same_checkpoint(last(root), last(whole))


def test_no_usable_checkpoint_is_an_error_and_nothing_is_lost(root):
    train(tiny(root))
    for path in checkpoints(root / "run" / "checkpoints"):
        path.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match=r"no checkpoint can be used:\n.*step-000000008"):
        train(tiny(root), resume=True)
    assert len(checkpoints(root / "run" / "checkpoints")) == 2


def test_another_network_is_not_resumed(root):
    train(tiny(root))
    with pytest.raises(ConfigError, match=r"model\.features was 8 and is 16"):
        train(tiny(root, "model.features=16"), resume=True)


def test_parts_that_the_checkpoint_lacks(root):
    train(tiny(root))
    with pytest.raises(WeightsError, match=r"does not fit this configuration: .*Discriminator"):
        train(tiny(root, ALL), resume=True, on_progress=quiet)


def test_a_run_is_not_overwritten(root):
    train(tiny(root))
    with pytest.raises(OutputError, match=r"run: holds a run already; resume it"):
        train(tiny(root))


def test_two_runs_do_not_share_a_folder(root):
    def again(progress):
        train(tiny(root), resume=True)

    with pytest.raises(OutputError, match="another run works in this folder"):
        train(tiny(root), on_progress=again)


def test_a_folder_that_cannot_be(root):
    with pytest.raises(OutputError, match=r"0\.png/run: cannot hold a run: Not a directory"):
        train(tiny(root, folder="photos/0.png/run"))


def poison(monkeypatch, step, fail):
    """Let `fail` change the result of a step."""
    restore = loop.Learner._restore
    count = []

    def instead(self, part, phase):
        count.append(part)
        restored = restore(self, part, phase)
        return fail(restored) if len(count) == step else restored

    monkeypatch.setattr(loop.Learner, "_restore", instead)


def test_a_nan_loss_stops_keeps_the_batch_and_the_last_checkpoint(root, monkeypatch):
    poison(monkeypatch, 6, lambda restored: restored._replace(sr=restored.sr * torch.nan))
    with pytest.raises(TrainingError, match=r"step 5: l1 is nan, total is nan\. The batch is in"):
        train(tiny(root, "optimiser.schedule=constant"))
    path = root / "run" / "failed-step-5-process-0.safetensors"
    batch = load_file(path)
    assert batch["0/hr"].shape == (4, 3, 16, 16)
    assert last(root).state["step"] == 3
    assert all(torch.isfinite(value).all() for value in last(root).tensors.values())


def test_an_infinite_gradient_stops_too(root, monkeypatch):
    def fail(restored):
        sr = restored.sr
        sr.register_hook(lambda gradient: gradient * torch.inf)
        return restored

    poison(monkeypatch, 2, fail)
    with pytest.raises(TrainingError, match=r"step 1: gradient \(optimiser\) is (nan|inf)"):
        train(tiny(root))


def test_weights_that_are_not_finite_are_never_a_checkpoint(root, monkeypatch):
    learn = loop.Learner.learn

    def instead(self, *args):
        losses = learn(self, *args)
        next(self.model.parameters()).data.fill_(torch.nan)
        return losses

    monkeypatch.setattr(loop.Learner, "learn", instead)
    with pytest.raises(TrainingError, match=r"checkpoint of step 1: model/.* holds NaN"):
        train(tiny(root, "run.checkpoint_every=1"))
    assert checkpoints(root / "run" / "checkpoints") == []


def test_broken_photos_are_named_at_the_end(root):
    (root / "photos" / "broken.png").write_bytes(b"no image")
    saved(root / "photos" / "small.png", edges(12, 12))
    (root / "scenes" / "place" / "bad.png").write_bytes(b"no image")
    outcome = train(tiny(root))
    assert "2 files could not be used:" in outcome.skipped
    assert "broken.png" in outcome.skipped and "small.png" in outcome.skipped
    assert "1 photos could not be validated:\n  place/bad.png" in outcome.skipped


def test_too_many_broken_photos_stop(root):
    (root / "photos" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"(?s)broken\.png.*More than the 0 that are allowed"):
        train(tiny(root, "data.max_skipped=0"))


def test_a_validation_set_without_usable_photos(root):
    for path in (root / "scenes" / "place").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match="validation set place: no photo can be used; place/0"):
        train(tiny(root))


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("data.train.0.path=nowhere", ConfigError, r"data\.train\.0\.path: there is no 'nowhere'"),
        (
            "data.train.0={layout: cufed, path: data/CUFED}",
            ConfigError,
            r"'data/CUFED'; .* https://github.com/ZZUTK/SRNTT, and --set data\.train\.0\.path=",
        ),
        ("data.train.0.layout=cufed", DataError, r"input': cannot be read as a folder"),
        ("validation.sets.0.path=nowhere", ConfigError, r"validation\.sets\.0\.path: there is no"),
        ("run.accumulate=3", ConfigError, r"batch: 4 samples cannot be divided evenly over 1"),
        ("phases.0.losses={perceptual: 1}", ConfigError, r"perceptual\.path: a phase uses"),
        ("model.weights=nowhere.safetensors", WeightsError, r"nowhere\.safetensors: there is no"),
        ("model.extractor=nowhere.pth", WeightsError, r"nowhere\.pth: there is no such file"),
    ],
)
def test_what_is_missing_is_found_before_any_work(root, override, error, message):
    with pytest.raises(error, match=message):
        train(tiny(root, override))
    assert not (root / "run").exists()


def test_accumulation_changes_nothing_but_rounding(root, whole):
    train(tiny(root, ALL, "run.accumulate=2"))
    assert_close_curves(curve(root), curve(whole))


def test_the_comparison_of_curves_fails_where_they_differ(whole):
    other = curve(whole)
    other[3]["losses"] = other[3]["losses"] | {"l1": other[3]["losses"]["l1"] * 1.001}
    with pytest.raises(AssertionError):
        assert_close_curves(other, curve(whole))
    with pytest.raises(ValueError, match="zip"):
        assert_close_curves(curve(whole)[:-1], curve(whole))


def test_workers_change_nothing(root):
    train(tiny(root, "phases.0.steps=3"))
    train(tiny(root, "phases.0.steps=3", "run.workers=2", folder="workers"))
    assert curve(root) == curve(root, "workers")


def test_half_precision_trains(root, whole):
    train(tiny(root, ALL, "run.mixed_precision=bf16"))
    half, full = curve(root)[-2]["losses"], curve(whole)[-2]["losses"]
    assert half["l1"] == pytest.approx(full["l1"], rel=0.05)
    assert half != full


def test_half_precision_in_another_memory_layout_resumes_the_same(root, tmp_path_factory):
    words = (ALL, "run.mixed_precision=bf16", "run.channels_last=true", "data.cache=1")
    train(tiny(root, *words))
    whole = data(tmp_path_factory.mktemp("whole"))
    train(tiny(whole, *words))
    checkpoints(root / "run" / "checkpoints")[0].unlink()  # leaves that of step 6
    train(tiny(root, *words), resume=True, on_progress=quiet)
    assert curve(root) == curve(whole)
    assert_same_checkpoint(last(root), last(whole))


def test_no_average(root):
    outcome = train(tiny(root, "ema_decay=null"))
    model = last(root).part("model")
    assert not last(root).part("average")
    for key, value in load_ttsr(outcome.weights).state_dict().items():
        assert torch.equal(value, model[key])


def test_a_frozen_extractor_stays(root):
    torch.manual_seed(0)
    fresh = TTSR((1, 0, 0, 0), 8, 1.0, (8, 8, 8), "mean").state_dict()
    for rate, moves in (("0", False), ("1e-3", True)):
        words = (f"optimiser.extractor_learning_rate={rate}", "phases.0.steps=1")
        train(tiny(root, *words, folder=rate))
        model = last(root, rate).part("model")
        moved = {key.split(".")[0] for key in fresh if not torch.equal(model[key], fresh[key])}
        assert moved == ({"MainNet", "LTE"} if moves else {"MainNet"})


def test_training_starts_from_weights(root):
    first = train(tiny(root))
    seen = []
    config = tiny(root, f"model.weights={first.weights}", "phases.0.steps=1", folder="second")
    train(config, on_progress=seen.append)
    start = load_ttsr(first.weights).state_dict()
    moved = last(root, "second").part("model")
    rate = 2 * 5e-3  # Adam moves by the rate at most
    assert all((moved[key] - value).abs().max() <= rate for key, value in start.items())


def test_global_random_state_is_left_alone(root):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train(tiny(root, "phases.0.steps=1"))
    assert torch.equal(torch.rand(2), expected)
