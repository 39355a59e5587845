"""The differences between two versions of a chapter: pure, from data to data.

Rows are matched by id first. A scene that was outlined again has another id: rows with the same content are matched
next, then, of the rest, those between the same neighbours. Only unmatched rows count as added or removed.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from models.version import Change, KeptChapter, KeptCharacter, KeptPanel, KeptScene

T = TypeVar("T", KeptScene, KeptPanel)

_CHAPTER = ("title", "summary", "threads", "text_sha256")
_CHARACTER = ("name", "aliases", "profile", "sheet")
_SCENE = ("title", "summary", "place", "time", "weather", "mood", "characters", "outfits")
_PANEL = ("shot", "description", "characters", "dialogue", "caption", "prompt", "negative")


def compare(before: KeptChapter, after: KeptChapter) -> list[Change]:
    """All differences: of the chapter, of its cast, then scene by scene and panel by panel."""
    changes = [Change(kind="changed", what="chapter", **difference) for difference in _fields(before, after, _CHAPTER)]
    changes += _cast(before.characters, after.characters)
    pairs = _matched(before.scenes, after.scenes, lambda scene: scene.title or tuple(map(_described, scene.panels)))
    found = _scenes(before, after, pairs) + _panels(before, after, pairs)
    return changes + sorted(found, key=lambda change: (change.scene or 0, change.panel or 0))


def _fields(before: BaseModel, after: BaseModel, names: Sequence[str]) -> list[dict[str, Any]]:
    was, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [{"field": name, "before": was[name], "after": now[name]} for name in names if was[name] != now[name]]


def _cast(before: Sequence[KeptCharacter], after: Sequence[KeptCharacter]) -> list[Change]:
    changes: list[Change] = []
    ids, names = {character.id: character for character in before}, {character.name: character for character in before}
    stayed: set[UUID] = set()
    for character in after:
        # By name, if a character was deleted and created again.
        was = ids.get(character.id) or names.get(character.name)
        if was is None:
            changes.append(Change(kind="added", what="character", name=character.name, after=character.profile))
            continue
        stayed.add(was.id)
        differences = _fields(was, character, _CHARACTER)
        changes += [
            Change(kind="changed", what="character", name=character.name, **difference) for difference in differences
        ]
    gone = [character for character in before if character.id not in stayed]
    return changes + [
        Change(kind="removed", what="character", name=character.name, before=character.profile) for character in gone
    ]


def _scenes(before: KeptChapter, after: KeptChapter, pairs: Mapping[int, int]) -> list[Change]:
    changes: list[Change] = []
    moved = _out_of_order(pairs)
    for number, scene in enumerate(after.scenes):
        at: dict[str, Any] = {"what": "scene", "scene": number + 1, "scene_id": scene.id}
        if number not in pairs:
            changes.append(Change(kind="added", **at, after=_told_of(scene)))
            continue
        if number in moved:
            changes.append(Change(kind="moved", **at, before=_place(pairs[number]), after=_place(number)))
        differences = _fields(before.scenes[pairs[number]], scene, _SCENE)
        changes += [Change(kind="changed", **at, **difference) for difference in differences]
    for number, scene in enumerate(before.scenes):
        if number not in pairs.values():
            at = {"what": "scene", "scene": number + 1, "scene_id": scene.id}
            changes.append(Change(kind="removed", **at, before=_told_of(scene)))
    return changes


def _panels(before: KeptChapter, after: KeptChapter, scenes: Mapping[int, int]) -> list[Change]:
    """Differences of panels. Those of an added or removed scene are not listed one by one, unless they moved there or
    away.
    """
    was = {panel.id: (i, j) for i, scene in enumerate(before.scenes) for j, panel in enumerate(scene.panels)}
    now = {panel.id: i for i, scene in enumerate(after.scenes) for panel in scene.panels}
    elsewhere = {id for id in was.keys() & now.keys() if scenes.get(now[id]) != was[id][0]}
    changes: list[Change] = []
    for here, scene in enumerate(after.scenes):
        there = scenes.get(here)
        old = before.scenes[there].panels if there is not None else []
        pairs = _matched(old, scene.panels, _described, elsewhere)
        moved = _out_of_order(pairs)
        for number, panel in enumerate(scene.panels):
            at: dict[str, Any] = {
                "what": "panel",
                "scene": here + 1,
                "panel": number + 1,
                "scene_id": scene.id,
                "panel_id": panel.id,
            }
            if panel.id in elsewhere:
                origin = was[panel.id]
            elif there is not None and number in pairs:
                origin = (there, pairs[number])
            else:
                if there is not None:
                    changes.append(Change(kind="added", **at, after=panel.description))
                continue
            if panel.id in elsewhere or number in moved:
                changes.append(Change(kind="moved", **at, before=_place(*origin), after=_place(here, number)))
            differences = _differences(before.scenes[origin[0]].panels[origin[1]], panel)
            changes += [Change(kind="changed", **at, **difference) for difference in differences]
        for number, panel in enumerate(old):
            if there is not None and number not in pairs.values() and panel.id not in elsewhere:
                at = {"scene": there + 1, "panel": number + 1, "scene_id": before.scenes[there].id}
                gone = Change(kind="removed", what="panel", **at, panel_id=panel.id, before=panel.description)
                changes.append(gone)
    return changes


def _differences(was: KeptPanel, now: KeptPanel) -> list[dict[str, Any]]:
    differences = _fields(was, now, _PANEL)
    # Two drafts with the same pixels are the same picture.
    if (was.picture and was.picture.sha256) != (now.picture and now.picture.sha256):
        differences += _fields(was, now, ("picture",))
    return differences


def _described(panel: KeptPanel) -> Hashable:
    return panel.description


def _told_of(scene: KeptScene) -> dict[str, Any]:
    return {"title": scene.title, "summary": scene.summary, "panels": len(scene.panels)}


def _place(scene: int, panel: int | None = None) -> dict[str, int]:
    return {"scene": scene + 1} if panel is None else {"scene": scene + 1, "panel": panel + 1}


def _matched(
    before: Sequence[T], after: Sequence[T], alike: Callable[[T], Hashable], elsewhere: Collection[UUID] = ()
) -> dict[int, int]:
    """Match rows of `after` to rows of `before`, by index; those in `elsewhere` are matched in other scenes."""
    free = {index for index, row in enumerate(before) if row.id not in elsewhere}
    new = [index for index, row in enumerate(after) if row.id not in elsewhere]
    pairs: dict[int, int] = {}
    keys: list[Callable[[T], Hashable]] = [lambda row: row.id, alike]
    for key in keys:
        known: dict[Hashable, list[int]] = defaultdict(list)
        for index in sorted(free, reverse=True):
            known[key(before[index])].append(index)
        for index in new:
            if index not in pairs and known[key(after[index])]:
                pairs[index] = known[key(after[index])].pop()
                free.discard(pairs[index])
    # Match the remaining rows that follow the same neighbour.
    behind: dict[int, list[int]] = defaultdict(list)
    last, taken = -1, set(pairs.values())
    for index in range(len(before)):
        last = index if index in taken else last
        if index in free:
            behind[last].append(index)
    last = -1
    for index in new:
        if index in pairs:
            last = pairs[index]
        elif behind[last]:
            pairs[index] = behind[last].pop(0)
    return pairs


def _out_of_order(pairs: Mapping[int, int]) -> set[int]:
    """The smallest set of rows that must have been moved: all but the longest run that keeps its order."""
    ends: list[int] = []
    at_end: list[int] = []
    came: dict[int, int | None] = {}
    for index in sorted(pairs):
        place = bisect_left(ends, pairs[index])
        came[index] = at_end[place - 1] if place else None
        ends[place : place + 1] = [pairs[index]]
        at_end[place : place + 1] = [index]
    stayed: set[int] = set()
    at = at_end[-1] if at_end else None
    while at is not None:
        stayed.add(at)
        at = came[at]
    return set(pairs) - stayed
