"""How fast variations are made, as ratios against references measured in the same run on one core.

    python benchmarks/recoloring.py [--full] [--json FILE] [IMAGE ...]

Without images it draws its own. References, each from PNG bytes to seven PNGs:
  naive  k-means in OKLab with ten restarts over every pixel, once per palette; nearest color; half blended with the
         source; Pillow's default PNG. All palettes repeat the same work, so one is measured and counted seven times;
         `--full` measures all seven.
  floor  decode once, then seven times a 17³ `Color3DLUT` and the fastest lossless encoder at hand.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from pydantic import BaseModel
from zlib_ng import zlib_ng

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import color
from color.decoding import Facts, Picture
from color.spaces import oklab_to_rgb, parse_hex, rgb_to_oklab

PALETTES = (
    ("#2B2D42", "#EF476F", "#F78C6B", "#FFD166", "#FFF6E5"),
    ("#1B4332", "#40916C", "#95D5B2", "#D8F3DC", "#B08968"),
    ("#0D0221", "#F706CF", "#03EDF9", "#FDF500", "#241734"),
    ("#03045E", "#0077B6", "#00B4D8", "#90E0EF", "#CAF0F8"),
    ("#FFADAD", "#FFD6A5", "#FDFFB6", "#CAFFBF", "#A0C4FF"),
    ("#3E2723", "#6D4C41", "#A1887F", "#D7A86E", "#8C5E3C"),
    ("#FFFFFF", "#E63946", "#1D3557", "#F4A261", "#2A9D8F"),
)
SIDE_PX = 1024
_TURNS = (lambda r, g, b: (g, b, r), lambda r, g, b: (b, r, g))
RESTARTS, MOST_STEPS = 10, 300


def flat_logo(side_px: int) -> Image.Image:
    """Discs, a ring and bars in four flat colors, anti-aliased."""
    scale = min(4, max(1, 8192 // side_px))
    big = Image.new("RGB", (side_px * scale, side_px * scale), "#FFFFFF")
    draw = ImageDraw.Draw(big)
    unit = side_px * scale / 100
    draw.ellipse((12 * unit, 8 * unit, 88 * unit, 84 * unit), fill="#F4B400", outline="#111111", width=int(3 * unit))
    draw.ellipse((34 * unit, 26 * unit, 66 * unit, 58 * unit), fill="#D62828")
    for bar in range(5):
        draw.rounded_rectangle(
            ((14 + 15 * bar) * unit, 88 * unit, (26 + 15 * bar) * unit, 94 * unit), 2 * unit, "#111111"
        )
    return big.resize((side_px, side_px), Image.Resampling.BOX)


def gradient_logo(side_px: int) -> Image.Image:
    """The flat logo with a shaded disc: thousands of colors, so every pixel is looked up."""
    base = np.asarray(flat_logo(side_px)).astype(np.float32)
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / side_px
    light = 1.0 - 0.6 * np.hypot(x - 0.35, y - 0.3)
    disc = (np.abs(base - np.array([244, 180, 0], np.float32)).max(-1) < 4)[..., None]  # noqa: PLR2004 - nearly that color
    shaded = base * light[..., None] ** np.array([0.6, 1.6, 1.0], np.float32) + (y * np.float32(90.0))[..., None]
    return Image.fromarray(np.where(disc, shaded, base).clip(0, 255).astype(np.uint8))


def noisy_logo(side_px: int) -> Image.Image:
    """The shaded logo as an image model delivers it: soft, with grain everywhere."""
    soft = np.asarray(gradient_logo(side_px).filter(ImageFilter.GaussianBlur(0.8))).astype(np.float32)
    return Image.fromarray((soft + np.random.default_rng(1).normal(0, 2, soft.shape)).clip(0, 255).astype(np.uint8))


def transparent_logo(side_px: int) -> Image.Image:
    """The shaded logo on nothing."""
    image = gradient_logo(side_px)
    image.putalpha(image.convert("L").point(lambda value: 255 if value < 250 else 0))  # noqa: PLR2004 - nearly white
    return image


def png(image: Image.Image) -> bytes:
    """Pillow's default PNG of the image."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def ours(data: bytes) -> int:
    """Bytes of seven variations the project's way."""
    base = color.prepare(data)
    return sum(len(color.recolor(base, palette)) for palette in PALETTES)


def floor(data: bytes) -> int:
    """Bytes of seven lookups: what any engine that maps colors must do."""
    image = Image.open(io.BytesIO(data))
    image.load()
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    solid = image.convert("RGB")
    total = 0
    for shift in range(len(PALETTES)):
        table = ImageFilter.Color3DLUT.generate(17, _TURNS[shift % 2])
        pixels = np.asarray(solid.filter(table))
        facts = Facts(width=solid.width, height=solid.height, media_type="image/png", is_plain_png=True)
        total += len(color.to_png(Picture(pixels, None if alpha is None else np.asarray(alpha), facts)))
    return total


def naive(data: bytes, palettes: Sequence[Sequence[str]]) -> int:
    """Bytes of variations by clustering every pixel anew for each palette."""
    image = Image.open(io.BytesIO(data))
    rgb = np.asarray(image.convert("RGB"))
    total = 0
    for palette in palettes:
        points = rgb_to_oklab(rgb.reshape(-1, 3)).astype(np.float32)
        centers, nearest = _k_means(points, len(palette))
        new = rgb_to_oklab(parse_hex(palette)).astype(np.float32)
        match = ((centers[:, None] - new) ** 2).sum(-1).argmin(1)
        blended = 0.5 * points + 0.5 * new[match][nearest]
        total += len(
            png(Image.fromarray(np.rint(oklab_to_rgb(blended.astype(np.float64))).astype(np.uint8).reshape(rgb.shape)))
        )
    return total


def _k_means(points: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Lloyd's algorithm from ten random starts until the centers rest; the start with the least error wins."""
    random = np.random.default_rng(0)
    best_error, best = np.inf, None
    for _ in range(RESTARTS):
        centers = points[random.choice(len(points), count, replace=False)]
        nearest, error = np.zeros(len(points), np.intp), np.inf
        for _ in range(MOST_STEPS):
            gaps = np.stack([((points - center) ** 2).sum(-1) for center in centers])
            nearest, error = gaps.argmin(0), float(gaps.min(0).sum())
            size = np.maximum(np.bincount(nearest, minlength=count), 1)
            moved = np.stack([np.bincount(nearest, points[:, c], count) / size for c in range(3)], 1).astype(np.float32)
            rests = float(((moved - centers) ** 2).sum()) < 1e-4 * float(points.var(axis=0).mean())
            centers = moved
            if rests:
                break
        if error < best_error:
            best_error, best = error, (centers, nearest)
    if best is None:
        raise AssertionError("at least one restart")
    return best


def median_s(work: Callable[[], object], runs: int) -> float:
    """Median time in seconds of several runs, after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core inside the block, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Comparison(BaseModel):
    """Seconds for seven variations of one picture: ours, the floor's and the naive way's."""

    ours: float
    floor: float
    naive: float


class Report(BaseModel):
    """Everything measured in one run. `growth` maps a side in pixels to seconds; `threads` a job to its speed-up."""

    pictures: dict[str, Comparison]
    growth: dict[int, float]
    peak_mb: float
    allowed_mb: float
    threads: dict[str, float]


def compare(name: str, data: bytes, *, full: bool) -> Comparison:
    """Print one picture's times and ratios."""
    reference, mine, size = median_s(lambda: floor(data), 5), median_s(lambda: ours(data), 7), ours(data)
    encoded = floor(data) / len(PALETTES) / len(png(Image.open(io.BytesIO(data))))
    start = time.perf_counter()
    naive(data, PALETTES if full else PALETTES[:1])
    slow = (time.perf_counter() - start) * (1 if full else len(PALETTES))
    print(
        f"{name:18} ours {mine * 1e3:6.0f} ms   floor {reference * 1e3:6.0f} ms   naive {slow:6.1f} s"
        f"   = {slow / mine:5.0f} x naive, {mine / reference:4.2f} x floor"
        f"   ({size // len(PALETTES) // 1024} KB each; the floor's encoder: {encoded:.2f} x Pillow's size)",
        flush=True,
    )
    return Comparison(ours=mine, floor=reference, naive=slow)


def growth() -> dict[int, float]:
    """Print time per pixel at three sizes, each relative to the smaller one's."""
    inputs = {side: png(gradient_logo(side)) for side in (256, 1024, 4096)}
    times = {side: median_s(partial(ours, data), 5) for side, data in inputs.items()}
    for small, large in pairwise(times):
        ratio = times[large] / times[small] / (large / small) ** 2
        print(
            f"growth {small}² → {large}²: {ratio:.2f} x linear ({times[small] * 1e3:.0f} → {times[large] * 1e3:.0f} ms)"
        )
    return times


def peak() -> tuple[float, float]:
    """Print and return the peak memory at 4096², in MB, and what is allowed."""
    script = (
        "import sys; sys.path.insert(0, 'benchmarks'); from recoloring import *; data = open(sys.argv[1], 'rb').read();"
        "ours(png(flat_logo(64))); before = peak_mb(); ours(data); print(before, peak_mb())"
    )
    with Scratch(png(gradient_logo(4096))) as path:
        shown = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-c", script, str(path)],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
        ).stdout.split()
    before, most = (float(value) for value in shown)
    allowed = 12 * 4096**2 / 2**20 + 150
    print(f"peak memory at 4096²: {most:.0f} MB ({before:.0f} MB before), allowed {allowed:.0f} MB")
    return most, allowed


def peak_mb() -> float:
    """The most memory this process has held, in MB; from Linux, because `getrusage` remembers the parent's peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


class Scratch:
    """A file of the given bytes for as long as the block lasts."""

    def __init__(self, data: bytes) -> None:
        self._path = Path(os.environ.get("TMPDIR", "/tmp")) / f"color-bench-{os.getpid()}.png"  # noqa: S108 - named by pid
        self._path.write_bytes(data)

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._path.unlink()


def _all(pool: ThreadPoolExecutor, work: Callable[[int], object]) -> list[object]:
    return list(pool.map(work, range(8)))


def threads() -> dict[str, float]:
    """Print how two threads compare with one; the last row, one long call of C, is what the machine can give at all."""
    data = png(noisy_logo(SIDE_PX))  # looked up, pixel by pixel
    base = color.prepare(data)
    raw = np.random.default_rng(0).integers(0, 20, 3 * SIDE_PX**2, np.uint8)
    jobs: dict[str, Callable[[int], object]] = {
        "eight variations of one base": lambda i: color.recolor(base, PALETTES[i % len(PALETTES)]),
        "eight pictures, seven variations each": lambda _: ours(data),
        "reference: eight times deflate alone": lambda _: zlib_ng.compress(raw, 3),
    }
    found = {}
    for name, work in jobs.items():
        ratios = []
        for _ in range(5):  # one after the other, so that both see the same neighbors on a shared machine
            spent = {}
            for count in (1, 2):
                with ThreadPoolExecutor(count) as pool:
                    start = time.perf_counter()
                    _all(pool, work)
                    spent[count] = time.perf_counter() - start
            ratios.append(spent[1] / spent[2])
        found[name] = statistics.median(ratios)
        print(f"two threads, {name}: {found[name]:.2f} x one thread")
    return found


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--full", action="store_true", help="measure the naive way for all seven palettes")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    given = parser.parse_args()
    drawn = {"flat": flat_logo, "gradient": gradient_logo, "noisy": noisy_logo, "transparent": transparent_logo}
    inputs = {path.stem: path.read_bytes() for path in given.images} or {
        name: png(draw(SIDE_PX)) for name, draw in drawn.items()
    }
    print(f"seven variations, one core; the naive way {'in full' if given.full else 'for one palette, times seven'}")
    with one_core():
        pictures = {name: compare(name, data, full=given.full) for name, data in inputs.items()}
        sizes = growth()
        most, allowed = peak()
    report = Report(pictures=pictures, growth=sizes, peak_mb=most, allowed_mb=allowed, threads=threads())
    if given.json is not None:
        given.json.write_text(report.model_dump_json(indent=1))


if __name__ == "__main__":
    main()
