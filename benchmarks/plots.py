"""The plot of docs/color.md, from what recoloring.py has written.

python benchmarks/recoloring.py --json speed.json
python benchmarks/plots.py speed.json --out docs/images
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from recoloring import Report

OURS, THEIRS, FLOOR = "#0B7285", "#C9B79C", "#E8A33D"


def speed(report: Report) -> Figure:
    """Seconds per seven variations on a logarithmic scale, and growth with pixels."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.arange(len(report.pictures))
    rows = report.pictures.values()
    bars = {
        "naive": (-0.27, THEIRS, [row.naive for row in rows]),
        "floor": (0.0, FLOOR, [row.floor for row in rows]),
        "ours": (0.27, OURS, [row.ours for row in rows]),
    }
    for name, (shift, color, heights) in bars.items():
        left.bar(x + shift, heights, 0.25, color=color, label=name)
    left.set_yscale("log")
    left.set_xticks(x, list(report.pictures))
    left.set_ylabel("s for seven variations, 1024²")
    left.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.15))
    pixels = np.array([side**2 for side in report.growth], float)
    seconds = np.array(list(report.growth.values()))
    right.loglog(pixels, seconds, "o-", color=OURS, label="gradient, seven variations")
    right.loglog(pixels, seconds[0] * pixels / pixels[0], "--", color=THEIRS, label="linear in pixels")
    right.set_xlabel("pixels")
    right.set_ylabel("s")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Draw the figure as SVG."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("speed", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "concept-worker"  # the same figures give the same file
    report = Report.model_validate_json(given.speed.read_bytes())
    speed(report).savefig(given.out / "color-speed.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
