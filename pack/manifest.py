"""The list of everything in a logo pack: `manifest.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from pydantic import BaseModel

from pack.pack import Item, PackFile

MANIFEST = "manifest.json"


class ManifestFile(BaseModel):
    """One file of a pack; `path` is relative to the manifest."""

    path: str
    what: str
    media_type: str
    bytes: int
    sha256: str


class ManifestSkipped(BaseModel):
    """A file the pack does without, and why."""

    file: str
    reason: str


class Manifest(BaseModel):
    """What is in a pack, and what is not."""

    concept_id: str
    files: tuple[ManifestFile, ...]
    skipped: tuple[ManifestSkipped, ...]


def write_with_manifest(items: Iterable[Item], concept_id: str, write: Callable[[str, bytes], None]) -> Manifest:
    """Hand each file to `write` (its path in the pack, its bytes), and the manifest of them all last."""
    files, skipped = [], []
    for item in items:
        if isinstance(item, PackFile):
            write(item.path, item.data)
            digest = hashlib.sha256(item.data).hexdigest()
            entry = ManifestFile(
                path=item.path, what=item.what, media_type=item.media_type, bytes=len(item.data), sha256=digest
            )
            files.append(entry)
        else:
            skipped.append(ManifestSkipped(file=item.file, reason=item.reason))
    manifest = Manifest(concept_id=concept_id, files=tuple(files), skipped=tuple(skipped))
    write(MANIFEST, (manifest.model_dump_json(indent=2) + "\n").encode())
    return manifest
