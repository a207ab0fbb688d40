# SPDX-License-Identifier: Apache-2.0
"""The inspector's page: one file, safe, complete, and of bounded size."""

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from inspections import inspected
from PIL import Image

from searchtransfer.errors import OptionError, ShapeError
from searchtransfer.pictures.inspector import inspector_page

HOSTILE = "<script>alert(1)</script>\"' onload=x \u202e\udcff&amp;.png"


class Parsed(HTMLParser):
    """Elements with their attributes, and the text of each element by its path."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data):
        self.texts.setdefault(self._open, []).append(data)

    def handle_endtag(self, tag):
        self._open = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> dict:
        return json.loads(self.texts["script"][0])

    def picture(self, role: str) -> np.ndarray:
        (image,) = [x for x in self.all("img") if x.get("data-role") == role]
        raw = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        return np.asarray(Image.open(io.BytesIO(raw)))


def array(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["base64"]), np.dtype(packed["type"]))


def eight_bit(colour) -> np.ndarray:
    return (colour * 255).round().permute(1, 2, 0).byte().numpy()


@pytest.mark.parametrize("photos", [(), ((30, 41),), ((30, 41), (25, 27))])
def test_it_needs_nothing_else(photos):
    page = inspector_page(inspected(photos=photos))
    parsed = Parsed(page)
    for tag, attributes in parsed.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in ("src", "href", "srcset", "action", "data"):
                assert value.startswith("data:image/png;base64,")
    code = "".join(parsed.texts["script"] + parsed.texts["style"])
    for word in ("http:", "https:", "//cdn", "fetch(", "XMLHttp", "import(", "@import", "url("):
        assert word not in code
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
        assert word not in code


def test_only_its_own_style_and_script_may_run():
    parsed = Parsed(inspector_page(inspected()))
    (policy,) = [
        x["content"] for x in parsed.all("meta") if x.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": hashed("".join(parsed.texts["style"])),
        "script-src": hashed("".join(parsed.texts["script"][1:])),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_numbers_and_pictures_are_those_of_the_result():
    picture = inspected()
    parsed = Parsed(inspector_page(picture))
    data = parsed.data
    assert (data["scale"], data["size"], data["grid"]) == (4, [24, 32], [6, 8])
    np.testing.assert_array_equal(array(data["score"]), picture.score.flatten().numpy())
    np.testing.assert_array_equal(array(data["photo"]), picture.photo.flatten().numpy())
    place, slope = (array(data[name]) for name in ("place", "slope"))
    assert data["steps"] == [16, 1024]
    np.testing.assert_array_equal(place / 16, picture.position.flatten().numpy())
    np.testing.assert_array_equal(slope / 1024, picture.jacobian.flatten().numpy())
    np.testing.assert_array_equal(parsed.picture("result"), eight_bit(picture.result))
    np.testing.assert_array_equal(parsed.picture("bicubic"), eight_bit(picture.bicubic))
    for number, photo in enumerate(picture.photos):
        np.testing.assert_array_equal(parsed.picture(f"photo-{number}"), eight_bit(photo.colour))
    for layer in ("score-map", "match-map", "photo-map"):
        assert parsed.picture(layer).shape == (6, 8, 4)


@pytest.mark.parametrize(
    ("last", "kind"), [(7, "int8"), (2000, "int16"), (4000, "uint16"), (70000, "int32")]
)
def test_numbers_take_the_smallest_type(last, kind):
    picture = inspected((1, 1), ((2, last + 2),), scale=2)
    position = torch.tensor([[[0.5, last]]])
    data = Parsed(inspector_page(replace(picture, position=position))).data
    assert data["place"]["type"] == kind
    assert array(data["place"]).tolist() == [8, 16 * last]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_results(size):
    page = inspector_page(inspected(size, ((4, 4),)))
    assert Parsed(page).data["grid"] == list(size)


def test_hostile_names_are_text():
    picture = inspected(names=(HOSTILE, HOSTILE))
    picture = replace(
        picture, name=HOSTILE, summary=HOSTILE, facts=((HOSTILE, HOSTILE),), notes=(HOSTILE,)
    )
    page = inspector_page(picture)
    page.encode()
    parsed = Parsed(page)
    assert len(parsed.all("script")) == 2
    assert "alert(1)" not in "".join(parsed.texts["script"][1:])
    assert page.count("<script>alert") == 0
    shown = HOSTILE.replace("\udcff", "\\udcff").replace("\u202e", "\\u202e")
    assert "".join(parsed.texts["h1"]) == shown
    assert parsed.data["photos"][0]["name"] == shown


def test_large_references_are_reduced_and_the_page_says_so():
    picture = inspected(photos=((30, 41), (25, 27)))
    parsed = Parsed(inspector_page(picture, photo_pixels=500))
    assert parsed.picture("photo-0").shape == (15, 21, 3)
    (image,) = [x for x in parsed.all("img") if x.get("data-role") == "photo-0"]
    assert [image[f"data-{x}"] for x in ("height", "width", "factor")] == ["30", "41", "2"]
    assert "shown reduced 2 times" in "".join(parsed.texts["p"])
    assert parsed.data["photos"][0] == {"name": "first.png", "height": 30, "width": 41}
    assert "reduced" not in "".join(Parsed(inspector_page(picture)).texts["p"])


def test_numbers_take_few_bytes():
    """At most 17 bytes a cell for references of less than 4096 pixels on a side, before base64."""
    picture = inspected((60, 80), ((60, 400),), turned=True)
    data = Parsed(inspector_page(picture)).data
    names = ("score", "photo", "place", "slope")
    assert sum(len(data[x]["base64"]) for x in names) < 60 * 80 * 17 * 4 / 3 + 10


def test_without_references_nothing_points_to_them():
    page = inspector_page(inspected(photos=()))
    parsed = Parsed(page)
    assert parsed.all("body")[0]["class"] == "alone single"
    assert parsed.data["traced"] is False
    roles = [x["data-role"] for x in parsed.all("img") if "data-role" in x]
    assert roles == ["result", "bicubic"]


def test_several_references_have_a_layer_and_shares():
    one, two = (inspector_page(inspected(photos=p)) for p in (((9, 9),), ((9, 9), (9, 9))))
    assert Parsed(one).all("body")[0]["class"] == "traced single"
    assert Parsed(two).all("body")[0]["class"] == "traced"
    assert 'class="shares"' not in one
    shares = [int(x) for x in re.findall(r"<span>(\d+)%</span>", two)]
    assert len(shares) == 2
    assert 99 <= sum(shares) <= 101


def test_cells_without_a_match_have_no_colour():
    picture = inspected()
    photo = picture.photo.clone()
    photo[0, 0] = -1
    page = inspector_page(replace(picture, photo=photo))
    layer = Parsed(page).picture("score-map")
    assert layer[0, 0, 3] == 0
    assert (layer[..., 3] == 255).sum() == 47
    assert "No colour: no match." in page
    assert "No colour: no match." not in inspector_page(picture)


def test_the_histogram_counts_all_cells():
    score = torch.tensor([[-0.5, 0.0, 0.01, 0.99, 1.0, 1.0]])
    picture = inspected((1, 6), ((9, 9),))
    page = inspector_page(replace(picture, score=score))
    heights = [
        float(x)
        for x in re.findall(r'<rect x="[^"]*" y="[^"]*" width="1.72" height="([^"]*)"', page)
    ]
    assert heights == [100.0, 100.0]
    assert "Half of the 6 scores are above 0.50" in page


def test_the_same_input_gives_the_same_page():
    assert inspector_page(inspected()) == inspector_page(inspected())


@pytest.mark.parametrize("what", ["result", "bicubic"])
def test_a_picture_of_another_size(what, as_users_run):
    message = rf"{what} must be \[3, 24, 32\] \(4 times the scores \[6, 8\]"
    with pytest.raises(ShapeError, match=message):
        replace(inspected(), **{what: torch.rand(3, 24, 28)})


@pytest.mark.parametrize("what", ["photo", "position", "jacobian"])
def test_matches_of_another_size(what, as_users_run):
    picture = inspected()
    with pytest.raises(ShapeError, match=rf"{what} must begin with \[6, 8\] as score, got \[2, "):
        replace(picture, **{what: getattr(picture, what)[:2]})


def test_a_reference_is_missing():
    picture = inspected()
    with pytest.raises(OptionError, match=r"found in reference 1 .* but 1 were given"):
        replace(picture, photos=picture.photos[:1])


def test_references_in_another_order():
    picture = inspected(photos=((30, 41), (8, 8)))
    with pytest.raises(OptionError, match=r"lies at row .* of reference 0, which has 8 x 8"):
        replace(picture, photos=picture.photos[::-1])
