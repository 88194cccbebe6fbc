from __future__ import annotations

import pytest

from gallery.contrast import contrast, legible_ink


@pytest.mark.parametrize(
    ("gray", "figure", "grade"),
    [
        ("#000000", "21.0", "reads very well"),
        ("#595959", "7.0", "reads very well"),
        ("#5A5A5A", "6.8", "reads well"),
        ("#767676", "4.5", "reads well"),
        ("#777777", "4.4", "large text only"),  # 4.478: rounded to 4.5 it would contradict its own mark
        ("#949494", "3.0", "large text only"),
        ("#959595", "2.9", "too faint"),
        ("#FFFFFF", "1.0", "too faint"),
    ],
)
def test_figure_and_mark_never_contradict_each_other(gray: str, figure: str, grade: str) -> None:
    """The published WCAG boundaries on white get the mark they deserve and a figure that is never rounded up."""
    measured = contrast(gray, "#FFFFFF")
    assert (measured.figure, measured.grade) == (figure, grade)


@pytest.mark.parametrize(("color", "ink"), [("#FFD166", "#000000"), ("#1D3557", "#FFFFFF"), ("#FF0000", "#000000")])
def test_ink_is_whichever_reads_better(color: str, ink: str) -> None:
    """Codes on swatches are set in black or white by contrast, not by a guess of lightness."""
    assert legible_ink(color) == ink
