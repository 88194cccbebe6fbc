"""Lookup tables are read here by an independent program (pillow-lut), and applied by Pillow."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pillow_lut import load_cube_file

from color import choose, cube_error, cube_file, decode, lookup_table, prepare, recolor
from color.spaces import rgb_to_oklab

PALETTE = ("#FFF6E5", "#2B2D42", "#EF476F", "#FFD166")


def logo(mode: str = "RGB") -> bytes:
    """Three flat regions with anti-aliased edges."""
    large = Image.new("RGB", (512, 512), "white")
    draw = ImageDraw.Draw(large)
    draw.ellipse((48, 48, 464, 464), fill="#1D3557")
    draw.rectangle((180, 220, 330, 300), fill="#E63946")
    out = BytesIO()
    large.resize((256, 256), Image.Resampling.LANCZOS).convert(mode).save(out, "PNG")
    return out.getvalue()


def test_another_program_reads_the_file_and_gets_the_variation(tmp_path: Path) -> None:
    """Applied by somebody else's reader, the table shows the variation, as closely as its reported error says."""
    data = logo()
    base, picture = prepare(data), decode(data)
    table = lookup_table(base, choose(base, PALETTE))
    (tmp_path / "warm.cube").write_text(cube_file(table, "warm"))
    theirs = np.asarray(Image.open(BytesIO(data)).convert("RGB").filter(load_cube_file(str(tmp_path / "warm.cube"))))
    variation = recolor(base, PALETTE)
    ours = decode(variation).rgb
    away = np.linalg.norm(rgb_to_oklab(theirs) - rgb_to_oklab(ours), axis=-1)
    error = cube_error(picture, variation, table)
    assert error.mean == pytest.approx(float(away.mean()), abs=1e-4)
    assert error.mean < 0.005
    assert error.percentile_99 < 0.05


def test_regions_are_exact() -> None:
    """The color of a region lands on the color that the variation gives it, to one step of the lattice."""
    data = logo()
    base, before = prepare(data), decode(data).rgb
    after = decode(recolor(base, PALETTE)).rgb
    table = lookup_table(base, choose(base, PALETTE), size=52)  # 255 / 51: these colors lie within 3 of a lattice point
    for y, x in ((4, 4), (60, 128), (128, 128)):
        red, green, blue = np.rint(before[y, x] / 5).astype(int)
        assert np.abs(table[blue, green, red] * 255 - after[y, x]).max() <= 12


def test_a_wrong_table_is_reported_as_wrong() -> None:
    """The error is measured, not assumed: the identity table is far from a recoloring."""
    data = logo("RGBA")
    steps = np.linspace(0, 1, 17, dtype=np.float32)
    identity = np.stack(np.meshgrid(steps, steps, steps, indexing="ij")[::-1], axis=-1)
    variation = recolor(prepare(data), ("#D8F3DC", "#40916C", "#1B4332"))
    assert cube_error(decode(data), variation, identity).mean > 0.05


def test_the_file_has_the_form_that_tools_expect() -> None:
    """Header, then red fastest, six decimals; a hostile title cannot add lines."""
    table = np.zeros((2, 2, 2, 3), np.float32)
    table[0, 0, 1] = (1.0, 0.5, 0.25)
    lines = cube_file(table, 'a"b\nLUT_3D_SIZE 9 é').split("\n")
    assert lines[:4] == ['TITLE "abLUT_3D_SIZE 9 "', "LUT_3D_SIZE 2", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"]
    assert lines[4:6] == ["0.000000 0.000000 0.000000", "1.000000 0.500000 0.250000"]
    assert len(lines) == 4 + 8 + 1
