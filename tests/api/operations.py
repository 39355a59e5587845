"""Every operation of the API, from its own description, and one of everything to try them on."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from PIL import Image as Picture

from engine.db.session import Database
from models.batches import BatchStatus
from models.layout import Layout, LayoutCell
from models.tables import (
    AccessToken,
    Attachment,
    Batch,
    ChapterVersion,
    Character,
    Comment,
    Delivery,
    Draft,
    Image,
    Invitation,
    Location,
    Page,
    Panel,
    ProjectInstruction,
    ProviderCall,
    Scene,
    Webhook,
)
from models.tables.projects import Role
from models.tables.story import PanelState
from tests.conftest import Ordered
from tests.support.api_document import DOCUMENT


@dataclass(frozen=True)
class Operation:
    """One of the API, with a body that is accepted as it stands: the example."""

    method: str
    path: str
    body: Any
    queries: tuple[str, ...]
    # A language, so far.
    required: tuple[str, ...] = ()
    # The statuses that its description has for an answer, and which of them mean success.
    documented: frozenset[int] = frozenset()
    takes_file: bool = False

    @property
    def succeeds(self) -> frozenset[int]:
        """Its documented statuses of success."""
        return frozenset(status for status in self.documented if 200 <= status < 300)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def ids(self) -> list[str]:
        """The ids in its path, the outermost first."""
        return [part[1:-1] for part in self.path.split("/") if part.endswith("_id}")]

    def at(self, ids: Mapping[str, UUID]) -> str:
        """Its path with these ids, and what it cannot do without."""
        named = "".join(f"?{name}=de" for name in self.required)
        return self.path.format(**ids, format="cbz", language="de") + named

    def content(self, ids: Mapping[str, UUID]) -> dict[str, Any]:
        """What is sent with it: the example, with the names and ids of what `belongings` made instead of its own."""
        if self.takes_file:
            return {
                "files": {"file": ("bible.json", b"{}") if self.path.endswith("/file") else ("art.png", png("green"))}
            }
        if not isinstance(self.body, dict):
            return {"json": self.body}
        body = self.body | {name: str(ids[name]) for name in self.body if name in ids}
        if self.path.endswith("/reorder"):
            # `/scenes/{scene_id}/panels/reorder` orders panels.
            body["ids"] = [str(ids[f"{self.path.split('/')[-2].removesuffix('s')}_id"])]
        if "layout" in body:
            cells = [cell | {"panel_id": str(ids["panel_id"])} for cell in body["layout"]["cells"]]
            body = {"layout": {"cells": cells}, "version": 1}
        if "panels" in body and self.path.endswith("/translations/{language}"):
            body["panels"] = [panel | {"panel_id": str(ids["panel_id"])} for panel in body["panels"]]
        if "mask" in body:
            body["mask"] = str(ids["spare_id"])
        if "mentions" in body:
            body["mentions"] = []
        if self.method == "post" and "name" in body:
            body["name"] = "Another"
        return {"json": body}


# Of the pictures in `belongings`: one that a draft shows, and one that nothing uses.
COLOURS = ("red", "blue")


def png(colour: str) -> bytes:
    """A picture as bytes."""
    data = io.BytesIO()
    Picture.new("RGB", (64, 64), colour).save(data, "PNG")
    return data.getvalue()


def operations() -> Iterator[Operation]:
    """All of them."""
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            queries = tuple(
                one["name"]
                for one in described.get("parameters", ())
                if one["in"] == "query" and "'format': 'uuid'" in str(one["schema"])
            )
            required = tuple(
                one["name"]
                for one in described.get("parameters", ())
                if one["in"] == "query" and one.get("required", False)
            )
            yield Operation(
                method,
                path,
                _example(described),
                queries,
                required,
                frozenset(int(status) for status in described["responses"]),
                "multipart/form-data" in described.get("requestBody", {}).get("content", {}),
            )


def _example(described: Mapping[str, Any]) -> Any:
    schema = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][named]["examples"][0] if named else None


async def belongings(database: Database, ordered: Ordered) -> dict[str, UUID]:
    """One of everything in a project, by the name of the parameter that it would be."""
    project_id = ordered.run.project_id
    async with database.session() as session:
        scene = Scene(project_id=project_id, chapter_id=ordered.run.chapter_id, position=0)
        image, spare = (
            Image(
                project_id=project_id,
                sha256=hashlib.sha256(png(colour)).hexdigest(),
                key=f"images/{colour}.png",
                media_type="image/png",
                width=64,
                height=64,
                bytes=len(png(colour)),
            )
            for colour in COLOURS
        )
        character = Character(project_id=project_id, name="Mara", name_key="mara")
        location = Location(project_id=project_id, name="the quay", name_key="the quay")
        instruction = ProjectInstruction(project_id=project_id, position=0, body="Quiet.")
        invitation = Invitation(
            project_id=project_id,
            email="x@example.org",
            role=Role.VIEWER,
            token_hash=uuid4().hex,
            expires_at=datetime.now(UTC),
        )
        session.add_all([scene, image, spare, character, location, instruction, invitation])
        await session.flush()
        line = {"kind": "speech", "speaker": "Mara", "text": "Take the small one."}
        panel = Panel(
            project_id=project_id,
            scene_id=scene.id,
            position=0,
            state=PanelState.WRITTEN,
            dialogue=[line],
            caption="Late.",
            prompt="a lamp",
        )
        token = AccessToken(user_id=ordered.owner_id, name="Theirs", token_hash=uuid4().hex)
        webhook = Webhook(project_id=project_id, url="https://example.org/hook")
        version = ChapterVersion(
            project_id=project_id, chapter_id=ordered.run.chapter_id, number=1, reason="kept", sha256="0" * 64
        )
        await session.flush()
        cell = LayoutCell(panel_id=str(panel.id), x=84, y=84, width=1820, height=2800)
        layout = Layout(number=1, width=1988, height=3075, cells=[cell])
        page = Page(project_id=project_id, chapter_id=ordered.run.chapter_id, number=1, layout=layout)
        session.add_all([panel, token, webhook, version, page])
        await session.flush()
        draft = Draft(
            project_id=project_id,
            panel_id=panel.id,
            ordinal=1,
            image_id=image.id,
            provider="offline",
            prompt="",
            seed=1,
            made_from="",
        )
        delivery = Delivery(
            project_id=project_id,
            webhook_id=webhook.id,
            seq=1,
            type="generation.completed",
            # Nobody is to send it.
            started_at=datetime.now(UTC),
        )
        comment = Comment(project_id=project_id, panel_id=panel.id, author_id=ordered.owner_id, body="Theirs.")
        attachment = Attachment(project_id=project_id, image_id=image.id, panel_id=panel.id)
        call = ProviderCall(
            project_id=project_id,
            generation_id=ordered.run.generation_id,
            call_key=uuid4().hex,
            attempt=1,
            kind="llm",
            provider="offline",
            purpose="Dialogue",
            holder="",
        )
        # It has ended: no sweeper is to go on with it.
        batch = Batch(owner_id=ordered.owner_id, name="Theirs", status=BatchStatus.COMPLETED, at_a_time=1)
        session.add_all([draft, delivery, comment, attachment, call, batch])
    return {
        "project_id": project_id,
        "chapter_id": ordered.run.chapter_id,
        "scene_id": scene.id,
        "panel_id": panel.id,
        "page_id": page.id,
        "draft_id": draft.id,
        "image_id": image.id,
        "spare_id": spare.id,
        "character_id": character.id,
        "location_id": location.id,
        "instruction_id": instruction.id,
        "invitation_id": invitation.id,
        "user_id": ordered.owner_id,
        "generation_id": ordered.run.generation_id,
        "batch_id": batch.id,
        "call_id": call.id,
        "token_id": token.id,
        "webhook_id": webhook.id,
        "delivery_id": delivery.id,
        "comment_id": comment.id,
        "attachment_id": attachment.id,
        "version_id": version.id,
    }
