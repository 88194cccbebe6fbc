"""What users hand in: words, message files, pictures; checked before anything is started."""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import JsonValue, TypeAdapter, ValidationError

from commands.console import BadInput, say
from contracts.images import MAX_IMAGE_BYTES
from contracts.palettes import Palette
from contracts.tasks import (
    Aspect,
    GenerationRequest,
    RefinementRequest,
    Request,
    SuppliedPalette,
    TaskRequest,
    named_palette,
)
from contracts.validation import problems
from pubsub import task_messages
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage
from stores import layout
from stores.ports import Store

if TYPE_CHECKING:
    from color import Facts, Picture

R = TypeVar("R", bound=TaskRequest)

_OPTION_NAMES = {
    "logo_description": "--logo",
    "theme_description": "--theme",
    "num_palettes": "--palettes",
    "candidates": "--candidates",
    "user_id": "--user",
    "task_id": "--task-id",
    "refinement_prompt": "--prompt",
    "original_image_url": "--image-url",
    "preserve_aspects": "--preserve",
    "palettes": "--palette-file",
}
_MOST_CHANNELS = 4
_MAX_PALETTES_BYTES = 1024 * 1024
_PALETTE = TypeAdapter[Palette](SuppliedPalette)
_PALETTE_LIST = TypeAdapter(list[JsonValue])
_PALETTE_TABLE = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class InputImage:
    """A picture that exists already, decoded once to be sure."""

    data: bytes
    picture: Picture

    @property
    def facts(self) -> Facts:
        """Its size and type."""
        return self.picture.facts


class NoId(BadInput):
    """What stands for an id is none."""


def parse_id(text: str, what: str = "task") -> uuid.UUID:
    """An id from the command line; one of a workflow, as Temporal's page shows it, too. Raises `NoId`."""
    try:
        return uuid.UUID(text.removeprefix("concept-").removeprefix("batch-"))
    except ValueError as exc:
        raise NoId(f"not a {what} id: {text[:60]!r} (a UUID is needed)") from exc


def is_id(text: str) -> bool:
    """Whether `parse_id` takes the text."""
    with suppress(BadInput):
        return bool(parse_id(text))
    return False


def build_request(kind: type[R], user: str, task_id: str | None = None, **fields: object) -> R:
    """The task message that the options describe. Raises `BadInput`."""
    ids = {"task_id": uuid.uuid4() if task_id is None else parse_id(task_id), "user_id": user}
    try:
        request = kind.model_validate(ids | fields)
    except ValidationError as exc:
        raise BadInput(str(problems(exc, _OPTION_NAMES)[0])) from exc
    return _changeable(request)


def read_request(path: Path) -> Request:
    """A task message, of any kind, from a JSON file. Raises `BadInput`."""
    try:
        text = read_text(path, task_messages.MAX_PAYLOAD_BYTES)
        request = task_messages.read_request(Message(data=text.encode()))
    except InvalidMessage as exc:
        raise BadInput(f"{path}: {exc.reason}") from exc
    return _changeable(request)


def _changeable(request: R) -> R:
    if isinstance(request, RefinementRequest) and set(request.preserve_aspects) == set(get_args(Aspect)):
        raise BadInput("--preserve: colors, layout, style and shapes are to be kept: nothing is left to change")
    return request


def palette_words(theme: str | None, number: int | None, file: Path | None, *, usual: int = 7) -> dict[str, object]:
    """What the options --theme, --palettes and --palette-file say of a request. Raises `BadInput`.

    `usual`: how many palettes are made where no option says it.
    """
    words: dict[str, object] = {} if theme is None else {"theme_description": theme}
    if file is None:
        return words | {"num_palettes": usual if number is None else number}
    if number is not None:
        raise BadInput(
            "--palettes does not go with --palette-file: every palette of the file is used, and none is made"
        )
    return words | {"palettes": read_palettes(file)}


def say_unused_theme(*given: object) -> None:
    """Say it where all of these were given: a theme, palettes, and a logo."""
    if None not in given:
        say("The theme is shown with the concept, and changes nothing: logo and palettes are given.", style="yellow")


def read_image(path: Path) -> InputImage:
    """A picture that decodes completely, and that a PNG can hold. Raises `BadInput`."""
    from color import ImageError, decode, to_png  # noqa: PLC0415 -- most commands have no picture

    data = read_file(path, MAX_IMAGE_BYTES, "scale it down")
    try:
        picture = decode(data)
        if not picture.facts.is_plain_png and picture.width * picture.height * _MOST_CHANNELS > MAX_IMAGE_BYTES:
            to_png(picture)  # as `upload_image` will
    except ImageError as exc:
        raise BadInput(f"{path}: {exc}") from exc
    if picture.facts.frames > 1:
        what = "pages" if picture.facts.media_type == "image/tiff" else "frames"
        say(f"{path} has {picture.facts.frames} {what}: the first is used")
    return InputImage(data, picture)


def read_palettes(path: Path) -> tuple[Palette, ...]:
    """Palettes from a file: [{name?, colors, ground?}] or {name: [hex, ...]}. Raises `BadInput`."""
    text = read_text(path, _MAX_PALETTES_BYTES)
    try:
        if text.lstrip()[:1] == "{":
            _PALETTE_TABLE.validate_json(text)
            pairs = json.loads(text, object_pairs_hook=list)  # a table would keep one of two palettes of one name
            entries: list[JsonValue] = [{"name": name, "colors": colors} for name, colors in pairs]
        else:
            entries = _PALETTE_LIST.validate_json(text)
    except ValidationError as exc:
        raise BadInput(f"{path}: {problems(exc)[0]}") from exc
    if not entries:
        raise BadInput(f"{path}: no palettes in it")
    return tuple(_palette(path, number, entry) for number, entry in enumerate(entries, 1))


def _palette(path: Path, number: int, entry: JsonValue) -> Palette:
    try:
        return _PALETTE.validate_json(json.dumps(named_palette(entry, number)))
    except ValidationError as exc:
        name = entry.get("name") if isinstance(entry, dict) else None
        which = (
            f"palette {number} {json.dumps(name[:60], ensure_ascii=False)}"
            if isinstance(name, str)
            else f"palette {number}"
        )
        raise BadInput(f"{path}: {which}: {problems(exc)[0]}") from exc


def read_text(path: Path, max_bytes: int) -> str:
    """A file's text; some editors write UTF-16, or a mark before the text. Raises `BadInput`."""
    data = read_file(path, max_bytes)
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as exc:
        raise BadInput(f"{path}: not text in {exc.encoding.upper()}") from exc


def read_file(path: Path, max_bytes: int, way_out: str = "") -> bytes:
    """A file's bytes. Raises `BadInput` where it is missing, unreadable, no file or larger than `max_bytes`.

    `way_out`: what to do with one that is too large.
    """
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)  # not stat: the file may be a pipe
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise BadInput(f"not a path: {str(path)[:60]!r}") from exc
    if len(data) > max_bytes:
        raise BadInput(f"{path}: larger than {max_bytes // 2**20} MB{way_out and f': {way_out}'}")
    return data


async def with_image(store: Store, request: Request, image: InputImage | None) -> Request:
    """Put the picture where only the worker reads, and name it in the request; unless there is none, or no use for it.

    Raises `BadInput`, `StoreError`.
    """
    if image is None:
        return request
    if not isinstance(request, GenerationRequest):
        raise BadInput(f"--image does not go with a {request.task_type}")
    row = await store.task(request.task_id)
    if row is not None and row.status.ended:
        return request
    path = layout.given_image(request.task_id)
    stored = await store.put(store.concept_bucket, path, image.data, image.facts.media_type)
    if stored.sha256 != hashlib.sha256(image.data).hexdigest():
        raise BadInput(f"task {request.task_id} has another image already")
    reference = stored.as_image(image.facts.width, image.facts.height, image.facts.media_type)
    return request.model_copy(update={"base_image": reference})
