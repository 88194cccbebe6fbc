"""The keys that payloads are encrypted with. Apart from the codec, so that reading settings loads no cryptography."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")


@dataclass(frozen=True)
class Keyring:
    """Keys by id, in the order in which they were given: the first one encrypts, all of them decrypt.

    Without any, nothing is encrypted.
    """

    keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def current(self) -> tuple[str, bytes] | None:
        """The id and the key that encrypt; None where nothing is encrypted."""
        return next(iter(self.keys.items()), None)


NO_KEYS = Keyring()


def parse_keys(text: str) -> Keyring:
    """Read `id:key[,id:key…]`, each key 32 bytes as base64url. White space around entries does not matter.

    Raises `ValueError` with every problem in one line; entries are named by their place, because any part of a
    malformed one may be the key.
    """
    keys: dict[str, bytes] = {}
    places: dict[str, int] = {}
    problems = []
    for place, entry in enumerate((part.strip() for part in text.split(",")), 1):
        key_id, colon, key = (part.strip() for part in entry.partition(":"))
        if not colon:
            problems.append(f"entry {place} is not id:key")
            continue
        if not _ID.fullmatch(key_id):
            problems.append(f"entry {place} has no id of 1 to 64 letters, digits, dots, dashes and underscores")
        if key_id in places:
            problems.append(f"entries {places[key_id]} and {place} have the same id")
        places.setdefault(key_id, place)
        decoded = base64.urlsafe_b64decode(f"{key.rstrip('=')}=") if _KEY.fullmatch(key) else b""
        # What does not come back as it was had a last character that says more than 32 bytes do: a typing error.
        if base64.urlsafe_b64encode(decoded).rstrip(b"=") != key.rstrip("=").encode() or len(decoded) != KEY_BYTES:
            problems.append(f"the key of entry {place} is not {KEY_BYTES} bytes as base64url (43 characters)")
        keys[key_id] = decoded
    if problems:
        raise ValueError("; ".join(problems))
    return Keyring(keys)
