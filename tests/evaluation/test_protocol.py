# SPDX-License-Identifier: Apache-2.0
"""Evaluation: what the method is given, what is measured, what goes wrong."""

import csv
import io
import json
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image
from training.data.photos import photo, saved

from searchtransfer import Upscaler
from searchtransfer.errors import OptionError, OutputError
from searchtransfer.evaluation import (
    Comparison,
    Gallery,
    bicubic,
    evaluate,
    psnr,
    ssim,
    table,
    to_csv,
    to_html,
    to_json,
    with_ttsr,
    with_upscaler,
    write_report,
)
from searchtransfer.evaluation.methods import ttsr_inputs
from searchtransfer.images import crop_to_multiple, read_image
from searchtransfer.images.pairs import Pair, cufed_groups, list_pairs, scene_pairs
from searchtransfer.networks import TTSR
from searchtransfer.process.stop import Stop, Stopped
from searchtransfer.training.data.pixels import make_sample


@pytest.fixture
def groups(tmp_path):
    """Two groups in CUFED5's layout; sizes are no multiples of 4."""
    for group in range(2):
        for number in range(3):
            size = (41 + group, 50) if number == 0 else (36, 44 + number)
            saved(tmp_path / f"00{group}_{number}.png", photo(*size, seed=10 * group + number))
    return tmp_path


class Seen:
    """A method that remembers what it was given."""

    def __init__(self):
        self.calls = []

    def __call__(self, lr, references):
        self.calls.append((lr, references))
        return bicubic()(lr, references)


def pixels(image):
    return (image * 255).round().byte().permute(1, 2, 0).numpy()


def test_the_published_protocol(groups):
    seen = Seen()
    result = evaluate(seen, cufed_groups(groups))
    assert [row.name for row in result.rows] == [f"{groups.name}/00{i}_0.png" for i in range(2)]
    for i, (lr, references) in enumerate(seen.calls):
        truth = Image.fromarray(photo(41 + i, 50, seed=10 * i)[:40, :48])
        assert np.array_equal(pixels(lr), np.array(truth.resize((12, 10), Image.BICUBIC)))
        assert len(references) == 1
        assert np.array_equal(pixels(references[0]), photo(36, 45, seed=10 * i + 1))
    row, (lr, references) = result.rows[0], seen.calls[0]
    truth = crop_to_multiple(read_image(groups / "000_0.png").colour, 4)
    assert row.psnr == psnr(bicubic()(lr, []), truth)
    assert row.ssim == ssim(bicubic()(lr, []), truth)
    assert row.lpips is None and row.seconds > 0 and row.notes == ()
    assert row.references == (f"{groups.name}/000_1.png",)
    assert result.mean("psnr") == pytest.approx((row.psnr + result.rows[1].psnr) / 2)
    assert result.mean("lpips") is None


def test_all_references_profile_and_lpips(groups):
    seen = Seen()
    kwargs = {"references": "all", "profile": "c2", "lpips": lambda image, truth: 0.25}
    result = evaluate(seen, cufed_groups(groups), **kwargs)
    assert [len(references) for _, references in seen.calls] == [2, 2]
    first = evaluate(bicubic(), cufed_groups(groups))
    assert result.rows[0].psnr != first.rows[0].psnr
    assert result.mean("lpips") == 0.25


def test_other_layouts(groups, tmp_path):
    scene = [saved(tmp_path / "s" / "a" / f"{i}.png", photo(40, 40, seed=i)) for i in range(2)]
    assert len(evaluate(bicubic(), scene_pairs(tmp_path / "s")).rows) == 2
    (tmp_path / "list.txt").write_text(f"{scene[0]}\t{scene[1]}\n{scene[1]}\n")
    assert len(evaluate(bicubic(), list_pairs(tmp_path / "list.txt")).rows) == 2


def test_what_fails_is_named_and_the_rest_goes_on(groups):
    (groups / "000_1.png").write_bytes(b"")
    saved(groups / "002_0.png", photo(12, 8))
    saved(groups / "002_1.png", photo())
    result = evaluate(bicubic(), cufed_groups(groups))
    assert [row.name for row in result.rows] == [f"{groups.name}/001_0.png"]
    assert re.search(r"000_0\.png: image .*000_1\.png': is empty", result.failures[0])
    assert re.search(r"002_0\.png: ssim: .* at least 11", result.failures[1])
    none = evaluate(bicubic(), [Pair(groups / "nowhere.png")])
    assert none.mean("psnr") is None and len(none.failures) == 1


def test_a_method_of_another_scale_fails(groups):
    result = evaluate(bicubic(2), cufed_groups(groups))
    assert "the method returned [3, 20, 24], the photo is [3, 40, 48]" in result.failures[0]


def test_the_truth_as_reference_is_noted(tmp_path):
    a = saved(tmp_path / "a.png", photo(40, 40))
    b = saved(tmp_path / "b.png", photo(40, 40))
    (row,) = evaluate(bicubic(), [Pair(a, (b,))]).rows
    assert row.notes == (f"the reference {tmp_path.name}/b.png equals the truth",)


def test_a_perfect_method_and_warnings(groups):
    truths = iter(crop_to_multiple(read_image(p.target).colour, 4) for p in cufed_groups(groups))

    def perfect(lr, references):
        warnings.warn("look out", stacklevel=1)
        return next(truths)

    result = evaluate(perfect, cufed_groups(groups))
    assert result.mean("psnr") is None
    assert result.exact == len(result.rows)
    assert result.rows[0].notes == ("look out",)
    assert json.loads(to_json([result]))[0]["mean"]["psnr"] is None


@pytest.mark.parametrize("hidden", [0, 255])
def test_hidden_colours_are_neither_truth_nor_texture(tmp_path, hidden):
    pixels = np.full((48, 64, 4), 200, np.uint8)
    pixels[:, 30:] = (hidden, hidden, 255 - hidden, 0)
    for number in (0, 1):
        saved(tmp_path / f"a_{number}.png", pixels)
    seen = Seen()
    result = evaluate(seen, cufed_groups(tmp_path))
    assert result.mean("psnr") is None and result.exact == 1
    for picture in (seen.calls[0][0], *seen.calls[0][1]):
        assert (picture - 200 / 255).abs().max() < 1e-6


@pytest.mark.parametrize("wrong", [{"profile": "x"}, {"references": "none"}, {"scale": 9}])
def test_options_out_of_range(groups, wrong, as_users_run):
    with pytest.raises(OptionError, match=f"evaluate: {next(iter(wrong))} must be"):
        evaluate(bicubic(), [], **wrong)


def test_ttsr_sees_what_it_was_trained_on():
    target, reference = photo(40, 48), photo(36, 44, seed=1)
    sample = make_sample(target, reference)
    lr = (sample.lr + 1) / 2
    ref = torch.from_numpy(reference).permute(2, 0, 1) / 255
    inputs = ttsr_inputs(lr, [ref])
    for ours, theirs in zip(
        inputs, (sample.lr, sample.lr_up, sample.ref, sample.ref_down_up), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_ttsr_with_references_below_each_other():
    first, second = torch.rand(3, 9, 10), torch.rand(3, 8, 16)
    _, _, ref, low = ttsr_inputs(torch.rand(3, 4, 4), [first, second])
    assert ref.shape == low.shape == (3, 12 + 8, 16)
    assert torch.equal(ref[:, :9, :10], first * 2 - 1)
    assert torch.equal(ref[:, 12:], second * 2 - 1)
    assert torch.equal(ref[:, :9, 10:], (first[:, :, -1:] * 2 - 1).expand(-1, -1, 6))
    with pytest.raises(OptionError, match="TTSR: needs a reference"):
        ttsr_inputs(first, [])


def test_methods_run(groups):
    model = TTSR((1, 1, 1, 1), 8, texture_channels=(8, 8, 8), global_skip=True).train()
    up = evaluate(bicubic(), cufed_groups(groups))
    ttsr = evaluate(with_ttsr(model), cufed_groups(groups), references="all")
    assert ttsr.mean("psnr") == pytest.approx(up.mean("psnr"), abs=0.1)  # nothing is learned yet
    assert model.training
    transfer = evaluate(with_upscaler(Upscaler.from_pretrained()), cufed_groups(groups))
    assert len(transfer.rows) == 2 and transfer.mean("psnr") > 10


def both(groups):
    results, galleries = [], []
    for name, method in (("<b>up</b>", bicubic()), ("grey", lambda lr, r: 0 * bicubic()(lr, r))):
        galleries.append(Gallery())
        pairs = cufed_groups(groups)
        results.append(evaluate(method, pairs, name=name, on_row=galleries[-1].add))
    return results, galleries


def test_table_csv_and_json(groups):
    results, _ = both(groups)
    text = "\n".join(table(results))
    assert "profile ttsr" in text and "first reference" in text
    assert f"{results[0].mean('psnr'):.2f}" in text
    rows = list(csv.DictReader(io.StringIO(to_csv(results))))
    assert [row["method"] for row in rows] == ["<b>up</b>"] * 2 + ["grey"] * 2
    assert float(rows[0]["psnr"]) == results[0].rows[0].psnr
    content = json.loads(to_json(results))
    assert content[1]["rows"][0]["ssim"] == results[1].rows[0].ssim
    assert content[0]["profile"] == "ttsr"


def test_different_protocols_share_no_report(groups):
    pairs = cufed_groups(groups)
    results = [evaluate(bicubic(), pairs, profile=p) for p in ("ttsr", "c2")]
    for report in (table, to_csv, to_json, lambda r: to_html(r, [Gallery(), Gallery()])):
        with pytest.raises(OptionError, match="different protocols"):
            report(results)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_holds_its_pictures_and_nothing_foreign(groups):
    results, galleries = both(groups)
    text = to_html(results, galleries)
    page = Page()
    page.feed(text)
    images = [attrs for tag, attrs in page.found if tag == "img"]
    assert len(images) == 2 * 2 * 4  # methods, photos; bicubic, result, truth, reference
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in images)
    assert not {"script", "link", "iframe", "b"} & {tag for tag, _ in page.found}
    assert "http" not in text.replace("http-equiv", "")
    assert "&lt;b&gt;up&lt;/b&gt;" in text


def test_the_worst_come_first_and_only_so_many_are_kept(tmp_path):
    def fading(lr, references):
        fading.strength = (fading.strength + 0.37) % 1
        return bicubic()(lr, references) * fading.strength

    fading.strength = 0.0
    for i in range(6):
        saved(tmp_path / f"{i}.png", photo(24, 24, seed=i))
    gallery = Gallery(3)
    pairs = [Pair(path) for path in sorted(tmp_path.iterdir())]
    result = evaluate(fading, pairs, on_row=gallery.add)
    assert [row.psnr for row, _ in gallery.cases] == sorted(row.psnr for row in result.rows)[:3]
    assert "The 3 worst of 6 photos" in to_html([result], [gallery])
    assert evaluate(bicubic(), pairs, on_row=Gallery(0).add).rows
    with pytest.raises(OptionError, match="at least 0, got -1"):
        Gallery(-1)


def test_names_and_failures_cannot_inject(tmp_path):
    path = saved(tmp_path / "<script>alert(1)<" / "a.png", photo(24, 24))
    gallery = Gallery()
    result = evaluate(bicubic(), [Pair(path), Pair(tmp_path / "<script>")], on_row=gallery.add)
    text = to_html([result], [gallery])
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;" in text


def test_reports_are_not_overwritten(tmp_path):
    write_report(tmp_path / "a.csv", "x")
    with pytest.raises(OutputError, match=r"a\.csv.: exists already.*--overwrite"):
        write_report(tmp_path / "a.csv", "y")
    write_report(tmp_path / "a.csv", "y", overwrite=True)
    assert (tmp_path / "a.csv").read_text() == "y"


def test_photos_restored_exactly_are_in_no_mean(tmp_path):
    flat = saved(tmp_path / "flat.png", np.full((32, 32, 3), 128, np.uint8))
    other = saved(tmp_path / "other.png", photo(32, 32))
    result = evaluate(bicubic(), [Pair(flat), Pair(other)], name="up")
    assert [np.isinf(row.psnr) for row in result.rows] == [True, False]
    assert result.mean("psnr") == result.rows[1].psnr
    note = "up: 1 of 2 photos restored exactly, whose PSNR is in no mean"
    assert table([result])[-1] == note
    assert note in to_html([result], [Gallery()])
    content = json.loads(to_json([result]))[0]
    assert content["exact"] == 1
    assert content["rows"][0]["psnr"] is None


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), RuntimeError("odd")])
def test_whatever_fails_the_rest_goes_on(groups, error):
    calls = []

    def method(lr, references):
        calls.append(lr)
        if len(calls) == 1:
            raise error
        return bicubic()(lr, references)

    result = evaluate(method, cufed_groups(groups))
    assert len(result.rows) == len(result.failures) == 1


def test_what_is_finished_when_it_is_stopped_is_kept(groups):
    stop = Stop()

    def second(lr, references):
        stop.requested.set()
        stop.check()

    comparison = Comparison({"up": bicubic(), "stops": second}, cufed_groups(groups), shown=1)
    with pytest.raises(Stopped):
        comparison.run(stop)
    assert [(e.method, len(e.rows)) for e in comparison.evaluations] == [("up", 2), ("stops", 0)]
    to_html(comparison.evaluations, comparison.galleries)
    to_csv(comparison.evaluations)


def test_without_references_a_model_works_alone(groups):
    pairs = [Pair(pair.target) for pair in cufed_groups(groups)]
    assert len(evaluate(with_upscaler(Upscaler.from_pretrained()), pairs).rows) == 2


def test_a_watcher_that_fails_ends_nothing(groups):
    def watch(row, pictures):
        raise OSError("closed")

    assert len(evaluate(bicubic(), cufed_groups(groups), on_row=watch).rows) == 2
