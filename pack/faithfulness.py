"""How close a drawing is to the picture it stands for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Picture
from color.spaces import U8, rgb_to_oklab

CLOSE: Final = 0.05
"""OKLab: a pixel that differs by no more is as it should be."""
_PAGES: Final = (255, 128, 16)
"""What is wrong with transparency shows on one of them: white, gray, nearly black. On black itself OKLab tells 1 of 255
from 0 (by 0.067), which no one sees, and renderers know no coverage between 0 and 16."""
_SAME: Final = 2
"""Of 255: what no one needs to convert to OKLab."""
_LIGHT, _SAME_LIGHT = 16, 8
"""Of 255: from this value of all channels on, colors that differ by no more in any are close (0.043 at most)."""
_OPAQUE: Final = 255
_AT_ONCE: Final = 1 << 16
FAITHFUL: Final = 0.985
"""The part of all pixels that must be close."""


def closeness(drawn: Picture, meant: Picture) -> float:
    """The part of the pixels, in [0, 1], that are close on white, gray and dark pages; 0 for another size."""
    if drawn.rgb.shape != meant.rgb.shape:
        return 0.0
    return 1.0 - int(np.count_nonzero(far_pixels(drawn, meant))) / (meant.width * meant.height)


def far_pixels(drawn: Picture, meant: Picture) -> NDArray[np.bool_]:
    """The pixels (h, w) that are not close on one of the pages; both pictures have the same size.

    Holds 10 MB, and some bytes per pixel.
    """
    clear = drawn.alpha is not None or meant.alpha is not None
    one_alpha, other_alpha = _alpha(drawn), _alpha(meant)
    result = np.zeros(drawn.rgb.shape[:2], bool)
    for channel in range(3):
        result |= _apart(np.ascontiguousarray(drawn.rgb[..., channel]), np.ascontiguousarray(meant.rgb[..., channel]))
    if clear:
        result &= np.maximum(one_alpha, other_alpha) > 0
        result |= _apart(one_alpha, other_alpha)
    places = np.flatnonzero(result)
    for begin in range(0, len(places), _AT_ONCE):
        some = places[begin : begin + _AT_ONCE]
        result.ravel()[some] = False
        for page in _PAGES if clear else _PAGES[:1]:
            if page != _PAGES[0]:  # only what is not opaque looks different there
                some = some[np.minimum(one_alpha.ravel()[some], other_alpha.ravel()[some]) < _OPAQUE]
            one, other = _on(page, drawn, some), _on(page, meant, some)
            darkest, apart = np.minimum(one, other), np.maximum(one, other)
            apart -= darkest
            unsure = np.flatnonzero(np.any((apart > _SAME_LIGHT) | (darkest < _LIGHT), axis=1))
            away = rgb_to_oklab(one[unsure]) - rgb_to_oklab(other[unsure])
            result.ravel()[some[unsure]] |= np.linalg.norm(away, axis=-1) > CLOSE
    return result


def _apart(one: U8, other: U8) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = np.maximum(one, other) - np.minimum(one, other) > _SAME
    return result


def _alpha(picture: Picture) -> U8:
    return np.full(picture.rgb.shape[:2], 255, np.uint8) if picture.alpha is None else picture.alpha


def _on(page: int, picture: Picture, places: NDArray[np.intp]) -> U8:
    """Some pixels (n, 3) of a picture on a page of one gray."""
    pixels = picture.rgb.reshape(-1, 3)[places]
    if picture.alpha is None:
        return pixels
    part = picture.alpha.ravel()[places][:, None] / 255.0
    return np.rint(pixels * part + page * (1.0 - part)).astype(np.uint8)
