# SPDX-License-Identifier: Apache-2.0
"""`match`, `demo`, `info`, `--version`."""

import json
import re
import sys

import pytest
from cli.commands import command
from scenes import save, scene, sharp, tree

import searchtransfer
from searchtransfer import demo as demo_module
from searchtransfer.images import from_numpy, read_image


def test_version():
    done = command("--version")
    assert (done.exit_code, done.stdout) == (0, f"searchtransfer {searchtransfer.__version__}\n")


def test_no_arguments_show_help():
    assert "upscale" in command().output


def test_match(tmp_path):
    lr, ref = scene(tmp_path)
    other = save(tmp_path / "日本.png", sharp(4))
    args = "match", "-i", lr, "-r", ref, "-r", other, "-o", tmp_path / "maps"
    done = command(*args)
    assert (done.exit_code, done.stderr) == (0, "")
    assert tree(tmp_path / "maps") == ["lr-match.png", "lr-score.png"]
    assert done.stdout.startswith("mean score 1.00\n")
    assert read_image(tmp_path / "maps" / "lr-match.png").size[1] > 1200  # a map for each aspect
    again = command(*args)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert command(*args, "--on-exists", "overwrite", "-q").output == ""


@pytest.mark.parametrize(
    ("asked", "done"),
    [("exact", "exact"), ("refine", "from one of 2 rows and columns"), (None, "from every cell")],
)
def test_match_says_how_it_searches(tmp_path, asked, done):
    lr, ref = scene(tmp_path)
    option = ["--search", asked] if asked else []
    told = command("match", "-i", lr, "-r", ref, "-o", tmp_path / "maps", "-v", *option)
    assert told.exit_code == 0
    assert f"search: {done}, " in told.stderr
    assert " pairs in 1 copy\n" in told.stderr
    assert ": 32 x 24 pixels, about " in told.stderr  # of the whole job, before it begins
    assert told.stdout.startswith("mean score 1.00\n")


def test_match_has_no_other_search(tmp_path):
    lr, ref = scene(tmp_path)
    told = command("match", "-i", lr, "-r", ref, "-o", tmp_path / "maps", "--search", "quick")
    assert told.exit_code == 2
    assert "'quick' is not one of 'exact', 'refine', 'auto'" in told.stderr
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize("what", ["in", "ref"])
def test_match_of_a_broken_file(tmp_path, what):
    paths = dict(zip(("in", "ref"), scene(tmp_path), strict=True))
    paths[what].write_bytes(b"")
    before = tree(tmp_path)
    done = command("match", "-i", paths["in"], "-r", paths["ref"], "-o", tmp_path / "maps")
    assert done.exit_code == 2
    assert "is empty (0 bytes)" in done.stderr
    assert tree(tmp_path) == before


def test_match_never_overwrites_an_input(tmp_path):
    lr, ref = scene(tmp_path)
    trap = tmp_path / "lr-score.png"
    ref.rename(trap)
    before = trap.read_bytes()
    done = command("match", "-i", lr, "-r", trap, "-o", tmp_path, "--on-exists", "overwrite")
    assert done.exit_code == 2
    assert "is the same file as input" in done.stderr
    assert trap.read_bytes() == before


@pytest.fixture
def small_pair(monkeypatch):
    """A small pair in place of the real one, which `test_process` uses."""
    pair = from_numpy(sharp(0, 40, 56)), from_numpy(sharp(0, 40, 56))
    monkeypatch.setattr(demo_module, "stereo_pair", lambda: pair)


def test_demo(tmp_path, monkeypatch, small_pair):
    monkeypatch.chdir(tmp_path)
    done = command("demo")
    assert (done.exit_code, done.stderr) == (0, "")
    folder = tmp_path / "searchtransfer-demo"
    assert set(tree(folder)) == set(demo_module.NAMES.values())
    assert "bicubic" in done.stdout
    assert "'searchtransfer-demo/result.png'" in done.stdout
    assert read_image(folder / "result.png").size == (40, 56)
    assert read_image(folder / "lr.png").size == (10, 14)
    assert command("demo").exit_code == 0  # its own folder is its own


def test_demo_overwrites_no_other_folder(tmp_path, small_pair):
    mine = save(tmp_path / "mine" / "result.png", sharp(7))
    before = mine.read_bytes()
    done = command("demo", "-o", mine.parent)
    assert done.exit_code == 2
    assert "result.png': exists already" in done.stderr
    assert mine.read_bytes() == before
    assert tree(mine.parent) == ["result.png"]
    assert command("demo", "-o", mine.parent, "--on-exists", "overwrite").exit_code == 0
    assert mine.read_bytes() != before


@pytest.mark.parametrize("missing", [True, False])
def test_demo_without_its_photos(tmp_path, monkeypatch, missing):
    if missing:
        monkeypatch.setitem(sys.modules, "skimage.data", None)
    else:
        (tmp_path / "skimage").mkdir()
        (tmp_path / "skimage" / "__init__.py").write_text("raise RuntimeError('broken')")
        for name in [x for x in sys.modules if x.partition(".")[0] == "skimage"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(tmp_path)
    done = command("demo", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "its photos come with scikit-image, which cannot be used here" in done.stderr
    assert "pip install 'searchtransfer[demo]'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_info():
    done = command("info")
    assert done.exit_code == 0
    for word in (searchtransfer.__version__, "native", "threads", "transfer", "torch"):
        assert word in done.stdout


def test_info_as_json():
    facts = json.loads(command("info", "--json").stdout)
    assert facts["version"] == searchtransfer.__version__
    assert facts["default_model"] in facts["models"]
    assert set(facts["backends"]) == {"literal", "tiled", "native"}
    assert facts["backends"]["native"].startswith(("available, with ", "not available: "))
    assert facts["threads"] >= 1


def test_benchmark():
    done = command("benchmark", "--size", "6x7", "--channels", "3", "--repeat", "1")
    assert (done.exit_code, done.stderr) == (0, "")
    first, _, *rows = done.stdout.splitlines()
    assert first.startswith("6 x 7 cells in as many, 3 channels, ")
    assert [row.split()[1] for row in rows] == ["literal", "tiled", "native"] * 2


def test_benchmark_as_json():
    done = command("benchmark", "--size", "6x7", "--channels", "3", "--repeat", "2", "--json")
    report = json.loads(done.stdout)
    assert (report["size"], report["channels"]) == ([6, 7], 3)
    assert all(len(x["seconds"]) == 2 for x in report["timings"] if not x["left_out"])


@pytest.mark.parametrize("size", ["6", "6x", "x7", "6x7x8", "-6x7", "axb"])
def test_benchmark_of_no_size(size):
    done = command("benchmark", f"--size={size}")
    assert done.exit_code == 2
    assert "must be ROWSxCOLUMNS as in 83x125" in done.output
    assert command("benchmark", "--size", "0x3").exit_code == 2


def test_help_shows_plain_words() -> None:
    """No types of Python: FILE, N or TEXT, and for choices the choices."""
    import typer

    from searchtransfer.cli import app

    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        done = command(name, "--help")
        assert done.exit_code == 0
        told = re.findall(r"<([^>]*)>", done.stdout)
        assert all("|" in word and "[" not in word for word in told), (name, told)
