"""An SVG becomes a picture or one sentence, whatever it asks for."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import color
from color.svg_rasterizer import is_svg
from tests.color.pictures import pixels, png

HEAD = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RECT = '<rect width="100" height="100" fill="#D62828"/>'


def svg(body: str = RECT, size: str = 'viewBox="0 0 100 100"') -> bytes:
    """A drawing of some elements."""
    return f"<svg {HEAD} {size}>{body}</svg>".encode()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ('viewBox="0 0 100 100"', (64, 64)),
        ('viewBox="0 0 200 100"', (128, 64)),
        ('width="2in" height="4in" viewBox="0 0 20 40"', (64, 128)),
        ('width="1000000" height="1000000"', (64, 64)),
        ('viewBox="0 0 100000 100"', (4096, 5)),
    ],
)
def test_the_shorter_side_is_as_long_as_asked_for(size: str, expected: tuple[int, int]) -> None:
    """Whatever units the drawing is in, up to 4096 pixels on the longer side."""
    assert Image.open(io.BytesIO(color.rasterize(svg(size=size), 64))).size == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_every_encoding_that_xml_programs_write(encoding: str) -> None:
    """By byte order mark or by declaration; the comment has a character that they write differently."""
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><!-- é -->' + svg().decode()
    assert tuple(pixels(color.rasterize(text.encode(encoding), 8))[4, 4]) == (0xD6, 0x28, 0x28, 255)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_drawing_is_seen_behind_white_space(encoding: str) -> None:
    """However much of it there is; what begins with anything else is none, whatever follows."""
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    assert is_svg((" \n" * 500 + drawing).encode(encoding))
    assert not is_svg(("x" + " \n" * 500 + drawing).encode(encoding))
    assert not is_svg(b"\x89PNG\r\n" + drawing.encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE svg>" + svg().decode(),
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<text>&a;</text>").decode(),
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        + svg("<text>&a;</text>").decode(),
    ],
)
def test_entities_are_refused(body: str) -> None:
    """A DOCTYPE is where they come from; the message says what to do."""
    with pytest.raises(color.NotAnImage, match=r"DOCTYPE.*export"):
        color.rasterize(body.encode())


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("attribute", ["href", "xlink:href", "href\n= "])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_files_of_the_machine_are_no_part_of_a_drawing(tmp_path: Path, scheme: str, attribute: str, quote: str) -> None:
    """A picture that lies there, and would be drawn by its path, is not."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(Image.new("RGB", (9, 9), "#00FF00")))
    hidden = f"{scheme}{secret}".replace("/", "&#47;")
    for path in (f"{scheme}{secret}", hidden):
        link = attribute if attribute.endswith(" ") else attribute + "="
        image = f'<image width="100" height="100" {link}{quote}{path}{quote}/>'
        assert not pixels(color.rasterize(svg(image), 16))[..., 3].any()


def test_a_picture_inside_the_file_is_drawn() -> None:
    """Only what is outside is left out."""
    data = base64.b64encode(png(Image.new("RGB", (9, 9), "#00FF00"))).decode()
    image = f'<image width="100" height="100" href="data:image/png;base64,{data}"/>'
    assert tuple(pixels(color.rasterize(svg(image), 16))[8, 8]) == (0, 255, 0, 255)


def test_scripts_do_not_run() -> None:
    """What they would draw is not there, what stands in the file is."""
    script = "<script>document.documentElement.innerHTML = ''</script>"
    assert tuple(pixels(color.rasterize(svg(script + RECT), 8))[4, 4]) == (0xD6, 0x28, 0x28, 255)


HOSTILE = {
    "a filter without end": '<filter id="f"><feTurbulence numOctaves="100000" baseFrequency="0.5"/></filter>'
    '<rect width="100" height="100" filter="url(#f)"/>',
    "copies of copies": '<g id="a0"><rect width="5" height="5"/></g>'
    + "".join(f'<g id="a{i}">' + f'<use xlink:href="#a{i - 1}"/>' * 10 + "</g>" for i in range(1, 12)),
    "a stack that overflows": "<g>" * 100_000 + "</g>" * 100_000,
    "layers upon layers": '<g opacity=".9">' * 500 + RECT + "</g>" * 500,
    "a long path": '<path d="M0 0' + " C 10 100 90 0 99 99" * 200_000 + '" stroke="red" stroke-width="5"/>',
    "more bytes than accepted": '<path d="M0 0' + " L 50.12345 3.2 L 1 99" * 500_000 + '"/>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_drawings_end_in_one_sentence(name: str) -> None:
    """Endless work, exhausted memory and a crash of the renderer cost seconds and nothing else."""
    with pytest.raises(color.ImageTooLarge, match=r"^The SVG .* Simplify it, or export it as PNG\.$"):
        color.rasterize(svg(HOSTILE[name]))


@pytest.mark.parametrize("data", [b"", b"<svg", b"<svg></p></svg>", svg(size='viewBox="0 0 0 0"')[:-8]])
def test_what_is_no_drawing_is_damaged(data: bytes) -> None:
    """Never an exception of the renderer's."""
    with pytest.raises(color.ImageDamaged):
        color.rasterize(data)


def test_a_drawing_outlives_a_ctrl_c() -> None:
    """The signal goes to every process of the terminal; one that finishes its work first gets its picture, too."""
    code = (
        "import os, signal, threading, psutil\n"
        "from color import rasterize\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "def interrupt():\n"
        "    while not (children := psutil.Process().children()):\n"
        "        pass\n"
        "    while children[0].is_running():\n"
        "        os.killpg(0, signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        f"assert rasterize({svg()!r}, 64)[1:4] == b'PNG'\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(color.__file__).parents[1], check=False, start_new_session=True
    )
    assert ended.returncode == 0
