"""What is asked of the site, and in which ways. A new kind of task joins by an entry in `KINDS`."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from temporalio.service import RPCError, RPCStatusCode

from contracts.tasks import GenerationRequest, RefinementRequest, Request, VariationsRequest
from pubsub.delivery import Bridge
from pubsub.envelopes import Message
from pubsub.errors import RetryLater
from stores import layout
from stores.errors import StoreUnavailable
from tasks.errors import ChoiceRefused, NoWorker, WorkflowNotFound
from tasks.service import TaskService
from tests.chaos.site import Site, new_id
from tests.rig import draw_png, until

_PATIENCE_S = 60.0
_AGAIN_S = 0.3
_TRANSIENT = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True)
class Kind:
    """One way in which tasks come; `submit` returns when the site has the task."""

    name: str
    weight: int
    submit: Callable[[Site, GenerationRequest], Awaitable[None]]


async def persistently(call: Callable[[], Coroutine[None, None, object]]) -> None:
    """As Pub/Sub does: again and again until it is taken. Servers are killed all the time here."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                await call()
            except (RPCError, RetryLater, StoreUnavailable, ConnectionError) as exc:
                if isinstance(exc, RPCError) and exc.status not in _TRANSIENT:
                    raise
            else:
                return
            await asyncio.sleep(_AGAIN_S)


async def _start(site: Site, request: Request) -> None:
    """As the starter does."""
    await persistently(lambda: site.concepts.start(request))


async def _deliver_twice(site: Site, request: GenerationRequest) -> None:
    """As the bridge does, and Pub/Sub twice at once."""
    bridge = Bridge(TaskService(site.store, site.concepts))
    message = Message(message_id="1", data=request.model_dump_json().encode())
    await asyncio.gather(*(persistently(lambda: bridge.deliver(message)) for _ in range(2)))


async def _record_only(site: Site, request: GenerationRequest) -> None:
    """As the web application does when its message is lost."""
    await asyncio.to_thread(site.record, request)


async def _start_given(site: Site, request: GenerationRequest) -> None:
    """With an image of one's own: nothing is paid for it."""
    path = layout.given_image(request.task_id)
    stored = await site.store.put(site.store.concept_bucket, path, draw_png(96), "image/png")
    given = request.model_copy(update={"base_image": stored.as_image(96, 96)})
    await _start_instead(site, request, given)


async def _refine(site: Site, request: GenerationRequest) -> None:
    """An earlier concept of the same user, changed by words that tell the paid service this task's number."""

    def refinement(source: uuid.UUID) -> RefinementRequest:
        return RefinementRequest(
            task_id=request.task_id,
            user_id=request.user_id,
            refinement_prompt=request.logo_description,
            source_concept_id=source,
            logo_description=request.logo_description,
            theme_description=request.theme_description,
            num_palettes=request.num_palettes,
            preserve_aspects=("colors",) if request.num_palettes % 2 else (),
        )

    await _go_on_from_earlier(site, request, refinement)


async def _vary(site: Site, request: GenerationRequest) -> None:
    """More palettes for an earlier concept of the same user."""

    def more(source: uuid.UUID) -> VariationsRequest:
        return VariationsRequest(
            task_id=request.task_id,
            user_id=request.user_id,
            source_concept_id=source,
            theme_description=request.logo_description,
            num_palettes=request.num_palettes,
        )

    await _go_on_from_earlier(site, request, more)


async def _choose(site: Site, request: GenerationRequest) -> None:
    """Several candidates, and a person who takes one, or one and then another, or who never comes back."""
    person = random.Random(request.task_id.int)
    several = request.model_copy(update={"candidates": person.randint(2, 3)})
    await _start_instead(site, request, several)
    numbers = [person.randint(1, several.candidates) for _ in range(person.choice([0, 1, 1, 2]))]
    if not numbers:
        return
    await until(lambda: _offers(site, several), _PATIENCE_S)
    for number in numbers:
        with suppress(ChoiceRefused, NoWorker, WorkflowNotFound, RPCError):
            await site.concepts.choose(several.task_id, number)


async def _offers(site: Site, request: GenerationRequest) -> bool:
    """Whether the task waits for a choice, or has ended without."""
    try:
        status = await site.concepts.status(request.task_id)
    except (NoWorker, WorkflowNotFound, RPCError):
        return False
    return status.choose_until is not None or status.state.ended


async def _go_on_from_earlier(
    site: Site, request: GenerationRequest, make: Callable[[uuid.UUID], RefinementRequest | VariationsRequest]
) -> None:
    """What `make` makes of an earlier concept; where there is none yet, the request itself."""
    source = await _earlier_concept(site, request)
    await (_start(site, request) if source is None else _start_instead(site, request, make(source)))


async def _earlier_concept(site: Site, request: GenerationRequest) -> uuid.UUID | None:
    for earlier in site.requests:
        if earlier.user_id == request.user_id and await site.store.concept(earlier.concept_id) is not None:
            return earlier.concept_id
    return None


async def _start_instead(site: Site, request: GenerationRequest, instead: Request) -> None:
    site.requests[site.requests.index(request)] = instead
    await _start(site, instead)


KINDS = (
    Kind("started", 4, _start),
    Kind("delivered twice", 3, _deliver_twice),
    Kind("recorded only", 2, _record_only),
    Kind("with an image", 1, _start_given),
    Kind("refined", 2, _refine),
    Kind("varied", 2, _vary),
    Kind("chosen", 3, _choose),
)


def make_task(site: Site, chance: random.Random) -> GenerationRequest:
    """The next task, whose words tell the paid service its number."""
    request = GenerationRequest(
        task_id=new_id(chance),
        user_id=chance.choice(["ada", "grace", "mary"]),
        logo_description=f"logo number {len(site.requests)} of a chaotic company",
        theme_description="calm colors, for once",
        num_palettes=chance.randint(1, 4),
    )
    site.requests.append(request)
    return request


async def submit_all(site: Site, count: int, chance: random.Random, pace_s: float) -> None:
    """So many tasks, one every `pace_s` seconds on average, each by some kind of way."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as submitting:
        for number in range(count):
            kind = chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
            submitting.create_task(_submit(kind, site, make_task(site, chance)))
            await asyncio.sleep(max(0.0, began + (number + chance.random()) * pace_s - time.monotonic()))


async def _submit(kind: Kind, site: Site, request: GenerationRequest) -> None:
    with suppress(TimeoutError):  # the check will say that it was lost
        await kind.submit(site, request)
