from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from typing_extensions import override

from activities import paid_calls
from color import decode, distance, palette_of, prepare
from commands.gallery import gallery_content
from contracts.concepts import Concept
from contracts.status import StageState
from contracts.tasks import RefinementRequest, Stage, TaskStatus
from providers.builtin.provider import BuiltinImages
from providers.download import Downloads
from providers.errors import ProviderRejected
from stores.local import LocalStore
from tests.color.test_svg import HOSTILE
from tests.objects import find
from tests.rig import (
    BUCKETS,
    FaultyStore,
    Rig,
    Script,
    ScriptedImages,
    ScriptedPalettes,
    draw_png,
    make_refinement,
    make_request,
    make_variations,
    rigged,
    until,
)
from tests.services import FakeService, Recorded, Reply


class ImageSite(FakeService):
    """A web server that has one picture, whatever is asked for."""

    @override
    def usual(self, request: Recorded) -> Reply:
        return Reply(self.image, media_type="application/octet-stream")

    @override
    def settings(self) -> dict[str, str]:
        return {}


@asynccontextmanager
async def serving(image: bytes) -> AsyncIterator[tuple[ImageSite, Downloads]]:
    """Such a server on loopback, and downloads that may go there."""
    site, downloads = ImageSite(), Downloads(permitted=lambda _: True)
    site.image = image
    async with site.serving():
        yield site, downloads
        await downloads.aclose()


async def made(rig: Rig, **changes: object) -> Concept:
    """A finished concept to start from."""
    request = make_request(**changes)
    await rig.finish(request)
    concept = await rig.store.concept(request.concept_id)
    assert concept is not None
    return concept


async def test_a_concept_is_refined(client: Client, store: LocalStore) -> None:
    """One call with source, wish and aspects; a concept of its own, linked, in its own folder; the source stays."""
    images = ScriptedImages()
    async with rigged(client, store, images=images) as rig:
        source = await made(rig)
        source_bytes = await store.get(source.image.bucket, source.image.path)
        request = make_refinement(source_concept_id=source.concept_id, preserve_aspects=["layout"], num_palettes=2)
        status = await rig.finish(request)
        concept, row = await store.concept(request.concept_id), await rig.row(request)
        assert concept is not None
        shown = await gallery_content(store, concept)
    assert shown.asked_for == "a longer tail"
    assert shown.made_from == f"{source.logo_description} ({source.concept_id})"
    assert (status.state, status.percent, row.status) == (TaskStatus.COMPLETED, 100, TaskStatus.COMPLETED)
    assert {stage.state for stage in status.stages.values()} == {StageState.DONE}
    assert row.request == request
    assert images.refined == [(source_bytes, "a longer tail", ("layout",))]
    assert concept is not None
    assert (concept.refined_from, concept.varied_from) == (source.concept_id, None)
    assert (concept.logo_description, concept.theme_description) == (source.logo_description, source.theme_description)
    assert concept.image.path == f"ada/{request.concept_id}/base.png"
    assert concept.provenance.credit == "drawn by a test"  # once, where both are the same
    assert [variation.index for variation in concept.variations] == [1, 2]
    for image in (concept.image, *(variation.image for variation in concept.variations)):
        data = await store.get(image.bucket, image.path)
        assert hashlib.sha256(data).hexdigest() == image.sha256
        assert decode(data).width == image.width
    assert await store.concept(source.concept_id) == source


async def test_who_drew_the_source_is_still_credited(client: Client, store: LocalStore) -> None:
    """A refinement credits the provider that made it, and the source's own credit."""
    images = ScriptedImages()
    async with rigged(client, store, images=images) as rig:
        source = await made(rig)
        images.credit = "refined by another test"
        request = make_refinement(source_concept_id=source.concept_id)
        await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert concept is not None
    assert concept.provenance.credit == "refined by another test · Based on: drawn by a test"


async def test_without_palettes_there_is_only_a_base(client: Client, store: LocalStore) -> None:
    """No palette is asked for, and both stages count as skipped."""
    palettes = ScriptedPalettes()
    async with rigged(client, store, palettes=palettes) as rig:
        source = await made(rig)
        asked = palettes.script.count
        request = make_refinement(source_concept_id=source.concept_id)
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert palettes.script.count == asked
    assert {status.stages[stage].state for stage in (Stage.PALETTES, Stage.VARIATIONS)} == {StageState.SKIPPED}
    assert (status.state, status.percent) == (TaskStatus.COMPLETED, 100)
    assert concept is not None
    assert concept.variations == ()


async def test_preserved_colors_are_the_sources_own(client: Client, store: LocalStore) -> None:
    """Whatever colors the provider used, what users see has those of the source; what was paid for stays as it came."""
    images = ScriptedImages(image=draw_png(96, "#2A9D8F"))
    async with rigged(client, store, images=images) as rig:
        source = await made(rig)
        images.image = draw_png(96, "#7B2CBF")
        request = make_refinement(source_concept_id=source.concept_id, preserve_aspects=["colors"])
        await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert concept is not None
    own = palette_of(prepare(await store.get(source.image.bucket, source.image.path)))
    shown = palette_of(prepare(await store.get(concept.image.bucket, concept.image.path)))
    assert "#2A9D8F" in shown
    assert all(min(distance(color, kept) for kept in own) < 0.02 for color in shown)
    paid = await store.get(BUCKETS[0], f"paid/{request.task_id}/image")
    assert paid == images.image


async def test_what_a_sample_does_not_show_is_said_of_its_refinement_too(client: Client, store: LocalStore) -> None:
    """The notice of a sample's source goes on with it; a service may have drawn the missing thing."""
    with ThreadPoolExecutor() as threads:
        images = BuiltinImages(threads)
        async with rigged(client, store, images=images) as rig:
            request = make_request(num_palettes=1, logo_description="a panda eating bamboo")
            await rig.finish(request)
            refined = make_refinement(source_concept_id=request.concept_id, refinement_prompt="rounder, qwertz")
            status = await rig.finish(refined)
    told = ("The sample generator drew “panda” and left out “bamboo”.", "The sample generator could not do “qwertz”.")
    assert status.notices == told
    async with rigged(client, store) as rig:
        redrawn = make_refinement(source_concept_id=request.concept_id)
        assert (await rig.finish(redrawn)).notices == ()
    for made_of, notices in ((refined, told), (redrawn, ())):
        concept = await store.concept(made_of.concept_id)
        assert concept is not None
        assert concept.provenance is not None
        assert concept.provenance.notices == notices


@pytest.mark.parametrize("owner", ["eve", "ada"])
async def test_only_the_owner_refines_a_concept(client: Client, store: LocalStore, owner: str) -> None:
    """Another user's concept and one that does not exist are refused alike, before anything is paid."""
    images = ScriptedImages()
    async with rigged(client, store, images=images) as rig:
        source = await made(rig)
        paid = images.script.count
        concept_id = source.concept_id if owner == "eve" else uuid.uuid4()
        request = make_refinement(source_concept_id=concept_id, user_id=owner)
        status = await rig.finish(request)
        assert await rig.visible(request) == []
    assert images.script.count == paid
    assert status.error is not None
    assert (status.error.stage, status.error.type) == (Stage.IMAGE, "SourceMissing")
    assert status.error.message == f"Refining the image failed: this user has no concept {concept_id}"


async def test_a_url_is_fetched_once(client: Client, store: LocalStore) -> None:
    """The picture is kept before anything else can fail: the second run needs no URL, and pays nothing again."""
    failing = [ProviderRejected("the service answered 401")]
    images = ScriptedImages(Script(calls=failing))
    async with serving(draw_png(80)) as (site, downloads):
        async with rigged(client, store, images=images, downloads=downloads) as rig:
            request = make_refinement(original_image_url=f"{site.url}/a")
            failed = await rig.finish(request)
            row = await rig.row(request)
            assert await store.reopen_task(request.task_id, row.updated_at) is not None
            await rig.concepts.start(request, reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE)
            await rig.concepts.wait(request.task_id)
            concept = await store.concept(request.concept_id)
        assert len(site.requests) == 1
    assert failed.state is TaskStatus.FAILED
    assert [source for source, _, _ in images.refined] == [draw_png(80)] * 2
    assert concept is not None
    assert concept.refined_from is None
    assert concept.logo_description == "a longer tail"


@pytest.mark.parametrize("kind", ["GIF", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "ICO"])
async def test_any_picture_can_be_the_source(client: Client, store: LocalStore, kind: str) -> None:
    """Providers are handed what they read: a GIF becomes a PNG on the way."""
    out = io.BytesIO()
    Image.open(io.BytesIO(draw_png(64))).save(out, kind)
    images = ScriptedImages()
    async with (
        serving(out.getvalue()) as (site, downloads),
        rigged(client, store, images=images, downloads=downloads) as rig,
    ):
        status = await rig.finish(make_refinement(original_image_url=f"{site.url}/a", preserve_aspects=["colors"]))
    assert status.state is TaskStatus.COMPLETED
    ((source, _, _),) = images.refined
    assert Image.open(io.BytesIO(source)).format == (kind if kind in {"JPEG", "WEBP"} else "PNG")


DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">{}<rect width="9" height="9" fill="#D62828"/></svg>'
)
ENTITIES = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<image href="{}" width="20" height="10"/><script>while (1) {{}}</script>'


@pytest.mark.parametrize("inside", ["", OUTSIDE])
async def test_an_svg_can_be_the_source(client: Client, store: LocalStore, inside: str) -> None:
    """Its drawing is kept and handed on as a PNG; scripts do not run, and nothing outside of it is fetched."""
    images = ScriptedImages()
    async with serving(b"") as (site, downloads):
        site.image = DRAWING.format(inside.format(f"{site.url}/b")).encode()
        async with rigged(client, store, images=images, downloads=downloads) as rig:
            status = await rig.finish(make_refinement(original_image_url=f"{site.url}/a", preserve_aspects=["colors"]))
        assert [request.path for request in site.requests] == ["/a"]
    assert status.state is TaskStatus.COMPLETED
    ((source, _, _),) = images.refined
    drawn = Image.open(io.BytesIO(source))
    assert (drawn.format, drawn.size, drawn.getpixel((100, 100))) == ("PNG", (2048, 1024), (0xD6, 0x28, 0x28, 255))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (ENTITIES.encode() + DRAWING.encode(), "The SVG has a DOCTYPE, which is not accepted"),
        (DRAWING.format("<g>" * 10**6 + "</g>" * 10**6).encode(), "The SVG takes too much time or memory to draw"),
        (DRAWING.format(HOSTILE["a filter without end"]).encode(), "The SVG takes too "),
        (DRAWING[:-4].encode(), "The SVG is damaged or incomplete"),
        (gzip.compress(b"<svg>" + bytes(10**7)), "SVGZ and other compressed files are not accepted"),
        (b"%PDF-1.7" + bytes(99), "PDF and AI files are not accepted"),
    ],
)
async def test_a_hostile_source_ends_in_one_sentence(
    client: Client, store: LocalStore, data: bytes, sentence: str
) -> None:
    """The task fails for good, in bounded time and memory, and nothing of the source is kept."""
    images = ScriptedImages()
    async with (
        serving(data) as (site, downloads),
        rigged(client, store, images=images, downloads=downloads) as rig,
    ):
        request = make_refinement(original_image_url=f"{site.url}/a")
        status = await rig.finish(request)
        assert len(site.requests) == 1
    assert status.error is not None
    assert status.error.message.startswith("Refining the image failed: ")
    assert sentence in status.error.message
    assert images.refined == []
    assert await find(store, BUCKETS[0], f"paid/{request.task_id}/source") is None


async def test_a_private_url_is_refused(client: Client, store: LocalStore) -> None:
    """By the worker's own rules no address but a public one is asked, and the sentence does not repeat the URL."""
    async with serving(draw_png()) as (site, _):
        async with rigged(client, store) as rig:
            status = await rig.finish(make_refinement(original_image_url=f"{site.url}/a"))
        assert site.requests == []
    assert status.error is not None
    assert status.error.message == ("Refining the image failed: the image's URL leads to an address that is not public")


async def test_what_is_no_image_is_not_kept(client: Client, store: LocalStore) -> None:
    """A damaged picture fails the task for good, and nothing of it stays."""
    async with serving(draw_png()[:-40]) as (site, downloads), rigged(client, store, downloads=downloads) as rig:
        request = make_refinement(original_image_url=f"{site.url}/a")
        status = await rig.finish(request)
    assert status.error is not None
    assert status.error.stage is Stage.IMAGE
    assert await find(store, BUCKETS[0], f"paid/{request.task_id}/source") is None


async def test_a_cancelled_refinement_leaves_nothing_visible(
    client: Client, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paid call ends, the row says where it was, and Temporal agrees; the source is untouched."""
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    images = ScriptedImages()
    async with rigged(client, store, images=images) as rig:
        source = await made(rig)
        images.script.then = asyncio.Event().wait
        request = make_refinement(source_concept_id=source.concept_id, num_palettes=2)
        await rig.concepts.start(request)
        await until(lambda: images.refined)
        await rig.concepts.cancel(request.task_id)
        await rig.concepts.wait(request.task_id, timeout_s=60)
        row, description = await rig.row(request), await rig.handle(request).describe()
        assert await rig.visible(request) == []
    assert row.status is TaskStatus.CANCELLED
    assert row.error is not None
    assert row.error.message == "Cancelled while refining the image"
    assert description.status is WorkflowExecutionStatus.CANCELED
    assert await store.concept(source.concept_id) == source


# Further palettes


async def test_a_base_is_varied_without_paying_for_it(client: Client, store: LocalStore) -> None:
    """A concept of its own with the same base in its own folder, palettes of the new theme, and no image call."""
    images, palettes = ScriptedImages(), ScriptedPalettes()
    async with rigged(client, store, images=images, palettes=palettes) as rig:
        source = await made(rig)
        request = make_variations(source.concept_id)
        status = await rig.finish(request)
        concept = await store.concept(request.concept_id)
    assert (images.script.count, palettes.script.count) == (1, 2)
    assert status.state is TaskStatus.COMPLETED
    assert concept is not None
    assert (concept.varied_from, concept.refined_from) == (source.concept_id, None)
    assert (concept.logo_description, concept.theme_description) == (source.logo_description, "bold neon")
    assert concept.image.sha256 == source.image.sha256
    assert concept.image.path == f"ada/{request.concept_id}/base.png"
    assert len(concept.variations) == 3
    assert concept.provenance.credit == source.provenance.credit


async def test_only_the_owner_varies_a_concept(client: Client, store: LocalStore) -> None:
    """A user cannot get another user's logo by asking for palettes."""
    async with rigged(client, store) as rig:
        source = await made(rig)
        request = make_variations(source.concept_id, user_id="eve")
        status = await rig.finish(request)
        assert await rig.visible(request) == []
    assert status.error is not None
    assert status.error.message == f"Finding the base image failed: this user has no concept {source.concept_id}"


# The messages


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"source_concept_id": None}, "exactly one of original_image_url and concept_id"),
        ({"original_image_url": "https://example.com/a.png", "source_concept_id": uuid.uuid4()}, "exactly one of"),
        ({"original_image_url": "ftp://example.com/a.png"}, "original_image_url"),
        ({"original_image_url": "https://example.com/a b.png"}, "original_image_url"),
        ({"original_image_url": "https://example.com/" + "a" * 2000}, "original_image_url"),
        ({"original_image_url": "https://example.com/a.png", "num_palettes": 2}, "needs a theme_description"),
        ({"refinement_prompt": "n"}, "refinement_prompt"),
        ({"preserve_aspects": ["mood"]}, "preserve_aspects"),
        ({"num_palettes": 25}, "num_palettes"),
        ({"num_palettes": 1, "min_variations": 2}, "exceeds num_palettes"),
    ],
)
def test_other_refinements_are_refused(changes: dict[str, object], complaint: str) -> None:
    """What cannot be meant is refused at the edge, with the field's name."""
    with pytest.raises(ValidationError, match=complaint):
        make_refinement(**changes)


def test_a_message_calls_its_source_concept_id() -> None:
    """As the web application writes it; a row's request reads the same afterwards."""
    source, task = uuid.uuid4(), uuid.uuid4()
    message = (
        f'{{"task_id": "{task}", "user_id": "ada", "task_type": "concept_refinement", '
        f'"refinement_prompt": "a longer tail", "concept_id": "{source}"}}'
    )
    request = RefinementRequest.model_validate_json(message)
    assert request.source_concept_id == source
    assert request.concept_id != source
    assert (request.num_palettes, request.preserve_aspects) == (0, ())
    assert RefinementRequest.model_validate_json(request.model_dump_json()) == request


async def test_rows_remember_what_was_asked_for(tmp_path: Path) -> None:
    """Each kind of request comes back from the store as what it was."""
    store = LocalStore(tmp_path, *BUCKETS)
    for request in (make_request(), make_refinement(), make_variations(uuid.uuid4())):
        row = await store.claim_task(request, request.workflow_id)
        assert row.request == request
    await store.close()


def test_faulty_stores_are_stores() -> None:
    """The rig's store has every method of the real ones."""
    assert not FaultyStore.__abstractmethods__
