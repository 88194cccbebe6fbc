"""The worked example of docs/providers.md is a provider that works."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
from types import ModuleType

import pytest
from typing_extensions import override

from http_messages.http_client import http_client
from providers.download import Downloads
from providers.errors import ProviderKeyRefused, ProviderRejected
from providers.ports import ImageJob, JobFailed, ProvidedImage
from tests.command import ROOT
from tests.services import KEY, FakeService, Recorded, Reply, refusal

EXAMPLE = ROOT / "docs" / "examples" / "acme.py"


class FakeAcme(FakeService):
    """The service of the example."""

    image_path = "/draw"

    @override
    def settings(self) -> dict[str, str]:
        raise NotImplementedError

    @override
    def usual(self, request: Recorded) -> Reply:
        if request.headers["authorization"] != f"Token {KEY}":
            return refusal(401)
        picture = base64.b64encode(self.image).decode()
        documents: dict[str, object] = {"POST": {"job": "j1"}, "GET": {"state": "ready", "picture": picture}}
        return Reply(json.dumps(documents.get(request.method, {})).encode())


def load_example() -> ModuleType:
    """The example as a module; no package holds it."""
    spec = importlib.util.spec_from_file_location("acme", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_file() -> None:
    """What `make check` reads is what people read."""
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "providers.md").read_text(), re.DOTALL)
    assert shown == [EXAMPLE.read_text()]


async def test_the_example_works() -> None:
    """It submits once, collects, cancels, and turns a bad key and a broken job into the right errors."""
    acme = load_example()
    fake, client, downloads = FakeAcme(), http_client(), Downloads()
    async with fake.serving():
        images = acme.AcmeImages(acme.acme_endpoint(client, fake.url, KEY), downloads, "pen", {"px": 1024})
        job = await images.generate("a fox for a coffee shop", "warm autumn")
        assert isinstance(job, ImageJob)
        body = fake.requests[0].document()
        assert (body["model"], body["px"]) == ("pen", 1024)
        fake.script["/jobs/j1"] = [Reply(b'{"state": "drawing"}'), Reply(b'{"state": "broken", "why": "no ink"}')]
        assert await images.collect(job) is None
        failed = await images.collect(job)
        assert isinstance(failed, JobFailed)
        assert (type(failed.error), str(failed.error)) == (ProviderRejected, "Acme Sketch's job failed: no ink")
        provided = await images.collect(job)
        assert isinstance(provided, ProvidedImage)
        assert provided.data == fake.image
        await images.cancel(job)
        assert len(fake.calls("/draw")) == 1
        assert [request.method for request in fake.calls("/jobs/j1")] == ["GET", "GET", "GET", "DELETE"]
        stranger = acme.AcmeImages(acme.acme_endpoint(client, fake.url, "wrong"), downloads, "pen", {})
        with pytest.raises(ProviderKeyRefused, match=r"Acme Sketch answered 401 \(check CONCEPT_ACME_API_KEY\)"):
            await stranger.generate("a fox for a coffee shop", "warm autumn")
    await client.aclose()
    await downloads.aclose()
