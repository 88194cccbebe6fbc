from __future__ import annotations

import pytest

from pack.vectors import NotUsable, Vector
from tests.pack.drawings import GRADIENTS, SIGN, document, drawn, rgba

HOSTILE = {
    "10 MB path": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="'
    + "M0 0L9 9" * 1_300_000
    + '"/></svg>',
    "entities": '<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
    "filter": document('<filter id="f"><feGaussianBlur stdDeviation="9999"/></filter>'),
    "picture": document('<image href="data:image/png;base64,AAAA" width="9" height="9"/>'),
    "other document": document('<foreignObject width="9" height="9"><p>no</p></foreignObject>'),
    "many": document("<g>" * 30_000 + "</g>" * 30_000),
    "deep": document("<g>" * 900 + "</g>" * 900),
    "mask": document('<mask id="m"><rect width="9" height="9" fill="#FFF"/></mask>'),
    "selectors": document("<style>svg > path{fill:red}</style>"),
    "import": document("<style>@import url(https://example.org/a.css);</style>"),
    "rules that never end": document(f"<style>{'a' * 900_000}</style>"),
    "comments that never end": document(f"<style>{'/*' * 450_000}</style>"),
    "comments around all": "<!--" * 250_000 + "<svg/>",
    "every color": document("".join(f'<rect width="1" height="1" fill="#{i:06X}"/>' for i in range(18_000))),
    "damaged": "<svg xmlns='http://www.w3.org/2000/svg'><path",
    "none": "<html/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_more_than_shapes_is_not_used(name: str) -> None:
    """Anything that could take long, act or reach outside makes a vector unusable, with a reason."""
    with pytest.raises(NotUsable, match="SVG"):
        Vector(HOSTILE[name].encode())


def test_what_could_act_is_taken_out() -> None:
    """Scripts, handlers, links, animations and references to elsewhere are gone; the drawing is the same."""
    body = SIGN.replace("<circle", '<circle onclick="alert(1)" class="x" data-a="b"', 1) + (
        '<script>alert(1)</script><a href="https://example.org"><rect width="9" height="9"/></a>'
        '<rect width="1" height="1"><animate attributeName="x" to="9"/></rect>'
        '<use href="https://example.org/a.svg#b"/><rect width="1" height="1" fill="url(https://example.org/#a)"/>'
    )
    written = Vector(document(body).encode()).written(str, 512, 512)
    for word in (b"script", b"onclick", b"example.org", b"animate", b"<a ", b"data-a", b"class"):
        assert word not in written
    assert (abs(rgba(drawn(written)) - rgba(drawn(document(SIGN)))).max(axis=2) > 8).mean() < 0.001


def test_every_way_to_name_a_color_is_recolored() -> None:
    """Attributes, styles, classes, short and long hex, names and functions; and black where nothing is said."""
    body = (
        "<style>.a{fill:#0f0;stroke:rgb(1,2,3)} .b, .c{fill:blue}</style>"
        '<rect class="a" width="1" height="1"/><rect class="c" width="1" height="1"/>'
        '<rect style="fill: hsl(0, 100%, 50%)" width="1" height="1"/><rect fill="#ABCDEF" width="1" height="1"/>'
        '<rect fill="none" stroke="tomato" width="1" height="1"/><rect width="1" height="1"/>'
    )
    vector = Vector(document(body, None).encode())
    wanted = ["#000000", "#00FF00", "#010203", "#0000FF", "#FF0000", "#ABCDEF", "#FF6347"]
    assert vector.colors() == wanted
    written = vector.written(lambda _: "#123456", 64, 64).decode()
    assert not any(color in written.upper() for color in wanted)
    assert written.count("#123456") == 7


def test_ids_of_two_colorings_differ() -> None:
    """Two files of one drawing share no id; unused ids are gone, and references lead where they did."""
    vector = Vector(document(GRADIENTS + '<rect id="unused" width="1" height="1"/>').encode())
    one = vector.written(str, 512, 512).decode()
    other = vector.written(lambda color: "#102030" if color == "#FFD166" else color, 512, 512).decode()
    assert "unused" not in one
    ids = {part.split('"')[0] for part in one.split(' id="')[1:]}
    assert len(ids) == 2
    assert not any(name in other for name in ids)
    assert (abs(rgba(drawn(one)) - rgba(drawn(document(GRADIENTS)))).max(axis=2) > 2).mean() < 0.001
