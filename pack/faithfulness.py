"""How close a drawing is to the picture it stands for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Picture
from color.spaces import F64, rgb_to_oklab

CLOSE: Final = 0.05
"""OKLab: a pixel that differs by no more is as it should be."""
FAITHFUL: Final = 0.985
"""The part of all pixels that must be close."""
_SAME: Final = 2
"""Of 255: what no one needs to convert to OKLab."""


def closeness(drawn: Picture, meant: Picture) -> float:
    """The part of the pixels, in [0, 1], that are close on a white page and on a black one; 0 for another size."""
    if drawn.rgb.shape != meant.rgb.shape:
        return 0.0
    first, second = _with_alpha(drawn), _with_alpha(meant)
    differ = (np.abs(first - second) > _SAME).any(axis=-1)
    off = np.zeros(int(np.count_nonzero(differ)))
    for page in (0.0, 255.0):
        away = rgb_to_oklab(_on(page, first[differ])) - rgb_to_oklab(_on(page, second[differ]))
        off = np.maximum(off, np.linalg.norm(away, axis=-1))
    return 1.0 - int(np.count_nonzero(off > CLOSE)) / int(differ.size)


def _with_alpha(picture: Picture) -> NDArray[np.int16]:
    pixels = np.full((*picture.rgb.shape[:2], 4), 255, np.int16)
    pixels[..., :3] = picture.rgb
    if picture.alpha is not None:
        pixels[..., 3] = picture.alpha
    return pixels


def _on(page: float, pixels: NDArray[np.int16]) -> F64:
    part = pixels[:, 3:] / 255.0
    result: F64 = pixels[:, :3] * part + page * (1.0 - part)
    return result
