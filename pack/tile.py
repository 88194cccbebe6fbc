"""The tile of a logo that has transparency: a surface below all else, like that of an app's icon."""

from __future__ import annotations

from typing import Final

import numpy as np

from color import Base, Picture
from color.pixels import spread
from color.surfaces import region_labels

_MOST: Final = 0.5
_FULL: Final = 0.75
"""The part of its own frame that a drawing on a tile fills at least; a disc fills 0.785."""


def tile_of(picture: Picture, base: Base) -> int | None:
    """The largest region, where most of the drawing's outline is its and the drawing is as full as a tile."""
    if base.alpha is None or len(base.regions) == 1:
        return None
    labels = np.pad(region_labels(picture, base), 1, constant_values=len(base.regions))
    seen = labels < len(base.regions)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows) or seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() < _FULL:
        return None
    tile = int(base.regions.share.argmax())
    return tile if (labels[seen & spread(~seen, 1)] == tile).mean() > _MOST else None
