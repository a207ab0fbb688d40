# SPDX-License-Identifier: Apache-2.0
import pytest

from searchtransfer.errors import DataError
from searchtransfer.images import ImageWarning
from searchtransfer.images.pairs import (
    Pair,
    cufed_groups,
    cufed_pairs,
    list_pairs,
    scene_pairs,
    single_photos,
)


def make(root, *names):
    """Empty files: layouts are read by name alone."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_cufed_training_layout(tmp_path):
    make(tmp_path, "input/b.png", "input/a.png", "ref/a.png", "ref/b.png", "input/note.txt")
    with pytest.warns(ImageWarning, match="1 left out: 'note.txt'"):
        pairs = cufed_pairs(tmp_path)
    assert pairs == [
        Pair(tmp_path / "input" / name, (tmp_path / "ref" / name,)) for name in ("a.png", "b.png")
    ]


def test_cufed_training_layout_with_unmatched_names(tmp_path):
    make(tmp_path, "input/a.png", "input/b.png", "ref/a.png", "ref/c.png")
    with pytest.raises(DataError, match=r"2 names are in only one of input/ and ref/: b\.png, c"):
        cufed_pairs(tmp_path)


def test_cufed_training_layout_without_folders(tmp_path):
    with pytest.raises(DataError, match="input': cannot be read as a folder: No such file"):
        cufed_pairs(tmp_path)
    for find in (cufed_pairs, cufed_groups):
        with pytest.raises(DataError, match=r"none': is not there; CUFED and CUFED5 are to be had"):
            find(tmp_path / "none")
    make(tmp_path, "input/a.png", "ref/readme.txt")
    with pytest.raises(DataError, match="ref': no photo is in it"):
        cufed_pairs(tmp_path)


def test_cufed_test_groups_keep_the_order_of_references(tmp_path):
    make(tmp_path, *(f"010_{i}.png" for i in range(6)), "002_0.png", "002_1.png", "cover.png")
    with pytest.warns(ImageWarning, match=r"1 left out: 'cover.png' \(not named NAME_0"):
        pairs = cufed_groups(tmp_path)
    assert [pair.target.name for pair in pairs] == ["002_0.png", "010_0.png"]
    assert [path.name for path in pairs[1].references] == [f"010_{i}.png" for i in range(1, 6)]


def test_ten_references_are_in_the_order_of_numbers(tmp_path):
    make(tmp_path, *(f"x_{i}.png" for i in range(12)))
    numbers = [int(p.stem.split("_")[1]) for p in cufed_groups(tmp_path)[0].references]
    assert numbers == list(range(1, 12))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a_1.png", "a_2.png"], "not complete: a"),
        (["a_0.png", "b_0.png", "b_1.png"], "not complete: a"),
        (["photo.png"], "found none"),
    ],
)
def test_cufed_test_groups_that_are_not_complete(tmp_path, names, message):
    with pytest.raises(DataError, match=message):
        cufed_groups(make(tmp_path, *names))


def test_scenes_any_photo_with_any_other(tmp_path):
    make(tmp_path, "one/a.jpg", "one/b.JPG", "one/c.png", "two/x.jpg", "two/y.jpg", "two/.z.jpg")
    pairs = scene_pairs(tmp_path)
    partners = {pair.target.name: [p.name for p in pair.references] for pair in pairs}
    assert partners == {
        "a.jpg": ["b.JPG", "c.png"],
        "b.JPG": ["a.jpg", "c.png"],
        "c.png": ["a.jpg", "b.JPG"],
        "x.jpg": ["y.jpg"],
        "y.jpg": ["x.jpg"],
    }


def test_scenes_with_near_neighbours_only(tmp_path):
    make(tmp_path, *(f"{i}.jpg" for i in range(4)))  # the folder itself is the scene
    pairs = scene_pairs(tmp_path, neighbours=1)
    assert [[p.stem for p in pair.references] for pair in pairs] == [
        ["1"],
        ["0", "2"],
        ["1", "3"],
        ["2"],
    ]


def test_scene_of_one_photo(tmp_path):
    make(tmp_path, "one/a.jpg")
    with pytest.raises(DataError, match="one': a scene needs at least two photos, found 1"):
        scene_pairs(tmp_path)


def test_files_beside_the_folders_of_scenes_are_named(tmp_path):
    make(tmp_path, "one/a.png", "one/b.png", "one/b.xmp", "two.jpg", ".hidden")
    with pytest.warns(ImageWarning, match=r"2 left out: 'one/b.xmp' \(.*, 'two.jpg' \(beside"):
        assert len(scene_pairs(tmp_path)) == 2


def test_single_photos_in_all_folders_below(tmp_path):
    make(tmp_path, "b.png", "deep/er/a.jpg", "deep/.hidden.png", "deep/text.txt")
    with pytest.warns(ImageWarning, match="1 left out: 'text.txt'"):
        pairs = single_photos(tmp_path)
    assert pairs == [Pair(tmp_path / "b.png"), Pair(tmp_path / "deep/er/a.jpg")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photo is in it or below it"):
        single_photos(tmp_path / "empty")
    with pytest.raises(DataError, match="cannot be read as a folder"):
        single_photos(tmp_path / "none")


def test_list_file(tmp_path):
    make(tmp_path, "a.png", "with space.png", "deep/ü.png")
    (tmp_path / "list.txt").write_text(
        "# target, references\n\na.png\twith space.png\tdeep/ü.png\r\ndeep/ü.png\n", "utf-8"
    )
    assert list_pairs(tmp_path / "list.txt") == [
        Pair(tmp_path / "a.png", (tmp_path / "with space.png", tmp_path / "deep/ü.png")),
        Pair(tmp_path / "deep/ü.png"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.png\tnone.png\n", r"list\.txt', line 1: there is no file .*none\.png"),
        (b"# nothing\n", "lists no pair"),
        (b"\xff\xfe", "cannot be read as a list"),
    ],
)
def test_list_file_with_faults(tmp_path, content, message):
    make(tmp_path, "a.png")
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list_pairs(tmp_path / "list.txt")


def test_list_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read as a list"):
        list_pairs(tmp_path / "list.txt")


@pytest.mark.parametrize("twice", ["001_01.png", "001_1.jpg"])
def test_a_number_twice_in_a_group(tmp_path, twice):
    for name in ("001_0.png", "001_1.png", twice):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="have the same number in their group"):
        cufed_groups(tmp_path)


def test_a_list_with_a_byte_order_mark(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa.png\tb.png\r\n")
    assert list_pairs(tmp_path / "list.txt") == [Pair(tmp_path / "a.png", (tmp_path / "b.png",))]
