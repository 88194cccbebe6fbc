"""The worked example of docs/providers.md is a provider that works."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
from types import ModuleType

import pytest
from typing_extensions import override

from providers.errors import ProviderAnswerUnusable, ProviderKeyRefused
from providers.wire import http_client
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
        document = {"png": base64.b64encode(self.image).decode(), "usage": {"credits": 3}}
        return Reply(json.dumps(document).encode())


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
    """It draws, says what it took, and turns a bad key and an empty answer into the errors that the page promises."""
    acme = load_example()
    fake, client = FakeAcme(), http_client()
    async with fake.serving():
        images = acme.AcmeImages(acme.acme_endpoint(client, fake.url, KEY))
        provided = await images.generate("a fox for a coffee shop", "warm autumn")
        assert provided.data == fake.image
        assert provided.provenance.usage.reported == {"credits": 3.0}
        fake.script["/draw"] = [Reply(b"{}")]
        with pytest.raises(ProviderAnswerUnusable, match="Acme Sketch answered 200 without an image"):
            await images.generate("a fox for a coffee shop", "warm autumn")
        stranger = acme.AcmeImages(acme.acme_endpoint(client, fake.url, "wrong"))
        with pytest.raises(ProviderKeyRefused, match=r"Acme Sketch answered 401 \(check CONCEPT_ACME_API_KEY\)"):
            await stranger.generate("a fox for a coffee shop", "warm autumn")
    await client.aclose()
