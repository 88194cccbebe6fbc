"""Contents to test with: small solid images, and hostile texts."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

from PIL import Image, ImageDraw

from color import choose, prepare, render
from color.measurement import measure_shown
from contracts.images import Provenance
from contracts.palettes import Palette
from gallery import GalleryContent, Tile

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\"><a href='https://example.invalid/'>x</a>",
    "' onclick='alert(1)' x=\"",
    "<!-- ",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "&lt;b&gt; &amp;",
    "\u202egnp.exe\u2066 left open",
    "W" * 80,
    "\U0001f43c\U0001f38b Panda \U0001f3f3\ufe0f\u200d\U0001f308",
    "竹林の朝",
    "نخيل الصحراء",
    "Crème brûlée \N{EN DASH} Łódź & Straße",
    "\u200b\u202e \x00\x1b",
    "line\u2028one\r\ntwo\ttabs",
)


def solid(color: str, size: tuple[int, int] = (400, 400)) -> bytes:
    """A PNG of one color."""
    return encoded(Image.new("RGB", size, color))


def disc(color: str, size: tuple[int, int] = (300, 200)) -> bytes:
    """A PNG of an ellipse on transparent ground."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((20, 20, size[0] - 20, size[1] - 20), fill=color)
    return encoded(image)


def encoded(image: Image.Image) -> bytes:
    """The image as PNG."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def content(
    *,
    tiles: tuple[Tile, ...] = (),
    description: str = "a friendly dog wearing a red collar",
    theme: str = "playful and warm",
    created_at: datetime | None = datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
    provenance: Provenance | None = None,
    base: bytes | None = None,
    failed: tuple[tuple[str, str], ...] = (),
) -> GalleryContent:
    """What is ordinary in all that is not asked for."""
    return GalleryContent(
        concept_id="3f2c7a52-8a0e-5b1e-9c1d-0a7c6a1f2b11",
        logo_description=description,
        theme_description=theme,
        created_at=created_at,
        provenance=provenance or Provenance(provider="Studio"),
        base=base or solid("#804020"),
        base_media_type="image/png",
        tiles=tiles,
        failed=failed,
    )


def tile(name: str = "Sunset", colors: tuple[str, ...] = ("#2B2D42", "#EF476F", "#FFF6E5"), *, text: str = "") -> Tile:
    """A variation that shows the first color of its palette."""
    return Tile(Palette(name=name, colors=colors, description=text), solid(colors[0]))


def hostile_content() -> GalleryContent:
    """Bad texts in each place a text can be, images of awkward shapes, palettes of two to eight colors."""
    colors = ("#000000", "#FFFFFF", "#123456", "#ABCDEF", "#FF0000", "#00FF00", "#0000FF", "#777777")
    shapes = ((300, 200), (64, 64), (900, 300), (200, 700))
    return content(
        description="A" * 500,
        theme="<b>" + "é\U0001f38b" * 200,
        provenance=Provenance(provider="<i>x</i>", credit="\"'" * 100),
        base=disc("#FF0000"),
        tiles=tuple(
            Tile(
                Palette(name=text, colors=colors[: 2 + number % 7], description=(text * 300)[:300]),
                disc(colors[number % 8], shapes[number % 4]),
            )
            for number, text in enumerate(HOSTILE)
        ),
        failed=tuple((text, "x" * 300) for text in HOSTILE),
    )


PALETTES = (
    ("#1D3557", "#F4A261", "#FFFFFF", "#2A9D8F"),
    ("#2B2D42", "#EF476F", "#FFF6E5", "#FFD166"),
    ("#03045E", "#0077B6", "#CAF0F8", "#90E0EF"),
    ("#1B4332", "#40916C", "#D8F3DC", "#AA8463"),
    ("#4A4E69", "#C9ADA7", "#F2E9E4", "#22223B"),
    ("#000000", "#FF6600", "#FFFFFF", "#003366"),
    ("#5F0F40", "#FB8B24", "#FFE8D6", "#0F4C5C"),
)


def drawing() -> bytes:
    """A logo of four flat colors that meet: ground, disc, bar and a dot on it."""
    image = Image.new("RGB", (512, 512), "#FFFFFF")
    pen = ImageDraw.Draw(image)
    pen.ellipse((80, 80, 432, 432), fill="#1C4E80")
    pen.rectangle((180, 150, 332, 362), fill="#EA6A47")
    pen.ellipse((226, 226, 286, 286), fill="#222222")
    return encoded(image)


def drawn_tile(colors: tuple[str, ...] = PALETTES[0], name: str = "Harbor") -> Tile:
    """A variation as the worker makes it, with the record of what it shows."""
    base = prepare(drawing())
    coloring = choose(base, colors)
    return Tile(Palette(name=name, colors=colors), render(base, coloring), shown=measure_shown(base, coloring))
