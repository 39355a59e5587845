"""Workers of two builds side by side: what runs stays with its build, what is new goes to the new one."""

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Worker

from engine.db.session import Database
from engine.digest import digest
from engine.errors import BadInput, ProviderBusy
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.settings import Settings
from engine.storage import Storage
from engine.store import delays, reviews
from engine.store.rows import get
from inkloom import builds
from inkloom.all_workflows import ALL_WORKFLOWS
from inkloom.commands import deploy_command
from inkloom.sweeper import sweep
from inkloom.worker import Parts, build_workers, connect, sandbox
from models.batches import BatchStatus
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Generation
from tests.batched import shelf
from tests.conftest import Order, Ordered
from tests.support.later_build import PATCH, LaterChapter
from tests.support.outlasting import Outlasting
from tests.support.servers import connected
from tests.support.versioned_server import versioned_server
from tests.working import Painter, Writer, finished, reached
from workflows.chapter import ChapterWorkflow
from workflows.dispatch.queues import WORKFLOWS
from workflows.live_workers import LiveWorker, live_workers
from workflows.starting import start, start_batch, wake

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(240)]

# As a worker process has it, but for the heartbeats, which come as often as they can.
RUNTIME = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
STORY = 'Mara lit a lamp.\n\n"Take the small key," said Mara. "It opens the shed."\n\n***\n\nJoss ran along the quay.\n'

QUEUES = {"workflows", "io", "webhooks", "pages", "llm-offline", "images-offline"}

Rollout = Callable[..., contextlib.AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with versioned_server() as running:
        yield running


@pytest.fixture
async def server(address: str, request: pytest.FixtureRequest) -> Client:
    """A client in a namespace of the test's own: builds are known by namespace."""
    return await connected(address, f"builds-{digest(request.node.name)[:12]}")


@pytest.fixture
def rollout(server: Client, address: str, database: Database, storage: Storage) -> Rollout:
    """Workers of a build, for as long as the block lasts."""

    @asynccontextmanager
    async def run(
        build: str, writer: Writer, painter: Painter, chapter: type[ChapterWorkflow] = ChapterWorkflow
    ) -> AsyncIterator[None]:
        # A client may have one worker of each queue.
        client = await connect(address, server.namespace, RUNTIME)
        parts = Parts(database, storage, {"offline": writer}, {"offline": painter}, build=build)
        workers = build_workers(client, parts)[1:]
        kinds = [chapter if kind is ChapterWorkflow else kind for kind in [*ALL_WORKFLOWS, Outlasting]]
        flow = Worker(
            await connect(address, server.namespace, RUNTIME),
            task_queue=WORKFLOWS,
            workflows=kinds,
            workflow_runner=sandbox(build),
            deployment_config=builds.deployment(build),
        )
        async with contextlib.AsyncExitStack() as stack:
            for one in (flow, *workers):
                await stack.enter_async_context(one)
            yield

    return run


async def begin(server: Client, database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
    await start(database, server, generation)


async def build_of(server: Client, ordered: Ordered) -> str:
    """The build that has last worked on a chapter."""
    described = await server.get_workflow_handle(generation_workflow_id(ordered.run.generation_id)).describe()
    return described.raw_description.workflow_execution_info.versioning_info.deployment_version.build_id


def repeated(*crew: Writer | Painter) -> list[str]:
    """What was asked more than once, by all together."""
    asked = Counter(str(request) for one in crew for request in one.asked)
    return [request for request, times in asked.items() if times > 1]


async def test_a_chapter_at_work_stays_with_its_build_and_new_ones_go_to_the_new_one(
    server: Client, database: Database, order: Order, rollout: Rollout
) -> None:
    """Nothing fails, nothing is asked twice, and the old build is let go once its chapter has ended."""
    drawing, go_on, told = asyncio.Event(), asyncio.Event(), list[str]()

    async def held(_: ImageRequest) -> ImageResult | None:
        drawing.set()
        await go_on.wait()
        return None

    old, new = (Writer(), Painter(held)), (Writer(), Painter())
    first, second = await order(STORY), await order(STORY)
    async with rollout("1", *old):
        await builds.make_current(server, "1")
        await begin(server, database, first)
        await drawing.wait()
        async with rollout("2", *new):
            await builds.make_current(server, "2")
            retiring = asyncio.create_task(builds.retire(server, "1", told.append))
            await begin(server, database, second)
            assert (await finished(database, second)).status == GenerationStatus.COMPLETED
            assert await build_of(server, second) == "2"
            assert not retiring.done()
            go_on.set()
            assert (await finished(database, first)).status == GenerationStatus.COMPLETED
            await retiring
            assert await build_of(server, first) == "1"
    assert "runs need build 1" in told[0]
    assert not [line for line in told if "go on with" in line]
    assert len(old[1].asked) == len(new[1].asked) > 1
    assert repeated(*old) == repeated(*new) == []


async def test_a_chapter_in_review_goes_on_with_the_code_of_the_next_build(
    server: Client, database: Database, order: Order, rollout: Rollout
) -> None:
    """It holds up no deploy, and ends after its approval with no call repeated; a new chapter does what is new."""
    old, new = (Writer(), Painter()), (Writer(), Painter())
    reviewed, fresh = await order(STORY, review="outline"), await order(STORY, until="script")
    async with rollout("1", *old):
        await builds.make_current(server, "1")
        await begin(server, database, reviewed)
        await reached(database, reviewed, GenerationStatus.WAITING_REVIEW)
        async with rollout("2", *new, LaterChapter):
            await builds.make_current(server, "2")
            await builds.retire(server, "1", lambda line: None)
    async with rollout("2", *new, LaterChapter):
        async with database.session() as session:
            woken = await reviews.approve(session, reviewed.scope, reviewed.run.chapter_id)
        await wake(server, woken)
        assert (await finished(database, reviewed)).status == GenerationStatus.COMPLETED
        assert await build_of(server, reviewed) == "2"
        before = len(old[0].asked)
        assert before
        assert repeated(*old, *new) == []
        await begin(server, database, fresh)
        assert (await finished(database, fresh)).status == GenerationStatus.COMPLETED
    patched = [PATCH in (await history_of(server, one)) for one in (reviewed, fresh)]
    assert patched == [False, True]


async def test_a_batch_goes_on_over_a_rollout(server: Client, database: Database, rollout: Rollout) -> None:
    """The item at work ends with its build, the next ones start with the new one; nothing fails, or is asked twice."""
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def held(_: LLMRequest) -> LLMReply | None:
        writing.set()
        await go_on.wait()
        return None

    old, new = (Writer(held), Painter()), (Writer(), Painter())
    async with shelf(database) as mine:
        batch = await mine.batch(await mine.chapters(4), at_a_time=1)
        async with rollout("1", *old):
            await builds.make_current(server, "1")
            await start_batch(server, batch)
            await writing.wait()
            async with rollout("2", *new):
                await builds.make_current(server, "2")
                retiring = asyncio.create_task(builds.retire(server, "1", lambda line: None))
                go_on.set()
                assert (await mine.ended(batch)).status == BatchStatus.COMPLETED
                await retiring
        assert {item.attempt for item in await mine.items(batch)} == {1}
    assert old[0].asked
    assert new[0].asked
    assert repeated(*old, *new) == []


async def history_of(server: Client, ordered: Ordered) -> str:
    """As text. What a patch leaves behind is its name in a search attribute."""
    handle = server.get_workflow_handle(generation_workflow_id(ordered.run.generation_id))
    return str([event async for event in handle.fetch_history_events()])


async def test_runs_of_a_build_without_workers_are_moved_at_once(
    server: Client, database: Database, order: Order, rollout: Rollout
) -> None:
    """After a crash of all its workers, `--at-once` gives even what was at work to the current build."""
    trying = asyncio.Event()

    async def busy(_: LLMRequest) -> LLMReply | None:
        trying.set()
        raise ProviderBusy("later", retry_after=1.0)

    at_work, reviewed = await order("Mara laughed."), await order("Mara laughed.", review="outline", until="script")
    async with rollout("1", Writer(), Painter()):
        await builds.make_current(server, "1")
        await begin(server, database, reviewed)
        await reached(database, reviewed, GenerationStatus.WAITING_REVIEW)
    async with rollout("1", Writer(busy), Painter()):
        await begin(server, database, at_work)
        await trying.wait()
    async with rollout("2", Writer(), Painter()):
        await builds.make_current(server, "2")
        async with database.session() as session:
            woken = await reviews.approve(session, reviewed.scope, reviewed.run.chapter_id)
        await wake(server, woken)
        assert "No worker of build 1 runs" in await delayed(server, database, reviewed)
        await builds.retire(server, "1", lambda line: None, at_once=True)
        for ordered in (at_work, reviewed):
            assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED


async def delayed(server: Client, database: Database, ordered: Ordered) -> str:
    """What the sweeper says that a generation waits for, once it does."""
    async with asyncio.timeout(60):
        while True:
            await sweep(database, server, timedelta(0))
            async with database.session() as session:
                found = await delays.waiting_of(session, [ordered.run.generation_id])
            if found:
                return found[0].message
            await asyncio.sleep(0.3)


async def test_what_outlasts_a_build_goes_on_with_the_next_one(server: Client, rollout: Rollout) -> None:
    """Its next task, without being moved; and the old build does not wait for it."""
    async with rollout("1", Writer(), Painter()), rollout("2", Writer(), Painter()):
        await builds.make_current(server, "1")
        handle = await server.start_workflow("Outlasting", id="outlasting", task_queue=WORKFLOWS, result_type=int)
        assert await last_build(handle) == "1"
        await builds.make_current(server, "2")
        await builds.retire(server, "1", lambda line: None)
        await handle.signal("wake")
        await handle.signal("wake")
        assert await handle.result() == 2
        assert await last_build(handle) == "2"


async def last_build(handle: WorkflowHandle[Any, int]) -> str:
    """The build that did the last task of a workflow, once there is one."""
    async with asyncio.timeout(60):
        while True:
            done = [
                event.workflow_task_completed_event_attributes
                async for event in handle.fetch_history_events()
                if event.HasField("workflow_task_completed_event_attributes")
            ]
            if done:
                return done[-1].deployment_version.build_id
            await asyncio.sleep(0.1)


async def test_it_runs_on_workers_without_a_build_too(client: Client) -> None:
    """Though the server refuses what it says of builds from them."""
    async with Worker(client, task_queue="outlasting", workflows=[Outlasting], workflow_runner=sandbox()):
        handle = await client.start_workflow("Outlasting", id="outlasting", task_queue="outlasting", result_type=int)
        await handle.signal("wake")
        await handle.signal("wake")
        assert await handle.result() == 2


async def test_live_workers_are_listed(server: Client, rollout: Rollout) -> None:
    """By process and build, with the queues that they serve; those that have stopped are not."""
    async with rollout("1", Writer(), Painter()):
        async with rollout("2", Writer(), Painter()):
            found = await alive(server, "1", "2")
            assert [worker.process for worker in found] == [os.getpid()] * 2
        await alive(server, "1")


async def alive(server: Client, *wanted: str) -> list[LiveWorker]:
    """The live workers, once they are those of the wanted builds, each with all its queues."""
    async with asyncio.timeout(60):
        while True:
            found = await live_workers(server)
            if sorted(worker.build for worker in found if {*worker.queues} >= QUEUES) == sorted(wanted):
                return found
            await asyncio.sleep(0.2)


async def test_what_would_leave_work_undone_is_refused(server: Client, rollout: Rollout) -> None:
    """A build without workers, the current build as the old one, and a worker that would get nothing."""
    with pytest.raises(BadInput, match="No worker of build 7"):
        await builds.make_current(server, "7", patience=0)
    async with rollout("1", Writer(), Painter()):
        await builds.make_current(server, "1")
        with pytest.raises(BadInput, match="is the current one"):
            await builds.retire(server, "1", lambda line: None)
        with pytest.raises(BadInput, match="this worker belongs to none"):
            await builds.require_fitting(server, "")
        await builds.require_fitting(server, "2")
        await builds.make_current(server, builds.NONE)
        await builds.require_fitting(server, "")
        assert [(one.build, one.runs) for one in await builds.listed(server)] == [("1", 0)]


async def test_deploy_makes_a_build_current_and_lists_them(
    server: Client, address: str, rollout: Rollout, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, as JSON; without a server of one's own it says why there are no builds."""
    given = Settings(temporal_address=address, temporal_namespace=server.namespace)
    async with rollout("1", Writer(), Painter()), rollout("2", Writer(), Painter()):
        for build, retired in (("1", None), ("2", "1")):
            assert await deploy_command(given, build=build, retire=retired, at_once=False, as_json=True) == 0
        listed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert listed["current"] == "2"
    states = {one["build"]: (one["state"], one["runs"]) for one in listed["builds"]}
    assert states["2"] == ("current", 0)
    assert states["1"] in (("draining", 0), ("drained", 0))
    with pytest.raises(builds.NoBuilds):
        await deploy_command(Settings(), build=None, retire=None, at_once=False, as_json=False)
    with pytest.raises(BadInput, match="--at-once goes with --retire"):
        await deploy_command(given, build=None, retire=None, at_once=True, as_json=False)


async def test_the_embedded_server_pins_nothing(client: Client) -> None:
    """A lone machine has one version of the code, whatever it ran before."""
    await builds.require_fitting(client, "")
    with pytest.raises(builds.NoBuilds, match="Unset INKLOOM_BUILD"):
        await builds.require_fitting(client, "1")
    with pytest.raises(builds.NoBuilds):
        await builds.make_current(client, "1")


def test_a_build_is_named_after_its_code() -> None:
    assert builds.build_of("") == ""
    assert builds.build_of("2026-11-30") == "2026-11-30"
    assert builds.build_of(builds.AUTO) == builds.build_of(builds.AUTO)
    assert len(builds.build_of(builds.AUTO)) == 12
