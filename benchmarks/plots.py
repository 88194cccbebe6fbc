"""The plots of docs/color.md, from what the other two benchmarks have written.

python benchmarks/recoloring.py --json speed.json
python benchmarks/quality.py --json engine.json
python benchmarks/quality.py --nearest --json nearest.json
python benchmarks/plots.py speed.json engine.json nearest.json --out docs/images
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel, TypeAdapter
from recoloring import Report

LOW: Final = ("adherence", "weak_pairs", "false_edges", "aa_error")
HIGH: Final = (
    "palette_used",
    "min_pair_ratio",
    "grad_corr",
    "edge_recall",
    "smooth_ratio",
    "order_kept",
    "contrast_kept",
    "contrast_min",
)
OURS, THEIRS, FLOOR = "#0B7285", "#C9B79C", "#E8A33D"


class Scores(BaseModel):
    """Mean of each metric over all outputs."""

    means: dict[str, float]

    @classmethod
    def read(cls, path: Path) -> Scores:
        """From a file that quality.py wrote."""
        rows = TypeAdapter(dict[str, dict[str, float]]).validate_json(path.read_bytes())
        names = {name for row in rows.values() for name in row}
        return cls(means={name: float(np.mean([row[name] for row in rows.values() if name in row])) for name in names})


def quality(engine: Scores, nearest: Scores) -> Figure:
    """Two panels of bars: losses, the shorter the better, and what is kept, the longer the better."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    for axes, names, title in zip(
        figure.subplots(1, 2), (LOW, HIGH), ("lost: shorter is better", "kept: longer is better"), strict=True
    ):
        y = np.arange(len(names))
        axes.barh(y - 0.2, [engine.means[name] for name in names], 0.38, color=OURS, label="this engine")
        axes.barh(y + 0.2, [nearest.means[name] for name in names], 0.38, color=THEIRS, label="nearest color")
        axes.set_yticks(y, names)
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, loc="lower right")
    return figure


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
    """Draw both figures as SVG."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    for name in ("speed", "engine", "nearest"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "concept-worker"  # the same figures give the same file
    report = Report.model_validate_json(given.speed.read_bytes())
    figures = {
        "color-quality": quality(Scores.read(given.engine), Scores.read(given.nearest)),
        "color-speed": speed(report),
    }
    for name, figure in figures.items():
        figure.savefig(given.out / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
