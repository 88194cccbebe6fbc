"""What the regions of a base have become in a picture of it: read from the picture, whatever made it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from color import Base, Picture
from color.spaces import U8
from color.surfaces import region_labels

_SAMPLES: Final = 400
_LIKE: Final = 6
"""Of 255: pixels so close to a region's color stand for it, if there are any."""


class Observer:
    """Knows for every region of a base which pixels show its color best."""

    def __init__(self, picture: Picture, base: Base) -> None:
        labels = region_labels(picture, base).ravel()
        some = np.arange(0, labels.size, labels.size >> 19 | 1)  # half a million show every region but specks
        colors = picture.rgb.reshape(-1, 3)
        self._places: list[NDArray[np.intp]] = []
        for region, color in enumerate(base.regions.rgb):
            own = some[labels[some] == region]
            if len(own) < _SAMPLES:
                own = np.flatnonzero(labels == region)
            off = np.abs(colors[own] - color).max(axis=1)
            like = own[off <= _LIKE]
            found = like if len(like) else own[np.argsort(off, kind="stable")[:_SAMPLES]]
            self._places.append(found[:: max(1, len(found) // _SAMPLES)])

    def colors(self, picture: Picture) -> U8:
        """The most frequent color (k, 3) of each region in a picture of the base's size; black for one unseen."""
        pixels = picture.rgb.reshape(-1, 3)
        result = np.zeros((len(self._places), 3), np.uint8)
        for region, places in enumerate(self._places):
            if len(places):
                found, counts = np.unique(pixels[places], axis=0, return_counts=True)
                result[region] = found[counts.argmax()]
        return result
