from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count

from contracts.concepts import FailedVariation
from contracts.palettes import Palette
from contracts.status import Candidate, ConceptStatus, StageState, StageStatus, VariationProgress, VariationsStatus
from contracts.tasks import Stage, TaskError, TaskRequest, TaskStatus

_WEIGHTS = {
    Stage.CLAIM: 2,
    Stage.IMAGE: 45,
    Stage.UPLOAD: 6,
    Stage.PALETTES: 12,
    Stage.VARIATIONS: 30,
    Stage.STORE: 5,
}
"""Roughly how much of a concept's time each stage takes with a real provider; they add up to 100."""

_MARKS = {
    StageState.PENDING: "·",
    StageState.RUNNING: "▶",
    StageState.DONE: "✓",
    StageState.SKIPPED: "-",
    StageState.FAILED: "✗",
    StageState.CANCELLED: "✗",
}
_STARTER = ".venv/bin/python starter.py"
"""As it can be pasted in the repository's root."""
_GAP = "\N{EM SPACE}\N{WORD JOINER}"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")


class Progress:
    """Where a concept stands: what the `status` query answers and what the Temporal UI shows as current details.

    `now` is the workflow's clock, `state` what the row says from the beginning.
    """

    def __init__(
        self, request: TaskRequest, now: Callable[[], datetime], state: TaskStatus = TaskStatus.PENDING
    ) -> None:
        self._request = request
        self._now = now
        self._state = state
        self._stages = {stage: StageStatus() for stage in Stage}
        self._palettes: tuple[Palette, ...] = ()
        self._names: list[str] = []
        self._variations: list[StageState] = []
        self._present = 0
        self._failed: list[FailedVariation] = []
        self._error: TaskError | None = None
        self._notices: list[str] = []
        self._candidates: tuple[Candidate, ...] = ()
        self._choose_until: datetime | None = None
        self._chosen: int | None = None

    def start(self, stage: Stage) -> None:
        """The stage is being worked on."""
        if stage is not Stage.CLAIM and not self._state.ended:
            self._state = TaskStatus.PROCESSING
        began = self._stages[stage].started_at  # some stages have several steps
        self._stages[stage] = StageStatus(state=StageState.RUNNING, started_at=began or self._now())

    def finish(self, stage: Stage, state: StageState = StageState.DONE) -> None:
        """The stage is over, one way or another."""
        self._stages[stage] = StageStatus(
            state=state, started_at=self._stages[stage].started_at, finished_at=self._now()
        )

    def skip(self, stage: Stage) -> None:
        """The stage is not needed."""
        self._stages[stage] = StageStatus(state=StageState.SKIPPED)

    def offer(self, candidates: tuple[Candidate, ...], until: datetime) -> None:
        """A person may choose now."""
        self._candidates, self._choose_until = candidates, until

    def choose(self, number: int) -> None:
        """The choice is made; `number` counts from 1."""
        self._chosen, self._choose_until = number, None

    def withdraw(self) -> None:
        """No choice is taken any more."""
        self._choose_until = None

    @property
    def offered(self) -> int:
        """How many candidates wait for a choice now; 0 before and after."""
        return len(self._candidates) if self._choose_until is not None else 0

    @property
    def chosen(self) -> int | None:
        """Which one was chosen."""
        return self._chosen

    def know_present(self, variations: int) -> None:
        """So many variations were there before."""
        self._present = variations

    def set_palettes(self, palettes: tuple[Palette, ...], numbers: Sequence[int] = ()) -> None:
        """The variations to come are known, and their `numbers`, unless they are all, from 1.

        Those that are named after their pictures have a number for a name until they all are rendered.
        """
        self._palettes = palettes
        self._names = [
            f"Palette {number}" if palette.color_names else palette.name
            for number, palette in zip(numbers or count(1), palettes, strict=False)
        ]
        self._variations = [StageState.PENDING] * len(palettes)

    def notice(self, sentence: str) -> None:
        """A sentence to show with the result."""
        self._notices.append(sentence)

    def start_variations(self) -> None:
        """All of them wait for a render slot now."""
        self._variations = [StageState.RUNNING] * len(self._palettes)

    def variation_done(self, position: int) -> None:
        """`position` counts from 0."""
        self._variations[position] = StageState.DONE

    def name_variations(self, names: Mapping[int, str]) -> None:
        """What pictures are called, by position."""
        for position, name in names.items():
            self._names[position] = name

    def variation_failed(self, position: int, failed: FailedVariation) -> None:
        """One palette goes without its variation."""
        self._variations[position] = StageState.FAILED
        self._failed.append(failed)

    def end(self, state: TaskStatus, error: TaskError | None = None) -> None:
        """The task has ended; what was still running ended with it."""
        self._state = state
        self._error = error
        self._choose_until = None
        ending = StageState.CANCELLED if state is TaskStatus.CANCELLED else StageState.FAILED
        for stage in Stage:
            if self._stages[stage].state is StageState.RUNNING:
                self.finish(stage, ending if error is not None and error.stage is stage else StageState.CANCELLED)

    @property
    def failed(self) -> tuple[FailedVariation, ...]:
        """The variations that failed, in the order in which they did."""
        return tuple(self._failed)

    @property
    def variations_done(self) -> int:
        """How many variations were made."""
        return self._variations.count(StageState.DONE)

    @property
    def stage(self) -> Stage:
        """The first stage that is running or failed, else the last one that finished."""
        unfinished = (StageState.RUNNING, StageState.FAILED, StageState.CANCELLED)
        if self._error is not None:
            return self._error.stage
        running = [stage for stage in Stage if self._stages[stage].state in unfinished]
        done = [stage for stage in Stage if self._stages[stage].state is StageState.DONE]
        return running[0] if running else done[-1] if done else Stage.CLAIM

    @property
    def percent(self) -> int:
        """0 to 100, by the weights above; the variations count one by one."""
        if self._state is TaskStatus.COMPLETED:
            return 100
        total = 0.0
        for stage, status in self._stages.items():
            if status.state in {StageState.DONE, StageState.SKIPPED}:
                total += _WEIGHTS[stage]
            elif stage is Stage.VARIATIONS and self._variations:
                landed = sum(state in {StageState.DONE, StageState.FAILED} for state in self._variations)
                total += _WEIGHTS[stage] * landed / len(self._variations)
        return int(total)

    def status(self) -> ConceptStatus:
        """The `status` query's document."""
        return ConceptStatus(
            task_id=self._request.task_id,
            concept_id=self._request.concept_id,
            task_type=self._request.task_type,
            state=self._state,
            stage=self.stage,
            percent=self.percent,
            stages=dict(self._stages),
            variations=VariationsStatus(
                total=self._present + len(self._palettes) if self._palettes else self._expected(),
                done=self._present + self.variations_done,
                failed=self.failed,
                items=tuple(
                    VariationProgress(palette=name, colors=palette.colors, state=state)
                    for name, palette, state in zip(self._names, self._palettes, self._variations, strict=True)
                ),
            ),
            error=self._error,
            notices=tuple(self._notices),
            candidates=self._candidates,
            choose_until=self._choose_until,
            chosen=self._chosen,
        )

    def markdown(self) -> str:
        """The same for people, as a table of stages and one of palettes."""
        lines = [f"**{self._state}** · {self.percent} %{self._where()}"]
        if self._error is not None:
            lines += ["", f"> {_plain(self._error.message)}"]
        for sentence in self._notices:
            lines += ["", f"> {_plain(sentence)}"]
        if self._choose_until is not None:
            until = f"{self._choose_until:%Y-%m-%d %H:%M} UTC"
            lines += ["", f"> Waiting until {until} for a choice among {self.offered} logos; then the first is taken"]
            task = self._request.task_id
            # One paragraph: of more, the page would hide the last.
            lines += ["", f"To see them: `{_STARTER} status {task}`", f"To choose: `{_STARTER} choose {task} N`"]
        elif not self._state.ended:
            lines += ["", "What fails is tried again: *Pending Activities* has the attempts and the last failure"]
        lines += ["", _row("stage", "state", "seconds"), "|---|---|---|"]
        lines += [
            _row(stage, f"{_MARKS[status.state]} {status.state}", _seconds(status))
            for stage, status in self._stages.items()
        ]
        if self._palettes:
            lines += ["", _row("variation", "palette", "colors"), "|---|---|---|"]
            lines += [
                _row(f"{_MARKS[state]} {state}", _plain(name), " ".join(palette.colors))
                for name, palette, state in zip(self._names, self._palettes, self._variations, strict=True)
            ]
        if self._state is TaskStatus.COMPLETED:
            # No links: those that a browser could open are signed, and a history keeps them for ever.
            lines += ["", f"Pictures: `{_STARTER} gallery {self._request.concept_id}`"]
        return "\n".join(lines)

    def _expected(self) -> int:
        """How many variations there will be, as far as is known without palettes."""
        return max(self._present, self._request.num_palettes)

    def _where(self) -> str:
        """What an operator asks first of a concept that is not finished."""
        if self._state.ended:
            return "" if self._error is None else f" · at {self._error.stage}"
        landed = self._variations.count(StageState.DONE) + self._variations.count(StageState.FAILED)
        rendering = self._stages[Stage.VARIATIONS].state is StageState.RUNNING
        count = f", {landed} of {len(self._variations)}" if rendering else ""
        return f" · now: {self.stage}{count}"


def _row(*cells: str) -> str:
    """A row of a table. The page sets cells without any space between them, and trims what ends in white space."""
    return f"| {' | '.join(f'{cell}{_GAP}' for cell in cells)} |"


def _plain(text: str) -> str:
    """Text from a provider must not become markup in the operator's page."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _seconds(status: StageStatus) -> str:
    if status.started_at is None or status.finished_at is None:
        return ""
    return f"{(status.finished_at - status.started_at).total_seconds():.2f}"
