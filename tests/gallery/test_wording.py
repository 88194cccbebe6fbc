from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.wording import clean, file_name, shortened


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_can_be_set_on_one_line(text: str) -> None:
    """Whatever went in, no control, lone surrogate, direction override or double space comes out; twice is once."""
    result = clean(text)
    assert not {"Cc", "Cs"} & {unicodedata.category(c) for c in result}
    assert not {"LRO", "RLO", "LRE", "RLE", "LRI", "RLI", "FSI"} & {unicodedata.bidirectional(c) for c in result}
    assert result == " ".join(result.split())
    assert clean(result) == result
    result.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\n\tlines ", "two lines"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\x00b\ud800c", "abc"),
        ("\u200b\u2066 \u200d", ""),
        ("👩\u200d🎨 نخيل", "👩\u200d🎨 نخيل"),
    ],
)
def test_cleaning_keeps_what_can_be_read(text: str, expected: str) -> None:
    """Joined emoji and right-to-left scripts stay; what is invisible counts as nothing."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crème Brûlée", "creme-brulee"),
        ("../../etc", "etc"),
        ("竹林", "zhulin"),
        ("CON?*|", "con"),
        ("🐼", "panda-face"),
    ],
)
def test_a_file_name_is_safe_everywhere(text: str, expected: str) -> None:
    """Any script is spelled in Latin letters, and nothing is left that a file system or a shell reads."""
    assert file_name(text) == expected
    assert file_name("?" * 90) == "picture"
    assert len(file_name("W" * 90)) == 60


def test_shortening_says_that_it_cut() -> None:
    """A text at the limit stays whole; beyond, an ellipsis counts among the characters allowed."""
    assert shortened("12345", 5) == "12345"
    assert shortened("123 56", 5) == "123…"
