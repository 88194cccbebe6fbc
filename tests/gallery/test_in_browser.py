"""The page as a browser shows it, on phones and desktops, in light and dark, with and without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gallery import GalleryContent, write_gallery
from pack import PackFile, write_folder
from tests.browser import Browser
from tests.gallery.contents import PALETTES, content, drawing, drawn_tile, hostile_content, solid, tile

PHONE, TABLET, DESKTOP, LARGEST = 360, 768, 1440, 3840

BACKGROUND_LUMINANCE = """(() => {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
})()"""

# Every element with text of its own, against the nearest opaque background behind it; swatches show bad contrast on
# purpose, hidden texts are for screen readers, and the enlarged views are not open.
LEAST_CONTRAST = """(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => channels(color).slice(0, 3)
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return (channels(color)[3] ?? 1) === 1 ? color : ground(element.parentElement);
  };
  const spoken = [...document.body.querySelectorAll(
    "*:not(.chip *, .hidden, .hidden *, script, svg *)")].filter((element) =>
    element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const ratios = spoken.map((element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
  return [ratios.length, Math.min(...ratios)];
})()"""

WIDER_THAN_THE_WINDOW = """[...document.body.querySelectorAll("*:not(.hidden, .hidden *)")]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 0.5)
  .map((element) => element.outerHTML.slice(0, 200))"""

IMAGES = """[...document.images].map((image) => {
  const box = image.getBoundingClientRect();
  return [image.complete && image.naturalWidth, Math.round(box.width), Math.round(box.height)];
})"""

REACHABLE_BEHIND = """[...document.querySelectorAll("a, button")].filter((element) =>
  element.checkVisibility({ visibilityProperty: true }) && !element.closest(".view:target")).length"""

# Children of a card, of its caption or of its sections that lie on each other by more than half a pixel.
OVERLAPPING = """[...document.querySelectorAll(".card, .card figcaption, .card details")].flatMap((parent) => {
  const boxes = [...parent.children].filter((child) => child.checkVisibility() && !child.matches(".hidden"))
    .map((child) => [child.outerHTML.slice(0, 60), child.getBoundingClientRect()]);
  return boxes.flatMap(([name, a], i) => boxes.slice(i + 1).filter(([_, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5).map(([other]) => [name, other]));
})"""

ORDINARY = content(
    base=solid("#804020", (1024, 1024)),
    tiles=(
        tile("Sunset", text="Dusk over the harbor."),
        drawn_tile(("#1B4332", "#D8F3DC", "#40916C"), "Forest"),
        tile("Ink", ("#000000", "#FFFFFF")),
    ),
    failed=(("Midnight", "The renderer ran out of time."),),
)


@pytest.fixture(scope="module", name="folder")
def folder_of_galleries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Galleries for tests that only look; beside some of them lies a pack."""
    folder = tmp_path_factory.mktemp("galleries")
    variations = tuple(drawn_tile(PALETTES[n % 7], f"Palette {n}") for n in range(24))
    alone, seven, many = (content(base=drawing(), tiles=variations[:count]) for count in (1, 7, 24))
    shown: dict[str, GalleryContent] = {
        "ordinary": ORDINARY,
        "hostile": hostile_content(),
        "seven": seven,
        "many": many,
        "alone": alone,
        "exported": seven,
        "partly exported": ORDINARY,
    }
    pack_for(folder / "alone", alone)
    pack_for(folder / "exported", seven)
    pack_for(folder / "partly exported", ORDINARY, tiles=2)
    for name, one in shown.items():
        write_gallery(one, folder / name)
    return folder


def pack_for(folder: Path, shown: GalleryContent, tiles: int | None = None) -> None:
    """A pack of the first `tiles` variations, or of all, with every kind of file that a page links."""
    kinds = (
        *("logo.svg", "logo-transparent.png", "mono-black.svg", "mono-white.svg", "favicon.ico", "icon-512.png"),
        *("palette.tokens.json", "palette.css", "palette.gpl"),
    )
    files = [
        PackFile(f"variations/{number:02d}/{name}", data, "image/png", "a file")
        for number, one in enumerate(shown.tiles[:tiles], 1)
        for name, data in (("logo.png", one.image), *((kind, b"a file") for kind in kinds))
    ]
    write_folder(files, shown.concept_id, folder)


def address(folder: Path, name: str) -> str:
    """Where the browser finds a gallery."""
    return (folder / name / "index.html").as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, TABLET, DESKTOP, LARGEST])
@pytest.mark.parametrize("name", ["ordinary", "hostile"])
def test_page_is_whole_on_each_screen(browser: Browser, folder: Path, name: str, width: int, *, dark: bool) -> None:
    """Every image loads and none is enlarged, nothing is wider than the window, nothing fails or leaves the page."""
    with browser.open(address(folder, name), width=width, dark=dark) as page:
        images = page.evaluate(IMAGES)
        assert isinstance(images, list)
        assert len(images) == (4 if name == "ordinary" else 16)
        for image in images:
            assert isinstance(image, list)
            natural, shown_width, shown_height = image
            assert isinstance(natural, int)
            assert isinstance(shown_width, int)
            assert isinstance(shown_height, int)
            assert 0 < shown_width <= natural
            assert shown_height > 0
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(WIDER_THAN_THE_WINDOW) == []
        luminance = page.evaluate(BACKGROUND_LUMINANCE)
        assert isinstance(luminance, float)
        assert luminance < 0.1 if dark else luminance > 0.9
        assert page.requests == [address(folder, name)]
        assert page.problems == []


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "open"])
@pytest.mark.parametrize("width", [PHONE, 500, DESKTOP])
@pytest.mark.parametrize("name", ["ordinary", "hostile", "seven", "alone", "exported", "partly exported"])
def test_nothing_of_a_card_lies_on_something_else(
    browser: Browser, folder: Path, name: str, width: int, *, opened: bool
) -> None:
    """With and without a pack's links, and with every table open: no two parts of a card overlap."""
    with browser.open(address(folder, name), width=width) as page:
        if opened:
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        packs = page.evaluate("document.querySelectorAll('.card .pack').length")
        assert packs == {"alone": 1, "exported": 7, "partly exported": 2}.get(name, 0)
        assert page.evaluate(OVERLAPPING) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_is_legible(browser: Browser, folder: Path, *, dark: bool) -> None:
    """A page about contrast keeps to it: each text reaches 4.5:1 on what is behind it."""
    with browser.open(address(folder, "ordinary"), width=DESKTOP, dark=dark) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        measured = page.evaluate(LEAST_CONTRAST)
        assert isinstance(measured, list)
        texts, least = measured
        assert isinstance(texts, int)
        assert isinstance(least, float)
        assert texts > 60
        assert least >= 4.5


def test_everything_is_there_without_scripts(browser: Browser, folder: Path) -> None:
    """Without scripts the same texts can be read, codes can be selected, and there is no button that does nothing."""
    opened = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
    texts = f"({opened}, document.querySelector('main').innerText)"
    with browser.open(address(folder, "ordinary"), width=PHONE) as page:
        with_scripts = page.evaluate(texts)
        assert page.evaluate("document.querySelectorAll('button').length") == 12
    with browser.open(address(folder, "ordinary"), width=PHONE, javascript=False) as page:
        assert page.evaluate(texts) == with_scripts
        assert page.evaluate("document.querySelectorAll('button').length") == 0
        assert page.evaluate("getComputedStyle(document.querySelector('th code')).userSelect") == "all"
        assert page.problems == []


def test_a_click_copies_the_code_of_a_color(browser: Browser, folder: Path) -> None:
    """The clipboard holds the code, and screen readers hear so."""
    with browser.open(address(folder, "ordinary"), width=DESKTOP) as page:
        browser.send("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
        copied = page.evaluate(
            """new Promise((resolve) => {
              const status = document.querySelector("[role=status]");
              new MutationObserver(() => resolve(status.textContent)).observe(status, { childList: true });
              document.querySelectorAll("th button")[1].click();
            })"""
        )
        assert copied == "Copied #EF476F"
        assert page.evaluate("navigator.clipboard.readText()") == "#EF476F"
        assert page.problems == []


def test_copying_works_where_there_is_no_clipboard_interface(browser: Browser, folder: Path) -> None:
    """A page served over plain http copies the old way."""
    with browser.open(address(folder, "ordinary"), width=DESKTOP) as page:
        copied = page.evaluate(
            """new Promise((resolve) => {
              Object.defineProperty(navigator, "clipboard", { value: undefined });
              addEventListener("copy", () => resolve(getSelection().toString()));
              document.querySelector(".card details:last-of-type").open = true;
              document.querySelector("th button").click();
            })"""
        )
        assert copied == "#2B2D42"


def test_an_image_enlarges_by_keyboard_and_closes_again(browser: Browser, folder: Path) -> None:
    """Enter fills the window, arrows go on to the next image, Escape goes back; all else is out of reach meanwhile."""
    shown = "document.querySelector('.view:target')?.id ?? null"
    hash_change = "new Promise((resolve) => addEventListener('hashchange', () => resolve(true), { once: true }))"
    with browser.open(address(folder, "ordinary"), width=DESKTOP, height=800) as page:
        for key, expected in [("Enter", "view-1"), ("ArrowRight", "view-2"), ("ArrowLeft", "view-1"), ("Escape", None)]:
            if key == "Enter":
                page.evaluate("document.querySelector('#view-1 .open').focus()")
            page.evaluate(f"void (window.changed = {hash_change})")
            page.press(key)
            assert page.evaluate("window.changed") is True
            assert page.evaluate(shown) == expected
            if key == "Enter":
                assert page.evaluate(
                    """(({ x, y, width, height }) => [x, y, width, height])(
                      document.querySelector(".view:target").getBoundingClientRect())"""
                ) == [0, 0, DESKTOP, 800]
                page.press("Tab")
                assert page.evaluate("document.activeElement.textContent") == "Close"
                assert page.evaluate(REACHABLE_BEHIND) == 0
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.problems == []


def test_even_injected_markup_can_neither_run_nor_load(browser: Browser, folder: Path) -> None:
    """The second line of defense holds: had escaping failed, the policy would still refuse scripts, styles, images."""
    with browser.open(address(folder, "ordinary"), width=DESKTOP) as page:
        refused = page.evaluate(
            """new Promise((resolve) => {
              const refused = [];
              document.addEventListener("securitypolicyviolation", (event) => {
                refused.push(event.effectiveDirective);
                if (refused.length === 3) resolve(refused.sort());
              });
              document.body.insertAdjacentHTML("beforeend",
                '<img src="https://example.invalid/x.png"><i style="color:red" onclick="window.ran = 1">x</i>');
              document.querySelector("i").click();
            })"""
        )
        assert refused == ["img-src", "script-src-attr", "style-src-attr"]
        assert page.evaluate("window.ran === undefined") is True
        assert page.problems != []


@pytest.mark.parametrize("name", ["seven", "many"])
def test_the_overview_fits_a_phones_screen(browser: Browser, folder: Path, name: str) -> None:
    """Title, every picture, its name and its colors are visible before anything is scrolled."""
    with browser.open(address(folder, name), width=PHONE, height=740) as page:
        last = page.evaluate("document.querySelector('.overview ol').getBoundingClientRect().bottom")
        assert isinstance(last, float | int)
        assert last <= 740
        pictures = page.evaluate("document.querySelectorAll('.overview .small').length")
        assert pictures == (8 if name == "seven" else 25)
        assert page.evaluate("document.querySelectorAll('.overview .bar').length") == (7 if name == "seven" else 24)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE
        assert page.problems == []


@pytest.mark.parametrize("width", [390, 1240, DESKTOP])
def test_the_overview_shows_whole_names_in_full_rows(browser: Browser, tmp_path: Path, width: int) -> None:
    """No name is cut off, and no picture is left alone in a row."""
    tiles = tuple(drawn_tile(colors, "Racing Green and Cornflower on Eggshell") for colors in PALETTES)
    page_file = write_gallery(content(tiles=tiles), tmp_path)
    with browser.open(page_file.as_uri(), width=width) as page:
        cut = """[...document.querySelectorAll(".overview .title")].filter((title) =>
          title.scrollWidth > title.clientWidth || title.scrollHeight > title.clientHeight).length"""
        rows = """Object.values(Object.groupBy([...document.querySelectorAll(".overview li")],
          (item) => item.getBoundingClientRect().top)).map((row) => row.length)"""
        assert page.evaluate(cut) == 0
        assert page.evaluate(rows) == ([4, 4] if width == 390 else [8])


def test_before_and_after_can_be_compared_without_scripts(browser: Browser, folder: Path) -> None:
    """The checkbox shows the base logo in the variation's place, by style alone."""
    visible = """["img", ".before"].map((one) =>
      getComputedStyle(document.querySelector(`#variation-1 .open ${one}`)).visibility)"""
    with browser.open(address(folder, "seven"), width=DESKTOP, javascript=False) as page:
        assert page.evaluate(visible) == ["visible", "hidden"]
        page.evaluate("document.querySelector('#variation-1 .compare input').checked = true")
        assert page.evaluate(visible) == ["hidden", "visible"]


def test_a_picture_is_downloaded_from_the_page_itself(browser: Browser, folder: Path) -> None:
    """A click makes a file of the picture's bytes, by its name, without a request."""
    with browser.open(address(folder, "seven"), width=DESKTOP) as page:
        saved = page.evaluate(
            """new Promise((resolve) => {
              HTMLAnchorElement.prototype.click = function () { resolve([this.download, this.href.slice(0, 5)]); };
              document.querySelector("#variation-2 .save").click();
            })"""
        )
        assert saved == ["02-palette-1.png", "blob:"]
        assert page.requests == [address(folder, "seven")]
        assert page.problems == []


def test_print_shows_what_is_closed_on_the_screen(browser: Browser, folder: Path) -> None:
    """Paper cannot be clicked: tables are open there, and controls are gone."""
    with browser.open(address(folder, "seven"), width=DESKTOP) as page:
        page.send("Emulation.setEmulatedMedia", {"media": "print"})
        assert (
            page.evaluate("document.querySelector('#variation-1 .palette').getBoundingClientRect().height > 50") is True
        )
        assert page.evaluate("getComputedStyle(document.querySelector('.compare')).display") == "none"
