# SPDX-License-Identifier: Apache-2.0
"""Every Python block of the README and of the pages runs and prints what stands beside it."""

from pathlib import Path

import pytest
from pages import read_blocks, run_page
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_CODE = [page for page in PAGES if read_blocks(page.read_text(encoding="utf-8"))]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the pages name: two views of a scene, one small."""
    data = pytest.importorskip("skimage.data")
    left, right, _ = data.stereo_motorcycle()
    place = (280, 200, 480, 360)
    scene = Image.fromarray(left).crop(place)
    scene.resize((50, 40), Image.Resampling.BICUBIC).save(tmp_path / "small.png")
    Image.fromarray(right).crop((260, 200, 480, 360)).save(tmp_path / "sharp.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, photos: Path) -> None:
    assert run_page(page) > 0


def test_pages_with_code_are_found() -> None:
    names = {str(page.relative_to(ROOT)) for page in WITH_CODE}
    assert {"README.md", "docs/tutorial.md"} <= names


def test_most_of_the_tutorial_is_code_that_runs() -> None:
    blocks = read_blocks((ROOT / "docs/tutorial.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 25
    assert not [block.line for block in blocks if block.not_run]


# The runner itself.


def page(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


RIGHT = """Text.

```python
x = 6
```

Text between.

```python
print(x * 7)
```

```text
42
```
"""


def test_runs_all_blocks_in_one_namespace(tmp_path: Path) -> None:
    assert run_page(page(tmp_path, RIGHT)) == 2


def test_a_page_without_code_runs_nothing(tmp_path: Path) -> None:
    assert run_page(page(tmp_path, "Only text.\n\n```text\n42\n```\n")) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n42\n", "\n43\n"),  # another number
        ("\n42\n", "\n42 \n"),  # a space more
        ("\n42\n", "\n42\n42\n"),  # a line more
        ("```text\n42\n```\n", ""),  # output that the page does not show
        ("print(x * 7)", "x * 7"),  # output that does not come
        ("x = 6\n", "x = 6\nprint(x)\n"),  # output of a block that should print nothing
        ("```text\n", "In words:\n\n```text\n"),  # a text block that belongs to no code
    ],
)
def test_a_wrong_output_fails(tmp_path: Path, old: str, new: str) -> None:
    assert old in RIGHT
    with pytest.raises(AssertionError, match=r"page.md, line \d+: the block printed"):
        run_page(page(tmp_path, RIGHT.replace(old, new)))


def test_an_error_fails_and_names_the_line_of_the_page(tmp_path: Path) -> None:
    path = page(tmp_path, RIGHT.replace("x * 7", "x / 0"))
    with pytest.raises(ZeroDivisionError) as error:
        run_page(path)
    entry = error.traceback[-1]
    assert (str(entry.path), entry.lineno + 1) == (str(path), 10)


def test_blocks_do_not_see_another_page(tmp_path: Path) -> None:
    run_page(page(tmp_path, RIGHT))
    with pytest.raises(NameError):
        run_page(page(tmp_path, "```python\nx\n```\n"))


def test_a_block_is_left_out_only_with_a_reason(tmp_path: Path) -> None:
    broken = "{}\n```python\n1 / 0\n```\n"
    assert run_page(page(tmp_path, broken.format("<!-- not run: needs a GPU -->"))) == 0
    for excuse in ("<!-- not run -->", "<!-- not run: -->", "<!-- not run: far --> away\n"):
        with pytest.raises(ZeroDivisionError):
            run_page(page(tmp_path, broken.format(excuse)))
