"""How long 24 panels of 1024 × 1024 take the offline artist, two at a time, in colour and in tones.

Prints one JSON object: seconds per round, and seconds of each panel as it was waited for. Run alone:
`python -m bench.bench_artist`.
"""

import asyncio
import json
import os
import time

from engine.images import ImageRequest
from engine.offline.artist import OfflineArtist
from models.story import Line, PanelData, Profile, Shot

ROUNDS = 3
PANELS = 24
SIDE = 1024
AT_A_TIME = 2
STYLES = {"colour": "Comic panel, clean ink lines, flat colours", "tones": "Manga, black and white, screentone"}
CAST = (
    Profile(name="Nessa", age="11", hair="red braid", clothes="yellow oilskin", props=["lantern"]),
    Profile(name="Drake", age="45", build="broad", hair="black bun", clothes="long crimson coat"),
    Profile(name="Finch", age="old", hair="white hair", face="white beard, round spectacles", props=["oil can"]),
)
PLACES = ("harbour", "kitchen", "street", "forest", "library", "ship", "classroom", "church")
DEEDS = ("Nessa runs", "Drake points at Finch", "Finch sits and reads", "Nessa embraces Finch", "Drake turns away", "")


def requests(style: str) -> list[ImageRequest]:
    """Panels of every shot, with one to three people who do something, most of them speaking."""
    made = []
    for number in range(PANELS):
        shot = list(Shot)[number % len(Shot)]
        panel = PanelData(
            shot=shot,
            description=DEEDS[number % len(DEEDS)],
            characters=list(CAST[: 1 + number % 3]),
            place=PLACES[number % len(PLACES)],
            time=("day", "night", "evening")[number % 3],
            weather=("", "rain", "fog")[number % 3],
            mood=("happy", "tense", "", "sad")[number % 4],
            dialogue=[Line(speaker="Nessa", text="Well?"), Line(speaker="Drake", text="Well.")][: number % 3],
        )
        prompt = f"{style}. {shot.value.capitalize()} shot."
        made.append(ImageRequest("offline", prompt, "", SIDE, SIDE, number, panel))
    return made


async def once(style: str) -> dict[str, object]:
    """One round: all panels asked for at once, so many drawn at a time."""
    artist = OfflineArtist()
    door = asyncio.Semaphore(AT_A_TIME)

    async def draw(request: ImageRequest) -> float:
        async with door:
            began = time.monotonic()
            await artist.draw(request)
            return round(time.monotonic() - began, 3)

    began = time.monotonic()
    panels = await asyncio.gather(*(draw(request) for request in requests(style)))
    return {"seconds": round(time.monotonic() - began, 2), "panels_s": panels}


def main() -> None:
    load = round(os.getloadavg()[0], 2)
    results = {name: [asyncio.run(once(style)) for _ in range(ROUNDS)] for name, style in STYLES.items()}
    about = {"panels": PANELS, "side": SIDE, "at_a_time": AT_A_TIME, "cores": os.cpu_count(), "load_before": load}
    print(json.dumps({**about, **results}))


if __name__ == "__main__":
    main()
