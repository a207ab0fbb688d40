# SPDX-License-Identifier: Apache-2.0
"""Reference: what it takes, and that everything is computed once, whoever asks."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from pictures import texture
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import DTypeError, NonFiniteError, OptionError, ShapeError
from searchtransfer.references import photo as photo_module


class TestOnce:
    def test_four_threads_prepare_every_copy_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[int] = []
        upright = photo_module.upright

        def counted(pixels: Tensor, number: int, scale: int) -> object:
            made.append(number)
            return upright(pixels, number, scale)

        monkeypatch.setattr(photo_module, "upright", counted)
        reference = Reference.build([texture(40, 60), texture(30, 50, 1)])
        together = Barrier(4)

        def ask(_: int) -> list[int]:
            together.wait()
            reference.prepare()
            return [id(photo.upright) for photo in reference.prepared]

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, range(4)))
        assert sorted(made) == [0, 1]
        assert all(answer == answers[0] for answer in answers)

    def test_pickles_take_the_photos_alone(self) -> None:
        reference = Reference.build([texture(64, 80), texture(30, 50, 1)], 2)
        before = len(pickle.dumps(reference))
        reference.prepare()
        assert len(pickle.dumps(reference)) == before
        again = pickle.loads(pickle.dumps(reference))
        assert again.scale == 2
        for ours, theirs in zip(again.photos, reference.photos, strict=True):
            assert torch.equal(ours, theirs)
        assert again.prepared[1].upright.photo == 1

    def test_moved(self) -> None:
        reference = Reference.build([texture(8, 8)], 2)
        assert reference.to("cpu") is reference


class TestInputs:
    def test_half_and_double_become_single(self) -> None:
        for dtype in (torch.float16, torch.bfloat16, torch.float64):
            photo = texture(8, 8).to(dtype)
            reference = Reference.build([photo])
            assert reference.photos[0].dtype == torch.float32
            assert torch.equal(reference.photos[0], photo.float())

    def test_layout_does_not_matter(self) -> None:
        photo = texture(12, 9)
        turned = photo.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        kept = Reference.build([turned]).photos[0]
        assert torch.equal(kept, photo)
        assert kept.is_contiguous()

    def test_photos_are_copied_and_left_alone(self) -> None:
        photo = texture(12, 9).requires_grad_()
        before = photo.detach().clone()
        reference = Reference.build([photo]).prepare()
        assert torch.equal(photo, before)
        assert not reference.photos[0].requires_grad
        with torch.no_grad():
            photo.zero_()
        assert torch.equal(reference.photos[0], before)


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    PHOTO = torch.zeros(3, 8, 8)

    @pytest.mark.parametrize("scale", [0, 1, 5, 16])
    def test_scale(self, scale: int) -> None:
        with pytest.raises(OptionError, match=rf"one of \(2, 3, 4, 8\), got {scale}"):
            Reference.build([self.PHOTO], scale)

    def test_none(self) -> None:
        with pytest.raises(ShapeError, match="at least one photo, got none"):
            Reference.build([])

    @pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (4, 8, 8), (1, 3, 8, 8)])
    def test_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match=r"photo 1 must be \[3, H, W\], got \["):
            Reference.build([self.PHOTO, torch.zeros(shape)])

    @pytest.mark.parametrize("size", [(3, 8), (8, 3), (0, 8)])
    def test_smaller_than_a_cell(self, size: tuple[int, int]) -> None:
        message = f"photo 0 must be at least 4 x 4 pixels for scale 4, got {size[1]} x {size[0]}"
        with pytest.raises(ShapeError, match=message):
            Reference.build([torch.zeros(3, *size)])

    def test_integers(self) -> None:
        with pytest.raises(DTypeError, match=r"photo 0 must be floating point .* got torch.uint8"):
            Reference.build([self.PHOTO.to(torch.uint8)])

    @pytest.mark.parametrize("value", [torch.nan, torch.inf])
    def test_not_finite(self, value: float) -> None:
        photo: Tensor = self.PHOTO.clone()
        photo[1, 2, 3] = value
        with pytest.raises(NonFiniteError, match="photo 1 holds NaN or infinity"):
            Reference.build([self.PHOTO, photo])
