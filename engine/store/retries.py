"""A retry: a new generation of what an ended one did not finish."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict
from engine.store import generations, redraws
from models.options import FINAL_STATUSES, GenerationKind, GenerationStatus
from models.tables import Generation


async def retry(session: AsyncSession, last: Generation, requested_by: UUID | None) -> Generation:
    """Request what a generation has not finished once more: finished parts are kept and cost nothing.

    The caller starts its workflow after the commit. Raises `Conflict` if nothing is left to do.
    """
    if last.status not in FINAL_STATUSES:
        raise Conflict(f"The generation is {last.status}: there is nothing to retry yet.")
    if last.status == GenerationStatus.COMPLETED:
        raise Conflict(
            "Nothing in this generation failed. To make something again, change it and request a new "
            "generation with POST /api/v1/generations: unchanged parts are kept and cost nothing."
        )
    if last.chapter_id is None and last.kind != GenerationKind.EXPORT:
        raise Conflict("The chapter of this generation was deleted.")
    generation = await generations.request(
        session,
        project_id=last.project_id,
        chapter_id=last.chapter_id,
        kind=last.kind,
        options=last.options,
        target_ids=[UUID(target) for target in last.target_ids],
        retry_of=last.id,
        budget_usd=last.budget_usd,
        external_id=last.external_id,
        labels=last.labels,
        requested_by=requested_by,
    )
    await redraws.copy_failed(session, last, generation)
    return generation
