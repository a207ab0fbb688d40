# SPDX-License-Identifier: Apache-2.0
"""A batch: checked first, items independent of each other, nothing half done."""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from image_files import noise, png, tiff, write
from profiles import matrix_profile
from scenes import reduced, save, scene, sharp, tree

from searchtransfer import Upscaler
from searchtransfer.batch import (
    References,
    Settings,
    Stop,
    Stopped,
    plan_batch,
    read_references,
    run_batch,
)
from searchtransfer.batch import maker as maker_module
from searchtransfer.errors import OutputError
from searchtransfer.evaluation import psnr
from searchtransfer.images import read_image
from searchtransfer.images.convert import to_tensor


class Recorder:
    def __init__(self):
        self.events = []

    def started(self, job):
        self.events.append(("started", job.source.name))

    def progressed(self, stage, done):
        self.events.append((stage, done))

    def finished(self, outcome):
        self.events.append((outcome.status, outcome.job.source.name))


def run(inputs, refs, output, *, scale=4, plan=None, stop=None, watcher=None, **settings):
    upscaler = Upscaler.from_pretrained(scale=scale)
    photos = read_references(refs, scale=scale)
    jobs = plan_batch(inputs, str(output), references=photos, **(plan or {}))
    references = References(photos, upscaler.prepare)
    return run_batch(jobs, upscaler, references, Settings(**settings), stop=stop, watcher=watcher)


@pytest.fixture
def three(tmp_path):
    """Three small images in a folder, and a reference."""
    for seed in (0, 1, 2):
        save(tmp_path / "in" / f"{seed}.png", reduced(sharp(seed)))
    save(tmp_path / "ref.png", sharp(1))
    return tmp_path


def test_results_are_those_of_the_upscaler(tmp_path):
    lr, ref = scene(tmp_path)
    (outcome,) = run([lr], [ref], tmp_path / "new" / "out.png")
    assert (outcome.status, outcome.size, outcome.error) == ("done", (24, 32), None)
    upscaler = Upscaler.from_pretrained()
    expected = upscaler.upscale(read_image(lr), upscaler.prepare(read_image(ref)))
    written = to_tensor(read_image(tmp_path / "new" / "out.png"))
    assert torch.equal(written, (expected.image.colour * 255).round() / 255)
    assert outcome.mean_score == pytest.approx(expected.score.mean().item())
    assert outcome.seconds > 0
    assert "psnr" not in outcome.as_dict()


def test_one_broken_file_does_not_stop_the_others(three):
    (three / "in" / "1.png").write_bytes(b"nonsense")
    watcher = Recorder()
    outcomes = run([three / "in"], [three / "ref.png"], three / "out", watcher=watcher)
    assert [(x.job.source.name, x.status) for x in outcomes] == [
        ("1.png", "failed"),
        ("0.png", "done"),
        ("2.png", "done"),
    ]
    assert tree(three / "out") == ["0.png", "2.png"]
    assert "its content is plain text" in outcomes[0].error
    assert watcher.events[0] == ("failed", "1.png")  # told before the work on others begins
    assert watcher.events[1] == ("started", "0.png")
    assert ("search", 1.0) in watcher.events


def test_a_file_that_disappears_after_the_check(three):
    class Thief(Recorder):
        def started(self, job):
            (three / "in" / "1.png").unlink(missing_ok=True)

    outcomes = run([three / "in"], [three / "ref.png"], three / "out", watcher=Thief())
    assert [x.status for x in outcomes] == ["done", "failed", "done"]
    assert "no such file" in outcomes[1].error


def test_existing_outputs(three):
    save(three / "out" / "1.png", sharp(9))
    before = (three / "out" / "1.png").read_bytes()
    args = [three / "in"], [three / "ref.png"], three / "out"
    outcomes = run(*args)
    assert sorted(x.status for x in outcomes) == ["done", "done", "failed"]
    assert "exists already" in outcomes[0].error
    assert (three / "out" / "1.png").read_bytes() == before

    made = (three / "out" / "0.png").stat().st_mtime_ns
    outcomes = run(*args, on_exists="skip")
    assert [x.status for x in outcomes] == ["skipped"] * 3
    assert (three / "out" / "0.png").stat().st_mtime_ns == made

    outcomes = run(*args, on_exists="overwrite")
    assert [x.status for x in outcomes] == ["done"] * 3
    assert (three / "out" / "1.png").read_bytes() != before


def test_skip_goes_on_where_it_was_stopped(three):
    args = [three / "in"], [three / "ref.png"], three / "out"
    run([three / "in" / "0.png"], [three / "ref.png"], three / "out/")
    run([three / "in" / "0.png"], [three / "ref.png"], three / "out" / "0b.png")
    (three / "out" / "0b.png").rename(three / "out" / "0.png")
    outcomes = run(*args, on_exists="skip")
    assert [x.status for x in outcomes] == ["skipped", "done", "done"]


@pytest.mark.parametrize(
    ("samples", "name", "reason"),
    [
        (noise(6, 8, 4), "out.jpg", "JPEG cannot hold transparency"),
        (noise(6, 8, 3, 16), "out.jpg", "JPEG cannot hold 16 bits"),
        (noise(6, 8, 3, 16), "out.webp", "WebP cannot hold 16 bits"),
        (noise(1, 4200, 3), "out.webp", "16800 x 4 pixels are too many for WebP"),
        (noise(1, 16400, 3), "out.jpg", "65600 x 4 pixels are too many for JPEG"),
        (noise(6, 8, 3), "out.pgn", "did you mean '.png'?"),
        (noise(6, 8, 3), "out", "no extension"),
    ],
)
def test_what_the_format_cannot_hold_is_found_before_the_work(tmp_path, samples, name, reason):
    source = write(tmp_path / "in.png", png(samples))
    save(tmp_path / "ref.png", sharp())
    watcher = Recorder()
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "new" / name, watcher=watcher)
    assert outcome.status == "failed"
    assert reason in outcome.error
    assert watcher.events == [("failed", "in.png")]
    assert tree(tmp_path) == ["in.png", "ref.png"]


def test_lr_from_hr_has_the_size_of_the_input(tmp_path):
    """A side of 16400 pixels fits JPEG where it is reduced first."""
    source = save(tmp_path / "in.png", sharp(0, 5, 17))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png", lr_from_hr=True)
    assert outcome.size == (4, 16)
    assert outcome.quality.ssim is None
    assert outcome.as_dict()["ssim"] is None


def test_lr_from_hr_measures(tmp_path):
    photo = sharp(3)
    source = save(tmp_path / "in.png", photo)
    other = save(tmp_path / "ref.png", np.roll(photo, 1, axis=1))
    out = tmp_path / "out.png"
    (outcome,) = run([source], [other], out, lr_from_hr=True)
    quality = outcome.quality
    result, truth = read_image(out).colour, read_image(source).colour
    assert quality.psnr == pytest.approx(psnr(result, truth), abs=0.01)
    small = torch.from_numpy(reduced(photo)).permute(2, 0, 1) / 255
    direct = Upscaler.from_pretrained().upscale(small, read_image(other)).image
    assert quality.psnr == pytest.approx(psnr(direct, truth), abs=0.01)
    assert quality.psnr > quality.psnr_bicubic + 3
    assert quality.ssim > quality.ssim_bicubic


def test_lr_from_hr_keeps_alpha(tmp_path):
    source = write(tmp_path / "in.png", png(noise(9, 10, 4)))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png", lr_from_hr=True)
    assert outcome.size == (8, 8)
    assert read_image(tmp_path / "o.png").alpha is not None


@pytest.mark.parametrize("hidden", [0, 255])
def test_lr_from_hr_measures_what_can_be_seen(tmp_path, hidden):
    """Of one colour where it is seen, so that all is restored, whatever lies hidden."""
    pixels = np.full((48, 64, 4), 200, np.uint8)
    pixels[:, 30:] = (hidden, hidden, 255 - hidden, 0)
    source = write(tmp_path / "in.png", png(pixels))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png", lr_from_hr=True)
    assert outcome.quality.psnr > 60 and outcome.quality.psnr_bicubic > 60
    colour = read_image(tmp_path / "o.png").colour
    assert (colour[:, :, :30] - 200 / 255).abs().max() < 2 / 255


def test_lr_from_hr_keeps_the_place(tmp_path):
    ties = (0.0, 0.0, 0.0, 5e5, 46e5, 0.0)
    extra = [(33550, 12, 3, (10.0, 20.0, 0.0), True), (33922, 12, 6, ties, True)]
    source = write(tmp_path / "in.tif", tiff(noise(34, 41, 3), photometric="rgb", extratags=extra))
    save(tmp_path / "ref.png", sharp())
    run([source], [tmp_path / "ref.png"], tmp_path / "o.tif", lr_from_hr=True)
    image = read_image(tmp_path / "o.tif")
    assert image.size == (32, 40)
    assert image.metadata.place.tags[33550] == pytest.approx((10.0, 20.0, 0.0))
    assert image.metadata.place.tags[33922] == pytest.approx(ties)


def test_too_small_to_be_reduced(tmp_path):
    source = save(tmp_path / "in.png", sharp(0, 3, 9))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png", lr_from_hr=True)
    assert "has 9 x 3 pixels, too few to be reduced 4 times; at least 4 x 4" in outcome.error


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2)])
def test_the_smallest_inputs(tmp_path, size):
    source = save(tmp_path / "in.png", sharp(0, *size))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png", scale=8)
    assert outcome.size == (size[0] * 8, size[1] * 8)


def test_a_result_that_does_not_fit_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("searchtransfer.batch.checks.memory_limit", lambda: 2.0**20)
    source = save(tmp_path / "in.png", sharp(0, 100, 100))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([source], [tmp_path / "ref.png"], tmp_path / "o.png")
    assert "the result of 400 x 400 pixels needs at least 0.0 GiB" in outcome.error


def test_score_maps(three):
    plan = {"score_map": str(three / "maps")}
    outcomes = run([three / "in"], [three / "ref.png"], three / "out", plan=plan)
    assert tree(three / "maps") == ["0.png", "1.png", "2.png"]
    assert outcomes[0].as_dict()["score_map"] == str(three / "maps" / "0.png")
    assert min(read_image(three / "maps" / "0.png").size) > 100
    again = run([three / "in"], [three / "ref.png"], three / "new", plan=plan)
    assert all("exists already" in x.error for x in again)
    assert not (three / "new").exists()


def test_reports(three):
    plan = {"report": str(three / "pages")}
    outcomes = run([three / "in"], [three / "ref.png"], three / "out", plan=plan)
    assert tree(three / "pages") == ["0.html", "1.html", "2.html"]
    assert outcomes[1].as_dict()["report"] == str(three / "pages" / "1.html")
    page = (three / "pages" / "1.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>1.png</h1>" in page
    assert "ref.png" in page
    assert "PSNR" not in page
    again = run([three / "in"], [three / "ref.png"], three / "new", plan=plan)
    assert all("exists already" in x.error for x in again)
    assert not (three / "new").exists()
    both = run([three / "in"], [three / "ref.png"], three / "new", plan=plan, on_exists="overwrite")
    assert [x.status for x in both] == ["done"] * 3
    assert (three / "pages" / "1.html").read_text(encoding="utf-8") == page


def test_a_report_of_a_measured_result(tmp_path):
    source, ref = (save(tmp_path / f"{name}.png", sharp(3)) for name in ("in", "ref"))
    report = tmp_path / "new" / "page.html"
    plan = {"report": str(report)}
    (outcome,) = run([source], [ref], tmp_path / "o.png", plan=plan, lr_from_hr=True)
    quality = outcome.quality
    assert f"{quality.psnr:.2f} dB, bicubic {quality.psnr_bicubic:.2f} dB" in report.read_text()


@pytest.mark.parametrize("name", ["page.png", "page", "pages"])
def test_a_report_that_is_no_page(tmp_path, name):
    lr, ref = scene(tmp_path)
    (tmp_path / "pages").mkdir()
    before = tree(tmp_path)
    plan = {"report": str(tmp_path / name)}
    (outcome,) = run([lr], [ref], tmp_path / "out.png", plan=plan)
    assert "its name must end in .html" in outcome.error
    assert tree(tmp_path) == before


def test_a_hostile_file_name_is_text_in_its_report(tmp_path):
    lr, ref = scene(tmp_path)
    hostile = lr.rename(tmp_path / "<img src=x onerror=alert(1)>.png")
    ref = ref.rename(tmp_path / "<script>alert(1)<\u2215script>\udcff.png")
    plan = {"report": str(tmp_path / "page.html")}
    (outcome,) = run([hostile], [ref], tmp_path / "out.png", plan=plan)
    assert outcome.status == "done"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page


def test_a_report_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    lr, ref = scene(tmp_path)

    def full(path, data, **_):
        raise OutputError(f"output '{path}': cannot be written (No space left on device)")

    monkeypatch.setattr("searchtransfer.batch.item.write_file", full)
    plan = {"report": str(tmp_path / "page.html")}
    (outcome,) = run([lr], [ref], tmp_path / "out.png", plan=plan)
    assert outcome.status == "failed"
    assert tree(tmp_path) == ["lr.png", "ref.png"]


def test_an_unrelated_reference_warns(tmp_path):
    save(tmp_path / "in.png", np.zeros((6, 8, 3), np.uint8))
    save(tmp_path / "ref.png", sharp())
    (outcome,) = run([tmp_path / "in.png"], [tmp_path / "ref.png"], tmp_path / "out.png")
    assert outcome.status == "done"
    assert "hardly shows the same things" in outcome.warnings[0]
    assert outcome.as_dict()["warnings"] == list(outcome.warnings)


def test_warnings_of_others_are_passed_on(tmp_path, monkeypatch):
    lr, ref = scene(tmp_path)
    inner = maker_module.upscale_file

    def noisy(*args):
        import warnings

        warnings.warn("from elsewhere", DeprecationWarning, stacklevel=1)
        return inner(*args)

    monkeypatch.setattr(maker_module, "upscale_file", noisy)
    with pytest.warns(DeprecationWarning, match="from elsewhere"):
        (outcome,) = run([lr], [ref], tmp_path / "out.png")
    assert outcome.warnings == ()


def failing(monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(maker_module, "upscale_file", fail)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried")]
)
def test_out_of_memory(tmp_path, monkeypatch, error):
    lr, ref = scene(tmp_path)
    failing(monkeypatch, error)
    (outcome,) = run([lr], [ref], tmp_path / "out.png")
    assert "not enough memory; use smaller tiles" in outcome.error


def test_an_unexpected_fault_is_that_of_one_item(three, monkeypatch):
    failing(monkeypatch, KeyError("x"))
    outcomes = run([three / "in"], [three / "ref.png"], three / "out")
    assert [x.status for x in outcomes] == ["failed"] * 3
    assert "unexpected fault, KeyError: 'x'; please report it" in outcomes[0].error
    assert not (three / "out").exists()


def test_a_full_disk_ends_the_batch(three, monkeypatch):
    error = OutputError("output 'x': cannot be written (No space left on device)")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    failing(monkeypatch, error)
    outcomes = run([three / "in"], [three / "ref.png"], three / "out")
    assert "No space left" in outcomes[0].error
    for outcome in outcomes[1:]:
        name = f"image '{outcome.job.source}': not begun, because the disk is full"
        assert outcome.error.startswith(name)


def test_an_output_folder_that_cannot_be_made(tmp_path):
    lr, ref = scene(tmp_path)
    (tmp_path / "file").touch()
    (outcome,) = run([lr], [ref], tmp_path / "file" / "sub" / "o.png")
    assert "cannot be made" in outcome.error


def test_stop(three):
    stop = Stop()

    class Stopper(Recorder):
        def finished(self, outcome):
            stop.requested.set()

    with pytest.raises(Stopped):
        run([three / "in"], [three / "ref.png"], three / "out", stop=stop, watcher=Stopper())
    assert tree(three / "out") == ["0.png"]


def test_stop_in_the_middle_of_an_item(three):
    stop = Stop()

    class Stopper(Recorder):
        def progressed(self, stage, done):
            stop.requested.set()

    with pytest.raises(Stopped):
        run([three / "in"], [three / "ref.png"], three / "out", stop=stop, watcher=Stopper())
    assert not (three / "out").exists()


def test_unfinished_files_of_dead_processes_are_removed(tmp_path):
    lr, ref = scene(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    left, strange = out / f".searchtransfer-{'a' * 16}.part", out / ".searchtransfer-notes.part"
    for path in (left, strange):
        path.touch()
    run([lr], [ref], out / "o.png")
    assert not left.exists()
    assert strange.exists()


def test_metadata_is_kept_or_stripped(tmp_path):
    save(tmp_path / "in.png", reduced(sharp()), dpi=(300, 300))
    save(tmp_path / "ref.png", sharp())
    args = [tmp_path / "in.png"], [tmp_path / "ref.png"]
    run(*args, tmp_path / "keep.png")
    run(*args, tmp_path / "strip.png", metadata="strip")
    assert read_image(tmp_path / "keep.png").metadata.dpi == pytest.approx((300, 300), abs=0.1)
    assert read_image(tmp_path / "strip.png").metadata.dpi is None


def test_references_are_seen_in_the_colours_of_the_image(tmp_path):
    """A profile with red and green swapped, and pixels to match: the same picture."""
    photo = sharp(6)
    plain = save(tmp_path / "plain.png", reduced(photo))
    swapped = save(
        tmp_path / "swapped.png",
        np.ascontiguousarray(reduced(photo)[..., [1, 0, 2]]),
        icc_profile=matrix_profile(swap_red_and_green=True),
    )
    ref = save(tmp_path / "ref.png", photo, icc_profile=matrix_profile())
    outcomes = run([plain, swapped], [ref], tmp_path / "out/")
    assert [x.status for x in outcomes] == ["done", "done"]
    one, other = (read_image(tmp_path / "out" / path.name).colour for path in (plain, swapped))
    assert psnr(other[[1, 0, 2]], one) > 40
    assert abs(outcomes[0].mean_score - outcomes[1].mean_score) < 0.01
    written = read_image(tmp_path / "out" / "swapped.png").metadata.icc
    assert written == matrix_profile(swap_red_and_green=True)


def test_inputs_are_left_as_they_are(three):
    before = {path: path.read_bytes() for path in Path(three).rglob("*.png")}
    run([three / "in"], [three / "ref.png"], three / "out", on_exists="overwrite")
    assert {path: path.read_bytes() for path in before} == before
