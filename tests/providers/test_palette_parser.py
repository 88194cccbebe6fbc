from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from contracts.palettes import rgb8
from providers.color_notation import colors_in, hex_color
from providers.errors import ProviderAnswerUnusable
from providers.palette_parser import palettes_of

FIVE: list[JsonValue] = ["#102030", "#405060", "#708090", "#A0B0C0", "#D0E0F0"]
FOREST: dict[str, JsonValue] = {"name": "Forest", "description": "Calm.", "colors": FIVE}
NEON: dict[str, JsonValue] = {"name": "Neon", "description": "Loud.", "colors": ["#f0f", "0ff", "#FF0", "#111", "eee"]}


@pytest.mark.parametrize(
    ("changes", "ground"),
    [
        ({}, None),
        ({"ground": "#102030"}, "#102030"),
        ({"ground": {"hex": "#fff"}}, "#FFFFFF"),
        ({"Background": "rgb(16, 32, 48)"}, "#102030"),
        ({"ground": "as you like"}, None),
        ({"ground": ["#102030", "#405060"]}, None),
    ],
)
def test_a_ground_is_taken_where_one_color_is_named(changes: dict[str, JsonValue], ground: str | None) -> None:
    """An answer may name the ground of each palette, or leave it out."""
    (palette,) = palettes_of([[{**FOREST, **changes}]], 1, "A service")
    assert (palette.ground, palette.colors) == (ground, tuple(str(color) for color in FIVE))


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("#1D3557", "#1D3557"),
        ("1d3557", "#1D3557"),
        (" #fa0; ", "#FFAA00"),
        ("0x1d3557", "#1D3557"),
        ("0xFF1d3557", "#1D3557"),
        ("#1d3557ff", "#1D3557"),
        ("#1d355780", "#1D3557"),
        ("#fa0f", "#FFAA00"),
        ("rgb(29, 53, 87)", "#1D3557"),
        ("RGB(29 53 87)", "#1D3557"),
        ("rgba(29,53,87,0.5)", "#1D3557"),
        ("rgb(29 53 87 / 100%)", "#1D3557"),
        ("rgb(100% 0% 50%)", "#FF0080"),
        ("hsl(12 76% 61%)", "#E76E50"),
        ("hsl(12, 76, 61)", "#E76E50"),
        ("hsl(0 0% 1%)", "#030303"),
        ("hsv(12, 50%, 100%)", "#FF9980"),
        ("hwb(194 0% 0%)", "#00C3FF"),
        ("oklch(0.7 0.1 200)", "#40B1B7"),
        ("`#1D3557`", "#1D3557"),
        ("navy", "#000080"),
        ("Dark Slate Gray", "#2F4F4F"),
        ("transparent", None),
        ("#1d355700", None),
        ("moss", None),
        ("#12345", None),
        ("", None),
    ],
)
def test_a_color_in_every_notation(text: str, color: str | None) -> None:
    """Every notation of CSS, digits, and names; transparency is left out, nonsense is no color."""
    assert hex_color(text) == color


@pytest.mark.parametrize(
    ("value", "colors"),
    [
        ("#001F3F (navy)", ["#001F3F"]),
        ("Navy: #001F3F", ["#001F3F"]),
        ("primary - coral", ["#FF7F50"]),
        ("#f0f, 0ff, #FF0", ["#FF00FF", "#00FFFF", "#FFFF00"]),
        ("use #f0f on rgb(0, 1, 2)", ["#FF00FF", "#000102"]),
        ("224, 122, 95", ["#E07A5F"]),
        ([224, 122, 95], ["#E07A5F"]),
        ([0.5, 0.2, 1.0], ["#8033FF"]),
        ([[0, 0, 0], [255, 255, 255, 1]], ["#000000", "#FFFFFF"]),
        ({"r": 224, "g": 122, "b": 95}, ["#E07A5F"]),
        ({"red": 1, "green": 2, "blue": 3, "alpha": 1}, ["#010203"]),
        ({"h": 12, "s": "76%", "l": "61%"}, ["#E76E50"]),
        ({"name": "Navy", "value": "#E07A5F"}, ["#E07A5F"]),
        ([True, False, True], []),
        ([1, 2, 300], []),
        (None, []),
    ],
)
def test_colors_wherever_they_stand(value: JsonValue, colors: list[str]) -> None:
    """Labels beside a color, lists, triples and tables of channels."""
    assert colors_in(value) == colors


WRAPPED: list[JsonValue] = [
    [FOREST, NEON],
    {"palettes": [FOREST, NEON]},
    {"result": [FOREST, NEON]},
    {"Forest": FIVE, "Neon": NEON["colors"]},
    {"Forest": {"colors": FIVE, "description": "x"}, "Neon": {"colors": NEON["colors"]}},
    json.dumps({"palettes": [FOREST, NEON]}),
    f"```json\n{json.dumps([FOREST, NEON])}\n```",
    {"palettes": json.dumps([FOREST, NEON])},
    [FOREST, NEON | {"colors": [{"hex": "#f0f"}, {"hex": "0ff"}, {"x": "#FF0"}, {"hex": "#111"}, {"hex": "eee"}]}],
    [FOREST, NEON | {"colors": {"a": "#f0f", "b": "#0ff", "c": "0xFF0", "d": "rgb(17, 17, 17)", "e": "#eee"}}],
    [FOREST, NEON | {"colors": {"a": "f0f", "b": "0ff", "c": "FF0", "d": "111", "e": "eee"}}],
    [FOREST, NEON | {"colors": "#f0f, 0ff, #FF0, #111, eee"}],
    [FOREST, NEON | {"colors": ["#f0f", "0ff", "#FF0", "#111", "eee", "#f0f"]}],
    [FOREST, FOREST | {"name": "The same again"}, NEON],
    [{"title": "Forest", "hexCodes": FIVE}, {"label": "Neon", "swatches": NEON["colors"]}],
    {"palettes": {"Forest": {"a": FIVE[0], "b": FIVE[1], "c": FIVE[2], "d": FIVE[3], "e": FIVE[4]}, "Neon": NEON}},
    {"palette": [FOREST, NEON], "title": "Two sets"},
    {"answer": {"palettes": [FOREST, NEON]}},
    f"Here you are:\n\n{json.dumps([FOREST, NEON])}\n\nShall I go on?",
    f"<think>perhaps {{one}} or [navy, sand]</think>\n```\r\n{json.dumps([FOREST, NEON])}\r\n```",
    f"Draft: {json.dumps([NEON, FOREST])} Final: {json.dumps([FOREST, NEON])} such as {json.dumps(NEON)}",
    f"\ufeff{json.dumps([FOREST, NEON]).replace(']', ',]')} // done",
    f"{json.dumps(FOREST)}\n{json.dumps(NEON)}",
    f'{{"palettes": [{json.dumps(FOREST)}, {json.dumps(NEON)}, {{"name": "cut of',
    str([FOREST, NEON]),
    "{/* two */ palettes: [" + json.dumps(FOREST) + ", {name: 'Neon', colors: [#f0f, #0ff, #ff0, #111, #eee]}]}",
    [{"name": "Bad", "colors": ["red"]}, "nonsense", None, FOREST, {"colors": FIVE}, NEON],
    [FOREST, NEON, {"name": "One too many", "colors": ["#1", "#123", "#234", "#345"]}],
]


@pytest.mark.parametrize("proposal", WRAPPED)
def test_what_was_meant_is_understood(proposal: JsonValue) -> None:
    """Every form in which services wrap two palettes leads to these two, in their order."""
    palettes = palettes_of([proposal], 2, "The service")
    assert [palette.name for palette in palettes] == ["Forest", "Neon"]
    assert palettes[0].colors == tuple(FIVE)
    assert palettes[1].colors == ("#FF00FF", "#00FFFF", "#FFFF00", "#111111", "#EEEEEE")


@pytest.mark.parametrize(
    "more",
    [
        {"hex": "#112233", "role": "Facade", "share": "100"},
        {"hex": "112233", "role": "Facade", "share": "100"},
        {"value": "0x112233", "role": "Facade", "share": "100"},
        {"color": {"rgb": "rgb(17, 34, 51)", "share": "100"}, "role": "Facade", "tags": ["bad", "ace"]},
        {"code": "#112233", "hex": "#112233", "uses": "100, 200, 300"},
    ],
)
def test_what_a_table_says_about_a_color_is_no_color(more: JsonValue) -> None:
    """Words and numbers that could be read as digits of one count only where nothing next to them is marked as one."""
    (palette,) = palettes_of([[{"name": "Stone", "colors": [more, "#445566", "#778899"]}]], 1, "The service")
    assert palette.colors == ("#112233", "#445566", "#778899")


def test_equal_names_are_told_apart() -> None:
    """Different palettes of one name are kept, whatever its case; texts become one line of bounded length."""
    texts = {"name": " for\nest ", "description": "x" * 500}
    proposal: JsonValue = [FOREST, NEON | texts | {"name": "FOREST"}, {"name": "forest", "colors": FIVE[:4]}]
    palettes = palettes_of([proposal], 3, "The service")
    assert [palette.name for palette in palettes] == ["Forest", "FOREST 2", "forest 3"]
    assert len(palettes[1].description) == 300


@pytest.mark.parametrize(
    "proposal",
    [
        None,
        "",
        "I would choose green.",
        [],
        {},
        5,
        [FOREST],
        [FOREST, FOREST],
        ["#111111", "#222222", "#333333"],
        [FOREST, {"name": "Two", "colors": ["#111111", "#222222", "#111111"]}],
        [FOREST, {"name": "None", "colors": ["crimson tide", "moss", "sky"]}],
    ],
)
def test_what_is_missing_is_not_invented(proposal: JsonValue) -> None:
    """Fewer than were asked for is an error that counts them."""
    with pytest.raises(ProviderAnswerUnusable, match=r"The service sent [01] palettes that can be used, 2 are needed"):
        palettes_of([proposal], 2, "The service")


def test_a_palette_without_a_name_is_a_palette() -> None:
    """Its colors are what was paid for: it is numbered."""
    proposal: JsonValue = {"palettes": [{"colors": FIVE}, {"name": "", "colors": NEON["colors"]}]}
    assert [palette.name for palette in palettes_of([proposal], 2, "The service")] == ["Palette 1", "Palette 2"]


def test_the_likeliest_part_with_enough_counts() -> None:
    """What a model considered on the way stands behind what it answered."""
    (palette,) = palettes_of([json.dumps(NEON), {"reasoning": FOREST}], 1, "The service")
    assert palette.name == "Neon"
    (palette,) = palettes_of(["no idea", [], FOREST], 1, "The service")
    assert palette.name == "Forest"


def test_a_refusal_says_what_came_instead() -> None:
    """The beginning of the text, but not where it repeats what people wrote."""
    with pytest.raises(ProviderAnswerUnusable, match="are needed: it sent the text “I would rather not”"):
        palettes_of(["I would rather not"], 1, "The service")
    with pytest.raises(ProviderAnswerUnusable, match=r"1 are needed$"):
        palettes_of(["What is a fox for a coffee shop?"], 1, "The service", ("a fox for a coffee shop",))


@pytest.mark.parametrize("part", ["[", '["', "[/*", '{"a":', "[1,", "[[1],", "{'", "[#fff,", "/* ", '{"a": {"b": "'])
def test_no_text_takes_long(part: str) -> None:
    """The work grows with the length of a text at most: half a million characters of nothing end."""
    with pytest.raises(ProviderAnswerUnusable):
        palettes_of([part * (500_000 // len(part))], 1, "The service")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20) | st.sampled_from(["#123", "abcdef"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["name", "colors", "x"]), inner),
    max_leaves=20,
)


@given(json_values)
def test_nothing_that_a_model_says_breaks_it(proposal: JsonValue) -> None:
    """Any document is either a palette that can be used or a typed error."""
    try:
        (palette,) = palettes_of([proposal], 1, "The service")
    except ProviderAnswerUnusable:
        return
    assert palette.name
    assert 3 <= len(set(palette.colors)) == len(palette.colors) <= 5


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_channels_are_kept(channels: tuple[int, int, int]) -> None:
    """`rgb(…)` and its canonical form name the same color."""
    color = hex_color("rgb({}, {}, {})".format(*channels))
    assert color is not None
    assert rgb8(color) == channels
