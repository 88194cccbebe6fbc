from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from color import decode, prepare
from color.cubic_fitting import Line
from color.curve_fitting import Arc, Circle, Outline
from color.gradients import Linear, Radial
from color.surfaces import find_surfaces
from color.tracing import NotTraceable, Tracing, trace, trace_mask
from tests.color.pictures import png
from tests.pack.drawings import GRADIENTS, SIGN, STROKES, document, drawn


def traced(data: bytes) -> Tracing:
    """The tracing of an encoded picture."""
    base, picture = prepare(data), decode(data)
    return trace(picture, base, find_surfaces(picture, base))


def outlines(body: str, ground: str | None = "#FFFFFF", size: int = 512) -> list[Circle | Outline]:
    """All outlines of a drawing."""
    return [outline for shape in traced(drawn(document(body, ground, size))).shapes for outline in shape.outlines]


def points(outline: Outline) -> list[tuple[float, float]]:
    """The ends of an outline's pieces."""
    return [piece.end for piece in outline.pieces]


@pytest.mark.parametrize(("x", "y", "r"), [(100.3, 80.7, 60.2), (256.0, 256.0, 8.0), (250.5, 249.25, 201.1)])
def test_a_disc_is_a_circle(x: float, y: float, r: float) -> None:
    """A disc of any size becomes a circle with its center and radius, to a tenth of a pixel."""
    (circle,) = outlines(f'<circle cx="{x}" cy="{y}" r="{r}" fill="#D1495B"/>')
    assert isinstance(circle, Circle)
    assert np.hypot(circle.center[0] - x, circle.center[1] - y) < 0.1
    assert abs(circle.radius - r) < 0.1


@pytest.mark.parametrize("degrees", [0, 7, 30, 45, 81])
def test_straight_sides_are_lines_that_meet_in_corners(degrees: int) -> None:
    """A turned rectangle has four lines and its corners where they were, to a third of a pixel."""
    (outline,) = outlines(f'<rect x="-90" y="-50" width="180" height="100" fill="#1B5E3A" '
                          f'transform="translate(256.3 250.6) rotate({degrees})"/>')  # fmt: skip
    assert isinstance(outline, Outline)
    turn = np.deg2rad(degrees)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([(-90, -50), (90, -50), (90, 50), (-90, 50)]) @ axes + (256.3, 250.6)
    assert all(isinstance(piece, Line) for piece in outline.pieces)
    assert len(outline.pieces) == 4
    found = np.array(points(outline))
    assert max(np.hypot(*(found - corner).T).min() for corner in corners) < 0.34


def test_round_corners_are_arcs_between_lines() -> None:
    """A rectangle with round corners has four arcs of their radius and straight sides."""
    (outline,) = outlines('<rect x="100" y="120" width="300" height="200" rx="40" fill="#1B5E3A"/>')
    assert isinstance(outline, Outline)
    arcs = [piece for piece in outline.pieces if isinstance(piece, Arc)]
    assert len(arcs) == 4
    assert all(abs(arc.radius - 40) < 1 for arc in arcs)
    assert {type(piece) for piece in outline.pieces} == {Arc, Line}


@pytest.mark.parametrize("width", [1.0, 1.3, 2.0, 3.0])
def test_a_thin_stroke_stays_whole(width: float) -> None:
    """A stroke of a pixel and more, at any angle, is one outline as long as it was."""
    for degrees in (0, 13, 45, 72):
        body = f'<path d="M-180 0H180" stroke="#102030" stroke-width="{width}" transform="translate(256.2 255.7) rotate({degrees})"/>'  # noqa: E501 - one element
        (outline,) = outlines(body + '<circle cx="60" cy="60" r="40" fill="#102030"/>')[-1:]
        spread = np.ptp(np.array(points(outline) if isinstance(outline, Outline) else []), axis=0)
        assert abs(float(np.hypot(*spread)) - 360) < 4


def test_a_drawing_has_few_pieces() -> None:
    """A sign of a tile, a ring, a triangle and a stroke takes some dozens of pieces, not one for each pixel."""
    tracing = traced(drawn(document(SIGN)))
    assert sum(len(o.pieces) for shape in tracing.shapes for o in shape.outlines if isinstance(o, Outline)) < 120


def test_gradients_along_a_line_and_around_a_point_are_found() -> None:
    """A linear and a radial gradient are described as what they are, with their colors."""
    tracing = traced(drawn(document(GRADIENTS)))
    assert {type(gradient) for gradient in tracing.gradients} == {Linear, Radial}
    radial = next(gradient for gradient in tracing.gradients if isinstance(gradient, Radial))
    assert np.hypot(*(radial.center - (232.0, 324.0))) < 12


def test_a_tracing_repeats_itself() -> None:
    """The same picture gives the same shapes."""
    data = drawn(document(SIGN + STROKES))
    assert traced(data).shapes == traced(data).shapes


def test_grain_is_refused() -> None:
    """A picture of noise has no shapes, and the reason is told."""
    noise = np.random.default_rng(5).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    with pytest.raises(NotTraceable, match=r"photograph|grained"):
        traced(png(Image.fromarray(noise)))


def test_flat_paints_are_the_regions_colors() -> None:
    """The paints of a flat picture are its colors, byte for byte, and no gradient is among them."""
    data = drawn(document(SIGN))
    solid, profiles = find_surfaces(decode(data), prepare(data)).paints()
    assert {tuple(color) for color in solid.tolist()} >= {(0x1B, 0x5E, 0x3A), (0xD1, 0x49, 0x5B)}
    assert not len(profiles)


def test_a_picture_that_reaches_its_rim_is_painted_to_the_rim() -> None:
    """A shape cut off by the picture's edge goes on beyond it, so that no line shows there."""
    found = outlines('<rect x="300" y="-20" width="400" height="200" fill="#1B5E3A"/>')
    (outline,) = found
    assert isinstance(outline, Outline)
    assert max(x for x, _ in points(outline)) > 512
    assert min(y for _, y in points(outline)) < 0


def test_a_mask_has_the_outline_of_its_half_covered_pixels() -> None:
    """A shape given by its coverage is traced to a fraction of a pixel."""
    x, y = np.meshgrid(np.arange(200) + 0.5, np.arange(200) + 0.5)
    coverage = np.clip(70.3 - np.hypot(x - 99.2, y - 101.6) + 0.5, 0, 1)
    (circle,) = trace_mask(np.rint(coverage * 255).astype(np.uint8))
    assert isinstance(circle, Circle)
    assert abs(circle.radius - 70.3) < 0.1


def test_a_shade_of_a_region_has_a_paint_of_its_own() -> None:
    """Flat surfaces that the engine takes for one region keep their own colors."""
    body = '<rect x="60" y="60" width="180" height="390" fill="#C9974E"/>'
    shaded = body + '<rect x="270" y="60" width="180" height="390" fill="#BE8C45"/>'
    data = drawn(document(shaded + '<circle cx="150" cy="150" r="60" fill="#102030"/>'))
    solid, profiles = find_surfaces(decode(data), prepare(data)).paints()
    colors = np.concatenate([solid, profiles[:, 0]]).astype(int)
    for wanted in ((0xC9, 0x97, 0x4E), (0xBE, 0x8C, 0x45)):
        assert np.abs(colors - wanted).max(axis=1).min() <= 2
