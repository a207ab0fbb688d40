# SPDX-License-Identifier: Apache-2.0
"""Models as folders and as repositories, with the hub's own library against a local server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from cli.commands import command
from hub_server import hub
from scenes import save, sharp

import searchtransfer
from searchtransfer import Upscaler
from searchtransfer.errors import OptionError, OutputError, WeightsError
from searchtransfer.models import FusionModel, TransferModel, TTSRModel
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.weights import save_weights
from searchtransfer.weights.repository import CARD, MAIN, WORN

pytest.importorskip("huggingface_hub")


def model(features: int = 4) -> Upscaler:
    return Upscaler(FusionModel(FusionNet(features, 0), worn=FusionNet(features + 1, 0)))


def test_a_folder_and_back(tmp_path):
    folder = tmp_path / "models/mine"
    model().save_pretrained(folder, licence="apache-2.0")
    assert sorted(x.name for x in folder.iterdir()) == sorted([MAIN, WORN, CARD])
    card = (folder / CARD).read_text()
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert "FusionNet" in card
    back = Upscaler.from_pretrained(folder).model
    assert isinstance(back, FusionModel)
    assert back.network.config["features"] == 4
    assert back.worn is not None
    assert back.worn.config["features"] == 5
    for key, value in back.network.state_dict().items():
        assert value.dtype == torch.float32, key


def test_what_is_there_stays(tmp_path):
    (tmp_path / CARD).write_text("mine")
    with pytest.raises(OutputError, match=r"README\.md': exists already"):
        model().save_pretrained(tmp_path, licence="mit")
    assert sorted(x.name for x in tmp_path.iterdir()) == [CARD]
    model().save_pretrained(tmp_path, licence="mit", on_exists="overwrite")
    assert "license: mit" in (tmp_path / CARD).read_text()
    with pytest.raises(OutputError, match="cannot be made"):
        model().save_pretrained(tmp_path / CARD / "below", licence="mit")


def test_other_models(tmp_path):
    Upscaler(TTSRModel(TTSR((0, 0, 0, 0), 2, texture_channels=(2, 2, 2)))).save_pretrained(
        tmp_path, licence="mit"
    )
    assert isinstance(Upscaler.from_pretrained(tmp_path).model, TTSRModel)
    with pytest.raises(OptionError, match="'transfer' has no weights"):
        Upscaler(TransferModel()).save_pretrained(tmp_path, licence="mit")
    with pytest.raises(OptionError, match="licence must be a name"):
        model().save_pretrained(tmp_path, licence="mit\nevil: yes")


def test_two_networks_that_do_not_fit(tmp_path):
    model().save_pretrained(tmp_path, licence="mit")
    save_weights(FusionNet(4, 0, scale=2), tmp_path / WORN, overwrite=True)
    with pytest.raises(WeightsError, match=r"fusion x2, and model\.safetensors beside them of"):
        Upscaler.from_pretrained(tmp_path)


@pytest.mark.parametrize("source", ["fusion", None, "FOLDER"])
def test_revisions_are_of_repositories(tmp_path, source):
    model().save_pretrained(tmp_path, licence="mit")
    with pytest.raises(OptionError, match=r"revision 'v1' is of a repository"):
        Upscaler.from_pretrained(str(tmp_path) if source == "FOLDER" else source, revision="v1")


@pytest.mark.parametrize(
    "words",
    [
        ("upscale", "-i", "small.png", "-r", "sharp.png", "-o", "large.png"),
        ("upscale", "-i", "small.mp4", "-o", "large.mp4"),
        ("match", "-i", "small.png", "-r", "sharp.png"),
        ("demo",),
        ("evaluate", "."),
    ],
    ids=lambda x: x[0],
)
def test_every_command_that_takes_a_model_takes_its_revision(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    for name in ("small.png", "sharp.png", "a_0.png", "a_1.png"):
        save(tmp_path / name, sharp())
    (tmp_path / "small.mp4").write_bytes(b"not read before the model")
    done = command(*words, "-n", "transfer", "--revision", "v1")
    assert done.exit_code != 0
    assert "v1" in done.output and ("is none; leave it out" in done.output or "hub" in done.output)


def test_networks_themselves(tmp_path):
    for network in (FusionNet(4, 0), TTSR((0, 0, 0, 0), 2, texture_channels=(2, 2, 2))):
        folder = tmp_path / network.architecture
        network.save_pretrained(folder, licence="mit")
        assert sorted(x.name for x in folder.iterdir()) == sorted([MAIN, CARD])
        for source in (folder, folder / MAIN):
            back = type(network).from_pretrained(source)
            assert not back.training
            for key, value in network.state_dict().items():
                torch.testing.assert_close(back.state_dict()[key], value, rtol=0, atol=0)
    with pytest.raises(WeightsError, match=r"holds weights of ttsr x4, needed are those of fusion"):
        FusionNet.from_pretrained(tmp_path / "ttsr")
    with pytest.raises(OptionError, match="revision 'v1' is of a repository"):
        TTSR.from_pretrained(tmp_path / "ttsr", revision="v1")
    with pytest.raises(OptionError, match="must be a file of weights or a folder that is there"):
        FusionNet.from_pretrained(tmp_path / "nothing")
    torch.save(FusionNet(4, 0).state_dict(), tmp_path / "plain.pt")
    with pytest.raises(WeightsError, match="does not say what it is of"):
        FusionNet.from_pretrained(tmp_path / "plain.pt")


CHILD = """
import json, sys
from searchtransfer import Upscaler
from searchtransfer.errors import SearchTransferError
from searchtransfer.models import FusionModel
from searchtransfer.networks import FusionNet

said = []
for line in json.loads(sys.argv[1]):
    try:
        if "push" in line:
            made = FusionNet(7, 0) if "network" in line else Upscaler(FusionModel(FusionNet(7, 0)))
            said.append(made.push_to_hub(line["push"], licence="mit", token="hf_test"))
        elif "network" in line:
            network = FusionNet.from_pretrained(line["id"], revision=line.get("revision"))
            said.append(network.config["features"])
        else:
            found = Upscaler.from_pretrained(line["id"], revision=line.get("revision"))
            said.append(found.model.network.config["features"])
    except SearchTransferError as error:
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


def ask(address: str, home: Path, *lines: dict[str, str], **more: str) -> list[Any]:
    """What a process with this hub answers; the hub's library reads its settings when imported."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, json.dumps(lines)],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("HF_")},
            "PYTHONPATH": str(Path(searchtransfer.__path__[0]).parent),
            "HF_ENDPOINT": address,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "no_proxy": "127.0.0.1",
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def card_in(revisions: dict[str, Any], name: str) -> str:
    return str(revisions[name]["main"][CARD].decode())


def files_of(features: int, folder: Path) -> dict[str, bytes]:
    model(features).save_pretrained(folder, licence="apache-2.0")
    files = {x.name: x.read_bytes() for x in folder.iterdir()}
    return files | {"evil.pt": b"\x80\x04 pickles are never read", "notes.txt": b"neither this"}


def test_reading_and_writing(tmp_path):
    broken = {MAIN: b"no weights"}
    revisions = {
        "someone/model": {"main": files_of(4, tmp_path / "a"), "v1": files_of(6, tmp_path / "b")},
        "someone/broken": {"main": broken},
        "someone/pickle": {"main": {"model.pt": b"\x80\x04"}},
    }
    home = tmp_path / "home"
    first, tagged = {"id": "someone/model"}, {"id": "someone/model", "revision": "v1"}
    with hub(revisions) as address:
        answers = ask(
            address,
            home,
            first,
            tagged,
            {"id": "someone/model", "revision": "v9"},
            {"id": "someone/broken"},
            {"id": "someone/pickle"},
            {"id": "someone/nothing"},
            {"push": "someone/pushed"},
            {"id": "someone/pushed"},
            {"id": "someone/model", "revision": "v1", "network": "yes"},
            {"id": "someone/nothing", "network": "yes"},
            {"push": "someone/network", "network": "yes"},
            {"id": "someone/network", "network": "yes"},
        )
    assert answers[:2] == [4, 6]
    assert "at revision 'v9': cannot be had from the hub" in answers[2]
    assert answers[3].startswith("WeightsError")
    assert "expected one .safetensors file in it" in answers[4]
    assert "someone/nothing: cannot be had from the hub" in answers[5]
    assert answers[6].startswith(f"{address}/someone/pushed/commit/")
    assert answers[7] == 7
    assert answers[8] == 6
    assert "someone/nothing: cannot be had from the hub" in answers[9]
    assert answers[10].startswith(f"{address}/someone/network/commit/")
    assert answers[11] == 7
    assert 'FusionNet.from_pretrained("someone/network")' in card_in(revisions, "someone/network")
    pushed = revisions["someone/pushed"]["main"]
    assert set(pushed) >= {MAIN, CARD}
    assert 'from_pretrained("someone/pushed")' in pushed[CARD].decode()
    # Nothing but weights was downloaded.
    assert not [x for x in home.rglob("*") if x.name in ("evil.pt", "notes.txt", "model.pt")]

    # The server is gone: the cache serves, and what is not there is an error.
    answers = ask(address, home, first, tagged, {"id": "someone/else"})
    assert answers[:2] == [4, 6]
    assert "cannot be had from the hub" in answers[2]
