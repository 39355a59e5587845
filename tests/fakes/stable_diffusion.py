"""A Stable Diffusion server with `/sdapi/v1`, as far as the adapter uses it, after AUTOMATIC1111's code and OpenAPI."""

import asyncio
import base64
import io
import json
import time
from typing import Any

from PIL import Image, PngImagePlugin

from tests.fakes.server import Answer, Asked, Server

TXT2IMG = "/sdapi/v1/txt2img"
IMG2IMG = "/sdapi/v1/img2img"
INTERRUPT = "/sdapi/v1/interrupt"


class StableDiffusion(Server):
    """Draws one picture at a time, each in `seconds`.

    `maps`: control maps follow the pictures whatever the units say. `batch` pictures are drawn whatever is asked for,
    behind a grid of them. `controls` is None on a server without ControlNet.
    """

    paid_paths = (TXT2IMG, IMG2IMG)

    def __init__(self, *, seconds: float = 0.0, auth: str = "", maps: bool = False, batch: int = 1) -> None:
        super().__init__()
        self.seconds = seconds
        self.auth = auth
        self.maps = maps
        self.batch = batch
        self.stamps = True
        self.checkpoints = ["inkXL", "toon"]
        self.samplers = ["Euler a", "DPM++ 2M"]
        self.schedulers: list[str] | None = ["Automatic", "Karras"]
        self.controls: list[str] | None = ["control_lineart [5c23b17d]"]
        self.modules: list[str] | None = ["none", "invert (from white bg & black line)", "ip-adapter-auto"]
        self.loaded = "inkXL.safetensors [abcdef1234]"
        self.interrupted: list[str] = []
        # Said one after the other as progress, before what is true.
        self.shares: list[float] = []
        self._drawing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._now = ""
        self._began = 0.0
        self._waiting: set[str] = set()

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """The bodies of the requests for pictures."""
        return [one.json for one in self.paid]

    def finish(self) -> None:
        """End the picture that is drawn now, as if its seconds were over."""
        self._stop.set()

    async def respond(self, asked: Asked) -> Answer:
        wanted = "Basic " + base64.b64encode(self.auth.encode()).decode()
        if self.auth and asked.headers.get("authorization") != wanted:
            return Answer({"detail": "Incorrect username or password"}, 401)
        match asked.path:
            case "/sdapi/v1/txt2img" | "/sdapi/v1/img2img":
                return await self._draw(asked)
            case "/sdapi/v1/progress":
                return Answer({"progress": self._progress(), "eta_relative": 0.0, "state": {}, "textinfo": None})
            case "/internal/progress":
                task = asked.json["id_task"]
                return Answer({"active": task == self._now, "queued": task in self._waiting, "completed": False})
            case "/sdapi/v1/interrupt":
                self.interrupted.append(self._now)
                self._stop.set()
                return Answer({})
        lists: dict[str, Any] = {
            "/sdapi/v1/sd-models": [
                {"title": f"{name}.safetensors [abcdef1234]", "model_name": name, "hash": "abcdef1234"}
                for name in self.checkpoints
            ],
            "/sdapi/v1/samplers": [{"name": name, "aliases": [name.lower()], "options": {}} for name in self.samplers],
            "/sdapi/v1/schedulers": self.schedulers
            and [{"name": name.lower(), "label": name, "aliases": None} for name in self.schedulers],
            "/controlnet/model_list": None if self.controls is None else {"model_list": self.controls},
            "/controlnet/module_list": self.modules and {"module_list": self.modules},
            "/sdapi/v1/options": {"sd_model_checkpoint": self.loaded},
        }
        listed = lists.get(asked.path)
        return error(404, message="Not Found") if listed is None else Answer(listed)

    def _progress(self) -> float:
        """0 when idle, and never 1."""
        if self.shares:
            return self.shares.pop(0)
        return min(0.01 + (time.monotonic() - self._began) / self.seconds, 0.99) if self._now and self.seconds else 0.0

    async def _draw(self, asked: Asked) -> Answer:
        body = asked.json
        task = body["force_task_id"]
        self._waiting.add(task)
        # What is asked for is drawn even when nobody waits for it any more: only an interruption ends it.
        return await asyncio.shield(asyncio.ensure_future(self._in_turn(asked, body, task)))

    async def _in_turn(self, asked: Asked, body: dict[str, Any], task: str) -> Answer:
        async with self._drawing:
            self._waiting.discard(task)
            self._now, self._began = task, time.monotonic()
            self._stop.clear()
            try:
                await asyncio.wait_for(self._stop.wait(), self.seconds) if self.seconds else None
            except TimeoutError:
                pass
            finally:
                self._now = ""
        if asked.path == IMG2IMG and not body.get("init_images"):
            return error(404, message="Init image not found")
        return Answer(self._pictures(body))

    def _pictures(self, body: dict[str, Any]) -> dict[str, Any]:
        first = body["seed"] if body["seed"] >= 0 else 4242
        seeds = [first + number for number in range(self.batch)]
        size = (body.get("hr_resize_x") or body["width"], body.get("hr_resize_y") or body["height"])
        texts = [
            f"{body['prompt']}\nSteps: {body.get('steps', 50)}, Sampler: Euler a, Seed: {seed}, Model: inkXL"
            for seed in seeds
        ]
        images = [encoded(size, seed, text if self.stamps else "") for seed, text in zip(seeds, texts, strict=True)]
        grid = [encoded((16, 16), 1)] if self.batch > 1 else []
        units = body.get("alwayson_scripts", {}).get("ControlNet", {}).get("args", [])
        shown = [one for one in units if one.get("enabled") and (self.maps or one.get("save_detected_map", True))]
        info = {
            "prompt": body["prompt"],
            "seed": first,
            "all_seeds": seeds,
            "index_of_first_image": len(grid),
            "infotexts": [texts[0]] * len(grid) + texts,
            "sampler_name": body.get("sampler_name", "Euler a"),
            "steps": body.get("steps", 50),
            "cfg_scale": body.get("cfg_scale", 7.0),
            "sd_model_name": body.get("override_settings", {}).get("sd_model_checkpoint", "inkXL"),
            "a_key_of_a_fork": {"nested": True},
        }
        maps = [encoded((32, 32), 7) for _ in shown]
        return {"images": grid + images + maps, "parameters": body, "info": json.dumps(info)}


def encoded(size: tuple[int, int], seed: int, text: str = "") -> str:
    """A picture in base64, its shades turned by the seed, with an infotext if one is given."""
    about = PngImagePlugin.PngInfo()
    if text:
        about.add_text("parameters", text)
    data = io.BytesIO()
    picture = Image.linear_gradient("L").rotate(90 * (seed % 4)).resize(size)
    picture.save(data, "PNG", compress_level=1, pnginfo=about)
    return base64.b64encode(data.getvalue()).decode()


def error(status: int, code: str = "", message: str = "It failed.", **headers: str) -> Answer:
    """An error in the server's form, which knows no codes."""
    body = {"error": "HTTPException", "detail": message, "body": "", "errors": ""}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})
