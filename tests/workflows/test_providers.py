"""A chapter over the wire: real adapters, real workers, and fakes that count what a vendor would bill."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from sqlmodel import col, select
from temporalio.client import Client

from engine.db.session import Database
from engine.images import Artist
from engine.images.local import LocalArtist
from engine.images.openai import OpenAIArtist
from engine.llm import LLM
from engine.llm.anthropic import AnthropicWriter
from engine.llm.ollama import OllamaWriter
from engine.llm.openai import OpenAIWriter
from engine.storage.folder import FolderStorage
from inkloom.worker import Parts, build_workers
from models.options import GenerationStatus
from models.tables import ProviderCall
from models.tables.ledger import CallState
from tests.conftest import Order
from tests.fakes import anthropic, ollama, openai, stable_diffusion
from tests.fakes.questions import Answering, Question, Remembering
from tests.fakes.server import Answer, Server
from tests.working import STORY, Generate

pytestmark = pytest.mark.workflow

WRITERS: dict[str, tuple[Callable[[Answering], Server], Callable[[str], LLM]]] = {
    "openai": (openai.OpenAI, lambda url: OpenAIWriter("sk-1", f"{url}/v1", 30)),
    "anthropic": (anthropic.Anthropic, lambda url: AnthropicWriter("sk-2", url, 30)),
    "ollama": (ollama.Ollama, lambda url: OllamaWriter(url, 30)),
}
ARTISTS: dict[str, tuple[Callable[[], Server], Callable[[str], Artist]]] = {
    "openai": (openai.OpenAI, lambda url: OpenAIArtist("sk-1", f"{url}/v1", 30)),
    "local": (stable_diffusion.StableDiffusion, lambda url: LocalArtist(url, "", 30)),
}


@pytest.mark.slow
@pytest.mark.parametrize(("llm", "images"), list(itertools.product(WRITERS, ARTISTS)))
async def test_a_chapter_is_made_over_the_wire_and_paid_for_once(
    llm: str, images: str, client: Client, database: Database, storage: FolderStorage, order: Order, generate: Generate
) -> None:
    """Every call at the vendors is one in the ledger; limits are waited out and cost nothing."""
    ordered = await order(STORY, llm=llm, images=images)

    async def answer(question: Question) -> str:
        return await writer.answer(question)

    async with WRITERS[llm][0](answer) as writes, ARTISTS[images][0]() as draws:
        writer = Remembering(WRITERS[llm][1](writes.url))
        artist = ARTISTS[images][1](draws.url)
        # Busy once in a while: told apart from answers, and not billed.
        writes.next.extend([None, Answer({}, 429, {"retry-after": "0.2"}), None, Answer({}, 529)])
        draws.next.extend([Answer({}, 503), None, Answer({}, 500)])
        async with serving(client, Parts(database, storage, {llm: writer}, {images: artist})):
            generation = await generate(ordered)
        await writer.close()
        await artist.close()

    assert generation.status == GenerationStatus.COMPLETED
    async with database.session() as session:
        made = select(ProviderCall).where(col(ProviderCall.generation_id) == generation.id)
        calls = (await session.exec(made)).all()
    paid = {"llm": writes.paid, "image": draws.paid}
    for kind, asked in paid.items():
        of_kind = [call for call in calls if call.kind == kind]
        assert len(asked) == len(of_kind) > 2
        assert sum(call.state == CallState.FAILED for call in of_kind) == 2
        assert {call.state for call in of_kind} == {CallState.CONFIRMED, CallState.FAILED}
    assert sum(call.input_tokens for call in calls if call.kind == "llm") > 500


@contextlib.asynccontextmanager
async def serving(client: Client, parts: Parts) -> AsyncIterator[None]:
    """Workers on every queue of these parts, for as long as the block lasts."""
    async with contextlib.AsyncExitStack() as stack:
        for worker in build_workers(client, parts):
            await stack.enter_async_context(worker)
        yield
