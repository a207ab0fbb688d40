# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline without torch makes the picture that it makes with torch."""

import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from PIL import Image

import searchtransfer
import searchtransfer.operators.descriptors
import searchtransfer.references.geometry
from searchtransfer import Upscaler, lite
from searchtransfer.errors import MissingExtraError, OptionError, WeightsError
from searchtransfer.export import export
from searchtransfer.lite import no_opencv
from searchtransfer.lite.loading import load
from searchtransfer.networks import FusionNet
from searchtransfer.weights import save_weights

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """Two views of one scene, one small."""
    data = pytest.importorskip("skimage.data")
    left, right, _ = data.stereo_motorcycle()
    small = Image.fromarray(left).crop((280, 200, 480, 360)).resize((50, 40), Image.BICUBIC)
    return np.asarray(small), right[200:360, 260:480].copy()


def far(ours: np.ndarray, theirs: np.ndarray) -> int:
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    return int(np.abs(ours.astype(int) - theirs.astype(int)).max())


def rotated(photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).rotate(20, Image.BICUBIC))


def enlarged(photo: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(photo)
    return np.asarray(picture.resize((2 * picture.width, 2 * picture.height), Image.BICUBIC))


def noisy(photo: np.ndarray) -> np.ndarray:
    noise = 8 * np.random.default_rng(0).standard_normal(photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


def as_it_is(photo: np.ndarray) -> np.ndarray:
    return photo


@pytest.mark.parametrize(
    ("of_image", "of_photo"),
    [(as_it_is, rotated), (as_it_is, np.fliplr), (as_it_is, enlarged), (noisy, as_it_is)],
    ids=lambda x: x.__name__,
)
def test_the_model_without_learning(scene: Any, of_image: Any, of_photo: Any) -> None:
    small, photo = of_image(scene[0]), np.ascontiguousarray(of_photo(scene[1]))
    with_torch = Upscaler.from_pretrained("transfer").upscale(small, photo)
    without = lite.upscaler().upscale(small, photo)
    assert far(without.image, with_torch.image) <= 1
    assert str(without.wear) == str(with_torch.wear)
    assert np.abs(without.score - with_torch.score.numpy()).max() < 1e-5
    # Not nearly: the same matches, whatever the order of sums.
    np.testing.assert_array_equal(without.matches.position, with_torch.matches.position)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_other_scales(scene: Any, scale: int) -> None:
    small, photo = scene[0][:24, :30], scene[1][:120, :140]
    with_torch = Upscaler.from_pretrained("transfer", scale=scale).upscale(small, photo)
    without = lite.upscaler(scale=scale).upscale(small, photo)
    assert far(without.image, with_torch.image) <= 1
    np.testing.assert_array_equal(without.matches.position, with_torch.matches.position)


def test_a_picture_in_which_many_places_are_nearly_the_same() -> None:
    """Of a JPEG, whose blocks are alike: one that rounding decided otherwise, by 18 levels."""
    data = pytest.importorskip("skimage.data")
    photo = data.coffee()
    turned = Image.fromarray(photo).transform(
        (photo.shape[1], photo.shape[0]),
        Image.Transform.AFFINE,
        (0.97, 0.05, 3, -0.04, 1.02, -2),
        Image.BICUBIC,
    )
    reference = np.asarray(turned)[100:280, 120:310].copy()
    file = io.BytesIO()
    small = Image.fromarray(photo[100:244, 120:288]).resize((42, 36), Image.BICUBIC)
    small.save(file, "JPEG", quality=60)
    worn = np.asarray(Image.open(file))
    with_torch = Upscaler.from_pretrained("transfer").upscale(worn, reference)
    without = lite.upscaler().upscale(worn, reference)
    assert far(without.image, with_torch.image) <= 1
    np.testing.assert_array_equal(without.matches.position, with_torch.matches.position)


def test_what_is_looked_for_is_the_same_to_the_last_bit(scene: Any) -> None:
    """Descriptors of single precision had a last bit of the order of sums, and so had seeds."""
    picture = scene[1].transpose(2, 0, 1).astype(np.float32) / 255
    arrays = load("operators.descriptors")
    theirs = searchtransfer.operators.descriptors.describe(torch.from_numpy(picture))
    ours = arrays.describe(arrays.torch.from_numpy(picture))
    apart = np.abs(np.asarray(ours) - theirs.numpy())
    assert apart.max() < 1e-14  # where a coefficient is nothing but rounding


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small FusionNet that does something, as weights and, beside them, as ONNX file."""
    folder = tmp_path_factory.mktemp("network")
    made = FusionNet(4, 1)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    save_weights(made, folder / "small.safetensors")
    jaxtyping.config.update("jaxtyping_disable", True)  # sides are symbols while it is traced
    export(folder / "small.safetensors", folder / "small.onnx")
    jaxtyping.config.update("jaxtyping_disable", False)
    return folder / "small.onnx"


@pytest.mark.parametrize("alone", [True, False])
def test_the_learned_model(scene: Any, network: Path, alone: bool) -> None:
    small, photo = scene
    reference = None if alone else photo
    with_torch = Upscaler.from_pretrained(network.with_suffix(".safetensors"))
    without = lite.upscaler(network, worn=network)
    picture = without.upscale(small, reference).image
    assert far(picture, with_torch.upscale(small, reference).image) <= 1
    # It is the network's work.
    plain = np.asarray(Image.fromarray(small).resize((200, 160), Image.BICUBIC))
    assert far(picture, plain) > 10


def test_kinds_of_pictures(scene: Any) -> None:
    small, photo = scene[0][:20, :24], scene[1][:90, :100]
    both = Upscaler.from_pretrained("transfer"), lite.upscaler()
    grey = small[..., 1]
    with_alpha = np.dstack([small, np.full(small.shape[:2], 200, np.uint8)])
    hidden = with_alpha.copy()
    hidden[..., 3] = np.linspace(0, 255, 20)[:, None]
    hidden[:7, 5:12, 3] = 0
    for picture in (grey, with_alpha, hidden, small.astype(np.uint16) * 257):
        theirs, ours = (x.upscale(picture, photo, tile=16).image for x in both)
        assert far(ours, theirs) <= (1 if ours.dtype == np.uint8 else 257)
    pillow = lite.upscaler().upscale(Image.fromarray(small), Image.fromarray(photo))
    assert isinstance(pillow.image, Image.Image)


BLOCKED = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from searchtransfer.lite.__main__ import main
code = main(sys.argv[1:])
there = {{name.partition(".")[0] for name in sys.modules}} & set({blocked})
sys.exit(f"{{there}} are there" if there else code)
"""
WITHOUT = ("torch", "jaxtyping", "safetensors", "OpenImageIO", "typer", "rich")


def run(folder: Path, *arguments: str, blocked: tuple[str, ...] = WITHOUT) -> Any:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(searchtransfer.__path__[0]).parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_there_is_no_torch(scene: Any, network: Path, tmp_path: Path) -> None:
    for name, picture in zip(("small.png", "sharp.png"), scene, strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    line = ["small.png", "-r", "sharp.png", "-o", "large.png", "--network", str(network)]
    done = run(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    theirs = Upscaler.from_pretrained(network.with_suffix(".safetensors")).upscale(*scene).image
    assert far(np.asarray(Image.open(tmp_path / "large.png")), theirs) <= 1
    again = run(tmp_path, *line)
    assert again.returncode == 2
    assert "exists already" in again.stderr

    # Without OpenCV too: the same from the same side, and with a word of it where it is not.
    without = (*WITHOUT, "cv2")
    plain = run(tmp_path, *line, "--overwrite", blocked=without)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert far(np.asarray(Image.open(tmp_path / "large.png")), theirs) <= 1
    Image.fromarray(rotated(scene[1])).save(tmp_path / "sharp.png")
    warned = run(tmp_path, *line, "--overwrite", blocked=without)
    assert warned.returncode == 0
    assert warned.stderr.count("warning: OpenCV is not installed, so that photos which") == 1
    assert "pip install opencv-python-headless" in warned.stderr


@pytest.mark.filterwarnings("ignore:the reference hardly shows")
def test_no_opencv_is_as_no_keypoints(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search as where no geometry is found."""
    small, photo = scene[0], rotated(scene[1])
    pictures = []
    for geometry, make in (
        (load("references.geometry"), lite.upscaler),
        (searchtransfer.references.geometry, partial(Upscaler.from_pretrained, "transfer")),
    ):
        monkeypatch.setattr(geometry, "cv2", no_opencv)
        with pytest.warns(lite.NoGeometryWarning, match="OpenCV is not installed"):
            pictures.append(make().upscale(small, photo).image)
    assert far(*pictures) <= 1


def test_files_that_are_no_network(network: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(network.read_bytes()[:1000])
    for path in (bad, tmp_path / "none.onnx"):
        with pytest.raises(WeightsError, match=f"network '.*{path.name}': cannot be read"):
            lite.upscaler(path)
    import onnx

    model = onnx.load(network)
    del model.metadata_props[:]
    onnx.save(model, bad)
    with pytest.raises(WeightsError, match="is no FusionNet of this package; make one with"):
        lite.upscaler(bad)
    with pytest.raises(OptionError, match="must fit each other"):
        lite.upscaler(network, scale=2)
    with pytest.raises(OptionError, match="must fit each other"):
        lite.upscaler(worn=network)


def test_errors_are_the_packages_own(scene: Any) -> None:
    with pytest.raises(OptionError, match="needs a reference"):
        lite.upscaler().upscale(scene[0])
    with pytest.raises(MissingExtraError, match="not installed here"):
        load("images.deep").oiio.ImageInput.open("photo.exr")


def test_nothing_of_it_is_seen_outside() -> None:
    load("models.fusion")
    assert sys.modules["torch"] is torch
    assert load("models.fusion").torch is not torch
    import searchtransfer.models.fusion

    assert searchtransfer.models.fusion.torch is torch
