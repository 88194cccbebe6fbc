"""Lightness moved, within bounds, where a palette's colors lie too close together for neighbors or for text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from color.analysis import Regions, Step
from color.spaces import F64, FLARE, LUMINANCE_CONES

_PUSH: Final = 0.0644
_PUSH_SHARE: Final = 0.12
"""From this part of what is drawn on, a region is a surface and keeps its color."""
FARTHEST: Final = 0.25
"""The farthest that lightness ever moves (OKLab)."""
_KEPT_PUSHED, _KEPT_RESCUED = 0.8, 0.308
"""The part of their distance neighbors should keep, at the price of a push, of a rescue."""
_RATIO_PUSHED, _RATIO_RESCUED = 2.76, 1.63
"""Contrast ratios with the ground, at the same prices."""
_ENOUGH: Final = 0.25
_ALIKE: Final = 0.08
"""Regions closer than this in the picture need not be told apart."""
_LEVEL: Final = 0.03
"""Regions whose lightness differs by less may part in either direction."""
_UNDECIDED: Final = 1e-300
"""Less than any difference of two lightnesses: it decides only where there is none."""
_READ: Final = 1.3
"""Lines of less contrast with the ground, such as glow, are not there to be read."""
BLACK: Final = 0.15
"""Darker than this no color is moved: there, eight bits have too few steps for what is drawn."""
_FAINT: Final = 2.82
_ROUNDS: Final = 4
_PACE: Final = 0.7
_SETTLED: Final = 5e-4
_EXACTLY: Final = 1e-9


class _Price(NamedTuple):
    """How far lightness may move, `bound` (k, 1), to keep the distances `need` (d, 1) and contrast.

    `part` (d, 1) is how much of a missing distance the first of two neighbors makes up.
    """

    bound: F64
    part: F64
    need: F64


class _Chosen(NamedTuple):
    """What stays while lightness moves: the `lightness` (k, n) chosen, and the part of hue and chroma in the rest.

    `across` (d, n) is the squared distance of neighbors that does not lie in lightness; `cones` (3, k, n) is what hue
    and chroma add to the three functions whose cubes are luminance. `darker` (k, n): the side of what is around.
    """

    lightness: F64
    across: F64
    cones: F64
    darker: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Legibility:
    """What must stay legible in one picture of k regions, prepared once.

    `first` and `second` (d,) are the neighbors to be told apart, each pair both ways, and each region with itself; in
    order of the first, whose pairs begin at `starts` (k,). `lean` (d, 1) says by its sign whether the first is the
    lighter one: 2, more than any change can turn, where the picture decides. `ratio` (k, 1) is the contrast with
    what each lies on, `around` (k,), and `darker` (k, 1) the direction in which it is gained.
    """

    ground: int
    around: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    starts: NDArray[np.intp]
    lean: F64
    ratio: F64
    darker: NDArray[np.bool_]
    push: _Price
    rescue: _Price
    steps: tuple[Step | None, ...]

    @classmethod
    def of(cls, regions: Regions) -> Legibility:
        """Prepare what does not depend on a palette."""
        lightness, share, ground = regions.oklab[:, 0], regions.share, regions.ground.region
        matter = regions.touch & (regions.distance > _ALIKE)
        first, second = np.nonzero(matter | np.eye(len(regions), dtype=bool))
        drop = lightness[first] - lightness[second]
        lean = np.where(np.abs(drop) > _LEVEL, 2.0 * np.sign(drop), _UNDECIDED * np.sign(first - second))
        drawn = share / max(1.0 - float(share[ground]), 1e-6)
        thin = regions.thin * (regions.contrast > _READ)
        push = _PUSH * np.maximum(thin, np.clip(1.0 - drawn / _PUSH_SHARE, 0.0, 1.0))
        others = np.arange(len(regions)) != ground

        def price(bound: F64, kept: float) -> _Price:
            bound = bound * others
            part = matter[first, second] * bound[first] / np.maximum(bound[first] + bound[second], 1e-9)
            need = kept * np.minimum(regions.distance[first, second], _ENOUGH)
            return _Price(bound[:, None], part[:, None], need[:, None])

        return cls(
            ground=ground,
            around=regions.around,
            first=first,
            second=second,
            starts=np.searchsorted(first, np.arange(len(regions))),
            lean=lean[:, None],
            ratio=regions.stands[:, None],
            darker=(regions.light < regions.light[regions.around])[:, None],
            push=price(push, _KEPT_PUSHED),
            rescue=price(np.full(len(regions), FARTHEST), _KEPT_RESCUED),
            steps=regions.steps,
        )

    @property
    def reach(self) -> F64:
        """How far (k, 1) lightness may move where the whole gains: lines and small parts, never surfaces."""
        return self.push.bound / _PUSH * FARTHEST

    def turned_around(self, *, turned: bool) -> Legibility:
        """The same where the ground's color is given: lightness is in order, or all `turned`, besides the ground's."""
        free = (self.first == self.ground) | (self.second == self.ground)
        lean = np.where(free[:, None], _UNDECIDED, -self.lean if turned else self.lean)
        return replace(self, lean=lean, darker=~self.darker if turned else self.darker)

    def moved(self, chosen: F64) -> F64:
        """The `chosen` OKLab colors (3, k, n), lighter or darker where needed.

        First small regions, and only where they would be hard to read, by up to 0.07; then whatever would be lost
        altogether. The ground keeps its color, and all colors their hue and chroma.
        """
        across = chosen[1:].take(self.first, 1) - chosen[1:].take(self.second, 1)
        cones = np.einsum("dc,ckn->dkn", LUMINANCE_CONES[:, 1:], chosen[1:])
        drop = chosen[0].take(self.around, 0) - chosen[0]
        darker = np.where(np.abs(drop) > _LEVEL, drop > 0, self.darker)
        start = _Chosen(chosen[0], (across * across).sum(0), cones, darker)
        shown, root = chosen.copy(), np.sqrt(self.ratio)
        shown[0] = self._moved(start, start.lightness, self.push, np.minimum(root, _RATIO_PUSHED))
        shown[0] = self._moved(start, shown[0], self.rescue, np.minimum(root, _RATIO_RESCUED))
        return self.smooth(chosen, shown)

    def smooth(self, chosen: F64, shown: F64) -> F64:
        """The lightness `shown` (3, k, n) of a gradient's steps follows its ends, if it was `chosen` to; in place."""
        for i, step in enumerate(self.steps):
            if step is not None:
                off = chosen[:, i] - (1.0 - step.t) * chosen[:, step.first] - step.t * chosen[:, step.second]
                follows = np.abs(off).max(0) < _EXACTLY
                between = (1.0 - step.t) * shown[0, step.first] + step.t * shown[0, step.second]
                shown[0, i] = np.where(follows, between, shown[0, i])
        return shown

    def _moved(self, start: _Chosen, lightness: F64, price: _Price, ratio: F64) -> F64:
        """The `lightness` (k, n) moved toward the distances that the price pays for and the contrast `ratio` (k, 1)."""
        apart = np.sqrt(np.maximum(price.need**2 - start.across, 0.0))
        part = price.part * (apart > 0.0)  # where hue and chroma tell them apart, lightness need not be in order
        low = np.maximum(start.lightness - price.bound, np.minimum(start.lightness, BLACK))
        high = np.minimum(start.lightness + price.bound, 1.0)
        least = np.where(ratio > _FAINT, ratio, 0.0)
        for _ in range(_ROUNDS):
            change = lightness.take(self.first, 0) - lightness.take(self.second, 0)
            sign = np.sign(change + self.lean)
            gap = sign * np.maximum(apart - sign * change, 0.0) * part
            push = np.maximum.reduceat(gap, self.starts) + np.minimum.reduceat(gap, self.starts)
            cones = start.cones + LUMINANCE_CONES[:, :1, None] * lightness
            light = (cones * cones * cones).sum(0).clip(0.0, 1.0)
            bright = light + FLARE
            ground = bright.take(self.around, 0)
            faint = np.maximum(bright, ground) < least * np.minimum(bright, ground)
            if faint.any():
                goal = (np.where(start.darker, ground / ratio, ground * ratio) - FLARE).clip(0.0, 1.0)
                push += faint * (np.cbrt(goal) - np.cbrt(light))
            before, lightness = lightness, np.minimum(np.maximum(lightness + _PACE * push, low), high)
            if np.abs(lightness - before).max() < _SETTLED:
                break
        return lightness
