"""An order over HTTP is one trace, from the request to what a vendor is asked; read as a collector would read it."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from httpx2 import AsyncClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr

from activities import tracing
from engine.db.session import Database
from engine.images.openai import OpenAIArtist
from engine.llm.openai import OpenAIWriter
from engine.logs import context_of
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from inkloom.worker import Parts, build_workers, connect
from tests.api.conftest import ended, new_chapter, serving
from tests.fakes.openai import OpenAI
from tests.fakes.questions import Question, Remembering
from tests.fakes.server import Answer, Asked, Server

pytestmark = pytest.mark.integration

KEY = "sk-not-for-traces"


class Collector(Server):
    """An OTLP receiver that keeps what it is sent."""

    async def respond(self, asked: Asked) -> Answer:
        assert asked.path == "/v1/traces"
        return Answer(b"", headers={"content-type": "application/x-protobuf"})

    @property
    def spans(self) -> Iterator[Span]:
        for asked in self.asked:
            for resource in ExportTraceServiceRequest.FromString(asked.body).resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans


@asynccontextmanager
async def collected() -> AsyncIterator[Collector]:
    """Traces are wanted while the block lasts; after it, all have come."""
    async with Collector() as collector:
        tracing.start(collector.url, "inkloom-test")
        try:
            yield collector
        finally:
            await asyncio.to_thread(tracing.stop)


def line_of(span: Span, spans: dict[bytes, Span]) -> list[str]:
    """The names of a span and of all above it."""
    names = []
    above: Span | None = span
    while above is not None:
        names.append(above.name)
        above = spans.get(above.parent_span_id)
    return names


@pytest.mark.workflow
async def test_an_order_is_one_trace(api_settings: Settings, api: AsyncClient, database: Database) -> None:
    """From the request through workflow, scenes, panels and activities to each call at the vendor, without a gap."""

    async def answer(question: Question) -> str:
        return await writer.answer(question)

    async with OpenAI(answer) as vendor, collected() as collector:
        writer = Remembering(OpenAIWriter(KEY, vendor.base_url, 30))
        artist = OpenAIArtist(KEY, vendor.base_url, 30)
        settings = api_settings.model_copy(update={"openai_api_key": SecretStr(KEY)})
        client = await connect(settings.temporal_address or "", settings.temporal_namespace)
        storage = FolderStorage(settings.data / "pictures")
        async with serving(settings, api) as traced:
            _, chapter_id = await new_chapter(traced)
            parts = Parts(database, storage, {"openai": writer}, {"openai": artist})
            async with contextlib.AsyncExitStack() as stack:
                for worker in build_workers(client, parts):
                    await stack.enter_async_context(worker)
                options = {"llm": "openai", "images": "openai"}
                order = {"kind": "chapter", "target_ids": [chapter_id], "options": options}
                ordered = await traced.post("/api/v1/generations?ticket=not-for-traces", json=order)
                assert (await ended(traced, ordered.json()["id"]))["status"] == "completed"
        await writer.close()
        await artist.close()
        paid = len(vendor.paid)

    (request,) = (span for span in collector.spans if span.name == "POST /api/v1/generations")
    spans = {span.span_id: span for span in collector.spans if span.trace_id == request.trace_id}
    calls = [span for span in spans.values() if span.name in ("llm openai", "image openai")]
    assert len(calls) == paid > 5
    for call in calls:
        names = line_of(call, spans)
        assert names[1].startswith("RunActivity:")
        # Not every call is made for the chapter itself, but all are below it.
        assert all(name.startswith(("StartActivity:", "StartChildWorkflow:")) for name in names[2:-2])
        assert names[-2:] == ["StartWorkflow:ChapterWorkflow", "POST /api/v1/generations"]
        attributes = {one.key: one.value.string_value for one in call.attributes}
        assert attributes["gen_ai.provider.name"] == "openai"
    drawn = [line_of(call, spans) for call in calls if call.name == "image openai"]
    assert any(
        {"StartChildWorkflow:SceneWorkflow", "StartChildWorkflow:PanelWorkflow"} <= set(names) for names in drawn
    )
    ran = {span.name for span in spans.values()}
    assert {"RunWorkflow:ChapterWorkflow", "RunWorkflow:SceneWorkflow", "RunWorkflow:PanelWorkflow"} <= ran
    context_of = b"".join(asked.body for asked in collector.asked)
    words = [word for word in ("Mara", "harbour", KEY, "not-for-traces") if word.encode() in context_of]
    assert words == []


async def test_what_fails_tells_its_kind_and_not_what_it_says() -> None:
    """An exception may quote what it could not handle."""
    async with collected() as collector:
        with pytest.raises(ValueError, match="Mara"), tracing.span("llm nobody", {}):
            raise ValueError("Mara lit a lamp")
    (span,) = collector.spans
    assert span.status.message == "ValueError"
    assert list(span.events) == []


async def test_lines_tell_the_trace(caplog: pytest.LogCaptureFixture) -> None:
    """So that one is found from the other."""
    async with collected() as collector:
        with tracing.span("llm nobody", {}):
            (told_then,) = [context_of(logging.makeLogRecord({}))]
    (span,) = collector.spans
    assert told_then["trace_id"] == span.trace_id.hex()


def test_unless_they_are_wanted_nothing_of_it_is_loaded() -> None:
    """Neither the API nor a worker pays memory for traces that nobody takes."""
    asks = (
        "import sys; from engine.settings import Settings; import api.serve, inkloom.serve;"
        "api.serve.create_app(Settings());"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
