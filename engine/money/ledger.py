"""The only way to make a paid call.

`acquire` answers with a stored answer, a reservation or a refusal, in one transaction under a lock on the call's key:
is it answered already → may it be sent again → does it fit the budgets → when is its provider slot. Every further step
is recorded before it happens: reserved → submitted → confirmed | failed. If the process dies in between, the next
attempt of the same activity recognises the call as its own, and it becomes `unknown`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, literal_column, or_, text, update
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.digest import digest
from engine.errors import CallInFlight, EngineError, NotRequested, OutcomeUnknown, Paused, RateLimited
from engine.money import budgets, circuits, in_flight
from engine.money.rate_limits import WINDOW, next_turn
from engine.providers.usage import Tokens
from engine.settings import Rate
from models.options import FINAL_STATUSES
from models.tables import Generation, Project, ProviderCall
from models.tables.columns import table
from models.tables.ledger import CallState
from models.tables.projects import UnknownPolicy

# A slot further away than this many seconds is not assigned: Temporal times out an activity that waits for long, and
# unused slots would keep the others waiting, in the end for ever.
LONGEST_WAIT = 120.0
# So many lost answers to one call, and a person is asked, however cheap it is and whatever the project's policy.
MOST_LOST = 3
# The holder of an answer tries to store it for this many seconds: dropping it means paying for it again.
ANSWER_PATIENCE = 300.0


_CALLS = table(ProviderCall)
_PROJECTS = table(Project)
_OTHERS = _CALLS.alias()
# All attempts at the same request in the projects that its owner has now. Rows of version 0017 have no request key:
# the owner was part of their call key.
_SAME = (
    plain_select(_OTHERS.c.id)
    .join(_PROJECTS, _PROJECTS.c.id == _OTHERS.c.project_id)
    .where(
        or_(_OTHERS.c.request_key == bindparam("same_request"), _OTHERS.c.call_key == bindparam("key_of_0017")),
        _PROJECTS.c.owner_id == bindparam("owner"),
    )
)
_PAST = (
    select(ProviderCall)
    .where(col(ProviderCall.id).in_(_SAME))
    .order_by(col(ProviderCall.attempt), col(ProviderCall.id))
)
_RESERVE = (
    insert(_CALLS)
    .on_conflict_do_nothing(index_elements=[_CALLS.c.call_key, _CALLS.c.attempt])
    .returning(
        _CALLS.c.id,
        # A subquery built with SQLAlchemy would not see the row that is being inserted.
        literal_column("(SELECT paused_at FROM generations WHERE id = provider_calls.generation_id)").label(
            "paused_at"
        ),
        literal_column("(SELECT status FROM generations WHERE id = provider_calls.generation_id)").label("status"),
        literal_column("(SELECT owner_id FROM projects WHERE id = provider_calls.project_id)").label("owner_id"),
        _SAME.exists().label("asked_before"),
    )
)
_TAKE_BACK = delete(_CALLS).where(_CALLS.c.id == bindparam("call"))
_RESERVE_AND_SEND = _RESERVE.values(submitted_at=func.clock_timestamp())
_SETTLE = (
    update(_CALLS)
    .where(_CALLS.c.id == bindparam("call"), _CALLS.c.state.in_(bindparam("before", expanding=True)))
    .values(settled_at=func.clock_timestamp())
)
_GENERATIONS = table(Generation)
_SUBMIT = (
    update(_CALLS)
    .where(
        _CALLS.c.id == bindparam("call"),
        _CALLS.c.state == CallState.RESERVED,
        # The call may have waited for its slot, and the generation may have been paused meanwhile.
        _GENERATIONS.c.id == _CALLS.c.generation_id,
        _GENERATIONS.c.paused_at.is_(None),
    )
    .values(state=CallState.SUBMITTED, submitted_at=func.clock_timestamp())
    .returning(_CALLS.c.id)
)
# If a call was sent twice and has two answers, the first one to be confirmed is kept.
_CONFIRM = _SETTLE.values(
    state=case(
        (
            plain_select(_OTHERS.c.id)
            .where(
                _OTHERS.c.call_key == _CALLS.c.call_key,
                _OTHERS.c.id != _CALLS.c.id,
                _OTHERS.c.state == CallState.CONFIRMED,
            )
            .exists(),
            CallState.UNKNOWN,
        ),
        else_=CallState.CONFIRMED,
    )
)


# Lost answers that no person has accepted: those to this call in its project, and the most that they and the others of
# its generation may have cost.
_LOST = plain_select(
    func.count().filter(_CALLS.c.call_key == bindparam("key")).label("answers"),
    func.coalesce(func.sum(_CALLS.c.reserved_usd), Decimal(0)).label("usd"),
).where(
    _CALLS.c.project_id == bindparam("project"),
    _CALLS.c.state == CallState.UNKNOWN,
    _CALLS.c.accepted.is_(False),
    (_CALLS.c.generation_id == bindparam("generation")) | (_CALLS.c.call_key == bindparam("key")),
)
_POLICY = plain_select(_PROJECTS.c.unknown_policy).where(_PROJECTS.c.id == bindparam("project"))
_SENT = (
    plain_select(
        _CALLS.c.send_at,
        case(
            (_CALLS.c.state == CallState.CONFIRMED, _CALLS.c.input_tokens + _CALLS.c.output_tokens),
            else_=_CALLS.c.reserved_tokens,
        ).label("tokens"),
    )
    .where(
        _CALLS.c.provider == bindparam("provider"),
        _CALLS.c.send_at > bindparam("since"),
        # A slot that was given up before the call was sent is free again.
        (_CALLS.c.state != CallState.FAILED) | _CALLS.c.submitted_at.is_not(None),
    )
    .order_by(_CALLS.c.send_at)
)


_TRIED = plain_select(
    func.coalesce(func.extract("epoch", func.clock_timestamp() - func.min(_CALLS.c.submitted_at)), 0)
).where(_CALLS.c.call_key == bindparam("key"), _CALLS.c.holder == bindparam("holder"))


@dataclass(frozen=True)
class PaidRequest:
    """A call to make: which provider, for which generation and target. `ordinal` tells redraws of the same request
    apart.

    `most_usd` and `most_tokens` are the worst case, which is reserved while the call runs. `accepted` are the lost
    calls that a person has allowed to be sent again.
    """

    owner_id: UUID
    project_id: UUID
    generation_id: UUID
    kind: str
    provider: str
    model: str
    purpose: str
    target_id: UUID
    request_hash: str
    ordinal: int
    holder: str
    most_usd: Decimal = Decimal(0)
    most_tokens: int = 0
    accepted: frozenset[UUID] = frozenset()
    # Whether another provider is asked when this one is down.
    gives_way: bool = False

    @property
    def request_key(self) -> str:
        """What is asked, whoever asks. An owner's projects share paid answers; different owners share nothing."""
        return digest(self.provider, self.model, self.request_hash, self.ordinal)

    @property
    def call_key(self) -> str:
        """The identity of the call. It stays with the project, which may be transferred while the call is in flight."""
        return digest(str(self.project_id), self.request_key)

    @property
    def sharing(self) -> dict[str, Any]:
        """The parameters of `_SAME`."""
        return {
            "same_request": self.request_key,
            "key_of_0017": digest(str(self.owner_id), self.provider, self.model, self.request_hash, self.ordinal),
            "owner": self.owner_id,
        }

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the call that say what is asked, and by whom, wherever its answer comes from."""
        return {
            "project_id": self.project_id,
            "call_key": self.call_key,
            "request_key": self.request_key,
            "kind": self.kind,
            "provider": self.provider,
            "model": self.model,
            "purpose": self.purpose,
            "holder": self.holder,
        }


@dataclass(frozen=True)
class Usage:
    """What an answered call used and cost."""

    tokens: Tokens = field(default_factory=Tokens)
    cost_usd: Decimal = Decimal(0)
    duration_ms: int = 0


@dataclass(frozen=True)
class Terms:
    """The installation's terms for providers: the rate of each, and up to which price a call whose answer was lost is
    sent again without asking. What a generation's lost answers may have cost together is bounded by it, too.
    """

    rates: Mapping[str, Rate] = field(default_factory=dict)
    ask_above_usd: Decimal = Decimal("0.05")
    # Calls in flight of one project, and by provider, over all workers.
    project_calls: int | None = None
    provider_calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """A confirmed call with its answer, or a fresh one that the caller sends, `wait` seconds from now.

    `doubtful`: its provider has failed lately, so an answer is news.
    """

    call: ProviderCall
    wait: float = 0.0
    doubtful: bool = False


FREE = Terms()


async def acquire(
    session: AsyncSession,
    request: PaidRequest,
    *,
    terms: Terms = FREE,
    send: bool = False,
    alive: Collection[UUID] = (),
) -> Grant | EngineError:
    """The confirmed call with its answer, or a fresh one in state `reserved` that the caller must send.

    With `send` the caller sends it as soon as this transaction is committed, and the fresh call is `submitted`, unless
    it must wait for its provider slot: then the caller waits, and submits it. Calls in `alive` are still awaited by
    this process: an attempt of theirs that Temporal timed out is not given up here.

    A refusal is returned, to be raised after the commit, because what was found out about earlier attempts must be
    committed: `CallInFlight` while another holder's attempt at the same call has not settled, or if the project has
    just been transferred, `OutcomeUnknown` where a person must decide about a lost attempt, `Paused` while the
    generation is paused, `NotRequested` if it has ended, `BudgetTight` and `BudgetExceeded` where the call does not fit
    the budget, `RateLimited` where its slot is too far away to wait for, `ProviderBusy` or `ProviderDown` where its
    provider is down and another call finds out whether it is back.
    """
    rate = terms.rates.get(request.provider)
    circuit = await circuits.state_of(session, request.kind, request.provider, request.model)
    limits = {"project_calls": terms.project_calls, "provider_calls": terms.provider_calls.get(request.provider)}
    limited = any(limit is not None for limit in limits.values())
    if not request.most_usd and rate is None and circuit is None and not limited:
        # Nearly every free call is the first one with its key: then a single statement suffices.
        fresh = await _reserve(session, request, 1, send, only_first=True)
        if fresh is not None:
            return fresh if isinstance(fresh, EngineError) else Grant(fresh)
    # Activities with the same request run one after another from here on.
    await execute(
        session, text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": request.request_key}
    )
    past = (await session.exec(_PAST, params=request.sharing)).all()
    for call in past:
        if call.state == CallState.CONFIRMED and call.kind == "image" and call.image_id is None:
            call.state, call.error = CallState.FAILED, "The picture was deleted since."
            session.add(call)
        elif call.state == CallState.CONFIRMED:
            await session.exec(
                update(Generation)
                .where(col(Generation.id) == request.generation_id)
                .values(cached_calls=Generation.cached_calls + 1)
                .execution_options(synchronize_session=False)
            )
            return Grant(call)
    now = (await session.exec(select(func.clock_timestamp()))).one()
    for call in past:
        if call.id in request.accepted:
            call.accepted = True
            session.add(call)
        # The generation may have ended and settled the call, but this process still waits for its answer.
        if call.id in alive:
            return CallInFlight("An earlier attempt at this call is still waiting for its answer.", retry_after=2)
        if call.state not in (CallState.RESERVED, CallState.SUBMITTED):
            continue
        touched = call.submitted_at or call.created_at
        if call.holder != request.holder and touched is not None and now - touched < budgets.ABANDONED_AFTER:
            return CallInFlight("The same call is already in flight.", retry_after=2)
        # Our own earlier attempt, or one long abandoned: its process is gone. If it was never sent, it cost nothing; if
        # it was, it may have been billed.
        call.state = CallState.UNKNOWN if call.state == CallState.SUBMITTED else CallState.FAILED
        call.error = "The process that made this call ended before the answer came."
        call.settled_at = now
        session.add(call)
    await session.flush()
    # What another project of the owner lost is decided there: it stops nothing here.
    lost = [
        call
        for call in past
        if call.state == CallState.UNKNOWN and not call.accepted and call.project_id == request.project_id
    ]
    if lost and await person_decides(session, lost[-1], request.generation_id, request.most_usd, terms):
        times = "" if len(lost) == 1 else f" {len(lost)} times"
        usd = max(request.most_usd, sum((call.reserved_usd for call in lost), Decimal(0)))
        return OutcomeUnknown(
            f"The answer of {request.provider} to {request.purpose} was lost{times}, and it may have been billed"
            f" ({usd:.2f} USD at most). Decide whether to send it again.",
            lost=[call.id for call in lost],
        )
    if request.most_usd:
        refused = await budgets.beyond(session, request.project_id, request.generation_id, request.most_usd)
        if refused is not None:
            return refused
    if limited and (crowd := await in_flight.crowded(session, request.project_id, request.provider, **limits)):
        return crowd
    if circuit is not None and circuit.pausing:
        return circuits.refused(request.provider, request.model, circuit, gives_way=request.gives_way)
    send_at, wait = await _turn(session, request, rate) if rate is not None else (None, 0.0)
    if wait > LONGEST_WAIT:
        return RateLimited(f"{request.provider} is at its rate limit.", retry_after=wait - LONGEST_WAIT)
    attempt = 1 + max((call.attempt for call in past if call.call_key == request.call_key), default=0)
    fresh = await _reserve(session, request, attempt, send and not wait, send_at)
    if fresh is None:
        return CallInFlight("The same call is already in flight.", retry_after=2)
    if isinstance(fresh, EngineError):
        return fresh
    # Last, so that no call takes the turn to find out that is not sent then.
    if (
        circuit is not None
        and circuit.open
        and not await circuits.finds_out(session, request.kind, request.provider, request.model)
    ):
        await execute(session, _TAKE_BACK, {"call": fresh.id})
        return circuits.refused(request.provider, request.model, circuit, gives_way=request.gives_way)
    return Grant(fresh, wait, doubtful=circuit is not None)


async def person_decides(
    session: AsyncSession, lost: ProviderCall, generation_id: UUID | None, usd: Decimal, terms: Terms
) -> bool:
    """Whether a person decides about sending the `lost` call again, for at most `usd`, in this generation.

    A vendor that loses every answer would be paid without end: the answers lost to one call are counted, and the money
    that all lost answers of the generation may have cost is added up.
    """
    if not usd:
        return False
    policy = (await execute(session, _POLICY, {"project": lost.project_id})).scalar_one()
    if policy == UnknownPolicy.ASK:
        return True
    values = {"project": lost.project_id, "generation": generation_id, "key": lost.call_key}
    so_far = (await execute(session, _LOST, values)).one()
    if so_far.answers >= MOST_LOST:
        return True
    return bool(policy == UnknownPolicy.AUTO and max(usd, so_far.usd) > terms.ask_above_usd)


async def seconds_since_sent(session: AsyncSession, call: ProviderCall) -> float:
    """Seconds since the call's holder first sent it."""
    return float((await execute(session, _TRIED, {"key": call.call_key, "holder": call.holder})).scalar_one())


async def _turn(session: AsyncSession, request: PaidRequest, rate: Rate) -> tuple[datetime, float]:
    """The time of the next slot, and the seconds until then. The lock makes the next caller wait and see this slot."""
    await execute(
        session, text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"), {"key": f"rate {request.provider}"}
    )
    now: datetime = (await execute(session, text("SELECT clock_timestamp()"))).scalar_one()
    sent = await execute(session, _SENT, {"provider": request.provider, "since": now - WINDOW})
    turn = next_turn([(row.send_at, row.tokens) for row in sent], now, rate, request.most_tokens)
    return turn, (turn - now).total_seconds()


async def _reserve(
    session: AsyncSession,
    request: PaidRequest,
    attempt: int,
    send: bool,
    send_at: datetime | None = None,
    *,
    only_first: bool = False,
) -> ProviderCall | EngineError | None:
    """A fresh attempt; None if an attempt with this number exists; a refusal if the generation makes no calls now.

    With `only_first`, also None if any project of the owner has asked the same before.
    """
    call = ProviderCall(
        **request.columns,
        generation_id=request.generation_id,
        target_id=request.target_id,
        attempt=attempt,
        state=CallState.SUBMITTED if send else CallState.RESERVED,
        reserved_usd=request.most_usd,
        reserved_tokens=request.most_tokens,
        send_at=send_at,
    )
    values = call.model_dump(exclude={"created_at"}, exclude_none=True) | request.sharing
    row = (await execute(session, _RESERVE_AND_SEND if send else _RESERVE, values)).first()
    if row is None:
        return None
    if only_first and row.asked_before:
        await execute(session, _TAKE_BACK, {"call": call.id})
        return None
    refusal: EngineError | None = None
    if row.status in FINAL_STATUSES:
        refusal = NotRequested(f"Generation {request.generation_id} is already {row.status}: no call is made for it.")
    elif row.owner_id != request.owner_id:
        # The answers that were looked for are the previous owner's. The next attempt reads the owner again.
        refusal = CallInFlight("The project was transferred while this call was prepared.", retry_after=1)
    elif row.paused_at is not None:
        refusal = Paused("The generation is paused.")
    if refusal is not None:
        await execute(session, _TAKE_BACK, {"call": call.id})
    return refusal or call


async def submit(session: AsyncSession, call: ProviderCall) -> bool:
    """Record that the call is sent and may be billed; commit before sending. False, not to be sent, if given up or
    paused.
    """
    return (await execute(session, _SUBMIT, {"call": call.id})).first() is not None


async def confirm(
    session: AsyncSession,
    call: ProviderCall,
    usage: Usage,
    *,
    answer: str | None = None,
    stop_reason: str = "stop",
    image_id: UUID | None = None,
    notes: str = "",
) -> None:
    """Confirm the call; its answer is stored in this transaction. A call given up as unknown may still be confirmed.

    `notes` are the mistakes that the check found in the answer.

    Like `fail` it changes the call only from the states that the caller expects; another attempt may have settled it.
    """
    values = {
        "call": call.id,
        "before": [CallState.SUBMITTED, CallState.UNKNOWN],
        "answer": answer,
        "stop_reason": stop_reason,
        "image_id": image_id,
        "notes": notes[:2000],
        "question": call.question,
        **_used(usage),
    }
    await execute(session, _CONFIRM, values)


async def fail(session: AsyncSession, call: ProviderCall, error: str, usage: Usage | None = None) -> None:
    """The provider refused, or gave an unusable answer, for which `usage` may be billed all the same."""
    values = {
        "call": call.id,
        "before": [CallState.RESERVED, CallState.SUBMITTED],
        "state": CallState.FAILED,
        **_explained(call, error),
    }
    await execute(session, _SETTLE, values | _used(usage) if usage is not None else values)


async def lose(session: AsyncSession, call: ProviderCall, error: str) -> None:
    """The call was sent, and its answer will not come: it may have been billed."""
    values = {"call": call.id, "before": [CallState.SUBMITTED], "state": CallState.UNKNOWN, **_explained(call, error)}
    await execute(session, _SETTLE, values)


def _explained(call: ProviderCall, error: str) -> dict[str, Any]:
    return {"error": error[:2000], "said": call.said, "question": call.question}


def _used(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.tokens.input,
        "output_tokens": usage.tokens.output,
        "cached_input_tokens": usage.tokens.cached_input,
        "cost_usd": usage.cost_usd,
        "duration_ms": usage.duration_ms,
    }
