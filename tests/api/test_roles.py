"""Every operation says which role it needs: who has less is refused, who has enough is not."""

from pathlib import Path
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import generations
from models.options import GenerationStatus
from models.tables import ProjectMember
from models.tables.projects import Role
from tests.api.operations import COLOURS, Operation, belongings, operations, png
from tests.api.together import Somebody, somebody
from tests.conftest import Order

pytestmark = pytest.mark.integration

OWNERS = {
    "delete /api/v1/projects/{project_id}",
    "patch /api/v1/projects/{project_id}/members/{user_id}",
    # Of others; everybody may go: see test_members.py.
    "delete /api/v1/projects/{project_id}/members/{user_id}",
    "post /api/v1/projects/{project_id}/transfer",
    "post /api/v1/projects/{project_id}/invitations",
    "get /api/v1/projects/{project_id}/invitations",
    "delete /api/v1/projects/{project_id}/invitations/{invitation_id}",
    "post /api/v1/projects/{project_id}/webhooks",
    "get /api/v1/projects/{project_id}/webhooks",
    "get /api/v1/webhooks/{webhook_id}",
    # What was sent to a provider, and what came back.
    "get /api/v1/generations/{generation_id}/calls/{call_id}",
    "patch /api/v1/webhooks/{webhook_id}",
    "delete /api/v1/webhooks/{webhook_id}",
    "post /api/v1/webhooks/{webhook_id}/rotate",
    "get /api/v1/webhooks/{webhook_id}/deliveries",
    "post /api/v1/deliveries/{delivery_id}/redeliver",
    # Somebody else's words: see test_together.py.
    "delete /api/v1/comments/{comment_id}",
}


def needed(operation: Operation) -> Role:
    """What is not read needs an editor, unless it is said here."""
    if operation.name in OWNERS:
        return Role.OWNER
    # A copy is somebody's own.
    if operation.method == "get" or operation.path.endswith("/copy"):
        return Role.VIEWER
    return Role.COMMENTER if "comment" in operation.path else Role.EDITOR


# What is done to a generation that is still open.
RUNNING = {
    "post /api/v1/generations/{generation_id}/cancel",
    "post /api/v1/generations/{generation_id}/pause",
    "post /api/v1/generations/{generation_id}/budget",
}

# What is done to a picture that nothing uses yet.
UNUSED = {
    "delete /api/v1/images/{image_id}",
    "post /api/v1/panels/{panel_id}/images",
}

# What even the role that may do it is refused on what `belongings` makes: the documented status, and why.
REFUSED = {
    "get /api/v1/chapters/{chapter_id}/exports/{format}": (404, "no file is built; see test_exports.py"),
    "get /api/v1/projects/{project_id}/exports/{format}": (404, "no file is built; see test_exports.py"),
    "get /api/v1/chapters/{chapter_id}/exports/{format}/link": (404, "no file is built; see test_storage_s3.py"),
    "get /api/v1/projects/{project_id}/exports/{format}/link": (404, "no file is built; see test_storage_s3.py"),
    "post /api/v1/panels/{panel_id}/undo": (409, "the panel has shown one draft only; see test_redraws.py"),
    "post /api/v1/characters/{character_id}/approve": (
        409,
        "no reference sheet is drawn; see test_cast_and_instructions.py",
    ),
    "post /api/v1/generations/{generation_id}/resume": (409, "nothing waits for a decision; see test_decisions.py"),
    "post /api/v1/chapters/{chapter_id}/approve": (409, "nothing waits for a review; see test_reviews.py"),
    "get /api/v1/images/{image_id}/link": (409, "a folder has no links; see test_storage_s3.py"),
    "post /api/v1/projects/{project_id}/transfer": (403, "of the owners, the one it belongs to; see test_members.py"),
}

# An account's own tokens and batches are in no project: see test_batches.py.
# Who may change a comment depends on whose it is, and on what: see test_together.py.
_OF_THEIR_OWN = "patch /api/v1/comments/{comment_id}"
IN_PROJECTS = {
    one.name: one
    for one in operations()
    if one.ids and one.ids[0] not in ("token_id", "batch_id") and one.name != _OF_THEIR_OWN
}


@pytest.fixture(scope="module")
async def people(api: AsyncClient) -> dict[Role, Somebody]:
    return {role: await somebody(api) for role in Role}


@pytest.fixture(scope="module")
async def bystander(api: AsyncClient) -> Somebody:
    """A member to whom things are done."""
    return await somebody(api)


@pytest.fixture(scope="module", autouse=True)
async def pictures(api_settings: Settings) -> None:
    """The bytes of the pictures that `belongings` has rows of."""
    storage = FolderStorage(Path(api_settings.storage or ""))
    for colour in COLOURS:
        await storage.put(f"images/{colour}.png", png(colour))


# Cancelling answers once Temporal has taken it.
TAKEN_BY_TEMPORAL = {"post /api/v1/generations/{generation_id}/cancel"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.workflow] if name in TAKEN_BY_TEMPORAL else []) for name in IN_PROJECTS],
)
async def test_an_operation_needs_its_role(
    api: AsyncClient,
    database: Database,
    order: Order,
    people: dict[Role, Somebody],
    bystander: Somebody,
    name: str,
) -> None:
    """403 for each role below it; the role itself gets what the API's description says of success."""
    operation, ordered = IN_PROJECTS[name], await order()
    ids = await belongings(database, ordered)
    if name in UNUSED:
        ids["image_id"] = ids["spare_id"]
    if "/members/" in name:
        ids["user_id"] = UUID(bystander.user_id)
    async with database.session() as session:
        for role, who in people.items():
            session.add(
                ProjectMember.model_validate({"project_id": ids["project_id"], "user_id": who.user_id, "role": role})
            )
        session.add(ProjectMember(project_id=ids["project_id"], user_id=UUID(bystander.user_id), role=Role.VIEWER))
        if name not in RUNNING:
            await generations.end(session, ids["project_id"], ids["generation_id"], GenerationStatus.FAILED)
    content = operation.content(ids)
    if name == "post /api/v1/projects/{project_id}/bible/file":
        file = await api.get(operation.at(ids), headers=people[Role.OWNER].headers)
        content = {"files": {"file": ("bible.zip", file.content)}}
    least = needed(operation)
    told = {}
    for role in reversed(Role):
        answer = await api.request(operation.method, operation.at(ids), **content, headers=people[role].headers)
        told[role] = answer.status_code
        if role.covers(least):
            break
    allowed = told.pop(least)
    assert set(told.values()) <= {403}
    if name in REFUSED:
        assert (allowed, allowed in operation.documented) == (REFUSED[name][0], True), answer.text
    else:
        assert allowed in operation.succeeds, answer.text
