"""How well the offline writer reads: quotes, speakers, people on stage and scene breaks against hand-made lists.

`storyboard/texts` are stories of several kinds that the rules were tried on, `storyboard/unseen` stories of another
hand that they were not tuned for. Everything was written for this bench. Run: `python -m bench.bench_storyboard`.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.offline.storyboard.dialogue import answer as write_dialogue
from engine.offline.storyboard.outline import answer as outline_chapter
from engine.offline.storyboard.panels import answer as describe_panels
from engine.offline.storyboard.summary import answer as summarise_scene
from engine.reading import is_heading, is_separator, paragraph_of, paragraphs, read_manuscript, windows
from engine.tasks.dialogue import task as dialogue
from engine.tasks.dialogue.task import squeezed
from engine.tasks.outline import task as outline
from engine.tasks.outline.windows import WINDOW_TOKENS
from engine.tasks.panels import task as panels
from engine.tasks.summary import task as summary
from models.story import Line

FOLDER = Path(__file__).parent / "storyboard"


@dataclass
class Board:
    """What the writer made of a text, with what the comparison needs."""

    lines: list[Line] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    # Per panel: the blocks of the text that it tells, and who is on stage.
    staged: list[tuple[set[int], set[str]]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    cast: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Score:
    """Hits of so many, by what is measured."""

    hits: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, hits: int, of: int) -> None:
        self.hits[what] += hits
        self.of[what] += of

    def shares(self) -> dict[str, float]:
        return {what: round(self.hits[what] / self.of[what], 3) for what in self.of if self.of[what]}

    def __add__(self, other: "Score") -> "Score":
        return Score(self.hits + other.hits, self.of + other.of)


def blocks_of(text: str, parts: Sequence[str]) -> list[int]:
    """For each of our paragraphs, the blank-line separated block of the manuscript that it lies in."""
    blocks = [squeezed(block) for block in re.split(r"\n\s*\n", text.strip())]
    found: list[int] = []
    at = 0
    for part in parts:
        wanted = squeezed(part.lstrip("# "))
        ahead = (at + step for step in range(len(blocks) - at))
        at = next((number for number in ahead if wanted and wanted in blocks[number]), at + bool(is_separator(part)))
        found.append(min(at, len(blocks) - 1))
    return found


def told(texts: Sequence[str], blocks: Sequence[int], first: int, last: int) -> Iterator[tuple[int, str]]:
    """A scene's sentences, each with its block."""
    for index in range(first, last + 1):
        if not is_separator(texts[index]) and not is_heading(texts[index]):
            yield from ((blocks[index], sentence) for sentence in paragraph_of(texts[index]))


def storyboard(text: str) -> Board:
    """The whole chapter through every task, as the workflows do it."""
    texts = paragraphs(text)
    blocks = blocks_of(text, texts)
    board = Board()
    scenes: list[outline.Scene] = []
    places: list[str] = []
    for window in windows(texts, WINDOW_TOKENS):
        out = outline_chapter(
            outline.In(
                first=window.start,
                paragraphs=texts[window.start : window.stop],
                known_characters=list(board.cast),
            )
        )
        scenes += out.scenes
        places += out.places
        for who in out.characters:
            board.cast.setdefault(who.name, set()).update(who.aliases)
    for scene in scenes:
        pairs = list(told(texts, blocks, scene.first, scene.last))
        if pairs:
            _scene(board, scene, pairs, places)
    return board


def _scene(board: Board, scene: outline.Scene, pairs: Sequence[tuple[int, str]], places: list[str]) -> None:
    said = [sentence for _, sentence in pairs]
    cast, aliases = list(board.cast), {name: sorted(also) for name, also in board.cast.items() if also}
    board.starts.append(pairs[0][0])
    about = summarise_scene(
        summary.In(sentences=said, known_characters=cast, cast=cast, aliases=aliases, known_places=places)
    )
    made = describe_panels(
        panels.In(sentences=said, characters=about.characters, cast=cast, aliases=aliases, place=about.place)
    )
    for panel in made.panels:
        letters = write_dialogue(
            dialogue.In(
                description=panel.description,
                characters=panel.characters,
                cast=cast,
                aliases=aliases,
                before=said[: panel.first],
                sentences=said[panel.first : panel.last + 1],
                after=said[panel.last + 1 :],
            )
        )
        board.lines += letters.lines
        board.captions.append(letters.caption)
        board.staged.append(({block for block, _ in pairs[panel.first : panel.last + 1]}, set(panel.characters)))


def bare(name: str) -> str:
    """A name as it is compared: "the policeman" is "Policeman"."""
    return re.sub(r"^(?:the|my|our|his|her|their|der|die|das|le|la|l['’])\s*(?=\w)", "", name.casefold())


def score(text: str, truth: dict[str, Any], misses: list[str]) -> Score:
    """The comparison; `misses` collects what went wrong, for whoever works on the rules."""
    board, result = storyboard(text), Score()
    who = {bare(name): one["name"] for one in truth["characters"] for name in [one["name"], *one["also"]]}

    def known_as(name: str) -> str:
        called = [name, *sorted(board.cast.get(name, ()))]
        return next((who[bare(one)] for one in called if bare(one) in who), name)

    _quotes(board, truth, known_as, result, misses)
    everything = squeezed(text)
    invented = [line.text for line in board.lines if squeezed(line.text) not in everything]
    result.add("invented words", sum(len(line.split()) for line in invented), len(text.split()))
    there = {entry["paragraph"]: set(entry["characters"]) for entry in truth["on_stage"]}
    for blocks, on_stage in board.staged:
        wanted = set().union(*(there.get(block, set()) for block in blocks))
        found = {known_as(name) for name in on_stage}
        if wanted or found:
            # Precision and recall in one number, as for the scene breaks.
            result.add("on stage", 2 * len(wanted & found), len(wanted) + len(found))
            if wanted != found:
                misses.append(f"on stage in {sorted(blocks)}: {sorted(found)}, not {sorted(wanted)}")
    wanted_starts, starts = set(truth["scene_starts"][1:]), set(board.starts[1:])
    result.add("scene breaks", 2 * len(wanted_starts & starts), len(wanted_starts) + len(starts))
    if wanted_starts != starts:
        misses.append(f"scenes start at {sorted(starts)}, not {sorted(wanted_starts)}")
    return result


def _quotes(board: Board, truth: dict[str, Any], known_as: Any, result: Score, misses: list[str]) -> None:
    spoken = "".join(squeezed(line.text) for line in board.lines)
    owner = [number for number, line in enumerate(board.lines) for _ in squeezed(line.text)]
    at = 0
    for quote in truth["quotes"]:
        wanted = squeezed(quote["text"])
        found = spoken.find(wanted, at)
        # What somebody thinks is no quoted line where it stands without marks.
        result.add("thoughts without marks" if quote.get("unquoted") else "verbatim in order", int(found >= 0), 1)
        if found < 0:
            misses.append(f"not among the lines: {quote['text']}")
            continue
        at = found + len(wanted)
        line = board.lines[owner[found]]
        right = known_as(line.speaker) == quote["speaker"]
        result.add(f"speaker {quote['how']}", int(right), 1)
        result.add("manner", int(line.kind == quote["manner"]), 1)
        if not right:
            misses.append(f"{quote['how']}: {line.speaker or 'nobody'}, not {quote['speaker']}: {quote['text']}")
        if line.kind != quote["manner"]:
            misses.append(f"manner: {line.kind}, not {quote['manner']}: {quote['text']}")
    extra = len(spoken) - sum(len(squeezed(quote["text"])) for quote in truth["quotes"])
    if extra:
        misses.append(f"{extra} letters more or fewer in the lines than in the quotes")


def main() -> None:
    for folder in ("texts", "unseen"):
        total = Score()
        for path in sorted((FOLDER / folder).glob("*.txt")):
            misses: list[str] = []
            text = read_manuscript(path.read_bytes(), path.name)
            truth = json.loads(path.with_suffix(".json").read_text())
            one = score(text, truth, misses)
            total = total + one
            print(json.dumps({"text": f"{folder}/{path.stem}", "kind": truth["kind"], **one.shares()}), flush=True)
            if "--misses" in sys.argv:
                print("\n".join(f"    {miss}" for miss in misses))
        print(json.dumps({"all": folder, **total.shares()}), flush=True)


if __name__ == "__main__":
    main()
