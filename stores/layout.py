"""Where objects lie. What users may see begins with its owner, because row-level security depends on that."""

from __future__ import annotations

import uuid

from contracts.tasks import PAID_FOLDER
from stores.port import Store


def paid_image(task_id: uuid.UUID) -> str:
    """The image that was paid for, as it came."""
    return f"{PAID_FOLDER}/{task_id}/image"


def given_image(task_id: uuid.UUID) -> str:
    """The image that was handed in with the request, as it came."""
    return f"{PAID_FOLDER}/{task_id}/given"


def paid_image_provenance(task_id: uuid.UUID) -> str:
    """Who made it; written before the image, so that where the image exists, this does."""
    return f"{PAID_FOLDER}/{task_id}/image.json"


def paid_palettes(task_id: uuid.UUID) -> str:
    """The palettes that were paid for."""
    return f"{PAID_FOLDER}/{task_id}/palettes.json"


def base(user_id: str, concept_id: uuid.UUID) -> str:
    """The base image that users see."""
    return f"{_visible_folder(user_id, concept_id)}/base.png"


def variation(user_id: str, concept_id: uuid.UUID, index: int, slug: str) -> str:
    """One variation that users see; `index` counts from 1."""
    return f"{_visible_folder(user_id, concept_id)}/variation-{index:02d}-{slug}.png"


async def remove_visible(store: Store, user_id: str, concept_id: uuid.UUID) -> None:
    """Remove what users can see of a concept; what was paid for stays. Raises `StoreError`."""
    for bucket in sorted({store.concept_bucket, store.palette_bucket}):
        await store.remove_folder(bucket, _visible_folder(user_id, concept_id))


def _visible_folder(user_id: str, concept_id: uuid.UUID) -> str:
    return f"{user_id}/{concept_id}"
