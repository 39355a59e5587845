"""Finds pictures and files in storage that no row refers to: what was stored before its row could be.

It deletes only files that were never whole. For the rest it records removals, which are carried out when nothing is
generated in their project, and which look once more whether a row has come to refer to a key.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from engine.db.session import Database
from engine.storage import Storage, Stored
from engine.storage.keys import PROJECTS
from engine.store import removals, unreferenced
from models.sweeps import SweepKind, Swept

# Younger objects may belong to an activity that has yet to store its row.
GRACE = timedelta(days=1)


async def find_orphans(
    database: Database, storage: Storage, older_than: timedelta = GRACE, *, dry_run: bool = False
) -> Swept:
    """One round over all of storage, page by page.

    What lies under a project that the database does not know is counted and left: the database may be an older one.
    """
    found = Counter(objects=0, orphans=0, of_unknown_projects=0)
    before = datetime.now(UTC) - older_than
    found["unfinished_files"] = await storage.drop_unfinished(before, dry_run=dry_run)
    handled = 0 if dry_run else found["unfinished_files"]
    async for page in storage.listed(PROJECTS):
        found["objects"] += len(page)
        by_project = _by_project(page, before)
        async with database.session() as session:
            known = await unreferenced.existing(session, list(by_project))
            found["of_unknown_projects"] += sum(
                len(keys) for project_id, keys in by_project.items() if project_id not in known
            )
            orphans = await unreferenced.keys_without_rows(
                session, {project_id: keys for project_id, keys in by_project.items() if project_id in known}
            )
            found["orphans"] += sum(map(len, orphans.values()))
            for project_id, keys in {} if dry_run else orphans.items():
                await removals.schedule(session, project_id, timedelta(0), keys=keys)
                handled += len(keys)
    return Swept(kind=SweepKind.OBJECTS, dry_run=dry_run, found=dict(found), handled=handled)


def _by_project(page: Sequence[Stored], before: datetime) -> dict[UUID, list[str]]:
    """The keys of a page that are old enough, by their project."""
    found: dict[UUID, list[str]] = {}
    for key, at in page:
        parts = key.split("/")
        if at < before and len(parts) > 2:
            try:
                project_id = UUID(parts[1])
            except ValueError:
                continue
            found.setdefault(project_id, []).append(key)
    return found
