"""Whether a push request comes from our subscription: the OpenID Connect token that Pub/Sub signs it with.

`google-auth` fetches the certificates anew for each token, blocking a thread. PyJWT verifies with keys that are fetched
here, one fetch at a time, and kept for their max-age. While they cannot be fetched the answer is 503, even where
expired keys are at hand: a message that waits is better than one that must not be accepted.
"""

from __future__ import annotations

import asyncio
import re
import time

import httpx
import jwt
from pydantic import StrictBool, ValidationError

from contracts.frozen import FrozenModel
from pubsub.errors import KeysUnavailable, TokenForbidden, TokenRefused

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_ALGORITHM = "RS256"
"""The one that Google signs with. A token does not choose: that is how forgeries with `none` or HS256 work."""
_LEEWAY_S = 10

_FETCH_TIMEOUT_S = 3.0
_AFTER_FAILURE_S = 1.0
"""How long a failed fetch is not repeated: requests must not queue up behind each other's timeouts."""
_UNKNOWN_KEY_EVERY_S = 30.0
"""How often an unknown key id may cause a fetch: a stranger can make one up."""
_USUAL_AGE_S, _SHORTEST_AGE_S, _LONGEST_AGE_S = 3600.0, 60.0, 86400.0
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")


class _Claims(FrozenModel):
    email: str = ""
    email_verified: StrictBool = False


class SigningKeys:
    """The public keys at `url` (a JWK set), fetched when needed and kept as long as the answer's max-age says.

    One fetch at a time. Keys whose time is up are not used, even where new ones cannot be fetched.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._failed_at = self._fresh_until = float("-inf")
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of that id; None where Google knows none. Raises `KeysUnavailable`."""
        if self._is_fresh() and key_id in self._keys:
            return self._keys[key_id]
        async with self._fetching:
            just_fetched = time.monotonic() - self._fetched_at < _UNKNOWN_KEY_EVERY_S
            if not self._is_fresh() or (key_id not in self._keys and not just_fetched):
                await self._fetch()
        return self._keys.get(key_id)

    def _is_fresh(self) -> bool:
        return time.monotonic() < self._fresh_until

    async def _fetch(self) -> None:
        if time.monotonic() - self._failed_at < _AFTER_FAILURE_S:
            raise KeysUnavailable("the signing keys could not be fetched a moment ago")
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT_S):
                answer = (await self._http.get(self._url)).raise_for_status()
            keys = jwt.PyJWKSet.from_json(answer.text).keys
        # ValueError and TypeError: an answer that is no JSON, or JSON of another shape than PyJWT expects.
        except (httpx.HTTPError, jwt.PyJWTError, TimeoutError, ValueError, TypeError, AttributeError) as exc:
            self._failed_at = time.monotonic()
            raise KeysUnavailable(f"the signing keys cannot be fetched: {type(exc).__name__}") from exc
        age = _MAX_AGE.search(answer.headers.get("cache-control", ""))
        age_s = _USUAL_AGE_S if age is None else min(max(float(age[1]), _SHORTEST_AGE_S), _LONGEST_AGE_S)
        self._keys = {key.key_id: key for key in keys if key.key_id is not None}
        self._fetched_at = time.monotonic()
        self._fresh_until = self._fetched_at + age_s


class TokenCheck:
    """Accepts what Google signed for `audience` in the name of `account` (an email), until it expires."""

    def __init__(self, keys: SigningKeys, audience: str, account: str) -> None:
        self._keys = keys
        self._audience = audience
        self._account = account

    async def verify(self, authorization: str | None) -> None:
        """Judge the Authorization header of a request. Raises `TokenError` unless all is well."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused("no bearer token")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as exc:
            raise TokenRefused("not a token") from exc
        key = await self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenRefused("signed with an unknown key")
        try:
            claims = _Claims.model_validate(
                jwt.decode(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    audience=self._audience,
                    issuer=_ISSUERS,
                    leeway=_LEEWAY_S,
                    options={"require": ["exp", "iat", "iss", "aud"], "strict_aud": True},
                )
            )
        except jwt.InvalidAudienceError as exc:
            raise TokenForbidden("the token is for another audience") from exc
        except (jwt.PyJWTError, ValidationError) as exc:
            raise TokenRefused(f"the token is not valid: {type(exc).__name__}") from exc
        if claims.email != self._account or not claims.email_verified:
            raise TokenForbidden("the token is of another account")
