"""Keys and users' tokens as Supabase signs them."""

from __future__ import annotations

import time
import uuid

import jwt

SECRET = "a secret of the tests, long enough for HS256 and of no use elsewhere"  # noqa: S105 -- signs test tokens


SECRET_KEY = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"  # noqa: S105 -- of no project
"""A key of the newer kind: no token, and only a gateway knows what it stands for."""


def sign(role: str, *, expires_in_s: float = 3600, secret: str = SECRET, **claims: object) -> str:
    """A token of that role."""
    return jwt.encode({"role": role, "exp": int(time.time() + expires_in_s)} | claims, secret, algorithm="HS256")


def service_key() -> str:
    """The key that the worker has."""
    return sign("service_role")


def anon_key() -> str:
    """The key that every visitor of the web application has."""
    return sign("anon")


def user_token(user_id: uuid.UUID | str, *, is_anonymous: bool = False) -> str:
    """The token of a user who has signed in; anonymously or not, the role is the same."""
    return sign("authenticated", sub=str(user_id), is_anonymous=is_anonymous)
