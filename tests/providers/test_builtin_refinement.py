from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from color import distance, palette_of, prepare
from contracts.tasks import Aspect
from providers.builtin.logo import draw_logo
from providers.builtin.provider import BuiltinImages
from providers.builtin.refinement import Refined, refined
from providers.errors import ProviderRejected
from tests.rig import draw_png

ASPECTS: tuple[Aspect, ...] = ("colors", "layout", "style", "shapes")
SOURCE = draw_logo("Acme fox for a coffee shop", "warm autumn", 256).png


@pytest.fixture(scope="module")
def images() -> Iterator[BuiltinImages]:
    """The provider, with threads of its own."""
    with ThreadPoolExecutor(1) as threads:
        yield BuiltinImages(threads)


@cache
def changed(wish: str, *kept: Aspect) -> Refined:
    """The source changed after a wish, once for all tests."""
    return refined(SOURCE, wish, kept)


def pixels(data: bytes) -> NDArray[np.uint8]:
    """Rows of RGB."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def ink(data: bytes) -> float:
    """The share of the picture that is not ground."""
    image = pixels(data)
    return float((np.abs(image.astype(int) - image[1, 1]).max(axis=2) > 40).mean())


@pytest.mark.parametrize(
    ("wish", "done"),
    [
        ("make it rounder", ("rounder",)), ("Bolder, please!", ("bolder",)), ("flatter", ("flatter",)),
        ("add a ring", ("ring",)), ("put it in a frame and add three dots", ("frame", "dots")),
        ("make it bigger", ("larger",)), ("smaller; move it up", ("smaller", "up")), ("mirror it", ("mirrored",)),
        ("navy and gold instead", ("recolored",)), ("calmer, ocean blues", ("recolored",)),
        ("rounder and in green", ("rounder", "recolored")), ("runder, mit einem Kreis", ("rounder", "ring")),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_done(wish: str, done: tuple[str, ...]) -> None:
    """A wish that can be fulfilled changes the picture, says so, and leaves nothing to excuse."""
    result = changed(wish)
    assert (result.done, result.notices) == (done, ())
    assert not np.array_equal(pixels(result.data), pixels(SOURCE)) or done == ("flatter",)
    assert result.data == refined(SOURCE, wish, ()).data


@pytest.mark.parametrize("wish", ["make the fox look left", "remove the ring", "thinner lines", "qwertz"])
def test_what_cannot_be_done_is_said(wish: str) -> None:
    """A wish that is not understood changes nothing, and the result names it."""
    result = changed(wish)
    assert result.done == ()
    assert result.notices == (f"The sample generator could not do “{wish}”.",)
    assert np.array_equal(pixels(result.data), pixels(SOURCE))


def test_changes_go_the_way_they_are_asked_to() -> None:
    """Bolder has more ink, a ring is near the rim and round, a larger picture is larger, and blue is blue."""
    mark = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(mark).line((60, 128, 196, 128), fill="navy", width=24)
    stream = io.BytesIO()
    mark.save(stream, "PNG")
    assert ink(refined(stream.getvalue(), "bolder", ()).data) > 1.2 * ink(stream.getvalue())
    assert ink(changed("make it bigger").data) > 1.2 * ink(SOURCE)
    ringed = pixels(changed("add a ring").data)
    angles = np.linspace(0, 2 * np.pi, 60)
    rows, columns = (np.rint(127.5 + 0.464 * 256 * side).astype(int) for side in (np.sin(angles), np.cos(angles)))
    assert (np.abs(ringed[rows, columns].astype(int) - ringed[1, 1]).max(axis=1) > 40).all()
    blue = palette_of(prepare(changed("make it blue and white").data))
    assert min(distance(color, "#2160C4") for color in blue) < 0.05


@pytest.mark.parametrize("wish", ["add a ring", "add a frame", "add an underline", "bigger", "move it down"])
@pytest.mark.parametrize("words", ["Lighthouse books called Lumen", "a coffee shop called Kaffee Haus"])
def test_nothing_is_cut_off_or_crossed(words: str, wish: str) -> None:
    """A shape is drawn around what is there, and what is moved or enlarged stays within the picture."""
    source = draw_logo(words, "black and white", 256).png
    drawn = np.abs(pixels(refined(source, wish, ()).data).astype(int) - pixels(source)[1, 1]).max(axis=2) > 40
    assert not drawn[[0, -1]].any()
    assert not drawn[:, [0, -1]].any()
    if wish == "add a ring":
        rows, columns = np.nonzero(drawn)
        away = np.hypot(rows - 127.5, columns - 127.5)
        assert not ((away > 0.441 * 256) & (away < 0.449 * 256)).any()


@pytest.mark.parametrize(
    ("wish", "aspect", "said"),
    [
        ("in blue", "colors", "the colors are to be kept"),
        ("rounder", "shapes", "the shapes are to be kept"),
        ("move it left", "layout", "the layout is to be kept"),
        ("flatter", "style", "the style is to be kept"),
    ],
)
def test_what_is_to_be_kept_is_kept(wish: str, aspect: Aspect, said: str) -> None:
    """A wish against an aspect that is preserved is left out, and that is said."""
    result = changed(wish, aspect)
    assert np.array_equal(pixels(result.data), pixels(SOURCE))
    assert len(result.notices) == 1
    assert said in result.notices[0]


@pytest.mark.parametrize("size", [1, 2, 17])
def test_small_pictures_are_changed_too(size: int) -> None:
    """The result has the source's size, however small."""
    for wish in ("rounder, bolder, a ring, bigger, blue", "mirror it"):
        assert pixels(refined(draw_png(size), wish, ()).data).shape == (size, size, 3)


async def test_what_cannot_be_changed_is_refused(images: BuiltinImages) -> None:
    """All four aspects kept leave nothing to do, and bytes that are no image cannot be changed."""
    with pytest.raises(ProviderRejected, match="nothing may change"):
        await images.refine(SOURCE, "rounder", ASPECTS)
    with pytest.raises(ProviderRejected, match="the image to refine cannot be used"):
        await images.refine(b"no image", "rounder", ())


async def test_a_refinement_is_credited_as_a_sample(images: BuiltinImages) -> None:
    """It is marked as a sample, and what was not done is said with it."""
    provided = await images.refine(SOURCE, "rounder, qwertz", ("layout",))
    assert provided.provenance.sample
    assert provided.provenance.credit == "Changed: rounder"
    assert provided.provenance.sentences == ("The sample generator could not do “qwertz”.",)
