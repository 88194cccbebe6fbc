from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Project:
    """Which Supabase project, by which key, and how much of it this process may take.

    Each timeout is for one call of the port, with all the requests that it takes, and below those of the activities
    that make such calls, so that what went wrong is said by us and not by a clock.
    """

    url: str
    service_role: str = field(repr=False)
    schema: str = "public"
    concept_bucket: str = "concept-images"
    palette_bucket: str = "palette-images"
    link_expiry_s: int = 31 * 24 * 3600
    row_links: bool = False
    """Whether rows hold signed links, for readers that use `image_url` as it is."""
    connections: int = 16
    row_timeout_s: float = 8.0
    """For rows, and for removing a folder: what is gone by then stays gone."""
    object_timeout_s: float = 25.0
    """For an object or its links."""


def is_owner(user_id: str) -> bool:
    """Whether this store can take it for an owner: a UUID in its usual form.

    Policies compare the first folder of a path with the user's id as PostgreSQL writes it.
    """
    try:
        return str(uuid.UUID(user_id)) == user_id
    except ValueError:
        return False
