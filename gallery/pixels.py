from __future__ import annotations

from PIL import Image

from color import decode


def thumbnail(encoded: bytes, box: tuple[int, int]) -> Image.Image:
    """The image in RGBA, shrunk to fit the box (width, height) in pixels; a smaller one keeps its size.

    Raises `color.ImageError`. Nothing of the full size outlives the call.
    """
    picture = decode(encoded)
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    del picture
    image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image.convert("RGBA")
