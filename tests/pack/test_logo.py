from __future__ import annotations

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
