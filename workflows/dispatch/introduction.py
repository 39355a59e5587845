"""How a generation's workflow introduces itself in Temporal: search attributes, a summary, and what was requested.

Titles come from outside: each is one line of bounded length without control characters, and in Markdown it stands where
Markdown is not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from temporalio.common import SearchAttributePair, TypedSearchAttributes

from engine.storable import fitting
from models.options import Choice, GenerationKind, GenerationOptions
from models.runs import GenerationStart
from workflows.dispatch.attributes import BATCH_ID, CHAPTER_ID, CHAPTER_TITLE, KIND, PROJECT_ID, PROJECT_TITLE, STATUS

# A keyword is a column of 255 characters in Temporal's SQL stores, and is copied to every child.
TITLE_BYTES = 120
# The server takes 400 bytes of summary, and 20,000 of details.
SUMMARY_BYTES = 380
DETAILS_BYTES = 8_000


@dataclass(frozen=True)
class Introduction:
    """What Temporal shows of a workflow."""

    attributes: TypedSearchAttributes
    summary: str
    details: str


def introduction(generation: GenerationStart) -> Introduction:
    """The introduction of a generation's workflow."""
    heading = generation.heading
    attributes = [
        SearchAttributePair(PROJECT_ID, str(generation.project_id)),
        SearchAttributePair(STATUS, generation.status),
        SearchAttributePair(KIND, generation.kind),
    ]
    if generation.chapter_id is not None:
        attributes.append(SearchAttributePair(CHAPTER_ID, str(generation.chapter_id)))
    if generation.batch_id is not None:
        attributes.append(SearchAttributePair(BATCH_ID, str(generation.batch_id)))
    titles = ((PROJECT_TITLE, heading.project), (CHAPTER_TITLE, heading.chapter))
    attributes += [SearchAttributePair(key, line) for key, title in titles if (line := _title(title))]
    return Introduction(TypedSearchAttributes(attributes), _summary(generation), _details(generation))


def batch_summary(name: str) -> str:
    """The summary of a batch's workflow."""
    return fitting(f"batch: {_title(name)}", SUMMARY_BYTES)


def _summary(generation: GenerationStart) -> str:
    heading = generation.heading
    titles = map(_title, (heading.project, heading.chapter))
    whole = " / ".join(title for title in titles if title)
    named, count = list(heading.targets.values()), len(generation.target_ids)
    part = "" if not named else named[0] if count == 1 else f"{count} {generation.kind}s"
    kind = generation.kind.replace("_", " ")
    return fitting(f"{kind}: {whole}" + (f", {part}" if part else ""), SUMMARY_BYTES)


def _details(generation: GenerationStart) -> str:
    heading, options, named = generation.heading, generation.options, list(generation.heading.targets.values())
    more = len(generation.target_ids) - len(named)
    facts = {
        "project": _code(heading.project),
        "chapter": _code(heading.chapter),
        "targets": ", ".join(named) + (f" and {more} more" if named and more > 0 else ""),
        **_made_by(generation.kind, options),
        "budget": f"{generation.budget_usd.normalize():f} USD" if generation.budget_usd is not None else "none",
        "priority": f"{options.priority} (1 interactive … 5 batch)",
        "requested by": _code(generation.requested_by),
        "retry of": _code(generation.retry_of),
        "item of batch": _code(generation.batch_id),
        "look at it": f"`GET /api/v1/generations/{generation.generation_id}` (state, costs), `…/events`, `…/calls`",
        "estimate": _estimate(generation),
    }
    lines = [f"- {name}: {value}" for name, value in facts.items() if value]
    # Whole lines only: half of one could leave what follows open.
    while len("\n".join(lines).encode()) > DETAILS_BYTES:
        lines.pop(2)
    return "\n".join(lines)


def _made_by(kind: GenerationKind, options: GenerationOptions) -> dict[str, str]:
    """Who writes and draws what, how often, and what is built of it."""
    files = ", ".join(options.export.wanted)
    if kind == GenerationKind.EXPORT:
        return {"files": files, "language": _code(options.edition)}
    tasks = "; ".join(f"{task} by {_choice(by)}" for task, by in options.llm_tasks.items())
    pages = kind == GenerationKind.CHAPTER and options.until == "pages"
    drawn = options.until == "pages"
    return {
        "writer": _choices(Choice(provider=options.llm, model=options.llm_model), options.llm_fallback)
        + (f"; {tasks}" if tasks else ""),
        "artist": _choices(options.artists()[0], options.image_fallback) if drawn else "",
        "drafts of a panel": str(options.drafts) if drawn and kind != GenerationKind.CHARACTER_SHEET else "",
        "until": options.until,
        "limits": ", ".join(
            f"{most} {what}" for most, what in ((options.max_panels, "panels"), (options.pages, "pages")) if most
        ),
        "reviews": options.review,
        "format": f"{options.format} {options.page_size}, {options.direction}" if pages else "",
        "files": files if pages else "",
        "translations": ", ".join(map(_code, options.translations)),
    }


def _estimate(generation: GenerationStart) -> str:
    if generation.kind != GenerationKind.CHAPTER:
        return ""
    return f"`POST /api/v1/generations/estimate` for chapter `{generation.chapter_id}`"


def _choice(by: Choice) -> str:
    return _code(f"{by.provider}/{by.model}" if by.model else by.provider)


def _choices(first: Choice, fallbacks: Sequence[Choice]) -> str:
    return ", else ".join(_choice(by) for by in (first, *fallbacks))


def _code(value: UUID | str | None) -> str:
    """A value in a code span, where Markdown has no other meaning; empty for nothing."""
    line = fitting(str(value or ""), TITLE_BYTES).replace("`", "'")
    return f"`{line}`" if line else ""


# What would be a picture, a link or an element where the UI reads Markdown in a line; and what ends a string in a query
# of search attributes, however it is escaped there.
_INERT = str.maketrans({"[": "(", "]": ")", "<": "‹", ">": "›", "`": "’", '"': "”", "'": "’", "\\": "/"})


def _title(text: str) -> str:
    """A title as a search attribute that a query can name, and as part of a summary."""
    # Translated before it is measured: these characters take more bytes.
    return fitting(text[:TITLE_BYTES].translate(_INERT), TITLE_BYTES)
