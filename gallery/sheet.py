"""The contact sheet: the base logo and its story on the left, the variations in a grid on the right.

Everything is measured before anything is drawn, so that the sheet is exactly as tall as its content. `typeface` says
what a text is set in. Swatches are the colors that the picture shows, where its record says so.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from contracts.palettes import HexColor
from gallery.content import GalleryContent, Tile, credit_line, notice_line, spelled_out
from gallery.contrast import legible_ink
from gallery.pixels import thumbnail
from gallery.typeface import Typeset, typeset
from gallery.wording import clean

_WIDEST_PX = 2400
_MARGIN_PX = 96
_BASE_PX = 660
_GUTTER_PX = 88
_GRID_LEFT_PX = _MARGIN_PX + _BASE_PX + _GUTTER_PX
_GRID_PX = _WIDEST_PX - _MARGIN_PX - _GRID_LEFT_PX
_GAP_PX = 40
_ROW_GAP_PX = 64
_SWATCH_PX = 46
_SWATCHES_PER_ROW = 5
_SWATCHES_ABOVE_PX = 12
_MOST_SWATCHES = 10
_COLUMNS = {0: 1, 1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}
_MOST_COLUMNS = 4

_HEADLINE_CHARS = 80
"""Up to here a description is set in the size of a headline."""

_PAPER = "#FBFBF9"
_STAGE = "#F2F2EF"
_LINE = "#DFDFDA"
_TEXT = "#1C1C1A"
_QUIET = "#64645E"
_CHECKS = ("#FFFFFF", "#E2E2DE")
_CHECK_PX = 16


@dataclass(frozen=True)
class _Lines:
    """Wrapped text, ready to be drawn from its top left corner."""

    lines: tuple[Typeset, ...]
    size_px: int
    color: HexColor
    space_above_px: int = 0

    @property
    def line_px(self) -> int:
        return round(self.size_px * 1.35)

    @property
    def height_px(self) -> int:
        return self.space_above_px + len(self.lines) * self.line_px if self.lines else 0

    def draw(self, sheet: ImageDraw.ImageDraw, left: int, top: int) -> int:
        """Draw at the given corner; returns the y below the last line."""
        for number, line in enumerate(self.lines):
            y = top + self.space_above_px + number * self.line_px
            sheet.text((left, y), line.text, fill=self.color, font=line.font(self.size_px))
        return top + self.height_px


def draw_sheet(content: GalleryContent) -> Image.Image:
    """An RGB image 1600 to 2400 px wide, as tall as its content; raises `color.ImageError`.

    Decodes one image at a time: the peak is that of the largest, not of all of them.
    """
    columns = columns_for(len(content.tiles))
    tile_px = min((_GRID_PX - (columns - 1) * _GAP_PX) // columns, _BASE_PX)
    names = [_name(number, tile, tile_px) for number, tile in enumerate(content.tiles, 1)]
    rows = [range(start, min(start + columns, len(names))) for start in range(0, len(names), columns)]
    swatches_tops = [tile_px + max(names[i].height_px for i in row) + _SWATCHES_ABOVE_PX for row in rows]
    row_heights = [
        top + max(_SWATCH_PX * len(_swatch_rows(content.tiles[i])) for i in row)
        for row, top in zip(rows, swatches_tops, strict=True)
    ]
    story = _story(content)

    base = thumbnail(content.base, (_BASE_PX, _BASE_PX))
    left_px = base.height + sum(text.height_px for text in story)
    right_px = sum(row_heights) + _ROW_GAP_PX * max(len(rows) - 1, 0)
    width_px = _GRID_LEFT_PX + columns * (tile_px + _GAP_PX) - _GAP_PX + _MARGIN_PX
    sheet = Image.new("RGB", (width_px, 2 * _MARGIN_PX + max(left_px, right_px)), _PAPER)
    pen = ImageDraw.Draw(sheet)

    _mount(sheet, base, (_MARGIN_PX, _MARGIN_PX, _BASE_PX, base.height))
    y = _MARGIN_PX + base.height
    for text in story:
        y = text.draw(pen, _MARGIN_PX, y)

    top = _MARGIN_PX
    for row, swatches_top, height in zip(rows, swatches_tops, row_heights, strict=True):
        for column, i in enumerate(row):
            left = _GRID_LEFT_PX + column * (tile_px + _GAP_PX)
            _mount(sheet, thumbnail(content.tiles[i].image, (tile_px, tile_px)), (left, top, tile_px, tile_px))
            names[i].draw(pen, left, top + tile_px)
            _draw_swatches(pen, content.tiles[i], (left, top + swatches_top), tile_px)
        top += height + _ROW_GAP_PX
    return sheet


def columns_for(tiles: int) -> int:
    """In how many columns so many variations look settled: few and large, at most four."""
    return _COLUMNS.get(tiles, _MOST_COLUMNS)


def printable(text: str) -> str:
    """The text as it is set: in the characters a font has, others in their Latin spelling; may become empty."""
    return typeset(clean(text)).text


def wrapped(text: str, size_px: int, width_px: int, most_lines: int) -> tuple[Typeset, ...]:
    """Lines no wider than `width_px`; words that are wider are broken, what does not fit ends in an ellipsis."""
    whole = typeset(text)
    return tuple(Typeset(line, whole.path) for line in _broken(whole.text, whole.font(size_px), width_px, most_lines))


def _broken(text: str, font: ImageFont.FreeTypeFont, width_px: int, most_lines: int) -> tuple[str, ...]:
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most_lines:
        fits = _characters_that_fit(rest, font, width_px)
        if fits == len(rest):
            return (*lines, rest)
        if len(lines) == most_lines - 1:
            fits = _characters_that_fit(rest, font, width_px - font.getlength("…"))
            return (*lines, f"{rest[:fits].rstrip()}…")
        space = rest.rfind(" ", 0, fits + 1)
        cut = space if space > 0 else fits
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return tuple(lines)


def _characters_that_fit(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> int:
    """How many of the first characters are no wider than `width_px` together; at least one, or nothing would end."""
    lengths = range(1, len(text) + 1)
    return max(1, bisect_right(lengths, width_px, key=lambda length: font.getlength(text[:length])))


def _story(content: GalleryContent) -> list[_Lines]:
    """What stands below the base logo, top to bottom."""
    failed = ", ".join(filter(None, (printable(name) for name, _ in content.failed)))
    count = len(content.failed)
    created = f"Created {spelled_out(content.created_at)}" if content.created_at else ""
    texts = (
        (content.logo_description, 46 if len(content.logo_description) <= _HEADLINE_CHARS else 34, _TEXT, 48, 9),
        (content.theme_description, 29, _QUIET, 22, 7),
        (f"Asked for: {content.asked_for}" if content.asked_for else "", 24, _TEXT, 22, 3),
        (f"Made from {content.made_from}" if content.made_from else "", 24, _QUIET, 10, 3),
        (created, 24, _QUIET, 36, 1),
        (credit_line(content.provenance), 24, _QUIET, 10 if created else 36, 4),
        (notice_line(content.provenance), 24, _TEXT, 10, 6),
        (f"Not rendered ({count}): {failed or 'unnamed'}" if count else "", 24, _TEXT, 26, 6),
        (f"Concept {content.concept_id}", 20, _QUIET, 26, 1),
    )
    return [
        _Lines(wrapped(_capitalized(clean(text)), size, _BASE_PX, lines), size, color, above)
        for text, size, color, above, lines in texts
    ]


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _name(number: int, tile: Tile, width_px: int) -> _Lines:
    name = clean(tile.palette.name)
    name = name if typeset(name).text else f"Palette {number}"
    return _Lines(wrapped(name, 28, width_px, 2), 28, _TEXT, space_above_px=16)


def _mount(sheet: Image.Image, picture: Image.Image, frame: tuple[int, int, int, int]) -> None:
    """Center the picture in the frame (left, top, width, height), its transparent parts on a checkerboard."""
    left, top, width, height = frame
    ImageDraw.Draw(sheet).rectangle((left, top, left + width - 1, top + height - 1), fill=_STAGE)
    board = _checkerboard(picture.size)
    board.paste(picture, mask=picture)
    sheet.paste(board, (left + (width - picture.width) // 2, top + (height - picture.height) // 2))
    ImageDraw.Draw(sheet).rectangle((left, top, left + width - 1, top + height - 1), outline=_LINE)


def _checkerboard(size: tuple[int, int]) -> Image.Image:
    light, dark = _CHECKS
    board = Image.new("RGB", size, light)
    pen = ImageDraw.Draw(board)
    for y in range(0, size[1], _CHECK_PX):
        for x in range(y % (2 * _CHECK_PX), size[0] + _CHECK_PX, 2 * _CHECK_PX):
            pen.rectangle((x - _CHECK_PX, y, x - 1, y + _CHECK_PX - 1), fill=dark)
    return board


def _swatch_rows(tile: Tile) -> list[tuple[HexColor, ...]]:
    """As few rows as leave room for the codes, as even as can be: 8 colors stand 4 and 4."""
    colors = tile.colors[:_MOST_SWATCHES]
    rows = -(-len(colors) // _SWATCHES_PER_ROW)
    per_row = -(-len(colors) // rows)
    return [colors[start : start + per_row] for start in range(0, len(colors), per_row)]


def _draw_swatches(pen: ImageDraw.ImageDraw, tile: Tile, corner: tuple[int, int], width_px: int) -> None:
    left, top = corner
    y = top
    code_px = min(20, width_px * 22 // 100 // _SWATCHES_PER_ROW)  # six characters and some air in the narrowest swatch
    for colors in _swatch_rows(tile):
        edges = [left + width_px * i // len(colors) for i in range(len(colors) + 1)]
        for color, (start, end) in zip(colors, pairwise(edges), strict=True):
            pen.rectangle((start, y, end - 1, y + _SWATCH_PX - 1), fill=color)
            middle = ((start + end) / 2, y + _SWATCH_PX / 2)
            code = Typeset(color[1:])
            pen.text(middle, code.text, fill=legible_ink(color), font=code.font(code_px), anchor="mm")
        y += _SWATCH_PX
    pen.rectangle((left, top, left + width_px - 1, y - 1), outline=_LINE)
