from __future__ import annotations

import pytest

from gallery.contrast import Contrast, contrast, legible_ink, strongest_pair


@pytest.mark.parametrize(
    ("gray", "figure", "grade"),
    [
        ("#000000", "21.0", "AAA"),
        ("#595959", "7.0", "AAA"),
        ("#5A5A5A", "6.8", "AA"),
        ("#767676", "4.5", "AA"),
        ("#777777", "4.4", "large"),  # 4.478: rounded to 4.5 it would contradict its own mark
        ("#949494", "3.0", "large"),
        ("#959595", "2.9", "low"),
        ("#FFFFFF", "1.0", "low"),
    ],
)
def test_figure_and_mark_never_contradict_each_other(gray: str, figure: str, grade: str) -> None:
    """The published WCAG boundaries on white get the mark they deserve and a figure that is never rounded up."""
    measured = contrast(gray, "#FFFFFF")
    assert (measured.figure, measured.grade) == (figure, grade)


def test_strongest_pair_is_the_one_that_stands_out_most() -> None:
    """Of all pairs the one with the highest ratio is named, in the palette's order."""
    pair = strongest_pair(("#888888", "#FFF6E5", "#EF476F", "#2B2D42"))
    assert (pair.first, pair.second) == ("#FFF6E5", "#2B2D42")
    assert pair.contrast == Contrast(12.5)


def test_equal_pairs_go_to_the_more_prominent_colors() -> None:
    """A palette of one color repeated is no error."""
    assert strongest_pair(("#123456", "#123456")).contrast.figure == "1.0"


@pytest.mark.parametrize(("color", "ink"), [("#FFD166", "#000000"), ("#1D3557", "#FFFFFF"), ("#FF0000", "#000000")])
def test_ink_is_whichever_reads_better(color: str, ink: str) -> None:
    """Codes on swatches are set in black or white by contrast, not by a guess of lightness."""
    assert legible_ink(color) == ink
