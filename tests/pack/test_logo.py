from __future__ import annotations

import numpy as np
import pytest

from color import decode, prepare
from color.surfaces import find_surfaces
from color.tracing import trace
from pack import LogoShapes
from pack.faithfulness import FAITHFUL, closeness
from pack.svg import draw, svg
from tests.pack.drawings import CHART, GLASS, document, drawn


@pytest.mark.parametrize("body", [GLASS, CHART])
def test_what_a_first_drawing_lacks_is_added(body: str) -> None:
    """Highlights within a gradient, and lines in colors of their own, are drawn although no region stands for them."""
    data = drawn(document(body))
    base, picture = prepare(data), decode(data)
    surfaces = find_surfaces(picture, base)
    first = closeness(decode(drawn(svg(draw(trace(picture, base, surfaces)), *surfaces.paints()))), picture)
    drawing = LogoShapes(data).svg(picture)
    assert isinstance(drawing, bytes)
    again = closeness(decode(drawn(drawing)), picture)
    assert again >= FAITHFUL
    assert 1.0 - again < 0.8 * (1.0 - first)
    assert len(drawing) <= 25_000


def test_a_variation_that_parts_what_is_one_in_the_base_is_traced_itself() -> None:
    """Two surfaces of one color may get two: then the base's shapes do not show it, and its own do."""
    body = '<rect x="{}" y="100" width="150" height="300" fill="{}"/>'
    both = body.format(50, "#336699")
    base = LogoShapes(drawn(document(both + body.format(300, "#336699"))))
    variation = decode(drawn(document(both + body.format(300, "#CC3311"))))
    drawing = base.svg_of(variation)
    assert isinstance(drawing, bytes)
    assert closeness(decode(drawn(drawing)), variation) >= FAITHFUL
    first = base.svg(variation)
    assert isinstance(first, bytes)
    assert closeness(decode(drawn(first)), variation) < FAITHFUL


def test_an_edge_on_a_gradient_belongs_to_its_two_sides() -> None:
    """A third region whose color is on the way between them gets no fringe along it."""
    gradient = (
        '<linearGradient id="g" x1="0" x2="0" y1="0" y2="1"><stop stop-color="#FFE000"/>'
        '<stop offset="1" stop-color="#FF4000"/></linearGradient><rect width="512" height="512" fill="url(#g)"/>'
    )
    mixed = '<rect x="400" width="112" height="512" fill="#904800"/>'
    picture = drawn(document(gradient + mixed + '<path d="M60 60L330 90L300 400L90 420z" fill="#000000"/>'))
    surfaces = find_surfaces(decode(picture), prepare(picture))
    assert len(np.unique(surfaces.labels[:, :380])) == 2
    assert len(np.unique(surfaces.labels)) == 3
