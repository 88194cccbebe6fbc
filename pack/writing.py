"""A pack on disk: a folder or a zip, complete or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from files.atomic_write import ANY_MARK, held, remove_left, replacing
from pack.manifest import MANIFEST, Manifest, write_with_manifest
from pack.pack import Item

_SHEET = "contact-sheet.png"
"""A gallery has one too."""
_OURS = ("base", "variations", "tokens.json", _SHEET, MANIFEST)
"""What a pack has at its top. Whatever else lies in its folder stays."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same pack is the same bytes."""


def write_folder(items: Iterable[Item], concept_id: str, folder: Path) -> Manifest:
    """Write a pack into `folder`, made if missing, in place of the pack it may hold; other files there stay.

    All is written next to it first, so that a failure leaves everything as it was. Raises OSError, also where a file or
    folder is in the way that no pack brought, and what `items` do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_replaceable(folder)
    _remove_left(folder, ".pack-")
    mark = secrets.token_hex(8)
    with _hidden(folder / f".pack-{mark}") as unfinished:
        manifest = write_with_manifest(items, concept_id, lambda path, data: _write(unfinished / path, data))
        with _hidden(folder / f".replaced-{mark}") as replaced:
            _exchange(folder, unfinished, replaced)
    _remove_left(folder, ".replaced-")  # not before: it says that what lies here is of a pack
    return manifest


@contextmanager
def _hidden(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    try:
        with held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(folder: Path, prefix: str) -> None:
    """Remove what killed exports left: folders of such a name that hold nothing but parts of a pack."""
    for left in folder.glob(f"{prefix}{ANY_MARK}"):
        with suppress(OSError):
            if {part.name for part in left.iterdir()} <= set(_OURS):
                remove_left(left)


def _check_replaceable(folder: Path) -> None:
    """What has the names of a pack's parts belongs to one: its manifest says so, or an exchange that was cut short."""
    found = [name for name in _OURS if name != _SHEET and (folder / name).exists()]
    if not found or any(folder.glob(".replaced-*")):
        return
    try:
        Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        message = f"its {found[0]} is of no logo pack, choose another folder"
        raise FileExistsError(errno.EEXIST, message, str(folder)) from None


def _exchange(folder: Path, new: Path, old: Path) -> None:
    """Move each part of the pack into place; where that fails, what was there comes back."""
    moved: list[tuple[Path, Path]] = []
    try:
        # The manifest goes first and comes last: where it is, it is true.
        for name in (MANIFEST, *_OURS[:-1]):
            if (folder / name).exists():
                moved.append((folder / name, old / name))
                os.replace(folder / name, old / name)  # noqa: PTH105 - the call that is documented to be atomic
        for name in _OURS:
            if (new / name).exists():
                moved.append((new / name, folder / name))
                os.replace(new / name, folder / name)  # noqa: PTH105 - same
    except OSError:
        for source, target in reversed(moved):
            if target.exists() and not source.exists():
                os.replace(target, source)  # noqa: PTH105 - same
        raise


def write_zip(items: Iterable[Item], concept_id: str, path: Path) -> Manifest:
    """Write a pack as one zip, in place of the file that may be there. Raises OSError and what `items` do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:

        def add(name: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith((".png", ".ico")) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)

        return write_with_manifest(items, concept_id, add)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
