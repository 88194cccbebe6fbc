"""Our requests next to those that the services' own published clients send for the same purpose, over loopback.

A service is free to ignore what its clients never send; so a path, a method, a header or a field of ours that they do
not know would be a guess.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

import pytest

from providers.openai import palette_schema
from providers.ports import ImageJob
from providers.prompts import NEGATIVE
from tests.rig import draw_png
from tests.services import KEY, FakeFal, FakeJigsawStack, FakeOpenAI, FakeReplicate, Recorded, adapters

if TYPE_CHECKING:
    from jigsawstack import JigsawStack
    from openai import AsyncOpenAI
    from openai.types.chat.completion_create_params import ResponseFormat
    from replicate.client import Client

LOGO, THEME = "a fox for a coffee shop", "warm autumn, hand-made"
SIDE: Literal["1024x1024"] = "1024x1024"


@pytest.fixture
async def jigsawstack() -> AsyncIterator[FakeJigsawStack]:
    """JigsawStack, on loopback."""
    fake = FakeJigsawStack()
    async with fake.serving():
        yield fake


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    """OpenAI, on loopback."""
    fake = FakeOpenAI()
    async with fake.serving():
        yield fake


# Loaded where they are used: each takes most of a second, and every process of a test run reads this file.


def jigsawstack_client(fake: FakeJigsawStack) -> JigsawStack:
    """The published one."""
    from jigsawstack import JigsawStack  # noqa: PLC0415

    return JigsawStack(api_key=KEY, base_url=fake.url)


def openai_client(fake: FakeOpenAI) -> AsyncOpenAI:
    """The published one."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    return AsyncOpenAI(api_key=KEY, base_url=f"{fake.url}/v1", max_retries=0)


def replicate_client(fake: FakeReplicate) -> Client:
    """The published one."""
    from replicate.client import Client  # noqa: PLC0415

    return Client(api_token=KEY, base_url=fake.url)


def where(request: Recorded, *headers: str) -> tuple[str, ...]:
    """Method, target and some headers."""
    return (request.method, request.target, *(request.headers[name] for name in headers))


async def test_jigsawstack_image(jigsawstack: FakeJigsawStack) -> None:
    """The same path, key header, media types and body, field for field."""
    async with adapters(jigsawstack) as (images, _):
        await images.generate(LOGO, THEME)
    (ours,) = jigsawstack.requests
    client = jigsawstack_client(jigsawstack)
    prompt = str(ours.document()["prompt"])
    await asyncio.to_thread(
        client.image_generation,
        {
            "prompt": prompt,
            "aspect_ratio": "1:1",
            "width": 1024,
            "height": 1024,
            "output_format": "png",
            "return_type": "base64",
            "advance_config": {"negative_prompt": NEGATIVE},
        },
    )
    theirs = jigsawstack.requests[1]
    assert where(ours, "x-api-key", "content-type", "accept") == where(theirs, "x-api-key", "content-type", "accept")
    assert ours.document() == theirs.document()
    assert "authorization" not in ours.headers


async def test_jigsawstack_refinement(jigsawstack: FakeJigsawStack) -> None:
    """Upload, generation from the upload, removal: three requests as the published client makes them."""
    source = draw_png()
    async with adapters(jigsawstack) as (images, _):
        await images.refine(source, "longer tail", ("layout",))
    upload, edit, removal = jigsawstack.requests
    client = jigsawstack_client(jigsawstack)
    stored = await asyncio.to_thread(client.store.upload, source, {"content_type": "image/png"})
    assert stored["key"] == "some/key.png"
    # One client's store changes the headers of all that follows, so each call has a client of its own.
    client = jigsawstack_client(jigsawstack)
    prompt = str(edit.document()["prompt"])
    await asyncio.to_thread(client.image_generation, {"prompt": prompt, "file_store_key": stored["key"]})
    await asyncio.to_thread(client.store.delete, "key.png")
    their_upload, their_edit, their_removal = jigsawstack.requests[3:]
    # Theirs repeats the media type in the query; the header says it already.
    assert (upload.method, upload.path, upload.body) == (their_upload.method, their_upload.path, their_upload.body)
    for name in ("x-api-key", "content-type"):
        assert upload.headers[name] == their_upload.headers[name]
    assert edit.path == their_edit.path
    assert their_edit.document().items() <= edit.document().items()
    assert removal.method == their_removal.method
    assert removal.path.rpartition("/")[0] == their_removal.path.rpartition("/")[0]


async def test_jigsawstack_palettes(jigsawstack: FakeJigsawStack) -> None:
    """The prompt engine's direct run, field for field."""
    async with adapters(jigsawstack) as (_, coloring):
        await coloring.create(THEME, LOGO, 3)
    (ours,) = jigsawstack.requests
    client = jigsawstack_client(jigsawstack)
    await asyncio.to_thread(
        client.prompt_engine.run_prompt_direct,
        {
            "prompt": str(ours.document()["prompt"]),
            "inputs": [{"key": "theme", "optional": False}, {"key": "logo", "optional": False}],
            "input_values": {"theme": THEME, "logo": LOGO},
            "return_prompt": [{"name": "name", "description": "one sentence", "colors": ["#RRGGBB"]}],
            "prompt_guard": ["hate", "sexual_content"],
        },
    )
    theirs = jigsawstack.requests[1]
    assert where(ours, "x-api-key", "content-type") == where(theirs, "x-api-key", "content-type")
    assert ours.document() == theirs.document()


async def test_openai_image(openai: FakeOpenAI) -> None:
    """The same path, authorization and body, field for field."""
    async with adapters(openai) as (images, _):
        await images.generate(LOGO, THEME)
    (ours,) = openai.requests
    async with openai_client(openai) as client:
        answer = await client.images.generate(
            model=FakeOpenAI.image_model,
            prompt=str(ours.document()["prompt"]),
            n=1,
            size=SIDE,
            background="opaque",
            output_format="png",
        )
    theirs = openai.requests[1]
    named = ("authorization", "content-type", "accept")
    assert where(ours, *named) == where(theirs, *named)
    assert ours.document() == theirs.document()
    assert answer.data is not None
    assert answer.usage is not None
    assert answer.usage.total_tokens == 4210


async def test_openai_refinement(openai: FakeOpenAI) -> None:
    """The same form: names, values, and the picture with its type; order and boundary do not matter."""
    source = draw_png()
    async with adapters(openai) as (images, _):
        await images.refine(source, "longer tail", ("layout",))
    (ours,) = openai.requests
    async with openai_client(openai) as client:
        await client.images.edit(
            image=("logo.png", source, "image/png"),
            model=FakeOpenAI.image_model,
            prompt=str(ours.form()["prompt"].get_payload()),
            n=1,
            size=SIDE,
            background="opaque",
            output_format="png",
        )
    theirs = openai.requests[1]
    assert where(ours, "authorization") == where(theirs, "authorization")
    assert {name: part.get_payload() for name, part in ours.form().items()} == {
        name: part.get_payload() for name, part in theirs.form().items()
    }
    assert ours.form()["image"].get_filename() == theirs.form()["image"].get_filename()
    assert ours.form()["image"].get_content_type() == theirs.form()["image"].get_content_type()


async def test_openai_palettes(openai: FakeOpenAI) -> None:
    """Chat completions with a strict schema, field for field, and their client reads the answer."""
    async with adapters(openai) as (_, coloring):
        await coloring.create(THEME, LOGO, 3)
    (ours,) = openai.requests
    messages = ours.document()["messages"]
    assert isinstance(messages, list)
    schema: dict[str, object] = dict(palette_schema(3))
    form: ResponseFormat = {
        "type": "json_schema",
        "json_schema": {"name": "palettes", "strict": True, "schema": schema},
    }
    async with openai_client(openai) as client:
        answer = await client.chat.completions.create(
            model=FakeOpenAI.text_model,
            messages=[
                {"role": "system", "content": messages[0]["content"]},
                {"role": "user", "content": messages[1]["content"]},
            ],
            response_format=form,
        )
    theirs = openai.requests[1]
    named = ("authorization", "content-type", "accept")
    assert where(ours, *named) == where(theirs, *named)
    assert ours.document() == theirs.document()
    assert len(json.loads(answer.choices[0].message.content or "")["palettes"]) == 3


async def test_openai_models(openai: FakeOpenAI) -> None:
    """What `providers check` asks is what their client asks for the list of models."""
    async with openai_client(openai) as client:
        names = [model.id async for model in client.models.list()]
    assert names == [FakeOpenAI.image_model, FakeOpenAI.text_model]
    assert where(openai.requests[0], "authorization") == ("GET", "/v1/models", f"Bearer {KEY}")


async def test_jigsawstack_stored_prompts(jigsawstack: FakeJigsawStack) -> None:
    """The same for the list of stored prompts."""
    client = jigsawstack_client(jigsawstack)
    await asyncio.to_thread(client.prompt_engine.list, {"limit": "1", "page": "0"})
    assert where(jigsawstack.requests[0], "x-api-key") == ("GET", "/v1/prompt_engine?limit=1&page=0", KEY)


async def test_replicate_predictions() -> None:
    """Submitting, asking and cancelling: the same methods, paths, authorization and bodies."""
    fake = FakeReplicate()
    async with fake.serving(), adapters(fake, replicate_input='{"aspect_ratio": "1:1"}') as (images, _):
        fake.takes_s = 3600.0
        job = await images.generate(LOGO, THEME)
        assert isinstance(job, ImageJob)
        await images.collect(job)
        await images.cancel(job)
        ours = list(fake.requests)
        given = ours[0].document()["input"]
        assert isinstance(given, dict)
        client = replicate_client(fake)
        prediction = await client.models.predictions.async_create(FakeReplicate.model, input=given)
        await client.predictions.async_get(prediction.id)
        await client.predictions.async_cancel(prediction.id)
        await client._async_client.aclose()
    theirs = fake.requests[3:]
    assert [where(one, "authorization") for one in ours] == [
        (one.method, one.target.replace("job2", "job1"), one.headers["authorization"]) for one in theirs
    ]
    assert ours[0].document() == theirs[0].document()
    assert ours[0].headers["content-type"] == theirs[0].headers["content-type"]
    assert [one.body for one in ours[1:]] == [one.body for one in theirs[1:]] == [b"", b""]


async def test_replicate_version() -> None:
    """A version is named in the body, as theirs does it."""
    fake = FakeReplicate()
    async with fake.serving(), adapters(fake, replicate_model="acme/sketch:0123abcd") as (images, _):
        await images.generate(LOGO, THEME)
        given = fake.requests[0].document()["input"]
        assert isinstance(given, dict)
        client = replicate_client(fake)
        await client.predictions.async_create(version="0123abcd", input=given)
        await client._async_client.aclose()
    ours, theirs = fake.requests
    assert (where(ours), ours.document()) == (where(theirs), theirs.document())


async def test_replicate_check() -> None:
    """What `providers check` asks is what their client asks for account and model."""
    fake = FakeReplicate()
    async with fake.serving():
        client = replicate_client(fake)
        await client.accounts.async_current()
        await client._async_client.aclose()
    assert where(fake.requests[0], "authorization") == ("GET", "/v1/account", f"Bearer {KEY}")


async def test_fal_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Submitting, asking, collecting and cancelling: the same methods, paths, authorization and bodies."""
    from fal_client import AsyncClient, client  # noqa: PLC0415

    fake = FakeFal()
    async with fake.serving(), adapters(fake, fal_input='{"image_size": "square_hd"}') as (images, _):
        monkeypatch.setattr(client, "QUEUE_URL_FORMAT", f"{fake.url}/")
        job = await images.generate(LOGO, THEME)
        assert isinstance(job, ImageJob)
        await images.collect(job)
        await images.cancel(job)
        ours = [one for one in fake.requests if one.path != "/files/out.png"]
        handle = await AsyncClient(key=KEY).submit(FakeFal.model, arguments=ours[0].document())
        await handle.get()
        await handle.cancel()
        await handle.client.aclose()
    theirs = fake.requests[len(ours) + 1 :]
    assert [(one.method, one.path, one.headers["authorization"]) for one in ours] == [
        (one.method, one.path.replace("job2", "job1"), one.headers["authorization"]) for one in theirs
    ]
    assert ours[0].document() == theirs[0].document()
    assert ours[0].headers["content-type"] == theirs[0].headers["content-type"]
