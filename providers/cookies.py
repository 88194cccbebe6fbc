"""Cookies, which nobody here has a use for."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy


def no_cookies() -> CookieJar:
    """A jar that takes none and gives none: what one user's server sets is never sent with another user's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
