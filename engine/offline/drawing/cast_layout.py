"""Who stands where: the cast of a panel in front of the camera, whom they face, and how large they are.

The upper third stays calm, because that is where balloons go. Who speaks first stands where reading begins, so that
tails need not cross; where fewer than two speak, a draft may stage the scene the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.offline.drawing.camera import View
from engine.offline.drawing.creatures import ground_of, reach_of
from engine.offline.drawing.dice import Dice, dice_for
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.look import Look, look_of
from engine.offline.drawing.poses import REACHES, STANCES, Pose, Stance, drop_of, height_of, spread_of
from engine.offline.drawing.poses_from_text import expression_of, pose_of, regards_of, speakers_of, stance_of
from engine.offline.drawing.verbs import Deed, deeds_of
from models.story import Attributes, PanelData, Shot

_PER_ROW = 9
_CALM = 0.29
_CLOSE = (1.02, 1.02)
# How far up the ground a row stands behind another, in half heads: heads must rise over the heads before them.
_BEHIND = 3.1
_LARGE_BEAST = 4.5
# How much nearer a camera comes, at most, to small animals among themselves, and to people who sit or are small.
_NEARER, _LOWER = 2.3, 1.3


@dataclass(frozen=True)
class Actor:
    """One figure: who, how they look, where the head is, what they do. `near` is seen over the shoulder."""

    number: int
    profile: Attributes
    look: Look
    head: Head
    pose: Pose = Pose()  # noqa: RUF009  # frozen
    expression: Expression = Expression()  # noqa: RUF009  # frozen
    near: bool = False

    @property
    def stance(self) -> Stance:
        return STANCES[self.pose.stance]

    @property
    def drop(self) -> float:
        """From the middle of the head down to the ground, in half heads of a person."""
        creature = self.look.creature
        return ground_of(creature, self.pose.stance) if creature else drop_of(self.look, self.stance)

    @property
    def spread(self) -> tuple[float, float]:
        """How far the body reaches behind the head and in front of it, in half heads of a person."""
        creature = self.look.creature
        return reach_of(creature, self.pose.stance) if creature else spread_of(self.look, self.stance)

    @property
    def tall(self) -> float:
        """The same drop of somebody upright."""
        creature = self.look.creature
        return ground_of(creature, "stand") if creature else height_of(self.look)

    def near_size(self, half: float) -> float:
        """The size that shows this head as large as a person's of `half`: a near camera goes down to small ones."""
        creature = self.look.creature
        return 0.92 * half / creature.scale if creature else half


@dataclass(frozen=True)
class _Frame:
    """What staging works in: the panel, the canvas in pixels, the camera, and dice for small differences."""

    panel: PanelData
    width: int
    height: int
    view: View
    dice: Dice
    wordy: bool

    @property
    def size(self) -> float:
        return min(self.height, 1.25 * self.width)


def staged(panel: PanelData, width: int, height: int, view: View, seed: int) -> list[Actor]:
    """Everybody on stage, each exactly once, the far ones first."""
    if not panel.characters:
        return []
    wordy = sum(len(line.text) for line in panel.dialogue) > 140 or len(panel.dialogue) > 2
    frame = _Frame(panel, width, height, view, dice_for("staging", seed), wordy)
    deeds = deeds_of(panel)
    order = _order(panel, view, deeds)
    actors = [Actor(at, panel.characters[at], look_of(panel.characters[at]), Head(0, 0, 1)) for at in order]
    actors = _turned(frame, actors, deeds)
    actors = [_posed(frame, actor, seed, deeds) for actor in actors]
    if panel.shot is Shot.CLOSE_UP:
        placed = _close(frame, actors)
    elif panel.shot is Shot.OVER_THE_SHOULDER and len(actors) > 1:
        placed = _over_shoulder(frame, actors)
    else:
        placed = _rows(frame, actors)
    return sorted(placed, key=_depth)


def _depth(actor: Actor) -> tuple[bool, float, bool, bool, float]:
    """What is drawn first: the far before the near, in an embrace the tall before the small, who lies last.

    A horse stands behind people and a dog before them: either way round, one would hide the other.
    """
    embraces = actor.pose.stance == "embrace"
    size = -actor.tall if embraces or actor.look.creature else actor.head.size
    beast = 0 if not actor.look.creature else -1 if actor.tall > _LARGE_BEAST else 1
    return actor.near, beast, actor.stance.flat and not beast, embraces, size


def _order(panel: PanelData, view: View, deeds: Sequence[Deed]) -> list[int]:
    """Characters from left to right."""
    spoken = [speaker for speaker in speakers_of(panel) if speaker is not None]
    numbers = list(range(len(panel.characters)))
    order = sorted(numbers, key=lambda at: spoken.index(at) if at in spoken else len(spoken))
    turned_round = view.mirrored and len(set(spoken)) < 2
    if turned_round != (panel.direction == "rtl"):
        order.reverse()
    for deed in deeds:
        if deed.act == "embrace" and deed.to is not None and abs(order.index(deed.who) - order.index(deed.to)) > 1:
            after = order.index(deed.to) > order.index(deed.who)
            order.remove(deed.to)
            order.insert(order.index(deed.who) + after, deed.to)
    return order


def _turned(frame: _Frame, actors: list[Actor], deeds: Sequence[Deed]) -> list[Actor]:
    """Everybody faces whom they speak to or deal with, else the middle; somebody alone faces the wider side."""
    regards = regards_of(frame.panel, deeds)
    place = {actor.number: at for at, actor in enumerate(actors)}
    middle = (len(actors) - 1) / 2
    turned = []
    for at, actor in enumerate(actors):
        other = regards.get(actor.number)
        embraced = next((to for one, to in _pairs(deeds, place) if one == actor.number), None)
        other = embraced if embraced is not None else other
        if other is not None and other != actor.number:
            away = (place[other] - at) / max(len(actors) - 1, 1)
        elif len(actors) > 1:
            away = (middle - at) / middle if at != middle else frame.view.aside * 0.2
        else:
            away = -frame.view.aside * 0.5
        facing = (1 if away >= 0 else -1) * (0.32 + 0.36 * min(abs(away), 1.0))
        if stance_of(actor.number, deeds) == "turn away" and len(actors) > 1:
            facing = -facing
        turned.append(replace(actor, head=replace(actor.head, facing=facing)))
    return turned


def _pairs(deeds: Sequence[Deed], place: dict[int, int]) -> list[tuple[int, int]]:
    """Who holds whom, both ways round; only neighbours can."""
    pairs: list[tuple[int, int]] = []
    for deed in deeds:
        if deed.act == "embrace" and deed.to is not None and abs(place[deed.who] - place[deed.to]) == 1:
            pairs += [(deed.who, deed.to), (deed.to, deed.who)]
    return pairs


def _posed(frame: _Frame, actor: Actor, seed: int, deeds: Sequence[Deed]) -> Actor:
    """The actor with pose and expression, the head tipped as the stance asks."""
    pose = pose_of(frame.panel, actor.number, actor.head.facing, seed, deeds)
    sprawls = STANCES[pose.stance].lean < -20
    if frame.panel.shot in (Shot.CLOSE_UP, Shot.OVER_THE_SHOULDER) and pose.stance != "turn away":
        # Only heads and shoulders are seen: legs and seats would be drawn for nobody.
        pose = replace(pose, stance="stand")
    elif sprawls and len(frame.panel.characters) > 6:
        pose = replace(pose, stance="stand")
    side = 1 if actor.head.facing >= 0 else -1
    tilt = STANCES[pose.stance].tilt or frame.dice.uniform(-5, 5)
    head = replace(actor.head, turn=side * tilt)
    return replace(actor, head=head, pose=pose, expression=expression_of(frame.panel, actor.number, deeds))


def _rows(frame: _Frame, actors: list[Actor]) -> list[Actor]:
    """People side by side, in as many rows as a crowd needs, the back rows higher and smaller."""
    size, height, shot = frame.size, frame.height, frame.panel.shot
    unit, feet, room = {
        Shot.ESTABLISHING: (0.044 * size, 0.93 * height, 7.0),
        Shot.WIDE: (0.06 * size, 0.955 * height, 5.6),
    }.get(shot, (0.116 * size, 0.0, 4.6))
    rows = -(-len(actors) // _PER_ROW)
    if not feet and (rows > 1 or any(actor.stance.front or actor.look.creature for actor in actors)):
        # A body that acts is seen whole, even from a camera that is otherwise content with its upper half; so is a dog
        # beside people, who would be below the frame, and a crowd, whose rows must rise one behind the other.
        feet = 0.965 * height
    nearer = _NEARER if all(actor.look.creature for actor in actors) else _LOWER
    unit *= min(max(7.4 / max(actor.drop for actor in actors), 1.0), nearer)
    unit *= frame.view.scale * (0.92 if frame.wordy else 1.0)
    placed: list[Actor] = []
    for row in range(rows):
        part = actors[row * len(actors) // rows : (row + 1) * len(actors) // rows]
        placed += _row(frame, part, unit, feet, room, rows - 1 - row)
    return placed if feet else _grounded(placed, height)


def _row(frame: _Frame, actors: list[Actor], unit: float, feet: float, room: float, depth: int) -> list[Actor]:
    width, height, view = frame.width, frame.height, frame.view
    drops = [actor.drop for actor in actors]
    least = [_slot(actors, at, 1.55) for at in range(len(actors))]
    most = [_slot(actors, at, room / 2) for at in range(len(actors))]
    tight, loose = (sum(left + right for left, right in slots) for slots in (least, most))
    half = min(unit, 0.92 * width / tight)
    if feet:
        half = min(half, (feet - _CALM * height) / (max(drops) + 1.2 + 2.4 * depth))
    half *= 0.86**depth
    ease = min(max((0.84 * width / half - tight) / max(loose - tight, 0.01), 0.0), 1.0)
    slots = [(a + (c - a) * ease, b + (d - b) * ease) for (a, b), (c, d) in zip(least, most, strict=True)]
    span = half * sum(left + right for left, right in slots)
    # A row behind stands in the gaps of the one before it.
    gap = (depth % 2) * half * (slots[0][0] + slots[0][1]) / 4
    x = (width - span) / 2 + gap + view.aside * max(0.0, 0.92 * width - span) / 2 * 0.8
    # With two or more, one stands nearer to us: a different one in another draft.
    near = view.nearer % len(actors) if len(actors) in (2, 3, 4) and not depth else -1
    placed = []
    for at, (actor, drop, (left, right)) in enumerate(zip(actors, drops, slots, strict=True)):
        x += left * half
        own = half
        if near >= 0 and actor.pose.stance != "embrace":
            own *= 1 + view.step * 0.5 if at == near else 1 - view.step
        if feet:
            ground = feet - depth * _BEHIND * half + (0.03 * height if at == near else 0.0) * (feet < 0.96 * height)
            y = max(ground - drop * own, _CALM * height + 1.1 * own) if not depth else ground - drop * own
        else:
            y = 0.36 * height + 1.12 * own + (8.4 - actor.tall) * 0.34 * own - depth * 0.9 * own
            y = max(y, 0.2 * height)
        stray = 0.0 if actor.pose.stance == "embrace" else frame.dice.uniform(-0.14, 0.14) * half
        placed.append(replace(actor, head=replace(actor.head, x=x + stray, y=y, size=own)))
        x += right * half
    return placed


def _slot(actors: list[Actor], at: int, room: float) -> tuple[float, float]:
    """What one figure takes up left and right of its head, in half heights of it; an embrace knows no distance."""
    actor = actors[at]
    behind, front = actor.spread
    if actor.look.creature:
        # What stands next may hide a rump, but no head; at the edge there is nobody to hide it.
        ahead = actor.head.facing >= 0
        outer = at == 0 if ahead else at == len(actors) - 1
        behind = behind if outer else 0.5 * behind if room < 1.6 else behind + 0.3
        front = max(front, 1.0) if room < 1.6 else front + 0.8
        near = at + (1 if ahead else -1)
        front = 0.7 if 0 <= near < len(actors) and _hugs(actors[near]) else front
        return (behind, front) if ahead else (front, behind)
    left, right = (behind, front) if actor.head.facing >= 0 else (front, behind)
    # Somebody upright may stand as close as a crowd asks for.
    upright = actor.stance.front is None
    left, right = (room, room) if upright else (max(left, room), max(right, room))
    if _hugs(actor):
        left, right = (left, 1.0) if actor.head.facing >= 0 else (1.0, right)
    left = max(left, REACHES.get(actor.pose.left, 0.0))
    right = max(right, REACHES.get(actor.pose.right, 0.0))
    if actor.pose.stance == "embrace":
        near = at + (1 if actor.head.facing >= 0 else -1)
        if 0 <= near < len(actors) and actors[near].pose.stance == "embrace":
            left, right = (left, _CLOSE[0]) if near > at else (_CLOSE[1], right)
    return left, right


def _hugs(actor: Actor) -> bool:
    """Whether somebody has gone down to a small animal and holds it."""
    return actor.pose.stance == "kneel" and "reach" in (actor.pose.left, actor.pose.right)


def _grounded(actors: list[Actor], height: int) -> list[Actor]:
    """People framed by their heads: where feet come into view after all, everybody stands on one ground, in view."""
    soles = [actor.head.y + actor.tall * actor.head.size for actor in actors if not actor.look.creature]
    ground = max(*soles, 0.96 * height) if soles and min(soles) <= height else 0.0
    placed = []
    for actor in actors:
        y = ground - actor.tall * actor.head.size if ground else actor.head.y
        if actor.look.creature:
            # Too low for the ground of the people: a small animal is seen where its own feet would be.
            y = max(actor.head.y, 0.97 * height - actor.drop * actor.head.size)
            y = min(y, height - 1.2 * actor.look.creature.scale * actor.head.size)
        placed.append(replace(actor, head=replace(actor.head, y=y)))
    return placed


def _close(frame: _Frame, actors: list[Actor]) -> list[Actor]:
    """One face fills the frame, the first of the panel's characters; the others look on, small, from the other side."""
    width, height, dice = frame.width, frame.height, frame.dice
    half = frame.size * (0.195 if frame.wordy else 0.215) * min(max(frame.view.scale, 0.88), 1.12)
    lead = next(at for at, actor in enumerate(actors) if actor.number == 0)
    others = [actor for actor in actors if actor.number != 0]
    side = 1 if (lead > 0 if others else frame.view.aside > 0) else -1
    x = width * 0.5 + side * width * (0.13 if others else 0.06 + 0.1 * abs(frame.view.aside))
    y = max(0.36 * height + 1.1 * half, height - 1.9 * half)
    facing = -side * dice.choice((0.28, 0.45, 0.62))
    if actors[lead].pose.stance == "turn away" and others:
        facing = -facing
    head = replace(actors[lead].head, x=x, y=y, size=actors[lead].near_size(half), facing=facing)
    placed = [replace(actors[lead], head=head)]
    crowd = []
    small = min(0.48 * half, 0.36 * width / max(len(others), 1) / 2.2)
    for number, actor in enumerate(others):
        across = width / 2 - side * width * 0.3 + (number - (len(others) - 1) / 2) * 2.2 * small
        head = replace(actor.head, x=across, y=y - 0.25 * half, size=actor.near_size(small), facing=side * 0.6)
        crowd.append(replace(actor, head=head))
    return [*placed, *_grounded(crowd, height)]


def _over_shoulder(frame: _Frame, actors: list[Actor]) -> list[Actor]:
    """One stands near, back to us, at the edge; the others face them.

    On the right that is the rightmost of the group, on the left the leftmost: either way the order of reading is kept.
    """
    width, height, dice = frame.width, frame.height, frame.dice
    left = frame.view.nearer % 2 == 0
    if (actors[0] if left else actors[-1]).look.creature:
        # The back of an animal tells little; a person's, if there is one at the other edge, tells more.
        left = left == bool((actors[-1] if left else actors[0]).look.creature)
    near, others = (actors[0], actors[1:]) if left else (actors[-1], actors[:-1])
    scale = min(max(frame.view.scale, 0.88), 1.1)
    large = 0.2 * frame.size * scale
    # As far aside as the whole head stays in the picture.
    edge = min(dice.uniform(0.8, 0.87), 0.99 - 0.95 * large / width)
    at_edge = Head(width * (1 - edge if left else edge), 0.66 * height, large)
    half = min(0.125 * frame.size * scale, 0.52 * width / (len(others) * 2.6))
    placed = []
    for number, actor in enumerate(others):
        x = width * ((0.4 if left else 0.06) + 0.54 * (number + 0.5) / len(others))
        y = 0.37 * height + 1.12 * half + (8.4 - actor.tall) * 0.3 * half
        head = replace(actor.head, x=x, y=y, size=actor.near_size(half), facing=-0.55 if left else 0.55)
        placed.append(replace(actor, head=head))
    return [*_grounded(placed, height), replace(near, head=at_edge, near=True)]
