"""Whom connections to the outside trust."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def public_authorities() -> ssl.SSLContext:
    """The certificate authorities of the web, or those of `SSL_CERT_FILE` or `SSL_CERT_DIR`.

    One for a process: reading them takes a twentieth of a second.
    """
    return httpx.create_ssl_context()
