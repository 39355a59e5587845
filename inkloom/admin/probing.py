"""`admin providers probe`: asks each provider for something free, to see whether it answers and accepts the key."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from engine import wiring
from engine.errors import BadInput, EngineError, ProviderError
from engine.providers.probing import Probed
from engine.providers.registry import PROVIDERS, missing
from engine.settings import Settings
from inkloom.admin.printing import columns, print_answer

# Seconds for an answer.
PATIENCE = 15.0


@dataclass(frozen=True)
class Answered:
    """How a provider answered."""

    provider: str
    ok: bool
    seconds: float
    said: str


async def probe_command(settings: Settings, provider: str | None, *, as_json: bool) -> int:
    """`probe`: 0 if all that were asked answer, 1 otherwise."""
    known = {one.id: one for one in PROVIDERS}
    if provider is not None and provider not in known:
        raise BadInput(f"There is no provider {provider!r}. Choose one of: {', '.join(sorted(known))}.")
    if provider is not None and (unset := missing(known[provider], settings)):
        raise BadInput(f"{provider} needs {' and '.join(unset)} to be set.")
    # A vendor's writer and its artist have one key and one address.
    adapters: Mapping[str, object] = {**wiring.artists(settings), **wiring.writers(settings)}
    asked = {name: one for name, one in sorted(adapters.items()) if provider in (None, name)}
    found = await asyncio.gather(*(_probe(name, one) for name, one in asked.items()))
    rows = [(one.provider, "answers" if one.ok else "fails", f"{one.seconds:.2f} s", one.said) for one in found]
    well = all(one.ok for one in found)
    answer = {"ok": well, "providers": [asdict(one) for one in found]}
    print_answer(answer, as_json, columns(("provider", "", "after", ""), rows))
    return 0 if well else 1


async def _probe(name: str, adapter: object) -> Answered:
    if not isinstance(adapter, Probed):
        return Answered(name, True, 0.0, "answers from the workers themselves")
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            await adapter.probe()
    except EngineError as error:
        detail = error.detail if isinstance(error, ProviderError) else ""
        return Answered(name, False, time.monotonic() - began, f"{error.message} {detail}".strip())
    except TimeoutError:
        return Answered(name, False, time.monotonic() - began, f"It did not answer within {PATIENCE:.0f} s.")
    finally:
        await adapter.close()
    return Answered(name, True, time.monotonic() - began, "It is there, and accepts the key.")
