"""Whether lettering keeps its word: pages of panels with known heads, measured from geometry and from pixels.

Each seed is one page: format, size, direction, one to six panels with up to three marked heads, up to five lines of all
kinds and scripts, captions. Counted are texts outside of their balloon, balloons over a face, over each other, out of
the panel, in the wrong order, letters below the minimum, tails to the wrong speaker or across another's face. An
offence that the panel's `problems` tell of is counted apart. `unreadability` is the mean gradient of the art that
balloons cover, as PosterLayout measures it, beside what the same balloons would cover as a stack in one fixed corner,
the best of four.

Prints one JSON object. `python -m bench.bench_lettering [--pages N] [--first SEED]`; `--show SEED PNG` draws one page.
"""

import argparse
import json
import math
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

from bench.lettering_pages import ART, Sample, art, sample
from engine.pages import fonts
from engine.pages.balloons import Balloon, Point, Rect, outline, tail_shapes
from engine.pages.detail import detail_of
from engine.pages.formats import TextSize, text_size
from engine.pages.layout import Cell
from engine.pages.lettering import Head, Lettering, letter, safe_area
from engine.pages.painting import CAPTION_PAPER, INK, PAPER, paint, write
from models.story import Direction, LineKind

PAGES = 800
CORNERS = ("top left", "top right", "bottom left", "bottom right")


@dataclass
class Figures:
    """What was found: offences by name and seed, those that were reported, and sums of gradients."""

    panels: int = 0
    balloons: int = 0
    seconds: float = 0.0
    offences: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    reported: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    problems: Counter[str] = field(default_factory=Counter)
    covered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def letter_cell(one: Sample, cell: Cell, picture: Image.Image) -> Lettering:
    heads = [Head(name, rect) for name, rect in one.heads[cell.id]]
    size = text_size(one.layout.width)
    detail = detail_of(picture, cell.width, cell.height)
    room = safe_area(one.layout, cell)
    return letter(one.panels[cell.id], cell.width, cell.height, heads, one.direction, size, detail=detail, room=room)


def look(one: Sample, found: Figures) -> None:
    """Measures one page."""
    for cell in one.layout.cells:
        picture = art(one, cell)
        began = time.perf_counter()
        lettering = letter_cell(one, cell, picture)
        found.seconds += time.perf_counter() - began
        found.panels += 1
        found.balloons += len(lettering.balloons)
        for problem in lettering.problems:
            found.problems[re.sub(r"“.*”|: .*", "…", problem)] += 1
        told = bool(lettering.problems)
        for offence in {*_by_geometry(one, cell, lettering), *_by_pixels(one, cell, lettering)}:
            (found.reported if told else found.offences)[offence].append(one.seed)
        _gradients(cell, picture, lettering.balloons, one.direction, found)


def _by_geometry(one: Sample, cell: Cell, lettering: Lettering) -> Iterator[str]:
    size: TextSize = text_size(one.layout.width)
    heads = one.heads[cell.id]
    lines = one.panels[cell.id].dialogue
    for at, balloon in enumerate(lettering.balloons):
        if any(not balloon.holds(x, y) for line in balloon.text_rects() for x, y in _corners(line)):
            yield "text outside its balloon"
        body = outline(balloon)
        if any(_touches(body, head) for _, head in heads):
            yield "balloon over a face"
        if any(not (0 <= x <= cell.width and 0 <= y <= cell.height) for x, y in body):
            yield "out of the panel"
        if balloon.block.size < size.minimum:
            yield "below the minimum"
        room = safe_area(one.layout, cell)
        if not (room.x - 0.01 <= balloon.rect.x and balloon.rect.right <= room.right + 0.01):
            yield "out of the safe area"
        for later in lettering.balloons[at + 1 :]:
            if balloon.rect.overlap(later.rect) > 0:
                yield "balloons overlap"
            if _read_before(later.rect, balloon.rect, one.direction == "rtl"):
                yield "wrong order"
        if balloon.boxed:
            continue
        speaker = lines[balloon.line].speaker if balloon.kind is not LineKind.OFF else ""
        own = next((head for name, head in heads if name == speaker), None)
        if own is not None and not any(tail_shapes(other) for other in _group(balloon, lettering.balloons)):
            yield "no tail to a speaker in the picture"
        yield from _by_tail(balloon, own, [head for _, head in heads if head != own], lettering.balloons)


def _by_tail(balloon: Balloon, own: Rect | None, others: Sequence[Rect], balloons: Sequence[Balloon]) -> Iterator[str]:
    tails = tail_shapes(balloon)
    if balloon.tail is None:
        return
    if own is not None:
        if min([own, *others], key=lambda head: _distance(balloon.tail or (0, 0), head)) is not own:
            yield "tail to the wrong speaker"
    elif any(_distance(balloon.tail, head) < 0.3 * head.width for head in others):
        yield "tail to the wrong speaker"
    for shape in tails:
        if any(_in_ellipse(point, head) for head in others for point in _dense(shape)):
            yield "tail across a face"
        if any(other.holds(*point) for other in balloons if other is not balloon for point in _dense(shape)):
            yield "tail across a balloon"


def _group(balloon: Balloon, balloons: Sequence[Balloon]) -> list[Balloon]:
    """All that are joined to a balloon, itself included."""
    root: dict[int, int] = {}
    for number, each in enumerate(balloons):
        root[number] = number if each.joined is None else root[each.joined]
    return [each for number, each in enumerate(balloons) if root[number] == root[balloons.index(balloon)]]


def _by_pixels(one: Sample, cell: Cell, lettering: Lettering) -> Iterator[str]:
    """Draws on paper that is larger than the panel: what is drawn where tells the same, whatever the geometry says."""
    margin, grey = 40, (128, 128, 128)
    whole = (cell.width + 2 * margin, cell.height + 2 * margin)
    blank = Image.new("RGB", whole, grey)
    clip = Rect(-margin, -margin, *whole)
    bodies, together = blank.copy(), Image.new("L", whole)
    for balloon in lettering.balloons:
        alone = Image.new("L", whole)
        ImageDraw.Draw(alone).polygon([(x + margin, y + margin) for x, y in outline(balloon)], fill=255)
        if ImageChops.multiply(alone, together).getbbox():
            yield "balloons overlap (pixels)"
        together = ImageChops.lighter(alone, together)
    yield from _tangled(lettering.balloons, whole, margin)
    paint(bodies, lettering.balloons, (margin, margin), clip)
    for _, head in one.heads[cell.id]:
        face = (head.x + margin, head.y + margin, head.right + margin, head.bottom + margin)
        mask = Image.new("L", whole)
        ImageDraw.Draw(mask).ellipse(face, fill=255)
        if ImageChops.multiply(mask, together).getbbox():
            yield "balloon over a face (pixels)"
        drawn = ImageChops.difference(bodies, blank).convert("L").point(lambda value: 255 if value > 8 else 0)
        ImageDraw.Draw(mask).rectangle((0, 0, *whole), fill=0)
        inner = head.grown(-0.06 * head.width)
        ImageDraw.Draw(mask).ellipse(
            (inner.x + margin, inner.y + margin, inner.right + margin, inner.bottom + margin), fill=255
        )
        if ImageChops.multiply(mask, drawn).getbbox():
            yield "ink on a face (pixels)"
    texts = bodies.copy()
    in_balloons = [balloon for balloon in lettering.balloons if balloon.kind is not LineKind.SFX]
    write(texts, in_balloons, (margin, margin))
    written = ImageChops.difference(texts, bodies).convert("L").point(lambda value: 255 if value > 24 else 0)
    paper = Image.new("L", whole)
    for colour in (PAPER, CAPTION_PAPER):
        far = ImageChops.difference(bodies, Image.new("RGB", whole, colour)).convert("L")
        paper = ImageChops.lighter(paper, far.point(lambda value: 255 if value < 6 else 0))
    if ImageChops.subtract(written, paper).getbbox():
        yield "text outside its balloon (pixels)"
    within = blank.copy()
    # A voice from out of the picture ends at the panel's edge, which cuts it.
    uncut = [replace(each, tail=None) if _at_edge(each, cell) else each for each in lettering.balloons]
    paint(within, uncut, (margin, margin), clip)
    beyond = ImageChops.difference(within, blank).convert("L")
    # The line around a balloon may lie on the panel's border; more than that is out.
    edge = margin - 4
    ImageDraw.Draw(beyond).rectangle((edge, edge, whole[0] - edge, whole[1] - edge), fill=0)
    if beyond.point(lambda value: 255 if value > 8 else 0).getbbox():
        yield "out of the panel (pixels)"


def _tangled(balloons: Sequence[Balloon], whole: tuple[int, int], margin: int) -> Iterator[str]:
    """Tails that lie across each other; two that end at one mouth meet there."""
    drawn: list[tuple[Balloon, Image.Image]] = []
    for balloon in balloons:
        tail = Image.new("L", whole)
        for shape in tail_shapes(balloon):
            ImageDraw.Draw(tail).polygon([(x + margin, y + margin) for x, y in shape], fill=255)
        # The root of a tail lies inside of its body.
        body = [(x + margin, y + margin) for x, y in outline(balloon)]
        ImageDraw.Draw(tail).polygon(body, fill=0)
        for other, mask in drawn:
            if balloon.tail and other.tail and math.dist(balloon.tail, other.tail) < balloon.block.size:
                continue
            if ImageChops.multiply(tail, mask).getbbox():
                yield "tail across a tail (pixels)"
        drawn.append((balloon, tail))


def _at_edge(balloon: Balloon, cell: Cell) -> bool:
    if balloon.tail is None:
        return False
    x, y = balloon.tail
    return min(x, y, cell.width - x, cell.height - y) < 3


def _gradients(
    cell: Cell, picture: Image.Image, balloons: Sequence[Balloon], direction: Direction, found: Figures
) -> None:
    if not balloons:
        return
    detail = gradient(picture)
    found.covered["placed"].append(_mean(detail, [balloon.rect for balloon in balloons]))
    inset = 0.4 * balloons[0].block.size
    for corner in CORNERS:
        y, stacked = inset, list[Rect]()
        for balloon in balloons:
            width, height = balloon.rect.width, balloon.rect.height
            x = cell.width - inset - width if corner.endswith("right") else inset
            stacked.append(Rect(x, y, width, height))
            y += height + 0.22 * balloon.block.size
        drop = max(cell.height - inset - y, 0.0) if corner.startswith("bottom") else 0.0
        found.covered[corner].append(_mean(detail, [Rect(r.x, r.y + drop, r.width, r.height) for r in stacked]))


def gradient(picture: Image.Image) -> Image.Image:
    """How much the grey of a picture changes from pixel to pixel."""
    across = ImageChops.difference(picture, ImageChops.offset(picture, 1, 0))
    down = ImageChops.difference(picture, ImageChops.offset(picture, 0, 1))
    return ImageChops.add(across, down).filter(ImageFilter.BoxBlur(0))


def _mean(detail: Image.Image, rects: Sequence[Rect]) -> float:
    mask = Image.new("L", detail.size)
    pen = ImageDraw.Draw(mask)
    for rect in rects:
        pen.rectangle((rect.x / ART, rect.y / ART, rect.right / ART, rect.bottom / ART), fill=255)
    return float(ImageStat.Stat(detail, mask).mean[0]) if mask.getbbox() else 0.0


def _corners(rect: Rect) -> list[Point]:
    return [(rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom)]


def _touches(shape: Sequence[Point], rect: Rect) -> bool:
    return any(rect.x < x < rect.right and rect.y < y < rect.bottom for x, y in _dense(shape)) or _inside(
        rect.centre, shape
    )


def _inside(point: Point, shape: Sequence[Point]) -> bool:
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(shape, [*shape[1:], shape[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def _dense(shape: Sequence[Point]) -> list[Point]:
    """Points on the edge of a shape, close together."""
    return [
        (a[0] + (b[0] - a[0]) * step / 6, a[1] + (b[1] - a[1]) * step / 6)
        for a, b in zip(shape, [*shape[1:], shape[0]], strict=True)
        for step in range(6)
    ]


def _in_ellipse(point: Point, rect: Rect) -> bool:
    x, y = rect.centre
    return (2 * (point[0] - x) / rect.width) ** 2 + (2 * (point[1] - y) / rect.height) ** 2 < 1


def _distance(point: Point, rect: Rect) -> float:
    across = max(rect.x - point[0], point[0] - rect.right, 0.0)
    down = max(rect.y - point[1], point[1] - rect.bottom, 0.0)
    return float((across**2 + down**2) ** 0.5)


def _read_before(later: Rect, earlier: Rect, rtl: bool) -> bool:
    """Whether a reader meets `later` first: it is wholly above, or on the near side in the same row."""
    if later.bottom <= earlier.y:
        return True
    shared = min(later.bottom, earlier.bottom) - max(later.y, earlier.y)
    if shared < 0.5 * min(later.height, earlier.height):
        return False
    return later.centre[0] > earlier.centre[0] if rtl else later.centre[0] < earlier.centre[0]


def measure(seeds: Sequence[int]) -> Figures:
    found = Figures()
    for seed in seeds:
        look(sample(seed), found)
    return _plain(found)


def _plain(found: Figures) -> Figures:
    """Without the factories, which cannot travel between processes."""
    kept: Callable[[dict[str, list[int]]], dict[str, list[int]]] = dict
    found.offences, found.reported, found.covered = kept(found.offences), kept(found.reported), dict(found.covered)
    return found


def show(seed: int, path: str) -> None:
    """One page as a picture: art, heads framed in red, lettering."""
    one = sample(seed)
    page = Image.new("RGB", (one.layout.width, one.layout.height), "white")
    pen = ImageDraw.Draw(page)
    for cell in one.layout.cells:
        picture = art(one, cell)
        page.paste(picture.resize((cell.width, cell.height)).convert("RGB"), (cell.x, cell.y))
        lettering = letter_cell(one, cell, picture)
        whole = page.crop((cell.x, cell.y, cell.x + cell.width, cell.y + cell.height))
        paint(whole, lettering.balloons, (0, 0), Rect(0, 0, cell.width, cell.height))
        write(whole, lettering.balloons, (0, 0))
        page.paste(whole, (cell.x, cell.y))
        for name, head in one.heads[cell.id]:
            x, y = cell.x + head.x, cell.y + head.y
            pen.rectangle((x, y, x + head.width, y + head.height), outline=(220, 30, 30), width=3)
            fonts.draw(pen, x, y - 4, name, 26, (220, 30, 30))
        pen.rectangle((cell.x, cell.y, cell.x + cell.width - 1, cell.y + cell.height - 1), outline=INK, width=5)
        for problem in lettering.problems:
            print(f"panel {cell.id}: {problem}")
    page.save(path)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--pages", type=int, default=PAGES)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--show", nargs=2, metavar=("SEED", "PNG"))
    wanted = asked.parse_args()
    if wanted.show:
        show(int(wanted.show[0]), wanted.show[1])
        return
    seeds = range(wanted.first, wanted.first + wanted.pages)
    cores = os.cpu_count() or 1
    whole = Figures()
    with ProcessPoolExecutor(cores) as pool:
        for part in pool.map(measure, [seeds[start::cores] for start in range(cores)]):
            whole.panels += part.panels
            whole.balloons += part.balloons
            whole.seconds += part.seconds
            whole.problems += part.problems
            for mine, theirs in ((whole.offences, part.offences), (whole.reported, part.reported)):
                for name, offenders in theirs.items():
                    mine[name] += offenders
            for name, values in part.covered.items():
                whole.covered[name] += values
    means = {name: round(sum(values) / len(values), 2) for name, values in whole.covered.items()}
    print(
        json.dumps(
            {
                "pages": len(seeds),
                "panels": whole.panels,
                "balloons": whole.balloons,
                "letter_ms_per_panel": round(1000 * whole.seconds / max(whole.panels, 1), 1),
                "offences": {name: len(seeds) for name, seeds in sorted(whole.offences.items())},
                "reported": {name: len(seeds) for name, seeds in sorted(whole.reported.items())},
                "problems": dict(whole.problems),
                "unreadability": {
                    "placed": means.pop("placed"),
                    "best corner": min(means.values()),
                    "corners": means,
                },
                "seeds": {name: sorted(set(seeds))[:40] for name, seeds in sorted(whole.offences.items())},
                "seeds_reported": {name: sorted(set(seeds))[:40] for name, seeds in sorted(whole.reported.items())},
            }
        )
    )


if __name__ == "__main__":
    main()
