from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from color import Picture, decode, prepare
from color.surfaces import find_surfaces, region_labels
from pack.transparency import without_ground
from tests.pack.drawings import SIGN, STROKES, document, drawn, rgba

WORD = '<g transform="translate(60 380) scale(3)" fill="#102030"><path fill-rule="evenodd" d="M0 12a12 12 0 1 0 24 0a12 12 0 1 0-24 0zm6 0a6 6 0 1 1 12 0a6 6 0 1 1-12 0z"/></g>'  # noqa: E501 - one element
EYE = '<circle cx="256" cy="200" r="120" fill="#D1495B"/><circle cx="220" cy="180" r="16" fill="#FFFFFF"/>'


def cleared(body: str, ground: str) -> Picture:
    """The drawing without its ground, found in its picture."""
    data = drawn(document(body, ground))
    base, picture = prepare(data), decode(data)
    regions = np.rint(base.regions.rgb).astype(np.uint8)
    return without_ground(picture, find_surfaces(picture, base), regions, int(region_labels(picture, base)[0, 0]))


def on(page: tuple[int, int, int], rgb: NDArray[np.int64], alpha: NDArray[np.int64]) -> NDArray[np.float64]:
    """Pixels (h, w, 3) over a page."""
    part = alpha[..., None] / 255
    return rgb * part + np.array(page) * (1 - part)


@pytest.mark.parametrize("page", [(0, 0, 0), (255, 255, 255), (255, 0, 255)])
@pytest.mark.parametrize("ground", ["#FFFFFF", "#0B1F3A", "#F2C14E"])
@pytest.mark.parametrize("body", [SIGN.replace("#F2C14E", "#E8E8E8").replace("#0B1F3A", "#6A4C93"), STROKES])
def test_no_fringe_on_any_page(body: str, ground: str, page: tuple[int, int, int]) -> None:
    """Over black, white and magenta it looks as if it had been drawn without a ground in the first place."""
    if body is STROKES:
        body = body.replace("#102030", "#1B5E3A")
    found, ideal = cleared(body, ground), rgba(drawn(document(body, None)))
    assert found.alpha is not None
    shown = on(page, found.rgb.astype(np.int64), found.alpha.astype(np.int64))
    meant = on(page, ideal[..., :3], ideal[..., 3])
    off = np.abs(shown - meant).max(axis=2)
    edge = (ideal[..., 3] > 0) & (ideal[..., 3] < 255)
    assert np.quantile(off[edge], 0.98) <= 16
    assert np.quantile(off, 0.999) <= 16


def test_over_its_ground_it_is_the_picture_again() -> None:
    """What was taken out is what had been mixed in."""
    found, before = cleared(SIGN, "#FFFFFF"), rgba(drawn(document(SIGN)))
    assert found.alpha is not None
    shown = on((255, 255, 255), found.rgb.astype(np.int64), found.alpha.astype(np.int64))
    assert np.quantile(np.abs(shown - before[..., :3]).max(axis=2), 0.9995) <= 2


def test_holes_of_letters_open_and_eyes_stay() -> None:
    """The ground in an O goes; a spot of the same color inside a figure stays."""
    found = cleared(WORD + EYE, "#FFFFFF")
    assert found.alpha is not None
    assert found.alpha[416, 96] == 0
    assert found.alpha[180, 220] == 255


def test_a_transparent_picture_stays_as_it_is() -> None:
    """Its alpha is its maker's."""
    data = drawn(document(SIGN, None))
    base, picture = prepare(data), decode(data)
    assert without_ground(picture, find_surfaces(picture, base), np.zeros((9, 3), np.uint8), 0) is picture
