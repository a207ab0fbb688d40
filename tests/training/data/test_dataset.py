# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from training.data.photos import photo, saved

from searchtransfer.errors import DataError, OptionError
from searchtransfer.images.pairs import Pair, cufed_pairs, single_photos
from searchtransfer.training.data import DrawSampler, PairDataset, SkipLog, collate, dataset
from searchtransfer.training.data.cache import PhotoCache
from searchtransfer.training.data.pixels import read_pixels


@pytest.fixture
def photos(tmp_path):
    return [saved(tmp_path / f"{i}.png", photo(seed=i)) for i in range(4)]


@pytest.fixture
def pairs(photos):
    a, b, c, d = photos
    return [Pair(a, (b, c)), Pair(b, (a,)), Pair(c), Pair(d)]


def equal(one, two):
    return all(torch.equal(x, y) for x, y in zip(one[:-1], two[:-1], strict=True))


def test_shapes_and_ranges(pairs):
    batch = collate([PairDataset(pairs, patch=32)[i] for i in range(4)])
    assert [tuple(x.shape) for x in batch[:-1]] == [
        (4, 3, 32, 32),
        (4, 3, 8, 8),
        (4, 3, 32, 32),
        (4, 3, 32, 32),
        (4, 3, 32, 32),
    ]
    assert all(x.abs().max() <= 1 for x in batch[:-1])
    assert batch.skipped == ()


def test_same_seed_same_samples_and_every_epoch_another(pairs):
    data, again = PairDataset(pairs, 32, seed=5), PairDataset(pairs, 32, seed=5)
    for draw in range(8):
        assert equal(data[draw], again[draw])
    assert not equal(data[0], data[4])  # the same pair, an epoch later
    assert not equal(data[0], PairDataset(pairs, 32, seed=6)[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(pairs, workers):
    def batches(count):
        data = PairDataset(pairs, 32)
        sampler = DrawSampler(len(data), stop=10, seed=1)
        loader = DataLoader(data, 3, sampler=sampler, collate_fn=collate, num_workers=count)
        return list(loader)

    for one, many in zip(batches(0), batches(workers), strict=True):
        assert equal(one, many)


def test_without_augmentation_the_target_is_part_of_the_photo(pairs):
    sample = PairDataset(pairs, 32, augment=False)[3]
    pixels = ((sample.hr + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(photo(seed=3), (32, 32, 3))
    assert (windows == pixels).all(axis=(-3, -2, -1)).any()


def test_small_reference_is_padded_with_black(tmp_path, photos):
    small = saved(tmp_path / "small.png", photo(20, 24, seed=9))
    sample = PairDataset([Pair(photos[0], (small,))], 32, augment=False)[0]
    assert (sample.ref[:, 20:] == -1).all()
    assert (sample.ref[:, :, 24:] == -1).all()
    assert sample.ref[:, :20, :24].mean() > -1


def test_cufed_pair_of_the_patch_size_is_used_whole(tmp_path):
    target, reference = photo(32, 32), photo(32, 32, seed=1)
    saved(tmp_path / "input/a.png", target)
    saved(tmp_path / "ref/a.png", reference)
    sample = PairDataset(cufed_pairs(tmp_path), 32, augment=False)[0]
    for ours, pixels in ((sample.hr, target), (sample.ref, reference)):
        expected = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 127.5 - 1
        assert torch.equal(ours, expected)


def test_target_and_reference_are_turned_independently(tmp_path):
    same = photo(32, 32)
    saved(tmp_path / "input/a.png", same)
    saved(tmp_path / "ref/a.png", same)
    data = PairDataset(cufed_pairs(tmp_path), 32)
    for side in (0, 3):  # hr, ref
        assert len({data[i][side].numpy().tobytes() for i in range(64)}) == 8
    alike = [torch.equal(data[i].hr, data[i].ref) for i in range(64)]
    assert 0 < sum(alike) < 24  # one in eight


def broken(folder, count=1):
    for i in range(count):
        (folder / f"broken{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n rest")
    return [Pair(folder / f"broken{i}.png") for i in range(count)]


def test_a_broken_file_is_replaced_and_named(tmp_path, pairs):
    data = PairDataset(broken(tmp_path) + pairs, 32)
    sample = data[0]
    assert len(sample.skipped) == 1
    assert sample.skipped[0].startswith(f"image '{tmp_path}/broken0.png': damaged")
    batch = collate([data[0], data[1]])
    assert batch.skipped == sample.skipped


def test_a_broken_reference_is_named_itself(tmp_path, photos):
    pairs = [Pair(photos[0], (broken(tmp_path)[0].target,)), Pair(photos[1])]
    assert "broken0.png" in PairDataset(pairs, 32)[0].skipped[0]


def test_a_photo_smaller_than_the_patch(tmp_path, pairs):
    small = saved(tmp_path / "small.png", photo(31, 40))
    reasons = PairDataset([Pair(small), *pairs], 32)[0].skipped
    assert reasons == (f"{small}: is 40 x 31 pixels, smaller than the patch of 32",)


def test_nothing_but_broken_files(tmp_path):
    data = PairDataset(broken(tmp_path, 3), 32)
    with pytest.raises(DataError, match=r"3 pairs in a row could not be used: .*broken0\.png"):
        data[0]
    with pytest.raises(DataError, match="2 pairs in a row"):
        PairDataset(broken(tmp_path, 3), 32, max_tries=2)[0]


def test_skips_are_counted_once_capped_and_named():
    log = SkipLog(cap=2)
    assert log.summary() == ""
    log.add(["b: damaged", "a: damaged"])
    log.add(["a: damaged"])
    assert log.summary() == "2 files could not be used:\n  a: damaged\n  b: damaged"
    with pytest.raises(DataError, match=r"3 files(.|\n)*  c: damaged(.|\n)*More than the 2"):
        log.add(["c: damaged"])


def test_arguments_out_of_range(tmp_path, pairs):
    with pytest.raises(DataError, match="no pairs"):
        PairDataset([], 32)
    for patch in (0, 30):
        with pytest.raises(OptionError, match="patch must be a multiple of 4"):
            PairDataset(pairs, patch)
    with pytest.raises(OptionError, match="max_tries"):
        PairDataset(pairs, 32, max_tries=0)
    with pytest.raises(IndexError, match="draw must be at least 0"):
        PairDataset(pairs, 32)[-1]
    with pytest.raises(OptionError, match="cap must be at least 0"):
        SkipLog(-1)
    with pytest.raises(OptionError, match="start between 0 and stop"):
        DrawSampler(3, stop=2, start=3)


def test_order_visits_all_once_an_epoch_and_differs_between_them():
    draws = list(DrawSampler(7, stop=21, seed=2))
    epochs = [draws[i : i + 7] for i in (0, 7, 14)]
    for number, epoch in enumerate(epochs):
        assert sorted(epoch) == list(range(7 * number, 7 * number + 7))
    orders = {tuple(draw % 7 for draw in epoch) for epoch in epochs}
    assert len(orders) == 3


@pytest.mark.parametrize("start", [0, 1, 6, 7, 12, 20])
def test_order_resumes_anywhere(start):
    whole = list(DrawSampler(7, stop=20, seed=2))
    rest = DrawSampler(7, stop=20, start=start, seed=2)
    assert list(rest) == whole[start:]
    assert len(rest) == 20 - start


def test_real_layout_of_singles(tmp_path, photos):
    assert len(PairDataset(single_photos(tmp_path), 32)) == 4


def test_cached_photos_give_the_same_samples_and_are_read_once(pairs, photos):
    plain, cached = PairDataset(pairs, 32), PairDataset(pairs, 32, cache=10**6)
    expected = [plain[draw] for draw in range(8)]
    assert all(equal(cached[draw], expected[draw]) for draw in range(8))
    for path in photos:
        cached.photos.read(path)
        path.unlink()
    assert all(equal(cached[draw], expected[draw]) for draw in range(8))
    with pytest.raises(DataError, match="pairs in a row could not be used"):
        plain[0]


def test_a_cache_keeps_what_fits(photos):
    size = read_pixels(photos[0]).nbytes
    cache = PhotoCache(2 * size + 1)
    first = [cache.read(path) for path in photos[:3]]
    assert [cache.read(path) is kept for path, kept in zip(photos, first, strict=False)] == [
        True,
        True,
        False,
    ]
    with pytest.raises(ValueError, match="read-only"):
        first[0][0, 0] = 0


def test_references_of_single_photos_differ_in_strength(pairs, monkeypatch):
    seen = []

    def instead(photo, corner, size, rng, strength):
        seen.append(strength)
        return photo[:size, :size]

    monkeypatch.setattr(dataset, "made_reference", instead)
    samples = PairDataset([pairs[2]], 32)
    for draw in range(50):
        samples[draw]
    assert min(seen) < 0.2 and max(seen) > 0.8 and min(seen) >= 0 and max(seen) <= 1
