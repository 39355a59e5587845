"""Where the camera stands. The seed decides within what the shot allows, so that drafts differ at first sight."""

import math
from dataclasses import dataclass

from PIL import Image

from engine.offline.drawing.dice import dice_for
from models.story import Shot

# How much nearer than the whole place the camera sees its backdrop, and where the horizon lies from eye level.
_ZOOM = {
    Shot.ESTABLISHING: 1.05,
    Shot.WIDE: 1.1,
    Shot.MEDIUM: 1.3,
    Shot.OVER_THE_SHOULDER: 1.45,
    Shot.CLOSE_UP: 1.9,
    Shot.INSERT: 2.0,
}
_HORIZON = {Shot.ESTABLISHING: 0.49, Shot.WIDE: 0.55}
# Ways to set up a camera: horizon (lower in the picture = lower camera), zoom, tilt in degrees, size of the people.
_SETUPS = (
    (0.0, 1.0, 0.0, 1.0),
    (0.12, 1.05, 1.5, 1.12),
    (-0.13, 1.0, 0.0, 0.84),
    (0.03, 1.12, 5.0, 1.04),
    (0.05, 1.35, 2.0, 1.16),
    (-0.08, 1.2, 3.0, 0.92),
)


@dataclass(frozen=True)
class View:
    """One camera. Shares are of the picture; `aside` (−1 to 1) is where a group stands, `nearer` who stands forward."""

    mirrored: bool
    horizon: float
    zoom: float
    tilt: float
    pan: float
    scale: float
    aside: float
    nearer: int
    step: float


def view_of(shot: Shot, mood: str, seed: int) -> View:
    """The camera for this draft; fear and anger tilt it further."""
    dice = dice_for("view", seed)
    shift, zoom, tilt, scale = _SETUPS[seed % len(_SETUPS)]
    if mood in ("afraid", "angry"):
        tilt += 2.0
    return View(
        mirrored=dice.random() < 0.5,
        horizon=_HORIZON.get(shot, 0.58) + shift + dice.uniform(-0.03, 0.03),
        zoom=_ZOOM.get(shot, 1.0) * zoom * dice.uniform(1.0, 1.08),
        tilt=tilt * dice.choice((-1, 1)),
        pan=dice.random(),
        scale=scale * dice.uniform(0.96, 1.03),
        aside=dice.choice((-1, 1)) * dice.uniform(0.45, 1.0),
        nearer=dice.randrange(1000),
        step=dice.uniform(0.05, 0.14),
    )


def seen(image: Image.Image, view: View, whole_ground: bool) -> Image.Image:
    """The part of a whole place that the camera sees, on a canvas of the same size, in one resampling.

    `whole_ground` keeps the lower edge in view, for people who are seen down to their feet.
    """
    width, height = image.size
    angle = math.radians(view.tilt)
    cos, sin = math.cos(angle), math.sin(angle)
    # However the camera tilts, nothing beyond the drawn place may come into view.
    reach_x = (width * cos + height * abs(sin)) / 2
    reach_y = (height * cos + width * abs(sin)) / 2
    zoom = max(view.zoom, 2 * reach_x / width, 2 * reach_y / height)
    reach_x, reach_y = reach_x / zoom, reach_y / zoom
    x = reach_x + view.pan * (width - 2 * reach_x)
    y = height - reach_y if whole_ground else view.horizon * height + 0.1 * reach_y
    y = min(max(y, reach_y), height - reach_y)
    side = -1 if view.mirrored else 1
    a, b, d, e = side * cos / zoom, -sin / zoom, side * sin / zoom, cos / zoom
    matrix = (a, b, x - a * width / 2 - b * height / 2, d, e, y - d * width / 2 - e * height / 2)
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
