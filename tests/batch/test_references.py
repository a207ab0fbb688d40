# SPDX-License-Identifier: Apache-2.0
"""References are read once, and prepared once for each colour profile."""

import pytest
import torch
from profiles import matrix_profile
from scenes import save, sharp

from searchtransfer.batch import References, read_references
from searchtransfer.errors import ImageFileError, OptionError
from searchtransfer.images import Image, ImageWarning, Metadata


def test_files_and_folders(tmp_path):
    one = save(tmp_path / "one.png", sharp())
    two, three = (save(tmp_path / "more" / name, sharp()) for name in ("2.png", "sub/3.png"))
    photos = read_references([one, tmp_path / "more", one], scale=4)
    assert list(photos) == [one, two, three]


def test_none():
    with pytest.raises(
        OptionError,
        match="references: the model needs at least one sharp photo, got none; name it with -r",
    ):
        read_references([], scale=4)
    assert read_references([], scale=4, needed=False) == {}
    assert (
        References({}, prepare=lambda _: pytest.fail()).fitting(Image(torch.rand(3, 4, 4))) is None
    )


def test_a_missing_one(tmp_path):
    with pytest.raises(ImageFileError, match=r"^reference '.*gone\.png': no such file$"):
        read_references([tmp_path / "gone.png"], scale=4)


def test_a_folder_without_images(tmp_path):
    with pytest.raises(ImageFileError, match=r"^reference folder '.*': has no images"):
        read_references([tmp_path], scale=4)


@pytest.mark.parametrize(("size", "scale"), [((3, 9), 4), ((9, 7), 8), ((1, 1), 2)])
def test_one_that_is_too_small(tmp_path, size, scale):
    path = save(tmp_path / "small.png", sharp(0, *size))
    what = rf"has {size[1]} x {size[0]} pixels, at least {scale} x {scale} are needed for scale"
    with pytest.raises(ImageFileError, match=what):
        read_references([path], scale=scale)


def test_broken_ones_can_be_left_out(tmp_path):
    good, bad = save(tmp_path / "good.png", sharp()), tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:200])
    with pytest.raises(ImageFileError, match=r"reference '.*bad\.png': damaged"):
        read_references([bad, good], scale=4)
    with pytest.warns(ImageWarning, match=r"bad\.png': damaged .*; it is left out"):
        assert list(read_references([bad, good], scale=4, keep_going=True)) == [good]


def test_one_must_be_left(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    with (
        pytest.warns(ImageWarning, match="left out"),
        pytest.raises(ImageFileError, match="none of the 1 can be used; see the warnings"),
    ):
        read_references([tmp_path / "bad.png"], scale=4, keep_going=True)


def with_profile(icc):
    return Image(torch.rand(3, 8, 8), metadata=Metadata(icc=icc))


class Prepare:
    """Stands in for the upscaler, and remembers what it was given."""

    def __init__(self):
        self.calls = []

    def __call__(self, photos):
        self.calls.append(photos)
        return len(self.calls)


@pytest.fixture
def prepare(as_users_run):
    return Prepare()


def test_prepared_once_for_a_profile(tmp_path, prepare):
    wide = matrix_profile(gamma=1.0)
    photos = {tmp_path / "a.png": with_profile(None), tmp_path / "b.png": with_profile(wide)}
    references = References(photos, prepare)
    assert references.fitting(with_profile(None)) == 1
    assert references.fitting(with_profile(wide)) == 2
    assert references.fitting(with_profile(None)) == 1
    assert references.fitting(with_profile(wide)) == 2
    first, second = prepare.calls
    plain, deep = photos.values()
    assert first[0] is plain
    assert first[1].metadata.icc is None
    assert second[1] is deep
    assert second[0].metadata.icc == wide


def test_few_are_kept_at_a_time(tmp_path, prepare):
    references = References({tmp_path / "a.png": with_profile(None)}, prepare)
    for gamma in (1.0, 1.5, 2.5):
        references.fitting(with_profile(matrix_profile(gamma=gamma)))
    assert references.fitting(with_profile(matrix_profile(gamma=2.5))) == 3
    assert references.fitting(with_profile(matrix_profile(gamma=1.0))) == 4


def test_one_that_cannot_be_converted_is_used_as_it_is(tmp_path, prepare):
    photo = with_profile(b"damaged")
    references = References({tmp_path / "a.png": photo}, prepare)
    with pytest.warns(ImageWarning, match=r"reference '.*a\.png': its colours could not"):
        references.fitting(with_profile(None))
    assert prepare.calls[0][0] is photo
