# SPDX-License-Identifier: Apache-2.0
"""Which photos are trained on, which are held out, and what is drawn from them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from training.data.photos import photo, saved

from searchtransfer.errors import DataError
from searchtransfer.images.pairs import Pair
from searchtransfer.training.data.views import Views
from searchtransfer.training.fusion import drawing
from searchtransfer.training.fusion.drawing import Sources
from searchtransfer.training.fusion.sources import find_sources, settled
from searchtransfer.training.fusion.split import Split, photo_name


def singles(root, count, first=0):
    for i in range(first, first + count):
        saved(root / f"{i}.png", photo(128, 128, seed=i))
    return root


def scene(root, name, seed, count=3):
    for i in range(count):
        saved(root / "scenes" / name / f"{i}.png", photo(132, 140, seed=seed + i))
    return root


def contents(sources):
    """The bytes of all photos that sources can show."""
    pairs = [*sources.scenes, *sources.cufed, *sources.singles]
    return {path.read_bytes() for pair in pairs for path in (pair.target, *pair.references)}


def both(root, split=Split()):  # noqa: B008
    return find_sources(root, split=split), find_sources(root, True, split)


def test_what_is_held_out_is_not_trained_on(tmp_path):
    singles(tmp_path / "singles", 40)
    for seed, name in enumerate(("a", "b", "c")):
        scene(tmp_path, name, 100 * seed + 100)
    trained, held = both(tmp_path)
    assert trained.singles and trained.scenes and held.singles and held.scenes
    assert not contents(trained) & contents(held)
    assert len(contents(trained)) + len(contents(held)) == 40 + 9
    scenes = [{pair.target.parent.name for pair in x.scenes} for x in (trained, held)]
    assert not scenes[0] & scenes[1]


def test_an_added_photo_moves_no_other(tmp_path):
    split = Split(0.2)
    singles(tmp_path, 30)
    trained, held = (contents(x) for x in both(tmp_path, split))
    for i in range(8):
        # Before, between and behind the others, in the order of names.
        saved(tmp_path / f"{'0' * (i % 3)}{i}-new.png", photo(128, 128, seed=500 + i))
        now_trained, now_held = (contents(x) for x in both(tmp_path, split))
        assert trained <= now_trained
        assert held <= now_held


def test_a_renamed_or_copied_photo_stays_where_it_was(tmp_path):
    split = Split(0.2)
    singles(tmp_path / "singles", 20)
    held = contents(find_sources(tmp_path, True, split))
    for i, path in enumerate(sorted((tmp_path / "singles").iterdir())):
        path.rename(path.with_name(f"renamed-{i}.png"))
    assert contents(find_sources(tmp_path, True, split)) == held
    kept = find_sources(tmp_path, True, split).singles[0].target
    scene(tmp_path, "street", 200)
    shutil.copy(kept, tmp_path / "scenes/street/9.png")
    trained = find_sources(tmp_path, split=replace(split, named=frozenset({"scene other"})))
    assert kept.read_bytes() not in contents(trained)


def test_the_share_is_about_that(tmp_path):
    numbers = [Split(0.1).holds(f"photo {i}") for i in range(2000)]
    assert 150 < sum(numbers) < 250


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_few_photos_are_divided_too(tmp_path, count):
    trained, held = both(singles(tmp_path, count))
    assert len(held.singles) >= 1
    assert len(trained.singles) >= 1
    assert len(trained.singles) + len(held.singles) == count
    target, _, kind = trained.draw(np.random.default_rng(0))
    assert target.shape == (128, 128, 3)
    assert kind in ("made", "alone", "useless")


def test_one_of_few_that_was_held_out_stays_so(tmp_path):
    split = settled(singles(tmp_path, 3), Split(0.0))
    held = contents(find_sources(tmp_path, True, split))
    assert len(held) == 1
    singles(tmp_path, 20, first=50)
    assert contents(find_sources(tmp_path, True, split)) == held
    assert not held & contents(find_sources(tmp_path, split=split))


def test_a_single_photo_is_trained_on_and_the_rest_is_said(tmp_path):
    singles(tmp_path, 1)
    assert len(find_sources(tmp_path).singles) == 1
    with pytest.raises(DataError, match=r"too few to hold one out.*set validation\.crops=0"):
        find_sources(tmp_path, True)


def test_own_scenes_are_held_out_whatever_they_are_called(tmp_path):
    for i, name in enumerate(("kitchen", "garden", "castle", "harbour")):
        scene(tmp_path, name, 100 * i)
    trained, held = both(tmp_path)
    assert {x.target.parent.name for x in held.scenes}
    assert len({x.target.parent.name for x in trained.scenes}) == 3


def test_no_photo_is_large_enough(tmp_path):
    saved(tmp_path / "a.png", photo(16, 16))
    saved(tmp_path / "b.png", photo(100, 300))
    with pytest.raises(DataError, match="at least 128 pixels a side are in it: of 2, the largest"):
        find_sources(tmp_path)


def test_files_that_are_no_pictures_are_left_out(tmp_path):
    singles(tmp_path, 12)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello")
    assert len(find_sources(tmp_path).singles) + len(find_sources(tmp_path, True).singles) == 12
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(saved(tmp_path / "more" / "x.png", photo(128, 128, seed=77)).read_bytes())
    damaged.write_bytes(damaged.read_bytes()[:400])
    sources = Sources(singles=[Pair(damaged), *find_sources(tmp_path).singles])
    for i in range(40):
        sources.draw(np.random.default_rng(i))
    assert any("damaged.png" in reason for reason in sources.unusable)
    with pytest.raises(DataError, match=r"no crop can be made: .*damaged\.png"):
        Sources(singles=[Pair(damaged)]).draw(np.random.default_rng(0))


def useless(sources, monkeypatch, draws=150):
    """Target and reference, as names, of the crops with a useless reference."""
    read, seen, found = drawing.read_pixels, [], []
    monkeypatch.setattr(drawing, "read_pixels", lambda path: seen.append(path) or read(path))
    monkeypatch.setattr(drawing, "_CHANCES", drawing._CHANCES | {"useless": 5.0})
    for i in range(draws):
        seen.clear()
        if sources.draw(np.random.default_rng(i))[2] == "useless":
            found.append(tuple(seen))
    return found


def test_a_useless_reference_is_never_the_target_or_of_its_scene(tmp_path, monkeypatch):
    singles(tmp_path / "singles", 3)
    scene(tmp_path, "a", 100)
    # A copy of one photo, and one of a scene's photos among the singles.
    shutil.copy(tmp_path / "singles/0.png", tmp_path / "singles/copy.png")
    shutil.copy(tmp_path / "scenes/a/0.png", tmp_path / "singles/from-scene.png")
    root = tmp_path
    sources = Sources(
        scenes=[Pair(root / f"scenes/a/{i}.png", (root / "scenes/a/1.png",)) for i in range(3)],
        singles=[Pair(path) for path in sorted((root / "singles").iterdir())],
    )
    pairs = useless(sources, monkeypatch)
    assert len(pairs) > 40
    assert {target.name for target, _ in pairs} == {x.target.name for x in sources.singles}
    for target, reference in pairs:
        assert photo_name(target) != photo_name(reference)
        assert not (target.name == "from-scene.png" and reference.parent.name == "a")


def test_nothing_else_is_no_useless_reference(tmp_path, monkeypatch):
    singles(tmp_path, 1)
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    sources = Sources(singles=[Pair(tmp_path / "0.png"), Pair(tmp_path / "copy.png")])
    assert useless(sources, monkeypatch) == []


def test_other_views_reach_made_and_real_references(tmp_path, monkeypatch):
    singles(tmp_path / "singles", 4)
    scene(tmp_path, "a", 100)
    seen = []
    for name in ("wide_pair", "seen_otherwise"):
        known = getattr(drawing, name)
        monkeypatch.setattr(
            drawing, name, lambda *args, n=name, f=known: seen.append(n) or f(*args)
        )
    for chance, expected in ((0.0, set()), (1.0, {"wide_pair", "seen_otherwise"})):
        seen.clear()
        sources = find_sources(tmp_path, views=Views(chance))
        for i in range(30):
            target, reference, _ = sources.draw(np.random.default_rng(i))
            assert target.shape[0] % 4 == 0
            assert reference is None or min(reference.shape[:2]) >= 120
        assert set(seen) == expected
