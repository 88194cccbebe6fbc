"""Pictures that grow when they become PNG, and what a workflow does with data that its own models refuse."""

from __future__ import annotations

import io
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from typing_extensions import override

from commands.console import BadInput
from commands.inputs import read_image
from contracts.concepts import NewConcept
from contracts.images import MAX_IMAGE_BYTES, StoredObject
from contracts.tasks import Stage, TaskStatus
from stores.local import LocalStore
from tasks.service import TaskService
from tests.rig import FaultyStore, ScriptedImages, make_request, rigged

MISTAKE = "a mistake in concept-worker, please report it"


@cache
def grain(side_px: int, quality: int) -> bytes:
    """A JPEG of nothing but colored noise: small as such, and as PNG about as large as its pixels."""
    noise = np.random.default_rng(1).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


class OddStore(FaultyStore):
    """Reports an object of a size that is not expected."""

    def __init__(self, store: LocalStore, part: str, **claims: object) -> None:
        super().__init__(store, lambda _method, _path: None)
        self._part = part
        self.claims = claims
        self.puts = Counter[str]()

    @override
    async def put(self, bucket: str, path: str, data: bytes, media_type: str) -> StoredObject:
        self.puts[path.rpartition("/")[2]] += 1
        stored = await super().put(bucket, path, data, media_type)
        return stored.model_copy(update=self.claims) if self._part in path else stored


async def test_a_variation_that_is_there_and_too_large_is_shown(client: Client, store: LocalStore) -> None:
    """Earlier versions stored variations above the limit: a concept that met one ends, and has it."""
    request = make_request()
    odd = OddStore(store, "variation-02", bytes=MAX_IMAGE_BYTES + 1)
    async with rigged(client, odd) as rig:
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert status.state is TaskStatus.COMPLETED
    assert concept is not None
    assert [variation.image.bytes > MAX_IMAGE_BYTES for variation in concept.variations] == [False, True, False]


async def test_a_variation_that_our_own_models_refuse_is_tried_once(client: Client, store: LocalStore) -> None:
    """The concept is complete without it, and says why in a sentence without the data; a retry renders it again."""
    request = make_request()
    odd = OddStore(store, "variation-02", sha256="none")
    async with rigged(client, odd) as rig:
        status = await rig.finish(request)
        (failed,) = status.variations.failed
        odd.claims = {}
        assert await TaskService(odd, rig.concepts).retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        concept = await store.concept(request.concept_id)
    assert (status.state, status.variations.done) == (TaskStatus.COMPLETED, 2)
    assert failed.error == f"{MISTAKE}: ImageRef.sha256 does not accept what was made (string_pattern_mismatch)"
    assert odd.puts["variation-02-palette-2.png"] == 2
    assert concept is not None
    assert (len(concept.variations), concept.failed_variations) == (3, ())


async def test_data_that_our_own_models_refuse_fails_the_task(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours that depends on the data would keep a workflow at it for ever: the row says so instead."""
    request = make_request()
    object_ = StoredObject(bucket="concept-images", path="a/b", sha256="none", bytes=1)
    async with rigged(client, store) as rig:
        with monkeypatch.context() as patch:
            patch.setattr(NewConcept, "__init__", lambda *_, **__: object_.as_image(1, 1))
            status = await rig.finish(request)
        row = await rig.row(request)
        with pytest.raises(WorkflowFailureError) as failure:
            await rig.handle(request).result()
        assert await rig.visible(request) == []
        assert await TaskService(store, rig.concepts).retry(request.task_id)
        await rig.concepts.wait(request.task_id)
        assert (await rig.row(request)).status is TaskStatus.COMPLETED
    assert (row.status, status.state, row.error) == (TaskStatus.FAILED, TaskStatus.FAILED, status.error)
    assert row.error is not None
    assert (row.error.stage, row.error.type) == (Stage.VARIATIONS, "OwnDataRefused")
    refusal = f"{MISTAKE}: ImageRef.sha256 does not accept what was made (string_pattern_mismatch)"
    assert row.error.message == f"Rendering the variations failed: {refusal}"
    assert isinstance(failure.value.cause, ApplicationError)


async def test_a_picture_that_no_png_can_hold_is_refused_before_it_is_stored(client: Client, store: LocalStore) -> None:
    """One attempt, one sentence, and nothing that a later attempt would take for another one's success."""
    request = make_request()
    written: list[str] = []

    def note(method: str, path: str) -> None:
        if method == "put":
            written.append(path)

    async with rigged(client, FaultyStore(store, note), images=ScriptedImages(image=grain(4096, 60))) as rig:
        await rig.finish(request)
        row = await rig.row(request)
    assert row.error is not None
    assert row.error.message == (
        "Storing the base image failed: As PNG, which it becomes here, the image has more than 25 MB."
    )
    assert row.error.type == "ImageTooLarge"
    assert not [path for path in written if path.endswith("base.png")]


def test_the_starter_refuses_what_no_png_can_hold(tmp_path: Path) -> None:
    """Before anything is uploaded or started."""
    path = tmp_path / "grain.jpg"
    path.write_bytes(grain(4096, 60))
    with pytest.raises(BadInput, match="As PNG, which it becomes here, the image has more than 25 MB"):
        read_image(path)
