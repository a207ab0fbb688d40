# SPDX-License-Identifier: Apache-2.0
"""The command line as people type it: words, globs, pipes, default names, empty variables."""

import io
import json
import os
import subprocess

import numpy as np
import pytest
from cli.commands import arguments, command, environment
from image_files import noise, png, write
from PIL import Image
from scenes import reduced, results, save, scene, sharp, tree

from searchtransfer.cli.arguments import spread_references
from searchtransfer.cli.options import MODEL_NAMES
from searchtransfer.images import read_image
from searchtransfer.models.pretrained import FROM_WEIGHTS, MODELS

VALUED = {"-i", "--input", "-r", "--ref", "-o", "--output", "-s"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a b -r c d", "a b -r c -r d"),
        ("-r c d -i a b", "-r c -r d -i a b"),
        ("-i a -r c d e -o f", "-i a -r c -r d -r e -o f"),
        ("a --ref c d --ref e", "a --ref c --ref d --ref e"),
        ("-r c -o o a", "-r c -o o a"),
        ("-r c a", "-r c a"),  # the only word that can be the input
        ("-r c a b", "-r c a b"),
        ("-q a -r c d -q", "-q a -r c -r d -q"),
        ("a -r c -- d", "a -r c -- d"),
        ("- -r c d", "- -r c -r d"),
        ("-s 4 -r c d", "-s 4 -r c d"),
        ("--input=a -r c d", "--input=a -r c -r d"),
        ("-r", "-r"),
    ],
)
def test_globs_of_references(typed, meant):
    assert spread_references(typed.split(), VALUED) == meant.split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in "abc":
        save(tmp_path / f"{name}.png", reduced(sharp()))
    for name in ("r1", "r2"):
        save(tmp_path / f"{name}.jpg", sharp())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "upscale a.png b.png c.png -r r1.jpg r2.jpg",
        "upscale -r r1.jpg r2.jpg -i a.png b.png c.png",
        "upscale -i a.png b.png -r r1.jpg r2.jpg -i c.png",
    ],
)
def test_globs_and_default_names(folder, words):
    done = command(*words.split(), "--json")
    assert done.exit_code == 0, done.output
    made = {"a-x4.png", "b-x4.png", "c-x4.png"}
    assert made < set(tree(folder))
    again = command(*words.split(), "--on-exists", "skip")
    assert again.exit_code == 0
    assert again.stdout.count("skipped") == 4  # three images, and the sum


def test_a_word_alone(folder):
    assert command("upscale", "a.png").exit_code == 0
    assert read_image(folder / "a-x4.png").size == (24, 32)
    assert command("upscale", "-s", "x2", "-r", "r1.jpg", "a.png").exit_code == 0
    assert read_image(folder / "a-x2.png").size == (12, 16)
    assert command("upscale", "b.png", "--suffix", "_big", "--ext", "webp").exit_code == 0
    assert (folder / "b_big.webp").exists()


def test_a_glob_of_everything_goes_on(folder):
    """`upscale *.png` twice: results of the first run are no inputs of the second."""
    assert command("upscale", "a.png", "b.png").exit_code == 0
    everything = sorted(path.name for path in folder.glob("*.png"))
    done = command("upscale", *everything, "--on-exists", "skip")
    assert done.exit_code == 0
    assert "2 of the inputs are results of others and left out" in done.stderr
    assert "c-x4.png" in tree(folder)
    assert not any("x4-x4" in name for name in tree(folder))


def test_a_folder_of_photos_gets_results_and_nothing_else(folder):
    """`-o` names the folder of the inputs: photos that are added later are made then."""
    photos = folder / "photos"
    photos.mkdir()
    words = ["upscale", "-i", "photos", "-o", "photos", "--suffix", "_x4", "--on-exists", "skip"]
    for name in "ab":
        (folder / f"{name}.png").rename(photos / f"{name}.png")
        assert command(*words).exit_code == 0
    assert set(tree(photos)) == {"a.png", "a_x4.png", "b.png", "b_x4.png"}


def test_match_beside_the_image(folder):
    assert command("match", "a.png", "-r", "r1.jpg", "r2.jpg").exit_code == 0
    assert {"a-score.png", "a-match.png"} < set(tree(folder))
    done = command("match", "a.png", "-i", "b.png", "-r", "r1.jpg")
    assert done.exit_code == 2
    assert "name one small image" in done.stderr
    done = command("match", "a.png")
    assert done.exit_code == 2
    assert "name sharp photos with -r" in done.stderr


EMPTY = [
    ["upscale", ""],
    ["upscale", "-i", "", "-o", "x"],
    ["upscale", "a.png", "-o", ""],
    ["upscale", "a.png", "--output="],
    ["upscale", "a.png", "-r", ""],
    ["upscale", "a.png", "-r", "r1.jpg", ""],
    ["upscale", "a.png", "-n", ""],
    ["upscale", "a.png", "--weights", ""],
    ["upscale", "a.png", "--report", ""],
    ["upscale", "a.png", "--score-map="],
    ["upscale", "a.png", "--background", ""],
    ["match", "", "-r", "r1.jpg"],
    ["match", "a.png", "-r", "r1.jpg", "-o", ""],
    ["demo", "-o", ""],
    ["demo", "-n", ""],
    ["evaluate", ""],
    ["evaluate", ".", "--csv", ""],
    ["convert", ""],
    ["convert", "a.pt", ""],
    ["train", ""],
    ["studio", "--host", ""],
]


@pytest.mark.parametrize("words", EMPTY, ids=" ".join)
def test_empty_arguments(folder, words):
    before = tree(folder)
    done = command(*words)
    assert done.exit_code == 2
    assert "an argument is empty" in done.stderr
    assert tree(folder) == before


def test_an_empty_suffix_is_none(folder):
    assert command("upscale", "a.png", "-o", "out/", "--suffix", "").exit_code == 0
    assert (folder / "out" / "a.png").exists()


@pytest.mark.parametrize("words", [["demo", "-o", "x.png"], ["match", "a.png", "-o", "x.html"]])
def test_the_name_of_a_file_for_a_folder(folder, words):
    done = command(*words, *(["-r", "r1.jpg"] if words[0] == "match" else []))
    assert done.exit_code == 2
    assert "is the name of a file, and a folder is needed" in done.stderr
    assert not (folder / words[-1]).exists()


def test_no_input():
    done = command("upscale", "-o", "x.png")
    assert done.exit_code == 2
    assert "there is no input; name small images first, or with -i" in done.stderr


def piped(*words, given=b"", **options):
    return subprocess.run(
        arguments(*words),
        input=given,
        capture_output=True,
        env=environment(**options),
        check=False,
        timeout=120,
    )


def test_through_a_pipe(tmp_path):
    lr, ref = scene(tmp_path)
    command("upscale", lr, "-r", ref, "-o", tmp_path / "out.png")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for words in (["-"], ["-i", "-", "-o", "-"], [lr, "-o", "-", "-v"]):
        options = {
            "TMPDIR": str(temporary),
            "PYTHONPROFILEIMPORTTIME": "1" if "-v" in words else "",
        }
        done = piped("upscale", *words, "-r", ref, given=lr.read_bytes(), **options)
        assert done.returncode == 0, done.stderr
        assert done.stdout == (tmp_path / "out.png").read_bytes()
    assert not [x for x in tree(temporary) if "claims" not in x]
    assert b" torch.nn\n" in done.stderr
    assert b"torch._dynamo" not in done.stderr  # seconds at each start, for a compiler


def test_formats_of_pipes(tmp_path):
    file = io.BytesIO()
    Image.fromarray(sharp(0, 6, 8)).save(file, "JPEG")
    for ext, name in ((None, "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")):
        more = [] if ext is None else ["--ext", ext]
        done = command("upscale", "-", *more, given=file.getvalue())
        assert Image.open(io.BytesIO(done.stdout_bytes)).format == name
    done = command("upscale", "-", "-o", tmp_path / "made", given=file.getvalue())
    assert done.exit_code == 1  # a path without its slash is a file, and has no extension
    done = command("upscale", "-", "-o", f"{tmp_path}/made/", "--json", given=file.getvalue())
    assert done.exit_code == 0
    assert results(tmp_path) == ["made", "made/input.jpg"]


def test_faults_of_pipes(tmp_path):
    lr, ref = scene(tmp_path)
    done = piped("upscale", "-", given=b"hello")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: image '-': its content is plain text")
    done = command("upscale", "-", given=b"")
    assert "image '-': is empty" in done.stderr
    done = command("upscale", "-", "-r", "-", given=lr.read_bytes())
    assert done.exit_code == 2
    assert "can be read only once" in done.stderr
    done = command("upscale", lr, ref, "-o", "-")
    assert done.exit_code == 2
    assert "standard output takes one picture" in done.stderr
    full = subprocess.run(
        ["sh", "-c", '"$@" > /dev/full', "sh", *arguments("upscale", lr, "-o", "-")],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert full.returncode == 1
    assert b"error: output -: standard output cannot be written" in full.stderr


def test_a_reference_through_a_pipe(tmp_path):
    lr, ref = scene(tmp_path)
    done = piped("upscale", lr, "-r", "-", "-o", tmp_path / "a.png", given=ref.read_bytes())
    assert done.returncode == 0
    command("upscale", lr, "-r", ref, "-o", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_quality_bits_and_background(tmp_path):
    deep = write(tmp_path / "deep.png", png(noise(6, 8, 4, 16)))
    done = command("upscale", deep, "-o", tmp_path / "a.jpg")
    assert done.exit_code == 1
    assert "--background white" in done.stderr
    done = command("upscale", deep, "-o", tmp_path / "a.jpg", "--background", "white")
    assert done.exit_code == 1
    assert "--bits 8" in done.stderr
    sizes = []
    for quality in (20, 90):
        options = "--background", "#00ff00", "--bits", "8", "--quality", quality
        out = tmp_path / f"{quality}.jpg"
        assert command("upscale", deep, "-o", out, *options).exit_code == 0
        sizes.append(out.stat().st_size)
    assert sizes[0] < sizes[1]
    assert read_image(out).alpha is None
    small = save(tmp_path / "small.png", reduced(sharp()))
    assert command("upscale", small, "-o", tmp_path / "b.png", "--bits", "16").exit_code == 0
    assert read_image(tmp_path / "b.png").bits == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quality", "101"], "quality must be a whole number from 1 to 100"),
        (["--background", "whit"], "background must be a colour"),
        (["--bits", "12"], "'12' is not one of 'auto', '8', '16'"),
        (["-s", "four"], "must be a number as 4 or 2.5, got 'four'"),
        (
            ["-n", "transfer"],
            "name it with -r, a file or a folder, or use a model that works alone",
        ),
    ],
)
def test_what_cannot_be(tmp_path, options, message):
    small = save(tmp_path / "small.png", reduced(sharp()))
    done = command("upscale", small, *options)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert tree(tmp_path) == ["small.png"]


def test_more_pixels_where_they_are_allowed(tmp_path):
    small = save(tmp_path / "small.png", np.zeros((6, 8, 3), np.uint8))
    done = command("upscale", small, "--max-pixels", "47")
    assert done.exit_code == 1
    assert "--max-pixels" in done.stderr
    assert command("upscale", small, "--max-pixels", "48").exit_code == 0
    done = command("upscale", small, "-r", small, "--max-pixels", "47")
    assert done.exit_code == 2
    assert "--max-pixels" in done.stderr


def test_weights_are_never_the_output(tmp_path):
    lr, ref = scene(tmp_path)
    weights = write(tmp_path / "lr-score.png", b"weights")
    before = weights.read_bytes()
    more = "-n", "ttsr", "--weights", weights, "--on-exists", "overwrite"
    for words in (
        ("upscale", lr, "-r", ref, "-o", weights, *more),
        ("upscale", lr, "-r", ref, "-o", tmp_path / "o.png", "--score-map", weights, *more),
        ("match", lr, "-r", ref, "-o", tmp_path, *more),
    ):
        assert command(*words).exit_code == 2
        assert weights.read_bytes() == before


def test_completion():
    assert set(MODEL_NAMES) == {*MODELS, *FROM_WEIGHTS}
    code = (
        "import sys; sys.argv[0] = 'searchtransfer'\n"
        "from searchtransfer.cli import app\napp(prog_name='searchtransfer')"
    )
    asked = {
        "_SEARCHTRANSFER_COMPLETE": "complete_bash",
        "COMP_WORDS": "searchtransfer upscale -n f",
        "COMP_CWORD": "3",
    }
    done = subprocess.run(
        [arguments()[0], "-X", "importtime", "-c", code],
        capture_output=True,
        env=environment(**asked),
        check=False,
    )
    assert done.stdout.split() == [b"fusion"]
    assert b" torch\n" not in done.stderr
    assert os.linesep.encode() in done.stderr


def test_each_file_that_is_left_out_is_told_once(folder):
    """Those of references too, in words and in JSON; it is no failure."""
    photo = (folder / "r1.jpg").read_bytes()
    for place in ("in", "refs"):
        (folder / place).mkdir()
        (folder / place / "note.txt").write_text("x")
        (folder / place / "photo.jpg").write_bytes(photo)
    options = ["upscale", "-i", "in", "-r", "refs", "-s", "2", "-n", "transfer"]
    done = command(*options, "-o", "out/", "--ext", "avif")
    assert done.exit_code == 0
    said = " ".join(done.stderr.split())
    for place in ("in", "refs"):
        assert said.count(f"'{place}/note.txt' (not an image format that is read here)") == 1
    assert (folder / "out" / "photo.avif").is_file()
    done = command(*options, "-o", "more/", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    left = [line["input"] for line in lines if line["status"] == "left out"]
    assert sorted(left) == ["in/note.txt", "refs/note.txt"]


def test_a_folder_of_other_files_names_them(folder):
    (folder / "in").mkdir()
    (folder / "in" / "note.txt").write_text("x")
    done = command("upscale", "-i", "in", "-o", "out/")
    assert done.exit_code == 2
    assert "has no images" in done.stderr and "'note.txt' (not an image format" in done.stderr


@pytest.mark.parametrize(
    ("words", "told", "untold"),
    [
        (["upscale", "a.png", "--bits", "12"], "'12' is not one of 'auto', '8', '16'", "error,"),
        (["match", "a.png", "b.png"], "(b.png); references are named with -r", "error,"),
        (["studio", "word"], "unexpected extra argument", "-r"),
    ],
)
def test_what_does_not_fit_is_told_in_plain_words(words, told, untold):
    result = command(*words)
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert told in said and untold not in said
