from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import finish, make_shell


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["starter.py", "recolor", "--help"], {}),
        (["starter.py", "demo", "--logo", "", "--json"], {}),
        (["worker.py"], {"CONCEPT_STORE": "redis", "CONCEPT_RENDER_THREADS": "0"}),
    ],
)
async def test_a_forked_run_is_as_one_of_its_own(
    tmp_path: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    """What most tests of commands run says and answers what a new interpreter does, letter by letter."""
    shell = make_shell(tmp_path)
    assert await shell.run(*arguments, **environment) == await finish(
        await shell.start_interpreter(*arguments, **environment)
    )
