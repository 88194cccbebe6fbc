"""An answer that is no success, as a typed error: the status decides, the body explains."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter, ValidationError

from http_messages.retry_after import retry_after_s
from providers.errors import (
    ProviderAnswerLost,
    ProviderError,
    ProviderKeyRefused,
    ProviderQuotaSpent,
    ProviderRefused,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)

_REASON_CHARS = 300
_ECHO_CHARS = 16
"""A run of so many characters of a prompt is a repetition of it and no coincidence."""

_REFUSAL_CODES = {"moderation_blocked", "content_policy_violation", "content_filter"}
_REFUSAL_WORDS = re.compile(r"moderation|safety|content polic|nsfw|prompt.?guard|inappropriate", re.IGNORECASE)
_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"}
_GATEWAY_TIMEOUTS = {504, 524}
"""The service behind the gateway may be working still, and send its bill."""
_PASSING = {408, 409, 425}
_KEY = re.compile(r"\b(?:sk|pk|key)[-_][A-Za-z0-9*_.-]{4,}")
_URL = re.compile(r"\b[a-z]{2,8}://\S+", re.IGNORECASE)
_JSON = TypeAdapter[JsonValue](JsonValue)


def error_of(
    title: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    private: tuple[str, ...] = (),
    key_variable: str,
    url_variable: str,
) -> ProviderError:
    """What an answer outside 2xx means. `private` texts are kept out of its sentence."""
    message, codes = _explanation(body)
    reason = printable_reason(message, private)
    said = f"{title} answered {status}"
    because = f": {reason}" if reason else ""
    error: ProviderError
    if status == 402 or codes & _QUOTA_CODES:  # noqa: PLR2004 - Payment Required
        error = ProviderQuotaSpent(f"{said}, the account's quota is spent{because}")
    elif status in {401, 403}:
        error = ProviderKeyRefused(f"{said} (check {key_variable})")
    elif status == 429:  # noqa: PLR2004 - Too Many Requests
        error = ProviderThrottled(f"{said}, too many requests", retry_after_s(headers))
    elif status in _GATEWAY_TIMEOUTS:
        error = ProviderAnswerLost(f"{said}, its gateway gave up waiting")
    elif status in _PASSING or status >= 500:  # noqa: PLR2004 - the service's own trouble
        error = ProviderUnavailable(said, retry_after_s(headers))
    elif status < 400:  # noqa: PLR2004 - a redirect
        error = ProviderRejected(f"{said}, a redirect that is not followed (check {url_variable})")
    elif is_refusal(message, codes):
        error = ProviderRefused(f"{title} refused the request{because}")
    elif status == 404:  # noqa: PLR2004 - Not Found
        error = ProviderRejected(f"{said}{because} (check {url_variable} and the name of the model)")
    else:
        error = ProviderRejected(f"{said}{because}")
    return error


def refusal_of(title: str, document: JsonValue, private: tuple[str, ...]) -> tuple[str, bool]:
    """A failure that came with a good status: its sentence, and whether it is a refusal."""
    message, codes = _explained(document)
    reason = printable_reason(message, private)
    refused = is_refusal(message, codes)
    saying = "refused the request" if refused else "reported a failure"
    return f"{title} {saying}" + (f": {reason}" if reason else ""), refused


def is_refusal(message: str, codes: frozenset[str]) -> bool:
    """Whether this is moderation, rather than a mistake in our request."""
    return bool(codes & _REFUSAL_CODES or _REFUSAL_WORDS.search(message))


def printable_reason(message: str, private: tuple[str, ...]) -> str:
    """A service's explanation on one line, without keys and URLs; empty if it repeats anything private."""
    line = " ".join("".join(char if char.isprintable() else " " for char in message).split())
    folded = line.casefold()
    for text in private:
        words = " ".join(text.split()).casefold()
        for start in range(max(1, len(words) - _ECHO_CHARS + 1)):
            if words and words[start : start + _ECHO_CHARS] in folded:
                return ""
    line = _URL.sub("(a link)", _KEY.sub("(a key)", line))
    return line if len(line) <= _REASON_CHARS else f"{line[: _REASON_CHARS - 1]}…"


def _explanation(body: bytes) -> tuple[str, frozenset[str]]:
    try:
        return _explained(_JSON.validate_json(body))
    except ValidationError:
        return "", frozenset()


def _explained(document: JsonValue) -> tuple[str, frozenset[str]]:
    """Message and codes of `{error: {message, code, type}}`, `{error: …}`, `{message: …}` and `{detail: …}`."""
    if not isinstance(document, dict):
        return "", frozenset()
    inner = document.get("error")
    holders = [inner, document] if isinstance(inner, dict) else [document]
    codes = {
        value for holder in holders for name in ("code", "type") if isinstance(value := holder.get(name), str) and value
    }
    for holder in holders:
        for name in ("message", "error", "detail"):
            value = holder.get(name)
            if isinstance(value, list):
                value = "; ".join(part for part in value if isinstance(part, str))
            if isinstance(value, str) and value.strip():
                return value, frozenset(codes)
    return "", frozenset(codes)
