"""How close a drawing is to the picture it stands for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Picture
from color.spaces import F64, U8, rgb_to_oklab

CLOSE: Final = 0.05
"""OKLab: a pixel that differs by no more is as it should be."""
_PAGES: Final = (255.0, 128.0)
"""What is wrong with transparency shows on one of them. Black is none: there OKLab tells 1 from 0 of 255, and renderers
have no coverage between 0 and 16."""
_SAME: Final = 2
"""Of 255: what no one needs to convert to OKLab."""
FAITHFUL: Final = 0.985
"""The part of all pixels that must be close."""


def closeness(drawn: Picture, meant: Picture) -> float:
    """The part of the pixels, in [0, 1], that are close on a white page and on a gray one; 0 for another size."""
    if drawn.rgb.shape != meant.rgb.shape:
        return 0.0
    return 1.0 - int(np.count_nonzero(far_pixels(drawn, meant))) / (meant.width * meant.height)


def far_pixels(drawn: Picture, meant: Picture) -> NDArray[np.bool_]:
    """The pixels (h, w) that are not close on one page or the other; both pictures have the same size."""
    differ: NDArray[np.bool_] = (drawn.rgb != meant.rgb).any(axis=-1)
    if drawn.alpha is not None or meant.alpha is not None:
        differ |= _alpha(drawn) != _alpha(meant)
    first, second = _pixels(drawn, differ), _pixels(meant, differ)
    noticed = np.abs(first - second).max(axis=1, initial=0.0) > _SAME
    first, second = first[noticed], second[noticed]
    off = np.zeros(len(first))
    for page in _PAGES:
        away = rgb_to_oklab(_on(page, first)) - rgb_to_oklab(_on(page, second))
        off = np.maximum(off, np.linalg.norm(away, axis=-1))
        if drawn.alpha is None and meant.alpha is None:
            break
    differ[differ] = noticed
    differ[differ] = off > CLOSE
    return differ


def _alpha(picture: Picture) -> U8:
    return np.full(picture.rgb.shape[:2], 255, np.uint8) if picture.alpha is None else picture.alpha


def _pixels(picture: Picture, where: NDArray[np.bool_]) -> F64:
    return np.concatenate([picture.rgb[where], _alpha(picture)[where][:, None]], axis=1).astype(np.float64)


def _on(page: float, pixels: F64) -> F64:
    part = pixels[:, 3:] / 255.0
    result: F64 = pixels[:, :3] * part + page * (1.0 - part)
    return result
