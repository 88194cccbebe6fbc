from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from color import distance, palette_of, prepare
from contracts.tasks import Aspect
from providers.builtin.logo import draw_logo
from providers.builtin.provider import BuiltinImages
from providers.builtin.retouch import retouched
from providers.errors import ProviderRejected
from tests.rig import draw_png

ASPECTS: tuple[Aspect, ...] = ("colors", "layout", "style", "shapes")
WISH = "calmer, ocean blues"
SOURCE = draw_logo("a fox for a coffee shop", "warm autumn, hand-made", 256).png


@pytest.fixture(scope="module")
def images() -> Iterator[BuiltinImages]:
    """The provider, with threads of its own."""
    with ThreadPoolExecutor(1) as threads:
        yield BuiltinImages(threads)


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Rows of RGB."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_each_choice_of_aspects_gives_another_picture() -> None:
    """Every aspect that may change shapes the result: all fifteen ways differ, from each other and from the source."""
    ways = [kept for count in range(4) for kept in combinations(ASPECTS, count)]
    made = [hashlib.sha256(pixels(retouched(SOURCE, WISH, kept)).tobytes()).digest() for kept in ways]
    assert len({*made, hashlib.sha256(pixels(SOURCE).tobytes()).digest()}) == 16


@pytest.mark.parametrize("kept", [("colors",), ("colors", "style"), ("colors", "layout", "shapes")])
def test_kept_colors_are_kept(kept: tuple[Aspect, ...]) -> None:
    """No color appears that the source does not have."""
    own = palette_of(prepare(SOURCE))
    assert all(
        min(distance(color, one) for one in own) < 0.03 for color in palette_of(prepare(retouched(SOURCE, WISH, kept)))
    )


def test_a_kept_layout_leaves_the_middle_where_it_is() -> None:
    """With everything but style and shapes kept, only the rim and the foot of the picture change."""
    before, after = pixels(SOURCE), pixels(retouched(SOURCE, WISH, ("colors", "layout")))
    assert np.array_equal(before[20:220, 20:236], after[20:220, 20:236])
    assert not np.array_equal(before, after)


def test_the_wish_decides() -> None:
    """Other words, another picture; the same words, the same bytes."""
    first, again = (retouched(SOURCE, WISH, ()) for _ in range(2))
    assert first == again
    assert first != retouched(SOURCE, "fiery, loud and red", ())


@pytest.mark.parametrize("size", [1, 2, 17])
def test_small_pictures_are_changed_too(size: int) -> None:
    """The result has the source's size, however small."""
    assert pixels(retouched(draw_png(size), WISH, ())).shape == (size, size, 3)


async def test_what_cannot_be_changed_is_refused(images: BuiltinImages) -> None:
    """All four aspects kept leave nothing to do, and bytes that are no image cannot be changed."""
    with pytest.raises(ProviderRejected, match="nothing may change"):
        await images.refine(SOURCE, WISH, ASPECTS)
    with pytest.raises(ProviderRejected, match="the image to refine cannot be used"):
        await images.refine(b"no image", WISH, ())


async def test_a_refinement_is_credited_as_a_sample(images: BuiltinImages) -> None:
    """Nobody takes it for the work of a real provider."""
    provided = await images.refine(SOURCE, WISH, ("layout",))
    assert provided.provenance.sample
    assert "sample generator" in provided.provenance.credit
