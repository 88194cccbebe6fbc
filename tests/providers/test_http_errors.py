from __future__ import annotations

import json
import pickle

import pytest
from pydantic import JsonValue

from providers.errors import (
    ProviderAnswerLost,
    ProviderAnswerUnusable,
    ProviderError,
    ProviderKeyRefused,
    ProviderQuotaSpent,
    ProviderRefused,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from providers.http_errors import Service, error_inside, error_of_answer, printable_reason

SERVICE = Service("The service", "CONCEPT_KEY", "CONCEPT_URL", ("r8-secret-of-the-test",))


def said(status: int, body: object, **headers: str) -> ProviderError:
    """What an answer with a JSON body means."""
    return error_of_answer(SERVICE, status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Your image\nis too large\t!", "Your image is too large !"),
        ("Incorrect key provided: sk-abcd***wxyz.", "Incorrect key provided: (a key)"),
        ("See https://example.com/x?token=1 for more", "See (a link) for more"),
        ("The prompt 'A fox for   a coffee shop' is bad", ""),
        ("not a fox for a coffee bar", ""),
        ("a fox", "a fox"),
        ("x" * 400, "x" * 299 + "…"),
        ("bell\x07\x1b[31m", "bell [31m"),
    ],
)
def test_a_reason_is_safe_to_show(message: str, shown: str) -> None:
    """One line of at most 300 characters without keys and links; what repeats a prompt is not shown at all."""
    assert printable_reason(message, ("a fox for a coffee shop",)) == shown


def test_a_short_prompt_is_private_too() -> None:
    """Even five letters of a description are a user's words."""
    assert printable_reason("cannot draw Kitty today", ("kitty",)) == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "Too wide", "code": "bad_size"}}, "Too wide"),
        ({"error": "Too wide"}, "Too wide"),
        ({"message": "Too wide", "error": "Bad Request", "statusCode": 400}, "Too wide"),
        ({"message": ["Too wide", "Too high"]}, "Too wide; Too high"),
        ({"detail": "Too wide", "title": "Validation failed", "status": 400}, "Too wide"),
        ({"detail": [{"loc": ["body", "width"], "msg": "Too wide"}, {"msg": "Too high"}]}, "Too wide; Too high"),
        ({"errors": [{"message": "Too wide"}]}, "Too wide"),
        ([{"error": {"code": 400, "message": "Too wide", "details": [{"reason": "WIDTH"}]}}], "Too wide"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": '{"detail": "Too wide"}'}}}, "Too wide"),
        ("Too wide", "Too wide"),
    ],
)
def test_a_reason_is_found_wherever_it_stands(body: object, reason: str) -> None:
    """Objects, lists and strings, under every usual name."""
    error = said(400, body)
    assert type(error) is ProviderRejected
    assert reason in str(error)


def test_a_reason_may_be_plain_text_and_is_never_a_page() -> None:
    """A gateway's text is its reason; markup is not."""
    assert str(error_of_answer(SERVICE, 502, {}, b"no healthy upstream")) == (
        "The service answered 502: no healthy upstream"
    )
    assert str(error_of_answer(SERVICE, 502, {}, b"<html>Bad gateway</html>")) == "The service answered 502"


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (403, {"error": {"message": "Country not supported"}}, ProviderRejected, "answered 403: Country not supported"),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, ProviderQuotaSpent, "Exhausted balance"),
        (403, {"error": {"message": "Flagged by moderation"}}, ProviderRefused, "refused the request: Flagged"),
        (403, {"error": {"message": "This API key may not do that"}}, ProviderKeyRefused, "(check CONCEPT_KEY): This"),
        (403, {}, ProviderKeyRefused, "answered 403 (check CONCEPT_KEY)"),
        (401, {"error": "expired"}, ProviderKeyRefused, "answered 401 (check CONCEPT_KEY): expired"),
        (400, [{"error": {"message": "API key not valid."}}], ProviderKeyRefused, "API key not valid."),
        (402, {"detail": "Insufficient credit"}, ProviderQuotaSpent, "quota is spent: Insufficient credit"),
        (
            429,
            {"error": {"message": "Add 10 credits for more"}},
            ProviderThrottled,
            "too many requests: Add 10 credits",
        ),
        (429, {"error": {"code": "insufficient_quota"}}, ProviderQuotaSpent, "quota is spent"),
        (503, {"error": "Model is loading"}, ProviderUnavailable, "answered 503: Model is loading"),
        (524, {}, ProviderAnswerLost, "gave up waiting"),
    ],
)
def test_the_reason_decides_where_the_status_does_not(
    status: int, body: object, kind: type[ProviderError], sentence: str
) -> None:
    """A 403 is the key, the region, moderation or money, as the service says."""
    error = said(status, body)
    assert type(error) is kind
    assert sentence in str(error)


@pytest.mark.parametrize(
    ("body", "delay_s"),
    [
        ([{"error": {"details": [{"@type": "x"}, {"retryDelay": "21s"}]}}], 21.0),
        ({"error": {"retry_after": 3}}, 3.0),
        ({"retryDelay": {"seconds": 4}}, 4.0),
        ({"error": {"message": "Rate limit reached. Please try again in 1.5s."}}, 1.5),
        ({"error": {"message": "Please try again in 1m30s."}}, 90.0),
        ({"error": {"message": "Please retry in 250ms"}}, 0.25),
        ({"detail": "Request was throttled. Expected available in 2 seconds."}, 2.0),
        ({"error": {"retry_after": -3, "message": "try again later"}}, None),
        ({"error": {"retry_after": 1e30}}, 86400.0),
        ({}, None),
    ],
)
def test_a_pause_may_stand_in_the_body(body: object, delay_s: float | None) -> None:
    """As a field or in words; what a header says comes first."""
    error = said(429, body)
    assert isinstance(error, ProviderThrottled)
    assert error.retry_after_s == delay_s
    headed = error_of_answer(SERVICE, 429, {"retry-after": "7"}, json.dumps(body).encode())
    assert isinstance(headed, ProviderThrottled)
    assert headed.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"error": {"message": "Unknown parameter: 'background'.", "param": "background"}}, "background"),
        ({"error": {"message": "Unrecognized request argument supplied: output_format"}}, "output_format"),
        ({"error": "background is not supported for this model"}, "background"),
        ({"error": "This model does not support background"}, "background"),
        ({"error": {"message": "Argument not supported: size"}}, "size"),
        ({"detail": [{"loc": ["body", "output_format"], "msg": "Extra inputs are not permitted"}]}, "output_format"),
        ({"error": {"message": "bad", "param": "response_format.json_schema.schema"}}, "response_format"),
        ({"error": "Invalid schema: minItems is not permitted"}, "response_format"),
        ({"error": "Structured outputs are not available"}, "response_format"),
    ],
)
def test_a_refused_field_is_known_by_name(body: object, field: str) -> None:
    """As the service's own word for it, in its place or in a sentence."""
    error = said(422, body)
    assert isinstance(error, ProviderRejected)
    assert field in error.named


@pytest.mark.parametrize(
    ("document", "kind", "sentence"),
    [
        ({"error": {"message": "slow down", "code": 429}}, ProviderThrottled, "answered 429"),
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, ProviderThrottled, "slow down"),
        ({"error": {"message": "down", "code": "502"}}, ProviderUnavailable, "answered 502: down"),
        ({"choices": [{"error": {"message": "down", "code": 503}}]}, ProviderUnavailable, "answered 503: down"),
        ([{"error": {"status": "UNAVAILABLE", "message": "busy"}}], ProviderUnavailable, "busy"),
        ({"error": {"message": "no such model", "code": 404}}, ProviderRejected, "no such model"),
        ({"error": {"message": "no", "code": "invalid_api_key"}}, ProviderKeyRefused, "check CONCEPT_KEY"),
        ({"error": {"message": "odd", "code": 1301}}, ProviderAnswerUnusable, "reported a failure: odd"),
        ({"error": "blocked by moderation"}, ProviderRefused, "blocked by moderation"),
        ({"success": False, "message": "odd"}, ProviderAnswerUnusable, "reported a failure: odd"),
    ],
)
def test_an_error_inside_a_good_status_counts_by_its_code(
    document: JsonValue, kind: type[ProviderError], sentence: str
) -> None:
    """As if the answer had had that status; without a code it may have been billed."""
    error = error_inside(SERVICE, document)
    assert type(error) is kind
    assert sentence in str(error)


@pytest.mark.parametrize("document", [{}, {"error": None}, {"choices": [{"error": {}}]}, [], None, {"success": True}])
def test_no_error_inside_is_none(document: JsonValue) -> None:
    """Empty places for errors report nothing."""
    assert error_inside(SERVICE, document) is None


def test_our_key_is_in_no_reason() -> None:
    """Neither whole nor by its ends, whatever form it has."""
    for repeated in ("r8-secret-of-the-test", "r8-sec****", "…the-test"):
        assert repeated not in str(said(401, {"error": f"bad key {repeated} here"}))


@pytest.mark.parametrize("error", [ProviderThrottled("429", 3.5), ProviderUnavailable("503", 7.0)])
def test_delays_survive_pickling(error: ProviderThrottled | ProviderUnavailable) -> None:
    """Type, sentence and delay."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert (type(copy), str(copy), copy.retry_after_s) == (type(error), str(error), error.retry_after_s)
