"""An answer that is no success, as a typed error: the status decides, the body explains.

The body is read in every form in which services explain themselves: `{error: {message, code}}`, `{error: "…"}`,
`{detail: "…"}`, `{detail: [{loc, msg}]}`, `[{error: …}]`, plain text, and an error of another service inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import JsonValue

from http_messages.retry_after import retry_after_s
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
from providers.json_answers import NotJson, parsed_json

_REASON_CHARS = 300
_ECHO_CHARS = 16
"""A run of so many characters of a prompt is a repetition of it and no coincidence."""
_LEAST_KEY_CHARS = 6
"""So many characters from either end of a key give it away."""
_DEEPEST = 6
_LONGEST_DELAY_S = 24 * 3600.0
_FIRST_ERROR, _LAST_CLIENT_ERROR, _LAST_ERROR = 400, 499, 599

_REFUSAL_CODES = {"moderation_blocked", "content_policy_violation", "content_filter", "content_blocked", "nsfw"}
_REFUSAL_WORDS = re.compile(
    r"moderation|safety|content polic|nsfw|prompt.?guard|inappropriate|sensitive content", re.IGNORECASE
)
_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"}
_QUOTA_WORDS = re.compile(r"\bcredits?\b|\bbalance\b|\bbilling\b|\bquota\b|\bpayment\b|top.?up", re.IGNORECASE)
_KEY_CODES = {"invalid_api_key", "api_key_invalid", "invalid_authentication", "authentication_error"}
_KEY_WORDS = re.compile(r"api.?key|(?:access|api|auth) token|credential|authenticat|unauthori[sz]ed", re.IGNORECASE)
_WRONG_KEY = re.compile(r"\bkey\b|\btoken\b|credential|authenticat|unauthori[sz]ed", re.IGNORECASE)
_MORE_THAN_WRONG = re.compile(
    r"expire|revoke|disable|suspend|block|organi|project|region|country|credit|balance|permi|scope|not valid",
    re.IGNORECASE,
)
"""Of a key that is merely wrong, the variable to check says enough."""
_GATEWAY_TIMEOUTS = {504, 524}
"""The service behind the gateway may be working still, and send its bill."""
_PASSING = {408, 409, 425}
_STATUS_OF_CODE = {
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "too_many_requests"), 429),
    **dict.fromkeys(("server_error", "internal_server_error", "internal_error", "internal", "api_error"), 500),
    **dict.fromkeys(("overloaded", "overloaded_error", "unavailable", "service_unavailable", "upstream_error"), 503),
    **dict.fromkeys(("invalid_request_error", "invalid_argument", "bad_request"), 400),
    **dict.fromkeys(_KEY_CODES, 401),
    **dict.fromkeys(_QUOTA_CODES, 402),
}
_KEY_SHOWN = "(a key)"
_KEY = re.compile(r"\b(?:sk|pk|key|r8)[-_][A-Za-z0-9*_.-]{4,}")
_URL = re.compile(r"\b[a-z]{2,8}://\S+", re.IGNORECASE)
_WAIT = re.compile(
    r"(?:again|retry|available)\s+(?:after|in)\s+(?:(\d{1,6})m\s?(?=\d))?(\d{1,9}(?:\.\d+)?)?\s?(ms|milli|m|h|s)?",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"""['"`]([\w.]+)['"`]"""
    r"|\b([a-z]+(?:_[a-z]+)+)\b"
    r"|\b(?:parameters?|arguments?|fields?|property|option|supplied|unsupported|unknown|unrecogni[sz]ed|unexpected"
    r"|supported|support)\W{1,3}(?:the\W)?(\w+)"
    r"|\b(\w+) (?:is|are) (?:not|un)\s?(?:supported|allowed|permitted|available|recogni[sz]ed|accepted)"
)
_SCHEMA_WORDS = re.compile(r"json.?schema|structured.?output|json.?mode|minItems|maxItems", re.IGNORECASE)
_TEXTS = ("message", "msg", "detail", "error", "error_description", "error_message", "errorMessage", "title", "reason")
_CODES = ("code", "type", "status", "reason", "error_type", "error_code")
_INNER = ("error", "errors", "detail", "message", "metadata")
_DELAYS_S = ("retryDelay", "retry_after", "retryAfter", "retry_after_seconds")


@dataclass(frozen=True)
class Service:
    """What sentences about a service are made of. `secrets` appear in none."""

    title: str
    key_variable: str
    url_variable: str
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What an error's body says. `codes` are lower case; `named` may be fields of our request."""

    message: str = ""
    codes: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    status: int | None = None
    retry_after_s: float | None = None


def error_of_answer(
    service: Service, status: int, headers: Mapping[str, str], body: bytes, private: tuple[str, ...] = ()
) -> ProviderError:
    """What an answer outside 2xx means. `private` texts are kept out of its sentence."""
    explanation = _explained_body(body)
    asked_s = retry_after_s(headers)
    return _error(service, status, explanation, explanation.retry_after_s if asked_s is None else asked_s, private)


def error_inside(service: Service, document: JsonValue, private: tuple[str, ...] = ()) -> ProviderError | None:
    """The failure that an answer with a good status reports; None where it reports none.

    Its own code counts as the status would. One without a code may have been billed, so it is not repeated for ever.
    """
    reports = [report for report in _reports(document) if report]
    if not reports:
        return None
    explanation = explained(reports[0])
    status = explanation.status
    if status is None:
        status = next((_STATUS_OF_CODE[code] for code in sorted(explanation.codes) if code in _STATUS_OF_CODE), None)
    if status is not None:
        return _error(service, status, explanation, explanation.retry_after_s, private)
    reason = printable_reason(explanation.message, private, service.secrets)
    because = f": {reason}" if reason else ""
    if is_refusal(explanation):
        return ProviderRefused(f"{service.title} refused the request{because}")
    return ProviderAnswerUnusable(f"{service.title} reported a failure{because}")


def is_refusal(explanation: Explanation) -> bool:
    """Whether this is moderation, rather than a mistake in our request."""
    return bool(explanation.codes & _REFUSAL_CODES or _REFUSAL_WORDS.search(explanation.message))


def printable_reason(message: str, private: tuple[str, ...], secrets: tuple[str, ...] = ()) -> str:
    """A service's explanation on one line, without keys and URLs; empty if it repeats anything private."""
    line = " ".join("".join(char if char.isprintable() else " " for char in message).split())
    folded = line.casefold()
    for text in private:
        words = " ".join(text.split()).casefold()
        for start in range(max(1, len(words) - _ECHO_CHARS + 1)):
            if words and words[start : start + _ECHO_CHARS] in folded:
                return ""
    for secret in filter(None, secrets):
        line = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _KEY_SHOWN, line)
        if len(secret) > 2 * _LEAST_KEY_CHARS:
            for end in (secret[:_LEAST_KEY_CHARS], secret[-_LEAST_KEY_CHARS:]):
                line = re.sub(rf"\S*{re.escape(end)}\S*", _KEY_SHOWN, line)
    line = _URL.sub("(a link)", _KEY.sub(_KEY_SHOWN, line))
    return line if len(line) <= _REASON_CHARS else f"{line[: _REASON_CHARS - 1]}…"


def explained(document: JsonValue) -> Explanation:
    """What a document says about a failure, wherever in it that is said."""
    found = _Found()
    _search(document, found, 0)
    message = "; ".join(dict.fromkeys(found.messages[:3]))
    named = {name.split(".")[0] for match in _FIELD.findall(message) for name in match if name} | found.fields
    if _SCHEMA_WORDS.search(message):
        named.add("response_format")
    delay_s = found.retry_after_s if found.retry_after_s is not None else _delay_in_words(message)
    return Explanation(message, frozenset(found.codes), frozenset(named), found.status, delay_s)


def _error(
    service: Service, status: int, explanation: Explanation, delay_s: float | None, private: tuple[str, ...]
) -> ProviderError:
    reason = printable_reason(explanation.message, private, service.secrets)
    said, because = f"{service.title} answered {status}", f": {reason}" if reason else ""
    error: ProviderError
    if _is_spent(status, explanation):
        error = ProviderQuotaSpent(f"{said}, the account's quota is spent{because}")
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        error = ProviderThrottled(f"{said}, too many requests{because}", delay_s)
    elif status in _GATEWAY_TIMEOUTS:
        error = ProviderAnswerLost(f"{said}, its gateway gave up waiting{because}")
    elif status in _PASSING or status > _LAST_CLIENT_ERROR:
        error = ProviderUnavailable(f"{said}{because}", delay_s, status)
    elif status < _FIRST_ERROR:
        error = ProviderRejected(f"{said}, a redirect that is not followed (check {service.url_variable})", status)
    elif _is_about_key(status, explanation):
        wrong = status == HTTPStatus.UNAUTHORIZED and _WRONG_KEY.search(reason) and not _MORE_THAN_WRONG.search(reason)
        more = "" if wrong else because
        error = ProviderKeyRefused(f"{said} (check {service.key_variable}){more}", status)
    elif is_refusal(explanation):
        error = ProviderRefused(f"{service.title} refused the request{because}", status)
    elif status == HTTPStatus.NOT_FOUND:
        check = f"check {service.url_variable} and the name of the model"
        error = ProviderRejected(f"{said}{because} ({check})", status)
    else:
        error = ProviderRejected(f"{said}{because}", status, explanation.named)
    return error


def _is_spent(status: int, explanation: Explanation) -> bool:
    """Of 429 by code alone: sentences about a rate speak of quotas and credits too."""
    if status == HTTPStatus.FORBIDDEN and _QUOTA_WORDS.search(explanation.message):
        return True
    return status == HTTPStatus.PAYMENT_REQUIRED or (
        status <= _LAST_CLIENT_ERROR and bool(explanation.codes & _QUOTA_CODES)
    )


def _is_about_key(status: int, explanation: Explanation) -> bool:
    """A 403 has many reasons: where it gives none, the key is the first to look at."""
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and not explanation.message):
        return True
    speaks = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN} and not is_refusal(explanation)
    return bool(explanation.codes & _KEY_CODES or (speaks and _KEY_WORDS.search(explanation.message)))


def _explained_body(body: bytes) -> Explanation:
    try:
        return explained(parsed_json(body))
    except NotJson:
        text = body.decode(errors="replace").strip()
        return Explanation() if text.startswith("<") else explained(text)


def _reports(document: JsonValue) -> Iterator[JsonValue]:
    """The parts of a successful answer that say it is none."""
    if isinstance(document, list):
        for entry in document[:3]:
            yield from _reports(entry)
    if not isinstance(document, dict):
        return
    for name in ("error", "errors"):
        if document.get(name):
            yield {"error": document[name]}
    if document.get("success") is False or document.get("object") == "error" or document.get("status") == "error":
        yield document
    for name in ("choices", "data"):
        entries = document.get(name)
        for entry in entries[:1] if isinstance(entries, list) else []:
            yield from _reports(entry)
    plain = set(document) <= {"message", "code", "type", "status", "request_id"}
    if "detail" in document or (plain and isinstance(document.get("message"), str)):
        yield document


@dataclass
class _Found:
    messages: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    status: int | None = None
    retry_after_s: float | None = None


def _search(document: JsonValue, found: _Found, depth: int) -> None:
    """The innermost error first: what stands around it is said by the gateway."""
    if isinstance(document, str):
        if document.strip():
            found.messages.append(document.strip())
        return
    if isinstance(document, list):
        for entry in document[:10] if depth < _DEEPEST else []:
            _search(entry, found, depth + 1)
        return
    if not isinstance(document, dict):
        return
    for name in _INNER if depth < _DEEPEST else ():
        if isinstance(document.get(name), dict | list):
            _search(document[name], found, depth + 1)
    _note(document, found)
    if depth < _DEEPEST and isinstance(document.get("details"), dict | list):
        said = list(found.messages)
        _search(document["details"], found, depth + 1)
        found.messages = said or found.messages


def _note(document: dict[str, JsonValue], found: _Found) -> None:
    texts = (document.get(name) for name in _TEXTS)
    message = next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")
    raw = document.get("raw")  # what the service behind a gateway answered
    if isinstance(raw, str) and raw.strip():
        inner = _explained_body(raw.encode(errors="replace"))
        message, found.fields = inner.message or message, found.fields | inner.named
    if message:
        found.messages.append(message)
    for name in _CODES:
        value = document.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and value != "":
            found.codes.add(str(value).lower())
            if found.status is None and str(value).isdecimal() and _FIRST_ERROR <= int(str(value)[:9]) <= _LAST_ERROR:
                found.status = int(value)
    location, parameter = document.get("loc"), document.get("param")
    found.fields |= {part for part in location if isinstance(part, str)} if isinstance(location, list) else set()
    if isinstance(parameter, str):
        found.fields.add(re.split(r"\W", parameter)[0])
    for name in _DELAYS_S:
        delay_s = _seconds(document.get(name))
        if delay_s is not None and found.retry_after_s is None:
            found.retry_after_s = delay_s


def _seconds(value: JsonValue) -> float | None:
    """`21s`, `21`, 21 or `{seconds: 21}`, in [0, 24 h]."""
    if isinstance(value, dict):
        value = value.get("seconds")
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)s?", value.strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(float(value), _LONGEST_DELAY_S) if value >= 0 else None


def _delay_in_words(message: str) -> float | None:
    match = _WAIT.search(message)
    if match is None or not (match[1] or match[2]):
        return None
    scale_s = {"ms": 0.001, "milli": 0.001, "m": 60.0, "h": 3600.0}.get((match[3] or "s").lower(), 1.0)
    return min(60.0 * float(match[1] or 0) + scale_s * float(match[2] or 0), _LONGEST_DELAY_S)
