"""Converts lettering to the layer that is stored with a page, and back to shapes."""

from engine.pages.balloons import Balloon, Rect, rooted
from engine.pages.lettering import Lettering
from engine.pages.wrapping import emphasised, measured, with_signs
from models.lettering import Area, Lettered, PanelLettering, Set, Spot, Tail
from models.story import LineKind, PanelData


def layer_of(lettering: Lettering, panel: PanelData, panel_id: str) -> PanelLettering:
    """A panel's lettering as data; `panel` is where its words come from."""
    texts = []
    for order, balloon in enumerate(lettering.balloons):
        line = panel.dialogue[balloon.line] if balloon.line >= 0 else None
        texts.append(
            Lettered(
                order=order,
                line=balloon.line,
                kind=Set(balloon.kind) if balloon.kind else Set.CAPTION,
                speaker=line.speaker if line else "",
                text=line.text if line else panel.caption,
                lines=[with_signs(line) for line in balloon.block.lines],
                size=balloon.block.size,
                vertical=balloon.block.vertical,
                language=balloon.block.language,
                body=_area(balloon.rect),
                text_box=_area(_text_box(balloon)),
                roundness=balloon.roundness,
                from_right=balloon.from_right,
                tail=_tail(balloon),
                joined=balloon.joined,
                manual=balloon.manual,
            )
        )
    return PanelLettering(
        panel_id=panel_id, texts=texts, unplaced=list(lettering.unplaced), problems=list(lettering.problems)
    )


def set_in(text: Lettered, balloon: Balloon) -> Lettered:
    """The same text in another shape."""
    shape = {
        "lines": [with_signs(line) for line in balloon.block.lines],
        "size": balloon.block.size,
        "body": _area(balloon.rect),
        "text_box": _area(_text_box(balloon)),
        "tail": _tail(balloon),
        "manual": balloon.manual,
    }
    return text.model_copy(update=shape)


def balloons_of(layer: PanelLettering) -> tuple[Balloon, ...]:
    """The shapes of a layer, ready to draw."""
    return tuple(_balloon(text) for text in layer.texts)


def _balloon(text: Lettered) -> Balloon:
    body, lines = text.body, [emphasised(line) for line in text.lines]
    return Balloon(
        kind=None if text.kind is Set.CAPTION else LineKind(text.kind),
        rect=Rect(body.x, body.y, body.width, body.height),
        block=measured(lines, text.size, text.language, vertical=text.vertical),
        roundness=text.roundness,
        tail=(text.tail.tip.x, text.tail.tip.y) if text.tail else None,
        from_right=text.from_right,
        line=text.line,
        bend=text.tail.bend if text.tail else 1.0,
        joined=text.joined,
        manual=text.manual,
    )


def _text_box(balloon: Balloon) -> Rect:
    rows = balloon.text_rects()
    left, top = min(row.x for row in rows), min(row.y for row in rows)
    return Rect(left, top, max(row.right for row in rows) - left, max(row.bottom for row in rows) - top)


def _tail(balloon: Balloon) -> Tail | None:
    if balloon.tail is None:
        return None
    (start_x, start_y), (x, y) = rooted(balloon, balloon.tail), balloon.tail
    return Tail(start=Spot(x=start_x, y=start_y), tip=Spot(x=x, y=y), bend=balloon.bend)


def _area(rect: Rect) -> Area:
    return Area(x=rect.x, y=rect.y, width=rect.width, height=rect.height)
