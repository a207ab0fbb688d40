# SPDX-License-Identifier: Apache-2.0
"""Outputs are paired, and every collision is found before any work."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchtransfer.batch import Job, manifest_folder, plan_batch
from searchtransfer.errors import ImageFileError, OptionError, OutputError
from searchtransfer.images import ImageWarning


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def test_a_file_to_a_file(tmp_path):
    out = tmp_path / "b.png"
    assert plan_batch([tmp_path / "a.png"], str(out)) == [Job(tmp_path / "a.png", out)]


def test_a_file_and_its_score_map(tmp_path):
    jobs = plan_batch([tmp_path / "a.png"], str(tmp_path / "b.png"), score_map="s.png")
    assert jobs[0].outputs == (tmp_path / "b.png", Path("s.png"))


def test_a_file_and_its_report(tmp_path):
    jobs = plan_batch([tmp_path / "a.png"], "b.png", score_map="s.png", report="r.html")
    assert jobs[0].outputs == (Path("b.png"), Path("s.png"), Path("r.html"))
    assert plan_batch([tmp_path / "a.png"], "b.png", report="r.html")[0].score_map is None


def test_reports_of_a_folder(tmp_path):
    touch(tmp_path, "in/b.png", "in/sub/a.jpg")
    jobs = plan_batch([tmp_path / "in"], f"{tmp_path}/out", suffix="-x4", report="pages")
    assert [str(job.report) for job in jobs] == ["pages/b-x4.html", "pages/sub/a-x4.html"]
    assert [job.score_map for job in jobs] == [None, None]


def test_reports_that_collide(tmp_path):
    touch(tmp_path, "in/a.png", "in/a.jpg", "page.html")
    with pytest.raises(OutputError, match=r"pages/a\.html' would be made from both"):
        plan_batch([tmp_path / "in"], f"{tmp_path}/out", report="pages")
    with pytest.raises(OutputError, match=r"x\.html' would be made from both"):
        plan_batch([tmp_path / "in" / "a.png"], "x.html", report="x.html")
    with pytest.raises(OutputError, match=r"report '.*': is a file, expected a folder"):
        plan_batch([tmp_path / "in"], f"{tmp_path}/out", report=f"{tmp_path}/page.html")
    source = tmp_path / "in" / "a.png"
    with pytest.raises(OutputError, match="is the input"):
        plan_batch([source], "b.png", report=str(source))


@pytest.mark.parametrize("output", ["out/", "there"])
def test_a_file_into_a_folder(tmp_path, output):
    (tmp_path / "there").mkdir()
    jobs = plan_batch([tmp_path / "a.png"], f"{tmp_path}/{output}")
    assert [job.target for job in jobs] == [tmp_path / output / "a.png"]


def test_folders_keep_their_subfolders(tmp_path):
    touch(tmp_path, "in/b.png", "in/sub/a.jpg", "in/notes.txt", "more/c.tif")
    folders = [tmp_path / "in", tmp_path / "more"]
    with pytest.warns(ImageWarning, match=r"1 left out: 'notes\.txt'"):
        jobs = plan_batch(folders, str(tmp_path / "out"), score_map="maps")
    assert [str(job.target.relative_to(tmp_path)) for job in jobs] == [
        "out/b.png",
        "out/sub/a.jpg",
        "out/c.tif",
    ]
    assert [str(job.score_map) for job in jobs] == ["maps/b.png", "maps/sub/a.png", "maps/c.png"]


def test_extension_and_suffix(tmp_path):
    inputs = touch(tmp_path, "a.b.jpg")
    jobs = plan_batch(inputs, f"{tmp_path}/out/", ext="png", suffix="-x4")
    assert jobs[0].target.name == "a.b-x4.png"


def test_results_of_the_last_run_are_no_inputs(tmp_path):
    touch(tmp_path, "a.png", "out/a.png")
    jobs = plan_batch([tmp_path], f"{tmp_path}/out")
    assert [job.source for job in jobs] == [tmp_path / "a.png"]


def test_an_input_given_twice_is_done_once(tmp_path):
    inputs = touch(tmp_path, "in/a.png")
    jobs = plan_batch([*inputs, *inputs, tmp_path / "in"], f"{tmp_path}/out/")
    assert len(jobs) == 1


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("a.jpg", "a.png"), {"ext": "png"}),
        (("one/a.png", "two/a.png"), {}),
        (("a.png", "a-x4.png"), {"suffix": "-x4", "into": "."}),
    ],
)
def test_two_inputs_for_one_output(tmp_path, names, options):
    inputs = touch(tmp_path, *names)
    into = options.pop("into", "out")
    with pytest.raises(OutputError, match=r"outputs collide: .*; choose another output, a suffix"):
        plan_batch(inputs, f"{tmp_path}/{into}/", **options)


def test_the_message_names_both_inputs(tmp_path):
    inputs = touch(tmp_path, "a.jpg", "a.png")
    with pytest.raises(OutputError, match=r"a\.webp' would be made from both '.*a.jpg' and '.*a.p"):
        plan_batch(inputs, f"{tmp_path}/out/", ext="webp")


def test_many_collisions_are_counted(tmp_path):
    inputs = touch(tmp_path, *(f"{i}/a.png" for i in range(9)))
    with pytest.raises(OutputError, match=r"\(and 3 more\)"):
        plan_batch(inputs, f"{tmp_path}/out/")


def test_a_score_map_in_the_place_of_a_result(tmp_path):
    touch(tmp_path, "in/a.png")
    with pytest.raises(OutputError, match="outputs collide"):
        plan_batch([tmp_path / "in"], f"{tmp_path}/out/", score_map=f"{tmp_path}/out")
    with pytest.raises(OutputError, match="outputs collide"):
        plan_batch([tmp_path / "in" / "a.png"], "x.png", score_map="x.png")


@pytest.mark.parametrize("how", ["same", "dots", "symlink", "hardlink"])
@pytest.mark.parametrize("kind", ["input", "reference"])
def test_what_is_read_is_never_written(tmp_path, how, kind):
    (file, other) = touch(tmp_path, "a.png", "b.png")
    target = {"same": file, "dots": tmp_path / "x" / ".." / "a.png"}.get(how, tmp_path / "c.png")
    (tmp_path / "x").mkdir()
    if how == "symlink":
        target.symlink_to(file)
    if how == "hardlink":
        os.link(file, target)
    inputs, references = ([file], [other]) if kind == "input" else ([other], [file])
    with pytest.raises(OutputError, match=rf"is the {kind} '.*a\.png' itself"):
        plan_batch(inputs, str(target), references=references)


def test_into_its_own_folder_only_with_a_suffix(tmp_path):
    inputs = touch(tmp_path, "a.png")
    with pytest.raises(OutputError, match="is the input"):
        plan_batch([tmp_path], str(tmp_path))
    assert plan_batch(inputs, str(tmp_path), suffix="_big")[0].target == tmp_path / "a_big.png"


def test_no_input():
    with pytest.raises(OptionError, match="inputs: there must be at least one"):
        plan_batch([], "out")


def test_a_folder_without_images(tmp_path):
    touch(tmp_path, "in/readme.txt")
    with (
        pytest.warns(ImageWarning, match=r"1 left out: 'readme\.txt'"),
        pytest.raises(ImageFileError, match=r"folder '.*in': has no images \(PNG, JPEG"),
    ):
        plan_batch([tmp_path / "in"], str(tmp_path / "out"))


def test_a_folder_of_photos_gets_pictures_and_no_manifest_unless_workers_need_it(tmp_path):
    inputs, out = [tmp_path / "in"], str(tmp_path / "out")
    inputs[0].mkdir()
    assert manifest_folder(inputs, out, several=False) == tmp_path / "out"
    assert manifest_folder(inputs, None, several=True) is None
    for among in (f"{tmp_path}/in", f"{tmp_path}/in/", f"{tmp_path}/out/../in"):
        (tmp_path / "out").mkdir(exist_ok=True)
        assert manifest_folder(inputs, among, several=False) is None
        assert manifest_folder([tmp_path / "in/a.png"], among, several=False) is None
        assert manifest_folder(inputs, among, several=True) == Path(among)
    (tmp_path / "in/searchtransfer.jsonl").touch()
    assert manifest_folder(inputs, f"{tmp_path}/in", several=False) == tmp_path / "in"


@pytest.mark.parametrize("options", [{"ext": "png"}, {"suffix": "x"}])
def test_name_parts_for_an_output_file(options):
    with pytest.raises(OptionError, match="is a file name, so that ext and suffix have no use"):
        plan_batch([Path("a.png")], "b.png", **options)


@pytest.mark.parametrize("suffix", ["a/b", "/", "\0"])
def test_a_suffix_that_is_no_part_of_a_name(suffix):
    with pytest.raises(OptionError, match="suffix must be part of a file name"):
        plan_batch([Path("a.png")], "out/", suffix=suffix)


def test_an_unknown_extension():
    with pytest.raises(OptionError, match=r"ext must be auto or one of png, jpg, .*, got 'bmp'"):
        plan_batch([Path("a.png")], "out/", ext="bmp")


def test_a_file_where_a_folder_is_needed(tmp_path):
    inputs = touch(tmp_path, "a.png", "b.png", "file")
    with pytest.raises(OutputError, match=r"output '.*file': is a file, expected a folder"):
        plan_batch(inputs[:2], str(inputs[2]))
    with pytest.raises(OutputError, match=r"score map '.*file': is a file, expected a folder"):
        plan_batch(inputs[:2], f"{tmp_path}/out", score_map=str(inputs[2]))


NAMES = st.text("ab.- é", min_size=1, max_size=4).filter(lambda s: s.strip(".") != "")


@given(
    names=st.lists(st.tuples(st.sampled_from(["", "x", "y"]), NAMES), min_size=2, max_size=6),
    ends=st.lists(st.sampled_from([".png", ".jpg"]), min_size=6, max_size=6),
    ext=st.sampled_from(["auto", "png"]),
    suffix=st.sampled_from(["", "-b", ".a"]),
)
def test_a_plan_either_collides_or_writes_each_file_once(names, ends, ext, suffix):
    places = [
        Path("/nowhere", folder, name + end)
        for (folder, name), end in zip(names, ends, strict=False)
    ]
    try:
        jobs = plan_batch(places, "/elsewhere/", ext=ext, suffix=suffix)
    except OutputError:
        stems = [
            (path.stem, "png" if ext == "png" else path.suffix) for path in dict.fromkeys(places)
        ]
        assert len(set(stems)) < len(stems)
        return
    targets = [job.target for job in jobs]
    assert len(set(targets)) == len(targets)
    assert [job.source for job in jobs] == list(dict.fromkeys(places))
    assert not set(targets) & set(places)


def test_beside_the_inputs(tmp_path):
    touch(tmp_path, "a.png", "in/b.jpg", "in/sub/c.tif")
    jobs = plan_batch([tmp_path / "a.png", tmp_path / "in"], None, suffix="-x4")
    assert [str(job.target.relative_to(tmp_path)) for job in jobs] == [
        "a-x4.png",
        "in/b-x4.jpg",
        "in/sub/c-x4.tif",
    ]
    (job,) = plan_batch([tmp_path / "a.png"], None, suffix="-x4", report="r.html", score_map="m/")
    assert job.outputs == (tmp_path / "a-x4.png", Path("m/a-x4.png"), Path("r.html"))
    with pytest.raises(OptionError, match="suffix: results beside their inputs need one"):
        plan_batch([tmp_path / "a.png"], None)


@pytest.mark.parametrize("into", [None, "in"])
def test_results_beside_the_inputs_are_no_inputs(tmp_path, into):
    touch(tmp_path, "in/a.png", "in/a_x4.png", "in/a_x4_x4.png", "in/b.png", "in/sub/c_x4.jpg")
    output = None if into is None else f"{tmp_path}/{into}"
    with pytest.warns(ImageWarning, match=r"2 of the inputs are results .* 'a_x4|in/a_x4\.png'"):
        jobs = plan_batch([tmp_path / "in"], output, suffix="_x4")
    assert [job.source.name for job in jobs] == ["a.png", "b.png", "c_x4.jpg"]


def test_named_results_are_inputs_only_of_a_new_batch(tmp_path):
    inputs = touch(tmp_path, "a.png", "a_x4.png")
    with pytest.raises(OutputError, match="is the input"):
        plan_batch(inputs, None, suffix="_x4")
    with pytest.warns(ImageWarning, match="1 of the inputs"):
        jobs = plan_batch(inputs, None, suffix="_x4", go_on=True)
    assert [job.source.name for job in jobs] == ["a.png"]


@pytest.mark.parametrize("name", ["out.png", "out.JPEG", "out.webp", "page.html", "x.bmp"])
@pytest.mark.parametrize("which", ["output", "score_map", "report"])
def test_the_name_of_a_file_is_no_folder(tmp_path, name, which):
    touch(tmp_path, "in/a.png", "in/b.png")
    for inputs in ([tmp_path / "in"], [tmp_path / "in/a.png", tmp_path / "in/b.png"]):
        given = {"output": f"{tmp_path}/out", which: f"{tmp_path}/{name}"}
        with pytest.raises(OptionError, match=r"is the name of a file, and a folder is needed"):
            plan_batch(inputs, **given)
        plan_batch(inputs, **(given | {which: f"{tmp_path}/{name}/"}))
        (tmp_path / name).mkdir(exist_ok=True)
        plan_batch(inputs, **given)
        (tmp_path / name).rmdir()
    plan_batch([tmp_path / "in"], f"{tmp_path}/photos.2024")


@pytest.mark.parametrize("which", ["output", "score_map", "report"])
def test_empty_paths(tmp_path, which):
    inputs = touch(tmp_path, "a.png")
    with pytest.raises(OptionError, match="the path is empty"):
        plan_batch(inputs, **{"output": "b.png", which: ""})


def test_weights_are_never_written(tmp_path):
    inputs = touch(tmp_path, "a.png", "w.png")
    for outputs in ({"output": inputs[1]}, {"output": "b.png", "score_map": inputs[1]}):
        with pytest.raises(OutputError, match=r"is the file of weights '.*w\.png' itself"):
            plan_batch(inputs[:1], **{k: str(v) for k, v in outputs.items()}, weights=[inputs[1]])
