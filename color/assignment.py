"""Which palette color each region gets."""

from __future__ import annotations

from typing import Final

import numpy as np

from color.analysis import Regions
from color.spaces import F64, U8, contrast, luminance, rgb_to_oklab

_BEAM: Final = 64


def assign(regions: Regions, palette: U8) -> F64:
    """The new OKLab color (k, 3) of every region from `palette` (p, 3) in any order; deterministic."""
    palette = np.unique(palette, axis=0)
    colors = rgb_to_oklab(palette)
    light = luminance(palette)
    source = regions.oklab
    source_light = luminance(regions.rgb)
    k, p = len(source), len(colors)
    low, high = source[:, 0].min(), source[:, 0].max()
    scaled = (source[:, 0] - low) / max(high - low, 1e-6)
    span = np.ptp(colors[:, 0])
    target = colors[:, 0].min() + scaled * span if high - low > 0.25 else source[:, 0]  # noqa: PLR2004 - of [0, 1]
    chroma, new_chroma = np.hypot(source[:, 1], source[:, 2]), np.hypot(colors[:, 1], colors[:, 2])
    unary = 2.0 * np.abs(target[:, None] - colors[None, :, 0]) + 0.6 * np.abs(chroma[:, None] - new_chroma[None])
    unary += 0.3 * np.hypot(source[:, None, 1] - colors[None, :, 1], source[:, None, 2] - colors[None, :, 2])
    weight = np.sqrt(regions.share)
    between = np.linalg.norm(source[:, None] - source[None], axis=-1)
    spread = np.linalg.norm(colors[:, None] - colors[None], axis=-1)
    paths = np.zeros((1, 0), np.int64)
    cost = np.zeros(1)
    for i in range(k):
        step = np.broadcast_to(unary[i] * weight[i], (len(paths), p)).copy()
        for j in range(i):
            mine = paths[:, j]
            wanted = min(between[i, j], 0.25)
            lost = np.maximum(0.0, 1.0 - spread[mine] / wanted)
            step += 3.0 * weight[i] * lost**2 * (0.3 + (regions.border[i, j] > 0))
            drop = source[i, 0] - source[j, 0]
            if abs(drop) > 0.1:  # noqa: PLR2004 - clearly lighter or darker
                step += 2.0 * weight[i] * (np.sign(drop) * (colors[None, :, 0] - colors[mine, 0][:, None]) < 0.005)  # noqa: PLR2004
            if regions.ground in {i, j}:
                before = float(contrast(source_light[i], source_light[j]))
                after = contrast(light[None, :], light[mine][:, None])
                step += 1.5 * weight[i] * np.maximum(0.0, 1.0 - after / before)
        if i < p and i > 0:
            step += 0.5 * (paths[:, :, None] == np.arange(p)[None, None]).any(1)
        total = cost[:, None] + step
        best = np.argsort(total, axis=None, kind="stable")[:_BEAM]
        row, choice = np.unravel_index(best, total.shape)
        paths = np.concatenate([paths[row], choice[:, None]], 1)
        cost = total[row, choice]
    chosen = paths[0]
    result: F64 = colors[chosen].copy()
    for i in range(k):
        same = [j for j in range(i) if chosen[j] == chosen[i]]
        if same:
            j = min(same, key=lambda other: float(between[i, other]))
            result[i, 0] = np.clip(result[j, 0] + np.clip(source[i, 0] - source[j, 0], -0.2, 0.2), 0.0, 1.0)
    return result
