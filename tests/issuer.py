"""An issuer that signs push tokens as Google does: RSA keys of its own, published as a JWK set over loopback."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from observability.health import serving
from tests.command import free_address

AUDIENCE = "https://bridge.example.com/"
ACCOUNT = "pusher@my-project.iam.gserviceaccount.com"


def new_key() -> rsa.RSAPrivateKey:
    """A key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """`url` is where the keys are published."""

    url: str
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {"key-1": new_key()})
    max_age_s: int = 3600
    answer: int = 200
    garbage: str | None = None
    """Answered instead of the keys."""
    fetches: int = 0
    cookies: list[str] = field(default_factory=list)
    """Those that came back: each answer sets one."""

    def token(self, *, key_id: str = "key-1", key: rsa.RSAPrivateKey | None = None, **changes: object) -> str:
        """A good token, but for `changes`; a claim changed to None is left out."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "azp": "113774264463038321964",
            "sub": "113774264463038321964",
            "email": ACCOUNT,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        } | changes
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, key or self.keys[key_id], algorithm="RS256", headers={"kid": key_id})

    async def certs(self, request: Request) -> JSONResponse:
        """The JWK set."""
        self.fetches += 1
        self.cookies += request.cookies
        answer = self._answer()
        answer.set_cookie("fetch", str(self.fetches))
        return answer

    def _answer(self) -> JSONResponse:
        if self.garbage is not None:
            return JSONResponse(json.loads(self.garbage), status_code=self.answer)
        published = []
        for key_id, key in self.keys.items():
            jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
            published.append(jwk | {"kid": key_id, "alg": "RS256", "use": "sig"})
        headers = {"cache-control": f"public, max-age={self.max_age_s}, must-revalidate"}
        return JSONResponse({"keys": published}, status_code=self.answer, headers=headers)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """An issuer with one key."""
    address = free_address()
    issuer = Issuer(f"http://{address}/certs")
    async with serving(Starlette(routes=[Route("/certs", issuer.certs)]), address, "test"):
        yield issuer
