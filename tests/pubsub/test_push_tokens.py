from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from pubsub import push_tokens
from pubsub.errors import KeysUnavailable, TokenForbidden, TokenRefused
from pubsub.push_tokens import SigningKeys, TokenCheck
from tests.issuer import ACCOUNT, AUDIENCE, Issuer, new_key, running_issuer

STRANGER = new_key()


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Issuer]:
    """Who signs, for all of these tests."""
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Iterator[Issuer]:
    """The same, put back as it was afterwards."""
    before = vars(running).copy()
    running.keys = dict(running.keys)
    running.fetches = 0
    yield running
    vars(running).update(before)


@pytest.fixture
async def check(issuer: Issuer) -> AsyncIterator[TokenCheck]:
    """Who verifies."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield TokenCheck(SigningKeys(http, issuer.url), AUDIENCE, ACCOUNT)


async def test_a_genuine_token_is_accepted(issuer: Issuer, check: TokenCheck) -> None:
    """Either spelling of Google's name, any case of the scheme, and a clock that is a few seconds off."""
    await check.verify(f"Bearer {issuer.token()}")
    await check.verify(f"bearer {issuer.token(iss='accounts.google.com')}")
    await check.verify(f"Bearer {issuer.token(exp=int(time.time()) - 5, iat=int(time.time()) - 3600)}")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"iss": "https://accounts.example.com"},
        {"iss": None},
        {"aud": None},
        {"email_verified": "true"},
        {"email": {"deep": 1}},
        {"key": STRANGER},
        {"key": STRANGER, "key_id": "key-2"},
        {"key": STRANGER, "key_id": ""},
    ],
)
async def test_what_google_did_not_sign_or_no_more_is_refused(
    issuer: Issuer, check: TokenCheck, changes: dict[str, object]
) -> None:
    """Expired, not yet valid, without an end, from another issuer, signed with another key under any name."""
    with pytest.raises(TokenRefused):
        await check.verify(f"Bearer {issuer.token(**changes)}")  # type: ignore[arg-type]  # keys and claims alike


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example.com/"},
        {"aud": AUDIENCE.rstrip("/")},
        {"aud": [AUDIENCE]},
        {"email": "other@my-project.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": None},
    ],
)
async def test_a_token_for_another_service_is_forbidden(
    issuer: Issuer, check: TokenCheck, changes: dict[str, object]
) -> None:
    """Genuine, but for another service, of another account, or of one whose email is not verified."""
    with pytest.raises(TokenForbidden):
        await check.verify(f"Bearer {issuer.token(**changes)}")  # type: ignore[arg-type]  # claims


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "Bearer ä.ä.ä"]
)
async def test_no_token_is_refused(issuer: Issuer, check: TokenCheck, header: str | None) -> None:
    """Nothing is fetched for what is not even a token."""
    with pytest.raises(TokenRefused):
        await check.verify(header)
    assert issuer.fetches == 0


async def test_a_token_does_not_choose_how_it_is_verified(issuer: Issuer, check: TokenCheck) -> None:
    """Neither unsigned, nor with the public key as a shared secret."""
    genuine = issuer.token()
    claims = json.loads(base64.urlsafe_b64decode(genuine.split(".")[1] + "=="))
    public = issuer.keys["key-1"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "key-1"})  # type: ignore[arg-type]  # a forger
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"key-1","typ":"JWT"}').rstrip(b"=").decode()
    body = genuine.split(".")[1]
    mac = jwt.get_algorithm_by_name("HS256")
    signature = mac.sign(f"{header}.{body}".encode(), pem)
    confused = f"{header}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    tampered = genuine.replace(genuine.split(".")[1], body[:-2] + ("AA" if body[-2:] != "AA" else "BB"))
    for forged in (unsigned, confused, tampered, genuine[:-4]):
        with pytest.raises(TokenRefused):
            await check.verify(f"Bearer {forged}")


async def test_keys_are_fetched_once(issuer: Issuer, check: TokenCheck) -> None:
    """As long as they last, for all requests."""
    for _ in range(5):
        await check.verify(f"Bearer {issuer.token()}")
    assert issuer.fetches == 1


async def test_keys_that_are_too_old_are_fetched_again(
    issuer: Issuer, check: TokenCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When their time is up; a key that is withdrawn is then no good, and without an answer nothing is."""
    monkeypatch.setattr(push_tokens, "_SHORTEST_AGE_S", 0.0)
    issuer.max_age_s = 0
    await check.verify(f"Bearer {issuer.token()}")
    old = issuer.token()
    issuer.keys = {"key-2": new_key()}
    with pytest.raises(TokenRefused):
        await check.verify(f"Bearer {old}")
    await check.verify(f"Bearer {issuer.token(key_id='key-2')}")
    issuer.answer = 503
    with pytest.raises(KeysUnavailable):
        await check.verify(f"Bearer {issuer.token(key_id='key-2')}")


async def test_a_new_key_is_found(issuer: Issuer, check: TokenCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown id causes one fetch, but not one for each made-up id."""
    await check.verify(f"Bearer {issuer.token()}")
    for number in range(5):
        with pytest.raises(TokenRefused):
            await check.verify(f"Bearer {issuer.token(key_id=f'made-up-{number}', key=STRANGER)}")
    assert issuer.fetches == 1
    issuer.keys["key-2"] = new_key()
    monkeypatch.setattr(push_tokens, "_UNKNOWN_KEY_EVERY_S", 0.0)
    await check.verify(f"Bearer {issuer.token(key_id='key-2')}")
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "garbage", ["[]", "{}", '{"keys": []}', '{"keys": [7]}', '{"keys": {"a": 1}}', '"keys"', "null"]
)
async def test_an_answer_without_keys_is_no_answer(issuer: Issuer, check: TokenCheck, garbage: str) -> None:
    """Whatever the issuer answers instead, no token is accepted, and it is not asked again at once."""
    issuer.garbage = garbage
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await check.verify(f"Bearer {issuer.token()}")
    assert issuer.fetches == 1


async def test_without_the_issuer_no_token_is_accepted(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections and answers that never come; once it is back, tokens are accepted again."""
    async with httpx.AsyncClient(trust_env=False) as http:
        check = TokenCheck(SigningKeys(http, "http://127.0.0.1:9/certs"), AUDIENCE, ACCOUNT)
        with pytest.raises(KeysUnavailable, match="ConnectError"):
            await check.verify(f"Bearer {issuer.token()}")
        monkeypatch.setattr(push_tokens, "_FETCH_TIMEOUT_S", 0.0)
        check = TokenCheck(SigningKeys(http, issuer.url), AUDIENCE, ACCOUNT)
        with pytest.raises(KeysUnavailable, match="TimeoutError"):
            await check.verify(f"Bearer {issuer.token()}")
        monkeypatch.undo()
        monkeypatch.setattr(push_tokens, "_AFTER_FAILURE_S", 0.0)
        await check.verify(f"Bearer {issuer.token()}")
