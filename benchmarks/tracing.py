"""What SVGs cost and how close they come, next to the PNGs of the same variations, in the same run on one core.

    python benchmarks/tracing.py [--palettes FILE.json] [IMAGE ...]

From PNG bytes: `once` is all that no palette changes (surfaces, outlines, the text of the shapes, and the measurement
that they show the picture), without preparing, which the PNGs need too; `each` is one palette's SVG. Processor time,
medians of five. `close` is the part of the pixels within 0.05 (OKLab): of the base, and at worst of the variations;
`KB` is the largest; `ratio` is the seven SVGs' time to that of the seven PNGs; `more` counts the colors of SVGs that
`shown` does not list without them.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from resvg_py import svg_to_bytes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recoloring import PALETTES, SIDE_PX, flat_logo, gradient_logo, one_core

from color import Picture, choose, decode, measure_shown, prepare, render
from commands.inputs import read_palettes
from pack import LogoShapes, with_colors_of
from pack.faithfulness import closeness


def seconds(work: Callable[[], object]) -> float:
    """Median processor time of five runs."""
    times = []
    for _ in range(5):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def report(name: str, data: bytes, palettes: list[tuple[str, ...]]) -> None:
    """One line about one picture."""
    base = prepare(data)
    shapes = LogoShapes(data)
    colorings = [choose(base, colors) for colors in palettes]
    shown = [measure_shown(base, coloring) for coloring in colorings]
    pictures = [decode(render(base, coloring)) for coloring in colorings]
    named = [[entry.color for entry in one.colors] for one in shown]
    drawn = [shapes.svg(picture, names) for picture, names in zip(pictures, named, strict=True)]
    own = shapes.svg(shapes.picture)
    preparing = seconds(lambda: prepare(data))
    once = 1000 * (seconds(lambda: LogoShapes(data)) - preparing)
    if isinstance(own, str):
        print(f"{name:<18} {once:7.0f}  no SVG: {own}", flush=True)
        return
    svgs = [one for one in drawn if isinstance(one, bytes)]
    each = 1000 * seconds(lambda: [shapes.svg(p, names) for p, names in zip(pictures, named, strict=True)]) / len(svgs)
    pngs = 1000 * seconds(lambda: [render(base, coloring) for coloring in colorings])
    close = [_closeness(one, picture) for one, picture in zip(svgs, pictures, strict=True)]
    listed = [with_colors_of(svg, one, picture) for svg, one, picture in zip(svgs, shown, pictures, strict=True)]
    more = max(len(after.colors) - len(before.colors) for after, before in zip(listed, shown, strict=True))
    size = max(map(len, (own, *svgs))) / 1000
    costs = f"{once:7.0f} {each:7.1f} {size:6.1f}"
    shows = f"{_closeness(own, shapes.picture):8.2%} {min(close):8.2%} {more:5}"
    ratio = (once + each * len(svgs)) / (1000 * preparing + pngs)
    print(f"{name:<18} {costs} {shows}   {1000 * preparing:5.0f} {pngs:6.0f} {ratio:15.2f}", flush=True)


def _closeness(svg: bytes, picture: Picture) -> float:
    return closeness(decode(bytes(svg_to_bytes(svg_string=svg.decode(), skip_system_fonts=True))), picture)


def main() -> None:
    """The pictures named, or two of the benchmark's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--palettes", type=Path)
    parser.add_argument("images", nargs="*", type=Path)
    options = parser.parse_args()
    palettes: list[tuple[str, ...]] = list(PALETTES)
    if options.palettes:
        palettes = [palette.colors for palette in read_palettes(options.palettes)]
    print("picture            once ms  each ms    KB    close    worst  more   PNGs: prepare, all (ms)  ratio")
    files = {path.stem: path.read_bytes() for path in options.images} or {
        "flat": _encoded(flat_logo(SIDE_PX)),
        "gradient": _encoded(gradient_logo(SIDE_PX)),
    }
    with one_core():
        for name, data in files.items():
            report(name, data, palettes)


def _encoded(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


if __name__ == "__main__":
    main()
