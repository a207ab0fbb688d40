# SPDX-License-Identifier: Apache-2.0
"""Words of others are shown, and do nothing."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchtransfer.foreign import in_html, in_line, in_lines, shown

ACTING = {
    "\x1b[2J\x1b]0;title\x07": r"\x1b[2J\x1b]0;title\x07",
    "a\nerror: b": r"a\nerror: b",
    "a\r\x08b": r"a\r\x08b",
    "\x9b31m": r"\x9b31m",
    "gnp.\u202etxe": r"gnp.\u202etxe",
    "a\u2028b": r"a\u2028b",
    "zero\u200bwidth": r"zero\u200bwidth",
    os.fsdecode(b"\xff.png"): r"\udcff.png",
    "\x7f": r"\x7f",
}


@pytest.mark.parametrize(("text", "plain"), ACTING.items())
def test_what_acts_on_a_terminal_is_escaped(text, plain):
    assert in_line(text) == plain
    assert plain.replace("\\", "\\\\") in shown(text).replace("\\\\", "\\").replace("\\", "\\\\")


@pytest.mark.parametrize("text", ["日本 😀 é", "[/x] {y} %s $z", "a b"])
def test_the_rest_stays(text):
    assert in_line(text) == text
    assert shown(text) == f"'{text}'"


def test_lines_stay_lines():
    assert in_lines("a\n\tb\x1b\r\nc") == "a\n        b\\x1b\\r\nc"


def test_markup_is_text_in_a_page():
    assert in_html("<b title='\"'>&\x1b") == "&lt;b title=&#x27;&quot;&#x27;&gt;&amp;\\x1b"


@given(st.text(st.characters(exclude_categories=[])))
def test_whatever_it_is_it_can_be_printed_and_encoded(text):
    for way in (shown, in_line, in_html):
        line = way(text)
        assert line.isprintable()
        line.encode("utf-8")
    assert in_lines(text).count("\n") == text.count("\n")
