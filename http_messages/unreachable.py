"""Why a server could not be reached, in words that tell what to look at."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}

_WORDS: dict[type[BaseException], str] = {
    ConnectionRefusedError: "the connection was refused",
    ConnectionError: "the connection was closed",
    httpx.PoolTimeout: "all connections are in use",
    httpx.ConnectTimeout: "connecting timed out",
}


def why_unreachable(exc: BaseException) -> str:
    """The innermost cause that a person can act on; no address and no URL in it."""
    causes = list(_causes(exc))
    for cause in causes:
        said = _in_words(cause)
        if said:
            return said
    return "the connection failed"


def _in_words(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLError):
        return _tls_in_words(cause)
    if isinstance(cause, socket.gaierror):
        return "its name cannot be looked up now" if cause.errno == socket.EAI_AGAIN else "there is no such name"
    if isinstance(cause, httpx.ProxyError):
        return f"the proxy refused ({str(cause)[:80]})"
    if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
        return "there is no route to it"
    return next((words for kind, words in _WORDS.items() if isinstance(cause, kind)), "")


def _tls_in_words(cause: ssl.SSLError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
    if cause.reason in _NO_TLS:
        return "there is no TLS at that address (is it http instead of https?)"
    return f"the TLS handshake failed ({str(cause.reason or 'connection closed').replace('_', ' ').lower()})"


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """Innermost first; one address after another may have been tried, each with its own error."""
    if exc is None:
        return
    yield from _causes(exc.__cause__ or exc.__context__)
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from _causes(inner)
    yield exc
