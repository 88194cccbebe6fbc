"""Where objects lie. What users may see begins with its owner, because row-level security depends on that."""

from __future__ import annotations

import re
import unicodedata
import uuid

from contracts.tasks import PAID_FOLDER
from stores.ports import ObjectStore

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OURS = re.compile(
    rf"{PAID_FOLDER}/(batch-)?{_UUID}/.+|[^/]+/{_UUID}/(base\.png|variation-[0-9]+-[a-z0-9-]+\.png|candidates/[0-9]+\.png)"
)
_SLUG_LENGTH = 40


def is_ours(path: str) -> bool:
    """Whether an object's path is one that this module makes up. The migrations have the same expression."""
    return _OURS.fullmatch(path) is not None


def named(bucket: str, path: str) -> str:
    """How an error calls an object: without its first segment, which says whose it is, where it is not our own."""
    owner, _, rest = path.partition("/")
    return f"{bucket}/{path}" if owner == PAID_FOLDER else f"{bucket}/…/{rest}"


def paid_image(task_id: uuid.UUID, candidate: int = 1) -> str:
    """The image that was paid for, as it came; `candidate` counts from 1."""
    return f"{PAID_FOLDER}/{task_id}/image" + (f"-{candidate}" if candidate > 1 else "")


def given_image(task_id: uuid.UUID) -> str:
    """The image that was handed in with the request, as it came."""
    return f"{PAID_FOLDER}/{task_id}/given"


def source_image(task_id: uuid.UUID) -> str:
    """The image at a user's URL that a refinement starts from, as it came."""
    return f"{PAID_FOLDER}/{task_id}/source"


def numbered_answer(first: str, number: int) -> str:
    """Where the answer lies that was paid for after so many others at the place of the first; `number` from 1."""
    return first if number == 1 else _beside(first, f"answer-{number}")


def unusable_marker(first: str, number: int) -> str:
    """What says that this answer cannot be used."""
    return _beside(first, f"unusable-{number}").removesuffix(".json")


def vector_of(answer: str) -> str:
    """Where an image lies as it came if it came as SVG; beside it the picture that was drawn from it."""
    return f"{answer}.svg"


def job_of(first: str) -> str:
    """Where the job lies that an image at this place was submitted as, or the link that was the whole answer."""
    folder, _, name = first.rpartition("/")
    return f"{folder}/{name.replace('image', 'job', 1)}.json"


def provenance_of(answer: str) -> str | None:
    """Who made it; None of an answer that says so itself."""
    return None if answer.endswith(".json") else f"{answer}.json"


def paid_palettes(task_id: uuid.UUID) -> str:
    """The palettes that were paid for."""
    return f"{PAID_FOLDER}/{task_id}/palettes.json"


def choice(task_id: uuid.UUID) -> str:
    """Which of several candidates was chosen."""
    return f"{PAID_FOLDER}/{task_id}/choice.json"


def batch_page(batch_id: uuid.UUID, page: int) -> str:
    """Up to a thousand task messages of a batch, one a line; `page` counts from 0."""
    return f"{PAID_FOLDER}/batch-{batch_id}/page-{page:05d}.jsonl"


def base(user_id: str, concept_id: uuid.UUID) -> str:
    """The base image that users see."""
    return f"{_visible_folder(user_id, concept_id)}/base.png"


def variation(user_id: str, concept_id: uuid.UUID, index: int, name: str) -> str:
    """One variation that users see; `index` counts from 1, `name` is its palette's."""
    return f"{_visible_folder(user_id, concept_id)}/variation-{index:02d}-{slug(name)}.png"


def candidate(user_id: str, concept_id: uuid.UUID, number: int) -> str:
    """One base image to choose from that users see for a while; `number` counts from 1."""
    return f"{candidates(user_id, concept_id)}/{number}.png"


def candidates(user_id: str, concept_id: uuid.UUID) -> str:
    """The folder of all of them."""
    return f"{_visible_folder(user_id, concept_id)}/candidates"


async def remove_visible(store: ObjectStore, user_id: str, concept_id: uuid.UUID) -> int:
    """Remove what users can see of a concept; what was paid for stays. How many objects. Raises `StoreError`."""
    count = 0
    for bucket in sorted({store.concept_bucket, store.palette_bucket}):
        count += await store.remove_folder(bucket, _visible_folder(user_id, concept_id))
    return count


async def remove_paid(store: ObjectStore, task_id: uuid.UUID) -> int:
    """Remove what was paid for, and what was handed in. How many objects. Raises `StoreError`."""
    return await store.remove_folder(store.concept_bucket, f"{PAID_FOLDER}/{task_id}")


def _beside(path: str, what: str) -> str:
    """`folder/stem.what.extension`."""
    folder, _, name = path.rpartition("/")
    stem, dot, extension = name.partition(".")
    return f"{folder}/{stem}.{what}{dot}{extension}"


def _visible_folder(user_id: str, concept_id: uuid.UUID) -> str:
    return f"{user_id}/{concept_id}"


def slug(name: str) -> str:
    """A palette's name as part of a path: lower-case ASCII letters, digits and dashes, never empty."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    whole = re.sub(r"[^a-z0-9]+", "-", ascii_name)
    cut = whole[:_SLUG_LENGTH]
    if whole[_SLUG_LENGTH : _SLUG_LENGTH + 1].isalnum():
        cut = cut.rpartition("-")[0].strip("-") or cut  # at a word's end
    return cut.strip("-") or "palette"
