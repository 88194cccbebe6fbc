"""What SVGs cost, next to the PNGs of the same variations, in the same run on one core.

    python benchmarks/tracing.py [IMAGE ...]

From PNG bytes: `once` is all that no palette changes (surfaces, outlines, the text of the shapes, and the measurement
that they show the picture), without preparing, which the PNGs need too; `each` is one palette's SVG. Processor time,
medians of five.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recoloring import PALETTES, SIDE_PX, flat_logo, gradient_logo

from color import choose, prepare, render
from color.spaces import oklab_to_rgb
from pack import LogoShapes


def seconds(work: Callable[[], object]) -> float:
    """Median processor time of five runs."""
    times = []
    for _ in range(5):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def report(name: str, data: bytes) -> None:
    """One line about one picture."""
    base = prepare(data)
    colorings = [choose(base, colors) for colors in PALETTES]
    regions = [np.rint(oklab_to_rgb(coloring.shown)).astype(np.uint8) for coloring in colorings]
    shapes = LogoShapes(data)
    drawn = [shapes.svg(colors) for colors in regions]
    if any(isinstance(one, str) for one in drawn):
        print(f"{name}: no SVG: {drawn[0]!s}")
        return
    preparing = seconds(lambda: prepare(data))
    once = seconds(lambda: LogoShapes(data)) - preparing
    each = seconds(lambda: [shapes.svg(colors) for colors in regions]) / len(regions)
    pngs = seconds(lambda: [render(base, coloring) for coloring in colorings])
    size = max(map(len, drawn)) / 1000
    print(
        f"{name}: once {once * 1000:.0f} ms, each {each * 1000:.1f} ms, at most {size:.1f} KB; "
        f"seven PNGs: preparing {preparing * 1000:.0f} ms, then {pngs * 1000:.0f} ms"
    )


def main() -> None:
    """The pictures named, or two of the benchmark's own."""
    if sys.argv[1:]:
        for path in map(Path, sys.argv[1:]):
            report(path.name, path.read_bytes())
        return
    for name, picture in (("flat", flat_logo(SIDE_PX)), ("gradient", gradient_logo(SIDE_PX))):
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        report(name, stream.getvalue())


if __name__ == "__main__":
    main()
