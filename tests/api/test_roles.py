"""Every operation says which role it needs: who has less is refused, who has enough is not."""

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from models.tables import ProjectMember
from models.tables.projects import Role
from tests.api.operations import Operation, belongings, operations
from tests.api.together import Somebody, somebody
from tests.conftest import Order

pytestmark = pytest.mark.workflow

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


# An account's own tokens are in no project.
# Who may change a comment depends on whose it is, and on what: see test_together.py.
_OF_THEIR_OWN = "patch /api/v1/comments/{comment_id}"
IN_PROJECTS = {
    one.name: one for one in operations() if one.ids and one.ids != ["token_id"] and one.name != _OF_THEIR_OWN
}


@pytest.fixture(scope="module")
async def people(api: AsyncClient) -> dict[Role, Somebody]:
    return {role: await somebody(api) for role in Role}


@pytest.mark.parametrize("name", list(IN_PROJECTS))
async def test_an_operation_needs_its_role(
    api: AsyncClient, database: Database, order: Order, people: dict[Role, Somebody], name: str
) -> None:
    """403 for each role below it; the role itself gets any other answer, of an operation on what is there."""
    operation, ordered = IN_PROJECTS[name], await order()
    ids = await belongings(database, ordered)
    async with database.session() as session:
        for role, who in people.items():
            session.add(
                ProjectMember.model_validate({"project_id": ids["project_id"], "user_id": who.user_id, "role": role})
            )
    least = needed(operation)
    told = {}
    for role in reversed(Role):
        path = operation.at(ids)
        answer = await api.request(operation.method, path, json=operation.body, headers=people[role].headers)
        told[role] = answer.status_code
        if role.covers(least):
            break
    # Whom the project belongs to gives it away, and no other owner.
    allowed = told.pop(least) if "transfer" not in name else 204
    assert set(told.values()) <= {403}
    assert allowed not in (401, 403, 405, 500)
