from __future__ import annotations

import io
import uuid

import pytest
from rich.console import Console

from commands.display import ProgressView
from contracts.status import ConceptStatus, StageState, StageStatus, VariationProgress, VariationsStatus
from contracts.tasks import Stage, TaskStatus


def status(palettes: int, done: int) -> ConceptStatus:
    """A concept that is rendering, of which so many variations are done and one has failed."""
    states = [StageState.DONE] * done + [StageState.FAILED] + [StageState.RUNNING] * (palettes - done - 1)
    return ConceptStatus(
        task_id=uuid.UUID(int=1),
        concept_id=uuid.UUID(int=2),
        state=TaskStatus.PROCESSING,
        percent=70,
        stages={stage: StageStatus(state=StageState.RUNNING) for stage in Stage},
        variations=VariationsStatus(
            total=palettes,
            done=done,
            items=tuple(
                VariationProgress(palette=f"Palette {number}", colors=("#112233", "#AABBCC"), state=state)
                for number, state in enumerate(states, 1)
            ),
        ),
    )


@pytest.mark.parametrize(("palettes", "done"), [(7, 2), (24, 5), (24, 20)])
def test_the_live_view_fits_a_small_terminal(palettes: int, done: int) -> None:
    """At 80 by 24 the bar, every stage and the failed variation stay in sight, and what is hidden is counted."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=24, color_system=None)
    with ProgressView(console) as view:
        view.show(status(palettes, done))
    frame = screen.getvalue().rsplit("\x1b[1A", 1)[-1]
    lines = [line for line in frame.splitlines() if line.strip()]
    assert len(lines) <= 24
    assert "70 %" in frame
    for label in ("claim the task", "generate the logo", "store the concept", f"Palette {done + 1}"):
        assert label in frame
    assert ("more" in frame) == (palettes == 24)
