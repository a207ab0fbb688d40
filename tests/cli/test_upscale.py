# SPDX-License-Identifier: Apache-2.0
"""`upscale` as its users call it: results, messages, exit codes."""

import json

import numpy as np
import pytest
from cli.commands import command
from image_files import noise, png, write
from pictures import stereo
from PIL import Image as PILImage
from scenes import reduced, results, save, scene, sharp, tree

from searchtransfer.images import read_image


@pytest.fixture
def files(tmp_path):
    return scene(tmp_path)


def test_one_image(tmp_path, files):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"'{lr}' -> '{tmp_path}/out.png'  32 x 24 pixels, mean score ")
    assert read_image(tmp_path / "out.png").size == (24, 32)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_scales(tmp_path, files, scale):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png", "-s", scale)
    assert done.exit_code == 0
    assert read_image(tmp_path / "out.png").size == (6 * scale, 8 * scale)


@pytest.mark.parametrize("tile", ["auto", "0", "3"])
def test_tiles(tmp_path, files, tile):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png", "-t", tile)
    assert done.exit_code == 0


def test_quiet(tmp_path, files):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png", "-q")
    assert (done.exit_code, done.output) == (0, "")


def test_verbose_says_which_search_runs(tmp_path, files):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png", "-vv")
    assert "searchtransfer.operators.backends: search runs on" in done.stderr
    again = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "again.png")
    assert again.stderr == ""


def test_json(tmp_path, files):
    lr, ref = files
    done = command(
        *("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "o.png", "--json"),
        *("--score-map", tmp_path / "s.png", "--report", tmp_path / "r.html"),
    )
    facts = json.loads(done.stdout)
    assert facts.pop("seconds") > 0
    assert 0.5 < facts.pop("mean_score") <= 1
    assert facts == {
        "input": str(lr),
        "output": str(tmp_path / "o.png"),
        "score_map": str(tmp_path / "s.png"),
        "report": str(tmp_path / "r.html"),
        "status": "done",
        "height": 24,
        "width": 32,
        "wear": "clean",
        "wear_not_sure": "it is too small to tell",
    }


def test_json_of_a_failed_item(tmp_path, files):
    _, ref = files
    done = command("upscale", "-i", tmp_path / "x", "-r", ref, "-o", tmp_path / "o.png", "--json")
    assert done.exit_code == 1
    facts = json.loads(done.stdout)
    assert facts["status"] == "failed"
    assert "no such file" in facts["error"]


def test_lr_from_hr(tmp_path, files):
    _, ref = files
    save(tmp_path / "other.png", np.roll(sharp(), 2, axis=0))
    args = "upscale", "-i", ref, "-r", tmp_path / "other.png", "--lr-from-hr"
    done = command(*args, "-o", tmp_path / "a.png")
    words = done.stdout.split()
    assert words[words.index("bicubic") : words.index("bicubic") + 2] == ["bicubic", "PSNR"]
    assert "result" in words
    facts = json.loads(command(*args, "-o", tmp_path / "b.png", "--json").stdout)
    assert facts["psnr"] > facts["psnr_bicubic"]
    assert facts["ssim"] > facts["ssim_bicubic"]
    assert f"{facts['psnr']:.2f}" in words


def test_a_perfect_result_has_no_number_in_json(tmp_path):
    black = save(tmp_path / "black.png", np.zeros((16, 16, 3), np.uint8))
    done = command(
        *("upscale", "-i", black, "-r", black, "-o", tmp_path / "o.png", "--lr-from-hr", "--json")
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["psnr"] is None


def test_a_folder_with_one_broken_file(tmp_path):
    for number in range(3):
        save(tmp_path / "in" / "sub" / f"{number}.png", reduced(sharp(number)))
    (tmp_path / "in" / "broken\n.jpg").write_bytes(b"\xff\xd8\xff broken")
    ref = save(tmp_path / "refs" / "ref.png", sharp())
    done = command("upscale", "-i", tmp_path / "in", "-r", ref.parent, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert results(tmp_path / "out") == ["sub", "sub/0.png", "sub/1.png", "sub/2.png"]
    assert done.stdout.splitlines()[-1] == "3 done, 1 failed"
    (error,) = (x for x in done.stderr.splitlines() if x.startswith("error: "))
    assert error.startswith(f"error: image '{tmp_path}/in/broken\\n.jpg': damaged or truncated")

    more = ("upscale", "-i", tmp_path / "in", "-r", ref, "-o", tmp_path / "out")
    again = command(*more, "--on-exists", "skip")
    assert again.exit_code == 1
    assert again.stdout.splitlines()[-1] == "3 skipped, 1 failed"
    assert f"'{tmp_path}/out/sub/0.png' is there already, skipped" in again.stdout


def test_a_bad_reference_names_its_image(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "in" / f"{name}.png", reduced(sharp(0)))
        save(tmp_path / "ref" / f"{name}.png", sharp(0))
    (tmp_path / "ref" / "b.png").write_bytes(b"nonsense")
    sources = "-i", tmp_path / "in", "-r", tmp_path / "ref", "--pair-by", "name"
    done = command("upscale", *sources, "-o", tmp_path / "out", "-n", "transfer")
    assert done.exit_code == 1
    start = f"error: image '{tmp_path}/in/b.png': reference '{tmp_path}/ref/b.png': "
    assert start in done.stderr


def test_several_inputs_extension_and_suffix(tmp_path, files):
    lr, ref = files
    other = save(tmp_path / "other.jpg", reduced(sharp(1)))
    done = command(
        *("upscale", "-i", lr, "-i", other, "-r", ref, "-r", ref, "-o", tmp_path / "out"),
        *("--ext", "webp", "--suffix", "-x4"),
    )
    assert done.exit_code == 0
    assert results(tmp_path / "out") == ["lr-x4.webp", "other-x4.webp"]


def test_an_unrelated_reference_is_a_warning(tmp_path, files):
    _, ref = files
    plain = save(tmp_path / "plain.png", np.full((6, 8, 3), 90, np.uint8))
    args = "upscale", "-i", plain, "-r", ref, "-o"
    done = command(*args, tmp_path / "a.png")
    assert done.exit_code == 0
    assert done.stderr.startswith(f"warning: '{plain}': the reference hardly shows the same things")
    assert (tmp_path / "a.png").exists()
    facts = json.loads(command(*args, tmp_path / "b.png", "--json").stdout)
    assert "hardly" in facts["warnings"][0]
    assert command(*args, tmp_path / "c.png", "-q").stderr == ""


def test_a_reference_as_small_as_the_image_is_a_warning(tmp_path):
    photo = np.asarray(stereo()[0][:, :240, :360].permute(1, 2, 0).mul(255).round().byte())
    small = save(tmp_path / "small.png", reduced(photo))
    done = command("upscale", "-i", small, "-r", small, "-o", tmp_path / "large.png")
    assert done.exit_code == 0
    assert "no finer than the image, with 1.0 pixels on a side" in done.stderr


def test_keep_going(tmp_path, files):
    lr, ref = files
    bad = write(tmp_path / "bad.png", b"<html></html>")
    args = "upscale", "-i", lr, "-r", bad, "-r", ref, "-o", tmp_path / "o.png"
    done = command(*args)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: reference '{bad}': its content is an HTML page")
    assert not (tmp_path / "o.png").exists()
    done = command(*args, "--keep-going")
    assert done.exit_code == 0
    assert done.stderr.startswith(f"warning: reference '{bad}': its content is an HTML page")


UNUSABLE = [
    (["-s", "9"], r"scale must be above 1, up to 8, got 9"),
    (["-s", "four"], "Invalid value for"),
    (["-t", "-1"], "must be auto, 0 or a positive whole number, got '-1'"),
    (["-t", "big"], "must be auto, 0 or a positive whole number, got 'big'"),
    (["-n", "tranfer"], "on the hub, got 'tranfer'; did you mean 'transfer'?"),
    (["--metadata", "drop"], "'drop' is not one of 'keep', 'strip'"),
    (["--on-exists", "ask"], "'ask' is not one of 'error', 'skip', 'overwrite'"),
    (["--ext", "png"], "is a file name, so that ext and suffix have no use"),
    (["--suffix", "a/b"], "suffix must be part of a file name"),
    (["--scle", "4"], "No such option: --scle"),
    (["-r", "gone.png"], "error: reference 'gone.png': no such file"),
]


@pytest.mark.parametrize(("options", "message"), UNUSABLE)
def test_what_cannot_be_run_as_given(tmp_path, files, options, message):
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "o" / "o.png", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert tree(tmp_path) == ["lr.png", "ref.png"]


def test_a_model_that_needs_a_reference(tmp_path, files):
    done = command("upscale", "-i", files[0], "-o", tmp_path / "o.png", "-n", "transfer")
    assert done.exit_code == 2
    assert "the model needs at least one sharp photo, got none; name it with -r" in done.stderr
    assert not (tmp_path / "o.png").exists()


def test_score_map_without_a_reference(tmp_path, files):
    maps = "--score-map", tmp_path / "map.png"
    done = command("upscale", "-i", files[0], "-o", tmp_path / "o.png", *maps)
    assert done.exit_code == 2
    assert not (tmp_path / "o.png").exists()


def test_a_missing_input(tmp_path, files):
    done = command("upscale", "-r", files[1], "-o", tmp_path / "o.png")
    assert done.exit_code == 2
    assert "Missing option '-i'" in done.stderr


def test_an_unknown_command():
    done = command("upscal")
    assert done.exit_code == 2
    assert "Did you mean 'upscale'?" in done.stderr


FAILING = [
    (b"", "out.png", "is empty (0 bytes)"),
    (b"hello", "out.png", "its content is plain text; PNG, JPEG, TIFF, WebP, AVIF, BMP"),
    (png(noise(6, 8, 3))[:80], "out.png", "damaged or truncated PNG file"),
    (
        png(noise(6, 8, 4)),
        "out.jpg",
        "JPEG cannot hold transparency; write PNG, TIFF, WebP or AVIF",
    ),
    (png(noise(6, 8, 3, 16)), "out.jpg", "JPEG cannot hold 16 bits"),
    (png(noise(1, 4200, 3)), "out.webp", "16800 x 4 pixels are too many for WebP"),
    (
        png(noise(6, 8, 3)),
        "out.bmp",
        "'.bmp' is read only; PNG, JPEG, TIFF, WebP or AVIF can be written",
    ),
    (png(noise(6, 8, 3)), "ref.png/out.png", "its folder is a file"),
]


@pytest.mark.parametrize(("content", "name", "message"), FAILING)
def test_what_cannot_be_made(tmp_path, content, name, message):
    source = write(tmp_path / "in.png", content)
    ref = save(tmp_path / "ref.png", sharp())
    done = command("upscale", "-i", source, "-r", ref, "-o", tmp_path / name)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr or (name.startswith("ref") and "cannot be made" in done.stderr)
    assert "Traceback" not in done.stderr
    assert tree(tmp_path) == ["in.png", "ref.png"]


def test_existing_output(tmp_path, files):
    lr, ref = files
    out = save(tmp_path / "o.png", sharp(5))
    before = out.read_bytes()
    done = command("upscale", "-i", lr, "-r", ref, "-o", out)
    assert (done.exit_code, out.read_bytes()) == (1, before)
    assert "exists already" in done.stderr
    assert command("upscale", "-i", lr, "-r", ref, "-o", out, "--on-exists", "skip").exit_code == 0
    assert out.read_bytes() == before
    done = command("upscale", "-i", lr, "-r", ref, "-o", out, "--on-exists", "overwrite")
    assert done.exit_code == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize("which", [0, 1])
def test_the_output_is_an_input(tmp_path, files, which):
    before = [path.read_bytes() for path in files]
    lr, ref = files
    done = command("upscale", "-i", lr, "-r", ref, "-o", files[which], "--on-exists", "overwrite")
    assert done.exit_code == 2
    assert f"is the {['input', 'reference'][which]}" in done.stderr
    assert [path.read_bytes() for path in files] == before


def test_a_folder_without_images(tmp_path, files):
    (tmp_path / "empty").mkdir()
    done = command("upscale", "-i", tmp_path / "empty", "-r", files[1], "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "has no images" in done.stderr


def test_tracebacks_only_when_asked(tmp_path, files, monkeypatch):
    lr, ref = files
    args = "upscale", "-i", lr, "-r", ref, "-o", tmp_path / "o.png", "-n", "none"
    assert "Traceback" not in command(*args, "-v").stderr
    assert "Traceback" in command(*args, "-vv").stderr
    monkeypatch.setenv("SEARCHTRANSFER_DEBUG", "1")
    assert "Traceback" in command(*args).stderr


def test_an_unexpected_fault_is_reported(tmp_path, files, monkeypatch):
    def broken(*args, **kwargs):
        raise AttributeError("oh")

    monkeypatch.setattr("searchtransfer.batch.plan_batch", broken)
    done = command("upscale", "-i", files[0], "-r", files[1], "-o", tmp_path / "o.png")
    assert done.exit_code == 1
    assert done.stderr == "error: unexpected fault, AttributeError: oh; please report it\n"


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (("-s", "2.5"), (20, 15)),
        (("--scale", "x3"), (24, 18)),
        (("--width", "20"), (20, 15)),
        (("--height", "12"), (16, 12)),
        (("--width", "10", "--height", "20"), (10, 20)),
        (("--fit", "17x100"), (17, 13)),
    ],
)
def test_any_size(tmp_path, files, options, size):
    lr, ref = files
    report = tmp_path / "r.html"
    for more in (("-r", ref, "--report", report), ()):
        out = tmp_path / f"o{len(more)}.png"
        done = command("upscale", lr, *more, "-o", out, *options, "--json")
        assert done.exit_code == 0, done.stderr
        with PILImage.open(out) as image:
            assert image.size == size
        facts = json.loads(done.stdout)
        assert (facts["width"], facts["height"]) == size
    assert report.exists()


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        (("--width", "33"), "33 x 25 pixels are wanted of an image of 8 x 6, and 4 times", 1),
        (("--fit", "20"), "fit must be WIDTHxHEIGHT as in 1920x1080", 1),
        (("--fit", "20x20", "--width", "5"), "or a frame to fit into", 1),
        (("-s", "9"), "scale must be above 1, up to 8", 1),
        (("-s", "many"), "must be a number as 4 or 2.5", 2),
        (("-s", "2.5", "--lr-from-hr"), "compared with the input", 1),
    ],
)
def test_sizes_that_cannot_be(tmp_path, files, options, message, code):
    lr, _ = files
    done = command("upscale", lr, "-o", tmp_path / "o.png", *options)
    assert done.exit_code in (code, 1, 2)
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "o.png").exists()
