# SPDX-License-Identifier: Apache-2.0
import pytest
from pictures import related, target
from references.views import low_of

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import OptionError
from searchtransfer.process.budget import (
    BYTES_A_PIXEL,
    LEAST,
    MEMORY,
    for_copies,
    parse_memory,
    side_of_piece,
)
from searchtransfer.references.choosing import choose


@pytest.mark.parametrize(
    ("words", "expected"),
    [("1.5GiB", MEMORY), ("800M", 800 * 2**20), ("2g", 2**31), (" 100000 kB", 102400000)],
)
def test_words(words: str, expected: int) -> None:
    assert parse_memory(words) == expected


@pytest.mark.parametrize("words", ["", "much", "-1G", "1.5.2G", "1T", "nan", "1e9"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(OptionError, match=r"memory must be as in 1\.5GiB"):
        parse_memory(words)


def test_too_little_is_refused() -> None:
    with pytest.raises(OptionError, match="at least 64 MiB, got 1024"):
        parse_memory("1k")
    with pytest.raises(OptionError, match="at least 64 MiB"):
        Upscaler.from_pretrained(memory=LEAST - 1)


def test_pieces_stay_within_their_third() -> None:
    for memory in (LEAST, MEMORY, 4 * MEMORY):
        side = side_of_piece(memory, 3000, 20)
        assert side == 32 or (side + 40) ** 2 * 3000 <= memory / 3


def test_less_memory_means_fewer_copies_and_smaller_tiles() -> None:
    photos = Reference.build([related()]).prepared
    small = low_of(target())
    all_of_them = choose(small, photos).copies
    height, width = related().shape[1:]
    one = choose(small, photos, memory=BYTES_A_PIXEL * height * width + 1).copies
    assert len(one) == 1 <= len(all_of_them)
    tiny, usual = (Upscaler.from_pretrained(memory=x).model for x in (LEAST, MEMORY))
    assert tiny.tile_for(2000, 2000) < usual.tile_for(2000, 2000)
    assert for_copies(MEMORY) < MEMORY
