from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path next to the target that takes its place at the end, or is removed on failure. Raises `OSError`.

    Not `tempfile`: it would make the result readable by its owner alone, whatever the umask says.
    """
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        yield unfinished
        os.replace(unfinished, target)  # noqa: PTH105 - the call that is documented to be atomic
    finally:
        unfinished.unlink(missing_ok=True)
