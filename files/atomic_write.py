"""Files and folders that appear complete or not at all, and what killed writers of such left behind."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ANY_MARK = "[0-9a-f]" * 16
"""As a pattern of `glob`, the end of an unfinished file's or folder's name: `secrets.token_hex(8)`."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file next to the target that takes its place at the end, or is removed on failure. Raises `OSError`.

    Not `tempfile`: it would make the result readable by its owner alone, whatever the umask says.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}.{ANY_MARK}"):
        if left.is_file():
            remove_left(left)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        unfinished.touch()
        with held(unfinished):
            yield unfinished
        os.replace(unfinished, target)  # noqa: PTH105 - the call that is documented to be atomic
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep `remove_left` from an unfinished file or folder, for as long as this process lives at most."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks, where nothing is taken for left behind
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_left(path: Path) -> None:
    """Remove an unfinished file or folder if nobody holds it: its writer was killed."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        finally:
            os.close(descriptor)
