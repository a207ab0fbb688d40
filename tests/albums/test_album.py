# SPDX-License-Identifier: Apache-2.0
"""Albums: the right photos, an index that follows the folder, photos that go away meanwhile."""

import pickle
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from cli.commands import command
from scenes import save

from searchtransfer.albums import Album, descriptor
from searchtransfer.albums.updating import updated
from searchtransfer.batch import FromAlbum, Shelf, plan_batch
from searchtransfer.errors import ImageFileError, MissingExtraError, OptionError, OutputError
from searchtransfer.images import ImageWarning, degrade, read_image

data = pytest.importorskip("skimage.data")
pytest.importorskip("usearch", reason="the extra album is not installed")

NAMES = "astronaut", "coffee", "chelsea", "rocket"


def crop(name: str, part: slice) -> np.ndarray:
    photo = getattr(data, name)()[..., :3]
    return photo[:, part]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The left of each photo, in a folder, and the right of them, reduced, in another."""
    folder = tmp_path_factory.mktemp("photos")
    for name in NAMES:
        save(folder / "album" / name[0] / f"{name}.png", crop(name, slice(0, 320)))
        small = torch.from_numpy(crop(name, slice(40, 360)).copy()).permute(2, 0, 1) / 255
        small = degrade(small[:, : small.shape[1] // 4 * 4], 4)
        save(
            folder / "small" / f"{name}.png", (small * 255).round().byte().permute(1, 2, 0).numpy()
        )
    Album.open(folder / "album")
    return folder


@pytest.fixture
def album(photos: Path, tmp_path: Path) -> Path:
    shutil.copytree(photos / "album", tmp_path / "album")
    return tmp_path / "album"


def small(photos: Path, name: str) -> torch.Tensor:
    return read_image(photos / "small" / f"{name}.png").colour


@pytest.mark.parametrize("name", NAMES)
def test_the_photo_of_the_same_scene_is_chosen_and_no_other(photos, album, name):
    opened = Album.open(album)
    assert opened.similar(small(photos, name))[0].path.stem == name
    assert [x.stem for x in opened.choose(small(photos, name))] == [name]
    assert opened.choose(small(photos, name), leave_out=album / name[0] / f"{name}.png") == []


def test_nothing_shows_the_same_as_noise(album):
    noise = torch.rand(3, 60, 80)
    assert Album.open(album).choose(noise) == []
    assert Album.open(album).choose(torch.zeros(3, 60, 80)) == []


def test_the_index_follows_the_folder(photos, album, monkeypatch):
    """What is described again is counted."""
    described: list[int] = []
    inner = descriptor.points_of

    def count(*args, **kwargs):
        described.append(1)
        return inner(*args, **kwargs)

    monkeypatch.setattr("searchtransfer.albums.updating.points_of", count)
    kept = (album / ".searchtransfer-album").read_bytes()
    assert len(Album.open(album)) == 4 and not described  # times are not those of the copy's...
    (album / "c" / "coffee.png").rename(album / "moved.png")
    (album / "r" / "rocket.png").unlink()
    assert len(Album.open(album)) == 3 and not described
    assert (album / ".searchtransfer-album").read_bytes() != kept
    assert [x.name for x in Album.open(album).choose(small(photos, "coffee"))] == ["moved.png"]
    assert Album.open(album).choose(small(photos, "rocket")) == []
    time.sleep(0.01)
    save(album / "moved.png", crop("rocket", slice(0, 320)))  # other content, the same name
    opened = Album.open(album)
    assert len(described) == 1
    assert [x.name for x in opened.choose(small(photos, "rocket"))] == ["moved.png"]
    assert opened.choose(small(photos, "coffee")) == []


def test_photos_that_cannot_be_read_are_told_and_looked_at_once(album, monkeypatch):
    (album / "bad.png").write_bytes(b"nonsense")
    with pytest.warns(ImageWarning, match=r"1 photo is left out.*bad\.png"):
        assert len(Album.open(album)) == 4
    monkeypatch.setattr("searchtransfer.albums.updating.read_image", None)
    with pytest.warns(ImageWarning, match=r"1 photo is left out.*bad\.png"):
        Album.open(album)


def test_an_album_that_shrinks_while_in_use(photos, album):
    twin = album / "twin.png"
    shutil.copy(album / "c" / "coffee.png", twin)
    opened = Album.open(album)
    (album / "c" / "coffee.png").unlink()
    assert opened.choose(small(photos, "coffee")) == [twin]
    twin.unlink()
    with pytest.warns(ImageWarning, match=r"album .*: a photo is passed over .*coffee\.png"):
        assert opened.choose(small(photos, "coffee")) == []


def test_what_was_chosen_is_gone_when_its_turn_comes(photos, album, tmp_path):
    twin = album / "twin.png"
    shutil.copy(album / "c" / "coffee.png", twin)
    (job,) = plan_batch([photos / "small" / "coffee.png"], str(tmp_path / "out.png"))
    provider = FromAlbum(Album.open(album), Shelf(lambda photos: None, 4, keep_going=True))
    job = provider.chosen(job)
    (first,) = job.references
    first.unlink()
    with pytest.warns(ImageWarning, match=rf"{first.name}' is gone, so it is chosen anew"):
        job = provider.chosen(job)
    (second,) = job.references
    assert list(provider.of(job).photos) == [second] and second != first
    second.unlink()
    with pytest.warns(ImageWarning) as said:
        job = provider.chosen(job)
    assert job.references == ()
    assert "no photo shows the same as" in str(said[-1].message)


def test_a_pickle_is_opened_from_the_index(photos, album):
    opened = pickle.loads(pickle.dumps(Album.open(album)))
    assert [x.stem for x in opened.choose(small(photos, "chelsea"))] == ["chelsea"]


@pytest.mark.parametrize("content", [b"nonsense", b"", None])
def test_a_file_that_is_no_index_is_not_replaced(album, content):
    index = album.parent / "index"
    if content is None:
        from safetensors.numpy import save_file

        save_file({"weights": np.zeros(3)}, index)
    else:
        index.write_bytes(content)
    before = index.read_bytes()
    with pytest.raises(OutputError, match="--album-index"):
        Album.open(album, index=index)
    assert index.read_bytes() == before


def test_a_damaged_index_is_told(album):
    path = album / ".searchtransfer-album"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(OutputError, match=r"is damaged or no index .*remove it"):
        Album.open(album)


def test_what_is_no_album(tmp_path):
    with pytest.raises(OptionError, match="is no folder"):
        Album.open(tmp_path / "none")
    with pytest.raises(ImageFileError, match="has no photos"):
        Album.open(tmp_path)
    save(tmp_path / "flat.png", np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(ImageFileError, match="shows anything that can be found"):
        Album.open(tmp_path)


def test_without_the_extra(album, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[album\]'"):
        Album.open(album)


def test_an_update_can_be_stopped(album):
    def stop(stage, done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        updated(album, [album / "c" / "coffee.png"], None, 4, stop, lambda contents: None)


def test_the_provider_leaves_the_image_itself_out(album, tmp_path):
    (job,) = plan_batch([album / "c" / "coffee.png"], str(tmp_path / "out.png"))
    provider = FromAlbum(Album.open(album), Shelf(lambda photos: None, 4), reduce=True)
    with pytest.warns(ImageWarning, match="no photo shows the same"):
        assert provider.chosen(job).references == ()


def test_the_command(photos, album, tmp_path):
    shutil.copy(photos / "small" / "rocket.png", tmp_path / "a.png")
    (album / "r" / "rocket.png").unlink()
    shutil.copy(photos / "small" / "coffee.png", tmp_path / "b.png")
    pictures = [(x, read_image(tmp_path / x).colour) for x in ("a.png", "b.png")]
    for name, colour in pictures:  # smaller, to be quick
        part = (colour[:, :40, 20:70] * 255).round().byte().permute(1, 2, 0).numpy()
        save(tmp_path / "in" / name, part)
    words = "upscale", "-i", tmp_path / "in", "-o", tmp_path / "out", "--album", album, "--top", "1"
    done = command(*words)
    assert done.exit_code == 0, done.output
    assert "no photo shows the same as" in done.stderr and "a.png" in done.stderr
    lines = (tmp_path / "out" / "searchtransfer.jsonl").read_text().splitlines()
    assert "coffee.png" in lines[1] and '"reference_count": 0' in lines[0]
    again = command(*words, "--on-exists", "skip")
    assert again.stdout.count("skipped") == 3, again.output
    wrong = command(*words, "-r", album)
    assert wrong.exit_code == 2 and "leave -r and --pair-by out" in wrong.stderr
