"""Marks: the one thing a logo shows, as a symbol, initials or an abstract figure, with its optical measures."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from providers.builtin.lettering import typeset
from providers.builtin.seeded_random import SeededRandom

GRID = 24.0
"""Side of the square that marks are drawn in."""
_MEASURE_PX = 192

# Subjects that the icon set lacks, drawn on its grid in its manner.
_OWN: dict[str, str] = {
    "fox": "M2.8 2.4L8.3 6Q12 4.9 15.7 6L21.2 2.4Q22.5 8 21.6 11.6L22.8 14.4Q18.4 20.2 12 22Q5.6 20.2 1.2 14.4L2.4 11.6"
    "Q1.5 8 2.8 2.4Z"
    "M3.2 14.2Q5.6 18.2 10.4 20Q10.2 14.6 3.2 14.2ZM20.8 14.2Q13.8 14.6 13.6 20Q18.4 18.2 20.8 14.2Z"
    "M8.2 10A1.15 1.15 0 1 0 8.2 12.3A1.15 1.15 0 1 0 8.2 10Z"
    "M15.8 10A1.15 1.15 0 1 0 15.8 12.3A1.15 1.15 0 1 0 15.8 10Z",
    "bear": "M12 3.6Q13.9 3.6 15.6 4.3A3.4 3.4 0 1 1 20 8.6Q21 10.5 21 12.6Q21 21.4 12 21.4Q3 21.4 3 12.6"
    "Q3 10.5 4 8.6A3.4 3.4 0 1 1 8.4 4.3Q10.1 3.6 12 3.6Z"
    "M8.3 9A1.2 1.2 0 1 0 8.3 11.4A1.2 1.2 0 1 0 8.3 9ZM15.7 9A1.2 1.2 0 1 0 15.7 11.4A1.2 1.2 0 1 0 15.7 9Z"
    "M12 12.2Q7.6 12.2 7.6 15.8Q7.6 19.2 12 19.2Q16.4 19.2 16.4 15.8Q16.4 12.2 12 12.2Z"
    "M12 13.6Q14.4 13.6 14.4 15Q14.4 16.6 12.7 17V18H11.3V17Q9.6 16.6 9.6 15Q9.6 13.6 12 13.6Z",
    "lion": "M12 1L14.6 2.9L17.8 2.6L18.9 5.6L21.7 7.1L21 10.2L22.6 13L20.4 15.3L20.2 18.5L17.1 19.3L15.2 21.9L12 21.2"
    "L8.8 21.9L6.9 19.3L3.8 18.5L3.6 15.3L1.4 13L3 10.2L2.3 7.1L5.1 5.6L6.2 2.6L9.4 2.9Z"
    "M12 6.2Q6.4 6.2 6.4 11.4Q6.4 18.4 12 18.4Q17.6 18.4 17.6 11.4Q17.6 6.2 12 6.2Z"
    "M9.5 9.6A1.1 1.1 0 1 1 9.5 11.8A1.1 1.1 0 1 1 9.5 9.6ZM14.5 9.6A1.1 1.1 0 1 1 14.5 11.8A1.1 1.1 0 1 1 14.5 9.6Z"
    "M9.9 13.2H14.1L12.7 14.9V16.6H11.3V14.9Z",
    "bee": "M12 2.6A2.9 2.9 0 0 1 14 7.6C16 8.6 17 10.6 17 13C17 17.6 14.6 22.5 12 22.5C9.4 22.5 7 17.6 7 13"
    "C7 10.6 8 8.6 10 7.6A2.9 2.9 0 0 1 12 2.6Z"
    "M7.4 12.4C4 12.6 .4 10.4 1 7.2C1.7 4.2 6.4 4.2 8.6 8.6Z"
    "M15.4 8.6C17.6 4.2 22.3 4.2 23 7.2C23.6 10.4 20 12.6 16.6 12.4Z"
    "M8.3 12V14.2H15.7V12ZM9 16.4V18.6H15V16.4Z",
    "mountain": "M.8 20.5L8.6 5.4Q9.2 4.2 9.8 5.4L13.6 12.7L15.8 9.2Q16.4 8.3 17 9.2L23.2 20.5Z"
    "M9.2 6.6L6.4 12L7.9 11.3L9.3 13.1L10.7 11.3L12 12Z",
}
_ICON_PATH = re.compile(r' d="([^"]+)"')


@dataclass(frozen=True)
class Mark:
    """A drawing on the 24 by 24 grid."""

    body: str
    center: tuple[float, float]
    """Where the eye sees the middle: mostly the middle of the box, drawn towards the center of mass."""
    half_width: float
    half_height: float
    radius: float
    """From the center to the farthest point."""

    def placed(self, x: float, y: float, *, scale: float, ink: str) -> str:
        """SVG of the mark with its optical center at (x, y)."""
        return (
            f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f})'
            f' translate({-self.center[0]:.3f} {-self.center[1]:.3f})" color="{ink}">{self.body}</g>'
        )

    def scale_in_circle(self, radius: float) -> float:
        """The scale at which the mark fills a circle without crowding it, whatever its proportions."""
        # Corners that barely touch the circle look smaller than they are, compact marks look larger.
        spread = 0.72 * self.radius + 0.28 * max(self.half_width, self.half_height) * 1.18
        return min(radius / spread, 1.08 * radius / self.radius)


@lru_cache(maxsize=256)
def symbol(slug: str) -> Mark:
    """The mark of a symbol of the thesaurus."""
    path = _OWN.get(slug) or _icon_path(slug)
    return _measured(f'<path fill="currentColor" d="{path}"/>')


def is_own(slug: str) -> bool:
    """Whether the symbol is this project's drawing rather than one of the icon set."""
    return slug in _OWN


def initials(letters: str, weight: float) -> Mark:
    """A mark of one to three drawable letters; `weight` in tenths of their height."""
    lettering = typeset(letters, weight + 1.5)
    scale = GRID / max(lettering.width + weight, 10.0 + weight)
    paths = "".join(f'<path d="{item.path}" transform="translate({item.x:.3f} 0)"/>' for item in lettering.letters)
    body = (
        f'<g transform="scale({scale:.4f}) translate({weight / 2:.3f} {weight / 2:.3f})" fill="none"'
        f' stroke="currentColor" stroke-width="{weight:.3f}" stroke-linecap="round" stroke-linejoin="round">{paths}</g>'
    )
    return _measured(body)


def figure(random: SeededRandom) -> Mark:
    """A flower of petals, for prompts whose words this generator can neither draw nor spell."""
    count = random.whole("petals", 5, 9)
    width = 2.1 + 9 / count
    turn = random.between("turn", 0, 360 / count)
    petal = f"M12 11.2C{12 - width:.2f} 8 {12 - width:.2f} 3.4 12 .8C{12 + width:.2f} 3.4 {12 + width:.2f} 8 12 11.2Z"
    # A quarter less than the full width keeps neighbors apart.
    petals = (
        f'<path fill="currentColor" d="{petal}"'
        f' transform="rotate({turn + index * 360 / count:.2f} 12 12) translate(12 0) scale(.74 1) translate(-12 0)"/>'
        for index in range(count)
    )
    return _measured("".join(petals))


def _icon_path(slug: str) -> str:
    # Loading the icon set maps an 11 MB library: only the process that draws a sample logo pays for it, once.
    from material_design_icons_pack import get_icon  # noqa: PLC0415

    icon = get_icon(slug)
    match = _ICON_PATH.search(icon.svg) if icon is not None else None
    if match is None:
        msg = f"the icon set has no symbol {slug!r}"
        raise LookupError(msg)
    return match[1]


def _measured(body: str) -> Mark:
    """Measures what is really painted: paths lie about their extent where curves and strokes bulge."""
    alpha = _alpha(body)
    rows, columns = np.nonzero(alpha > 127)  # noqa: PLR2004 - half covered pixels belong to the shape
    step = 2 * GRID / _MEASURE_PX
    xs, ys = (columns + 0.5) * step - GRID / 2, (rows + 0.5) * step - GRID / 2
    left, right, top, bottom = xs.min(), xs.max(), ys.min(), ys.max()
    x = float(0.75 * (left + right) / 2 + 0.25 * xs.mean())
    y = float(0.75 * (top + bottom) / 2 + 0.25 * ys.mean())
    return Mark(
        body=body,
        center=(x, y),
        half_width=float(max(right - x, x - left)),
        half_height=float(max(bottom - y, y - top)),
        radius=float(np.hypot(xs - x, ys - y).max()),
    )


def _alpha(body: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - a native library, loaded by those who draw

    half = GRID / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-half} {-half} {2 * GRID} {2 * GRID}"'
        f' width="{_MEASURE_PX}" height="{_MEASURE_PX}">{body}</svg>'
    )
    with Image.open(io.BytesIO(svg_to_bytes(svg_string=svg, skip_system_fonts=True))) as image:
        return np.asarray(image.convert("RGBA").getchannel("A"))
