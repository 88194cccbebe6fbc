from __future__ import annotations

import pytest
from coloraide import Color

from contracts.palettes import Neighbors, Shown, ShownColor
from gallery.color_vision import SIGHTS, neighbors_apart, simulated

COLORS = ("#EF476F", "#06D6A0", "#118AB2", "#FFD166", "#073B4C", "#FFFFFF")
NAMES = {"protanopia": "protan", "deuteranopia": "deutan", "tritanopia": "tritan"}


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.key)
def test_simulation_agrees_with_an_independent_one(color: str, sight: object) -> None:
    """Within a step of 255 of what the library coloraide computes by the same published method."""
    one = next(known for known in SIGHTS if known is sight)
    expected = Color(color).filter(NAMES[one.key], 1.0, method="machado").clip().convert("srgb").coords()
    assert simulated(color, one) == pytest.approx([channel * 255 for channel in expected], abs=1.5)


def shown(*pairs: tuple[str, str]) -> Shown:
    """A record of a picture in which these colors meet."""
    return Shown(
        colors=(ShownColor(color="#FFFFFF", share=1.0),),
        neighbors=tuple(Neighbors(first=a, second=b, border=0.5, contrast=2.0) for a, b in pairs),
        on_white=1.0,
        on_black=21.0,
    )


def test_red_and_green_merge_for_who_lacks_their_cones() -> None:
    """The known case: a red and a green of one lightness, apart for some eyes and not for others; and no neighbors."""
    words = {sight.key: neighbors_apart(shown(("#B4543C", "#7B7B34")), sight) for sight in SIGHTS}
    assert words["deuteranopia"] != "neighbors stay clearly apart"
    assert words["tritanopia"] == "neighbors stay clearly apart"
    assert neighbors_apart(shown(("#000000", "#FFFFFF")), SIGHTS[0]) == "neighbors stay clearly apart"
    assert neighbors_apart(shown(("#777777", "#787878")), SIGHTS[0]) == "one pair of neighbors merges"
    assert neighbors_apart(shown(), SIGHTS[0]) == ""
