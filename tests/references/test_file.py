# SPDX-License-Identifier: Apache-2.0
"""The reference file: nothing is lost, and nothing damaged is taken."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from pictures import texture
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.errors import OutputError, WeightsError
from searchtransfer.references.file import FORMAT, VERSION

HEADER = {"format": FORMAT, "version": VERSION, "scale": "4"}


def levels(photo: Tensor, most: int) -> Tensor:
    return (photo * most).round() / most


def stored_dtypes(path: Path) -> list[torch.dtype]:
    tensors = safetensors.torch.load_file(path)
    return [tensors[f"photo.{i}"].dtype for i in range(len(tensors))]


def write(path: Path, tensors: dict[str, Tensor], **header: str) -> Path:
    safetensors.torch.save_file(tensors, path, metadata=HEADER | header)
    return path


class TestRoundTrip:
    def test_files_of_earlier_programs(self, tmp_path: Path) -> None:
        """They also said which views were to be searched, which no longer matters."""
        photo = levels(texture(9, 14), 255)
        stored = (photo * 255).round().to(torch.uint8)
        for views in ("sub-cell", "whole cells"):
            path = write(tmp_path / "r.safetensors", {"photo.0": stored}, views=views)
            assert torch.equal(Reference.load(path).photos[0], photo)

    @pytest.mark.parametrize(
        ("most", "dtype"), [(255, torch.uint8), (65535, torch.uint16), (0, torch.float32)]
    )
    def test_lossless_at_every_depth(self, most: int, dtype: torch.dtype, tmp_path: Path) -> None:
        photo = texture(9, 14)
        photo = levels(photo, most) if most else photo
        path = tmp_path / "r.safetensors"
        Reference.build([photo], 3).save(path)
        loaded = Reference.load(path)
        assert stored_dtypes(path) == [dtype]
        assert torch.equal(loaded.photos[0], photo)
        assert loaded.scale == 3

    @pytest.mark.parametrize("most", [255, 65535])
    def test_every_level(self, most: int, tmp_path: Path) -> None:
        values = torch.arange(most + 1).float() / most
        photo = values.repeat(3, 4, 1)
        Reference.build([photo]).save(tmp_path / "r.safetensors")
        assert torch.equal(Reference.load(str(tmp_path / "r.safetensors")).photos[0], photo)

    def test_values_outside_the_range_of_integers_are_kept(self, tmp_path: Path) -> None:
        photo = torch.tensor([-1.0, 2.0, 0.0]).view(3, 1, 1).expand(3, 4, 4)
        Reference.build([photo]).save(tmp_path / "r.safetensors")
        assert torch.equal(Reference.load(tmp_path / "r.safetensors").photos[0], photo)

    def test_more_than_ten_photos_keep_their_order(self, tmp_path: Path) -> None:
        photos = [levels(texture(4 + i, 5, seed=i), 255) for i in range(12)]
        path = tmp_path / "r.safetensors"
        Reference.build(photos).save(path)
        for a, b in zip(Reference.load(path).photos, photos, strict=True):
            assert torch.equal(a, b)

    def test_the_same_photo_twice_and_parts_of_one(self, tmp_path: Path) -> None:
        """Tensors that share memory."""
        photo = texture(8, 8)
        both = torch.rand(2, 3, 8, 8)
        path = tmp_path / "r.safetensors"
        for photos in ([photo, photo], list(both), [photo[:, :4], photo]):
            Reference.build(photos).save(path, overwrite=True)
            for a, b in zip(Reference.load(path).photos, photos, strict=True):
                assert torch.equal(a, b)

    def test_saved_over_the_file_it_came_from(self, tmp_path: Path) -> None:
        path = tmp_path / "r.safetensors"
        Reference.build([texture(8, 8)]).save(path)
        Reference.load(path).save(path, overwrite=True)
        assert torch.equal(Reference.load(path).photos[0], texture(8, 8))
        assert [x.name for x in tmp_path.iterdir()] == ["r.safetensors"]


class TestSavingFails:
    def test_where_a_file_exists(self, tmp_path: Path) -> None:
        path = tmp_path / "r.safetensors"
        path.write_bytes(b"precious")
        with pytest.raises(OutputError, match=r"r\.safetensors.: exists already.*overwrite=True"):
            Reference.build([texture(4, 4)]).save(path)
        assert path.read_bytes() == b"precious"

    def test_without_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"its folder .* does not exist"):
            Reference.build([texture(4, 4)]).save(tmp_path / "none" / "r.safetensors")

    def test_over_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="is a folder"):
            Reference.build([texture(4, 4)]).save(tmp_path, overwrite=True)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("as_users_run")
class TestLoadingFails:
    PHOTO = torch.zeros(3, 8, 8)

    @pytest.mark.parametrize("kept", [4, 8, 60, 300, -1])
    def test_truncated(self, kept: int, tmp_path: Path) -> None:
        path = tmp_path / "r.safetensors"
        Reference.build([texture(8, 8)]).save(path)
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(WeightsError, match=r"r\.safetensors: "):
            Reference.load(path)

    def test_every_truncation_and_flipped_byte_of_the_header(self, tmp_path: Path) -> None:
        """Whatever happens to the header, it is our error or the right photo."""
        path = tmp_path / "r.safetensors"
        photo = levels(texture(4, 4), 255)
        Reference.build([photo]).save(path)
        whole = path.read_bytes()
        length = 8 + int.from_bytes(whole[:8], "little")
        refused = 0
        for i in range(length):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1 :])
            try:
                loaded = Reference.load(path)
            except WeightsError as error:
                refused += 1
                assert "r.safetensors: " in str(error)
            else:
                assert torch.equal(loaded.photos[0], photo)
        assert refused > length / 2

    def test_missing_and_empty(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="there is no such file"):
            Reference.load(tmp_path / "r.safetensors")
        (tmp_path / "r.safetensors").touch()
        with pytest.raises(WeightsError, match="is empty"):
            Reference.load(tmp_path / "r.safetensors")
        with pytest.raises(WeightsError, match="is a folder"):
            Reference.load(tmp_path)

    def test_of_another_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "r.safetensors"
        torch.save({"photo.0": self.PHOTO}, path)
        with pytest.raises(WeightsError, match="is no safetensors file, so it is no reference"):
            Reference.load(path)
        safetensors.torch.save_file({"photo.0": self.PHOTO}, path)
        with pytest.raises(WeightsError, match="is a safetensors file, but not a reference"):
            Reference.load(path)

    def test_of_another_version(self, tmp_path: Path) -> None:
        path = write(tmp_path / "r.safetensors", {"photo.0": self.PHOTO}, version="2")
        with pytest.raises(WeightsError, match=r"has reference format '2', and this .* reads '1'"):
            Reference.load(path)

    @pytest.mark.parametrize("names", [["photo.1"], ["photo.0", "photo.2"], ["photo.0", "x"], []])
    def test_of_other_contents(self, names: list[str], tmp_path: Path) -> None:
        path = write(tmp_path / "r.safetensors", {name: self.PHOTO.clone() for name in names})
        with pytest.raises(WeightsError, match=r"holds \[.*\], expected photo\.0, \.\.\."):
            Reference.load(path)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int32, torch.bool])
    def test_of_another_dtype(self, dtype: torch.dtype, tmp_path: Path) -> None:
        path = write(tmp_path / "r.safetensors", {"photo.0": self.PHOTO.to(dtype)})
        with pytest.raises(WeightsError, match=f"holds a photo of dtype {dtype}"):
            Reference.load(path)

    @pytest.mark.parametrize(
        ("photo", "scale", "message"),
        [
            (torch.zeros(1, 8, 8), "4", r"must be \[3, H, W\]"),
            (torch.zeros(3, 3, 8), "4", "at least 4 x 4 pixels"),
            (torch.zeros(3, 0, 0), "4", "at least 4 x 4 pixels"),
            (torch.full((3, 8, 8), torch.nan), "4", "NaN or infinity"),
            (torch.zeros(3, 8, 8), "7", "scale must be one of"),
            (torch.zeros(3, 8, 8), "four", "is a damaged reference file: invalid literal"),
        ],
    )
    def test_of_invalid_photos(
        self, photo: Tensor, scale: str, message: str, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "r.safetensors", {"photo.0": photo}, scale=scale)
        with pytest.raises(WeightsError, match=message):
            Reference.load(path)

    def test_without_a_scale(self, tmp_path: Path) -> None:
        path = tmp_path / "r.safetensors"
        header = {key: value for key, value in HEADER.items() if key != "scale"}
        safetensors.torch.save_file({"photo.0": self.PHOTO}, path, metadata=header)
        with pytest.raises(WeightsError, match="is a damaged reference file: 'scale'"):
            Reference.load(path)
