"""`admin providers`: which writers and artists there are, which of their models fail, and pauses."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engine.errors import BadInput
from engine.money import circuits
from engine.providers.registry import PROVIDERS, Kind, missing
from engine.settings import Settings
from inkloom.admin.printing import age, columns, print_answer
from inkloom.admin.reaching import database_of
from inkloom.arguments import ProviderKind

# What a kind of provider is called where its calls are recorded.
_RECORDED: dict[Kind, str] = {"llm": "llm", "images": "image"}


async def list_command(settings: Settings, *, as_json: bool) -> int:
    """`list`: every provider with its pause and its circuits."""
    async with database_of(settings) as database, database.session() as session:
        known = await circuits.listed(session)
    listed: list[dict[str, Any]] = []
    rows: list[tuple[object, ...]] = []
    for one in PROVIDERS:
        mine = [row for row in known if (row.kind, row.provider) == (_RECORDED[one.kind], one.id)]
        paused = next((row for row in mine if row.paused), None)
        failing = [row for row in mine if not row.paused]
        unset = missing(one, settings)
        listed.append(
            {
                "provider": one.id,
                "kind": one.kind,
                "missing_settings": unset,
                "paused_since": paused and paused.since,
                "paused_because": paused and paused.said,
                "circuits": [{**asdict(row), "open": row.open} for row in failing],
            }
        )
        state = "not configured" if unset else "ready"
        if paused:
            state = f"paused for {age(paused.since)}" + (f": {paused.said}" if paused.said else "")
        rows.append((one.id, one.kind, state, ", ".join(unset) and f"needs {', '.join(unset)}"))
        for row in failing:
            how = "one call at a time" if row.open else "all calls"
            rows.append(
                ("", "", f"{row.model or 'any model'}: {row.failures} failures in {age(row.since)}, {how}", row.said)
            )
    print_answer({"providers": listed}, as_json, columns(("provider", "kind", "state", ""), rows))
    return 0


async def pause_command(
    settings: Settings, provider: str, kind: ProviderKind | None, why: str, *, as_json: bool
) -> int:
    """`pause`: for all workers, until it is resumed."""
    kinds = _kinds(provider, kind)
    async with database_of(settings) as database, database.session() as session:
        new = [await circuits.pause(session, _RECORDED[one], provider, why) for one in kinds]
    note = "is paused: generations wait for it, or ask their fallback" if any(new) else "was paused already"
    answer = {"provider": provider, "kinds": kinds, "paused": True, "changed": any(new)}
    print_answer(answer, as_json, [f"{provider} {note}. `admin providers resume {provider}` ends that."])
    return 0


async def resume_command(settings: Settings, provider: str, kind: ProviderKind | None, *, as_json: bool) -> int:
    """`resume`: also for one that is not paused, but fails."""
    kinds = _kinds(provider, kind)
    async with database_of(settings) as database, database.session() as session:
        gone = sum([await circuits.resume(session, _RECORDED[one], provider) for one in kinds])
    answer = {"provider": provider, "kinds": kinds, "paused": False, "changed": gone > 0}
    print_answer(answer, as_json, [f"{provider} {'gets calls again' if gone else 'was neither paused nor failing'}."])
    return 0


def _kinds(provider: str, kind: ProviderKind | None) -> Sequence[Kind]:
    """What a provider is: writer, artist or both. Raises `BadInput` for one that there is not."""
    found = [one.kind for one in PROVIDERS if one.id == provider]
    if not found:
        names = ", ".join(sorted({one.id for one in PROVIDERS}))
        raise BadInput(f"There is no provider {provider!r}. Choose one of: {names}.")
    if kind is None:
        return found
    if kind.value not in found:
        raise BadInput(f"--kind {kind.value}: {provider} is none.")
    return [kind.value]
