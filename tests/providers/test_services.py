"""Both services' adapters against stand-ins that speak their protocols: what they send, what they make of answers."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Literal

import httpx
import pytest

from contracts.palettes import Palette
from contracts.tasks import Aspect
from http_messages.http_client import http_client
from providers import endpoint
from providers.download import Downloads, Origin
from providers.endpoint import Limits
from providers.errors import (
    ProviderAnswerLost,
    ProviderAnswerUnusable,
    ProviderError,
    ProviderKeyRefused,
    ProviderPerhapsBilled,
    ProviderQuotaSpent,
    ProviderRefused,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from providers.image_answers import IMAGE_LIMITS, TEXT_LIMITS
from providers.jigsawstack import JigsawStackImages, jigsawstack_endpoint
from providers.ports import ImageProvider, PaletteProvider, ProvidedImage
from tests.command import ROOT
from tests.rig import draw_png, until
from tests.services import (
    CHUNK,
    KEY,
    Drop,
    FakeJigsawStack,
    FakeOpenAI,
    FakeService,
    Hang,
    Hold,
    Reply,
    Step,
    adapters,
    drawn,
    palettes,
    refusal,
)
from workflows.policies import CREATE_PALETTES, REFINE_IMAGE

LOGO, THEME = "a fox for a coffee shop", "warm autumn, hand-made"
Adapters = tuple[ImageProvider, PaletteProvider]


@pytest.fixture
async def ours(service: FakeService) -> AsyncIterator[Adapters]:
    """Our adapters for it."""
    async with adapters(service) as both:
        yield both


async def outcome(service: FakeService, images: ImageProvider, step: Step) -> ProviderError:
    """The error that one scripted step at the image call leads to."""
    service.script[service.image_path] = [step]
    with pytest.raises(ProviderError) as failure:
        await drawn(images, images.generate(LOGO, THEME))
    assert LOGO not in str(failure.value)
    assert KEY not in str(failure.value)
    return failure.value


# What a good answer becomes


async def test_an_image_is_what_the_service_sent(service: FakeService, ours: Adapters) -> None:
    """The bytes as they came, credited, with the tokens that the service reports and the time that passed."""
    images, _ = ours
    provided = await drawn(images, images.generate(LOGO, THEME))
    assert provided.data == service.image
    usage = provided.provenance.usage
    assert provided.provenance.provider == images.name
    assert usage is not None
    assert usage.latency_s > 0
    assert (usage.input_tokens, usage.output_tokens) == ((21, 34) if images.name == "jigsawstack" else (50, 4160))
    assert "total_tokens" in usage.reported


async def test_the_image_itself_is_asked_for(service: FakeService, ours: Adapters) -> None:
    """One request and no download: flat style in the prompt, the words of both descriptions, a square."""
    images, _ = ours
    await images.generate(LOGO, THEME)
    (request,) = service.requests
    document = request.document()
    prompt = str(document["prompt"])
    assert LOGO in prompt
    assert THEME in prompt
    assert "no gradients" in prompt
    if isinstance(service, FakeJigsawStack):
        assert document["return_type"] == "base64"
        assert document["aspect_ratio"] == "1:1"
        assert "gradient" in str(document["advance_config"])
    else:
        assert document["model"] == FakeOpenAI.image_model
        assert document["size"] == "1024x1024"
        assert "response_format" not in document


async def test_a_refinement_sends_the_picture(service: FakeService, ours: Adapters) -> None:
    """The source goes along as it is, with the wish and what must stay; no user's picture stays at the service."""
    images, _ = ours
    source = draw_png(48)
    provided = await drawn(images, images.refine(source, "make the tail longer", ("colors", "shapes")))
    assert provided.data == service.image
    (edit,) = service.calls(service.edit_path)
    if isinstance(service, FakeJigsawStack):
        (upload,) = service.calls("/v1/store/file")
        assert (upload.body, upload.headers["content-type"]) == (source, "image/png")
        assert edit.document()["file_store_key"] == "some/key.png"
        prompt = str(edit.document()["prompt"])
        await until(lambda: service.requests[-1].method == "DELETE")
        assert service.requests[-1].target == "/v1/store/file/read/some%2Fkey.png"
    else:
        form = edit.form()
        assert form["image"].get_payload(decode=True) == source
        assert form["image"].get_content_type() == "image/png"
        prompt = str(form["prompt"].get_payload())
    assert "make the tail longer" in prompt
    assert "its colors, its shapes and outlines" in prompt


@pytest.mark.parametrize(
    ("kept", "rule"),
    [
        ("colors", "three to five clearly different colors"),
        ("layout", "One centered mark"),
        ("style", "no gradients"),
        ("shapes", "Simple bold shapes"),
    ],
)
async def test_what_is_kept_is_not_described_anew(
    service: FakeService, ours: Adapters, kept: Aspect, rule: str
) -> None:
    """Each aspect turns one of our own rules into the wish that it stay; the others are still said."""
    images, _ = ours
    await images.refine(draw_png(), "make the tail longer", (kept,))
    await images.refine(draw_png(), "make the tail longer", ())
    keeping, free = service.calls(service.edit_path)
    for call, is_kept in ((keeping, True), (free, False)):
        text = call.body.decode("latin-1")
        assert ("exactly as they are" in text) is is_kept
        assert (rule in text) is not is_kept
    if isinstance(service, FakeJigsawStack):
        assert ("advance_config" in keeping.document()) is (kept != "style")


async def test_palettes_are_asked_for_by_schema(service: FakeService, ours: Adapters) -> None:
    """Exactly as many as needed, each with a name, a description and five colors."""
    _, coloring = ours
    provided = await coloring.create(THEME, LOGO, 7)
    assert [palette.name for palette in provided.palettes] == [f"Palette {number}" for number in range(1, 8)]
    assert {len(palette.colors) for palette in provided.palettes} == {5}
    assert provided.palettes[0].description == "Mood number 1."
    assert provided.usage is not None
    assert provided.usage.input_tokens in {21, 80}
    document = service.requests[0].document()
    if isinstance(service, FakeJigsawStack):
        assert document["input_values"] == {"theme": THEME, "logo": LOGO}
        assert isinstance(document["return_prompt"], list)
    else:
        schema = json.dumps(document["response_format"])
        assert '"strict": true' in schema
        assert '"minItems": 7, "maxItems": 7' in schema


@pytest.mark.parametrize("form", ["base64", "data URL", "link", "binary", "no success field", "wrong content type"])
async def test_jigsawstack_answers_in_several_forms(form: str) -> None:
    """Whatever was asked for, each form that the service is known to use is understood."""
    fake = FakeJigsawStack()
    async with fake.serving(), adapters(fake) as (images, _):
        text = base64.b64encode(fake.image).decode()
        replies = {
            "base64": Reply(json.dumps({"success": True, "url": text}).encode()),
            "data URL": Reply(json.dumps({"success": True, "url": f"data:image/png;base64,{text}"}).encode()),
            "link": Reply(json.dumps({"success": True, "url": f"{fake.url}/file.png"}).encode()),
            "binary": Reply(fake.image, media_type="image/png"),
            "no success field": Reply(json.dumps({"url": text}).encode()),
            "wrong content type": Reply(fake.image, media_type="text/plain"),
        }
        fake.script[fake.image_path] = [replies[form]]
        fake.script["/file.png"] = [Reply(fake.image, media_type="image/png")]
        assert (await drawn(images, images.generate(LOGO, THEME))).data == fake.image
        assert len(fake.calls(fake.image_path)) == 1


async def test_an_older_images_service_may_answer_with_a_link() -> None:
    """Services that speak OpenAI's protocol of yesterday."""
    fake = FakeOpenAI()
    async with fake.serving(), adapters(fake) as (images, _):
        fake.script[fake.image_path] = [Reply(json.dumps({"data": [{"url": f"{fake.url}/a.png"}]}).encode())]
        fake.script["/a.png"] = [Reply(fake.image, media_type="application/octet-stream")]
        assert (await drawn(images, images.generate(LOGO, THEME))).data == fake.image


# What a bad answer becomes

STATUSES: list[tuple[Step, type[ProviderError], str]] = [
    (refusal(400, {"error": {"message": "Unknown parameter"}}), ProviderRejected, "answered 400: Unknown parameter"),
    (refusal(401, {"message": f"bad key {KEY}"}), ProviderKeyRefused, "answered 401 (check CONCEPT_"),
    (refusal(403), ProviderKeyRefused, "answered 403 (check CONCEPT_"),
    (refusal(402), ProviderQuotaSpent, "the account's quota is spent"),
    (
        refusal(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
        ProviderQuotaSpent,
        "You exceeded your quota",
    ),
    (refusal(429, retry_after="3"), ProviderThrottled, "answered 429, too many requests"),
    (refusal(404), ProviderRejected, "and the name of the model"),
    (refusal(307, location="http://127.0.0.1/"), ProviderRejected, "a redirect that is not followed"),
    (refusal(408), ProviderUnavailable, "answered 408"),
    (refusal(500), ProviderUnavailable, "answered 500"),
    (refusal(503, retry_after="7"), ProviderUnavailable, "answered 503"),
    (Reply(b"<html>Bad gateway</html>", 502, media_type="text/html"), ProviderUnavailable, "answered 502"),
    (refusal(504), ProviderAnswerLost, "its gateway gave up waiting"),
    (
        refusal(400, {"error": {"message": "Rejected by our safety system.", "code": "moderation_blocked"}}),
        ProviderRefused,
        "refused the request: Rejected by our safety system.",
    ),
    (
        refusal(400, {"success": False, "message": f"prompt guard: {LOGO} is not allowed"}),
        ProviderRefused,
        "refused the request",
    ),
    (Reply(b"<html>Hello</html>", media_type="text/html"), ProviderAnswerUnusable, "with text/html that is no JSON"),
    (Reply(b'{"success": true}'), ProviderAnswerUnusable, "answered 200 without an image"),
    (Reply(b'{"data": [], "url": 5}'), ProviderAnswerUnusable, "answered 200 without an image"),
    (Reply(b"null"), ProviderAnswerUnusable, "answered 200 without an image"),
    (Reply(b"<html/>", media_type="image/svg+xml"), ProviderAnswerUnusable, "not a PNG, JPEG, WebP, GIF or SVG"),
    (
        Reply(json.dumps({"url": "%%%", "data": [{"b64_json": "%%%"}]}).encode()),
        ProviderAnswerUnusable,
        "base64 data that is damaged",
    ),
    (Reply(b'{"url": "', cut_after=5), ProviderAnswerLost, "broke before the answer was complete"),
    (Drop(), ProviderAnswerLost, "broke before the answer was complete"),
    (Reply(b"x", headers={"content-encoding": "gzip"}), ProviderAnswerUnusable, "a compressed answer"),
    (Reply(CHUNK, repeat=6400), ProviderAnswerUnusable, "an answer of more than 33 MB"),
    (Reply(CHUNK, repeat=6400, chunked=True), ProviderAnswerUnusable, "an answer of more than 33 MB"),
    (Reply(CHUNK, 500, repeat=6400, chunked=True), ProviderUnavailable, "answered 500"),
]


async def test_every_bad_answer_has_its_type(service: FakeService, ours: Adapters) -> None:
    """Type and sentence for each, naming the service; no prompt and no key in any; one request for each."""
    images, _ = ours
    for number, (reply, kind, sentence) in enumerate(STATUSES, 1):
        error = await outcome(service, images, reply)
        assert type(error) is kind, (reply.status if isinstance(reply, Reply) else reply, error)
        assert sentence in str(error)
        assert images.title in str(error)
        assert len(service.requests) == number


async def test_the_delay_is_what_the_service_asked_for(service: FakeService, ours: Adapters) -> None:
    """In seconds, from whichever header the service uses; None where it says nothing."""
    images, _ = ours
    delays = []
    for headers in (
        {"retry_after": "3"},
        {"retry_after_ms": "1500"},
        {"x_jigsaw_rate_limit_reset": "2000000005000"},
        {},
    ):
        named = {"date": "Wed, 18 May 2033 03:33:20 GMT", **headers}  # epoch 2,000,000,000
        error = await outcome(service, images, refusal(429, None, **named))
        assert isinstance(error, ProviderThrottled)
        delays.append(error.retry_after_s)
    assert delays == [3.0, 1.5, 5.0, None]


async def test_the_row_says_which_variable_to_look_at(service: FakeService, ours: Adapters) -> None:
    """The whole sentence of a refused key."""
    images, _ = ours
    error = await outcome(service, images, refusal(401))
    assert str(error) == f"{images.title} answered 401 (check CONCEPT_{images.name.upper()}_API_KEY)"


async def test_a_refused_connection_costs_nothing() -> None:
    """A refused connection is an outage: nothing was sent, so nothing was perhaps billed."""
    with pytest.raises(ProviderUnavailable, match="JigsawStack cannot be reached"):
        await _with_limits("http://127.0.0.1:1", timeout_s=5).generate(LOGO, THEME)


@pytest.mark.parametrize("step", [Hang(), Reply(CHUNK, drip_s=0.05)])
async def test_an_answer_has_a_time_limit(step: Step) -> None:
    """For all of it: neither silence nor a byte now and then holds an attempt for longer."""
    fake = FakeJigsawStack()
    async with fake.serving():
        error = await outcome(fake, _with_limits(fake.url, timeout_s=0.3), step)
    assert type(error) is ProviderAnswerLost
    assert "did not answer within" in str(error)


def _with_limits(url: str, *, timeout_s: float) -> JigsawStackImages:
    endpoint = jigsawstack_endpoint(http_client(), url, KEY)
    return JigsawStackImages(endpoint, Downloads([Origin.of(url)]), Limits(max_bytes=2**20, timeout_s=timeout_s))


async def test_a_link_is_followed_only_to_the_service_itself(service: FakeService, ours: Adapters) -> None:
    """Another port of this machine is another origin; the answer was paid for, so it counts as perhaps billed."""
    images, _ = ours
    for link in ("http://127.0.0.1:1/a.png", "http://169.254.169.254/latest/meta-data", "https://localhost/a.png"):
        body = {"url": link, "data": [{"url": link}]}
        error = await outcome(service, images, Reply(json.dumps(body).encode()))
        assert isinstance(error, ProviderPerhapsBilled)
        assert "an address that is not public" in str(error)


@pytest.mark.parametrize(
    ("message", "kind"),
    [("The model is loading", ProviderAnswerUnusable), ("Blocked by content policy", ProviderRefused)],
)
async def test_jigsawstack_can_fail_with_a_good_status(message: str, kind: type[ProviderError]) -> None:
    """`success: false` is an error, whatever the status says, for images and palettes alike."""
    fake = FakeJigsawStack()
    reply = Reply(json.dumps({"success": False, "message": message}).encode())
    async with fake.serving(), adapters(fake) as (images, coloring):
        assert type(await outcome(fake, images, reply)) is kind
        fake.script[fake.palettes_path] = [reply]
        with pytest.raises(kind, match=message):
            await coloring.create(THEME, LOGO, 3)


@pytest.mark.parametrize(
    ("content", "refused", "ended", "kind", "sentence"),
    [
        (None, "I cannot help with that.", "stop", ProviderRefused, "refused the request: I cannot help with that."),
        ("", None, "content_filter", ProviderRefused, "its content filter stopped the answer"),
        ('{"palettes": [', None, "length", ProviderAnswerUnusable, "cut the palettes off in the middle"),
        ("Here you are!", None, "stop", ProviderAnswerUnusable, "sent 0 palettes that can be used, 3 are needed"),
        (json.dumps(palettes(2)), None, "stop", ProviderAnswerUnusable, "sent 2 palettes that can be used, 3"),
    ],
)
async def test_a_chat_can_end_without_palettes(
    content: str | None, refused: str | None, ended: str, kind: type[ProviderError], sentence: str
) -> None:
    """A refusal is final and gives its reason; anything else is never replaced by palettes of our own."""
    fake = FakeOpenAI()
    async with fake.serving(), adapters(fake) as (_, coloring):
        fake.script[fake.palettes_path] = [fake.chatted(content, refused=refused, ended=ended)]
        with pytest.raises(kind, match=sentence):
            await coloring.create(THEME, LOGO, 3)


async def test_an_upload_that_fails_is_not_billed() -> None:
    """JigsawStack is asked for nothing yet: an outage, whatever happened to the upload."""
    fake = FakeJigsawStack()
    async with fake.serving(), adapters(fake) as (images, _):
        for step in (Drop(), Reply(b"{}"), Reply(b"<html>")):
            fake.script["/v1/store/file"] = [step]
            with pytest.raises(ProviderUnavailable, match="did not confirm an upload"):
                await images.refine(draw_png(), "longer tail", ())
        assert fake.calls(fake.image_path) == []


@pytest.mark.parametrize("removal", [refusal(500), Drop()])
async def test_a_removal_that_fails_takes_nothing_away(removal: Step) -> None:
    """What was paid for is delivered even if the uploaded source cannot be removed."""
    fake = FakeJigsawStack()
    async with fake.serving(), adapters(fake) as (images, _):
        fake.script["/v1/store/file/read/some%2Fkey.png"] = [removal]
        assert (await drawn(images, images.refine(draw_png(), "longer tail", ()))).data == fake.image


async def test_a_removal_that_takes_long_delays_nothing() -> None:
    """The answer is there before the removal has begun, and a cancel comes too late; closing waits for the removal."""
    fake = FakeJigsawStack()
    hold = Hold(asyncio.Event())
    path = "/v1/store/file/read/some%2Fkey.png"
    fake.script[path] = [hold]
    async with fake.serving():
        async with adapters(fake) as (images, _):
            refining = asyncio.create_task(drawn(images, images.refine(draw_png(), "longer tail", ())))
            await asyncio.wait_for(hold.entered.wait(), 30)
            refining.cancel()
            assert (await refining).data == fake.image
            asyncio.get_running_loop().call_soon(hold.until.set)
        await until(lambda: path in fake.answered)


async def test_one_attempt_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upload and call share what is left of it, and end before Temporal gives the attempt up."""
    clock = 0.0
    allowed: dict[str, object] = {}
    takes_s = {"/v1/store/file": 25.0, "/v1/ai/image_generation": 70.0, "/a.png": 0.0}

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal clock
        allowed[request.url.path] = request.extensions["timeout"]["read"]
        clock += takes_s.get(request.url.path, 0.0)
        document = {"key": "k", "url": "https://x.example/a.png", "success": True}
        content = draw_png() if request.url.path == "/a.png" else json.dumps(document).encode()
        return httpx.Response(200, stream=httpx.ByteStream(content))

    monkeypatch.setattr(endpoint, "time", SimpleNamespace(monotonic=lambda: clock))
    transport = httpx.MockTransport(answer)
    downloads = Downloads([Origin.of("https://x.example")], transport=transport)
    async with httpx.AsyncClient(transport=transport) as client:
        images = JigsawStackImages(jigsawstack_endpoint(client, "https://x.example", KEY), downloads)
        assert (await drawn(images, images.refine(draw_png(), "longer tail", ()))).data == draw_png()
        await images.aclose()
    assert [allowed[path] for path in takes_s] == [30.0, 75.0, 30.0]
    assert timedelta(seconds=IMAGE_LIMITS.timeout_s) < REFINE_IMAGE["start_to_close_timeout"]
    assert timedelta(seconds=TEXT_LIMITS.timeout_s) < CREATE_PALETTES["start_to_close_timeout"]


async def test_a_call_that_is_given_up_is_closed(service: FakeService, ours: Adapters) -> None:
    """A cancelled call closes its connection, and other calls go on."""
    images, _ = ours
    never = asyncio.Event()
    hold = Hold(never)
    service.script[service.image_path] = [hold]
    calling = asyncio.create_task(images.generate(LOGO, THEME))
    await hold.entered.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert isinstance(await images.generate(LOGO, THEME), ProvidedImage)
    assert len(service.requests) == 2


async def test_cookies_of_a_service_are_not_kept(service: FakeService, ours: Adapters) -> None:
    """One account's connections serve many users: no call can be told to belong to another."""
    service.script[service.image_path] = [refusal(503, set_cookie="who=ada; Path=/")]
    images, _ = ours
    with pytest.raises(ProviderUnavailable):
        await images.generate(LOGO, THEME)
    await images.generate(LOGO, THEME)
    assert ["cookie" in request.headers for request in service.requests] == [False, False]


async def test_connections_are_shared_and_closed() -> None:
    """One pool for everything, no proxy of the environment, no repetition, nothing left open at the end."""
    client = http_client()
    assert not client.trust_env
    assert not client.follow_redirects
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.get("http://127.0.0.1:1/")


GIANT = """
import asyncio, re, sys
from pathlib import Path
from providers.download import DownloadError, Downloads, Origin
from providers.errors import ProviderError
from providers.jigsawstack import JigsawStackImages, jigsawstack_endpoint
from http_messages.http_client import http_client

def peak_mb():
    # Not getrusage: it begins with the memory of the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

async def main():
    url, way = sys.argv[1], sys.argv[2]
    client, downloads = http_client(), Downloads([Origin.of(url)])
    images = JigsawStackImages(jigsawstack_endpoint(client, url, "key"), downloads)
    before = peak_mb()
    try:
        await (downloads.fetch(f"{url}/giant") if way == "download" else images.generate("a fox", "autumn"))
    except (ProviderError, DownloadError) as exc:
        print(f"{peak_mb() - before:.0f}", type(exc).__name__)
    await client.aclose()
    await downloads.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("way", ["download", "answer"])
async def test_memory_stays_flat_under_a_giant(way: Literal["download", "answer"]) -> None:
    """400 MB without an announced length: a typed failure, at most the limit and a little more held at any time."""
    fake = FakeJigsawStack()
    head = b"\x89PNG\r\n\x1a\n" + bytes(65528)
    path = "/giant" if way == "download" else fake.image_path
    async with fake.serving():
        fake.script[path] = [Reply(head, repeat=6400, chunked=True, media_type="image/png")]
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", GIANT, fake.url, way],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    grown_mb, kind = ended.stdout.split()
    assert kind == {"download": "DownloadUnusable", "answer": "ProviderAnswerUnusable"}[way]
    assert int(grown_mb) < 80


def test_the_samples_know_no_services() -> None:
    """The palettes of the stand-ins differ from each other, so that nothing is repaired unnoticed."""
    made = [Palette.model_validate(palette) for palette in palettes(24)]
    assert len({palette.colors for palette in made}) == 24
    assert all(len(set(palette.colors)) == 5 for palette in made)
