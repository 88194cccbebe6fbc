from __future__ import annotations

from pathlib import Path

import pytest

from files.atomic_write import replacing


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Until the end its old content is there, afterwards the new one and nothing else."""
    target = tmp_path / "page.html"
    target.write_text("old")
    with replacing(target) as unfinished:
        unfinished.write_text("new")
        assert target.read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"page.html": "new"}


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """The old content stays, and no unfinished file beside it."""
    target = tmp_path / "page.html"
    target.write_text("old")

    def write_half() -> None:
        with replacing(target) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"page.html": "old"}
