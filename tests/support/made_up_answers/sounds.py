"""A panel → its sound, by rules."""

from tests.support.made_up.sounds.task import In, Out


def answer(data: In) -> Out:
    """Water splashes; all else is silent."""
    return Out(sound="SPLASH" if "rain" in data.description else "…")
