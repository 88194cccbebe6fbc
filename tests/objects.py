from __future__ import annotations

import hashlib

from contracts.images import StoredObject
from stores.errors import ObjectMissing
from stores.ports import ObjectStore


async def find(store: ObjectStore, bucket: str, path: str) -> StoredObject | None:
    """What lies at that place, or None."""
    try:
        data = await store.get(bucket, path)
    except ObjectMissing:
        return None
    return StoredObject(bucket=bucket, path=path, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
