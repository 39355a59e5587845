"""The artist behind a Stable Diffusion server that speaks `/sdapi/v1`: AUTOMATIC1111, Forge, SD.Next."""

import asyncio
import base64
import binascii
import contextlib
import io
import json
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from engine.errors import NotConfigured
from engine.failures import calling, code_of, lost, of_status, quoted, unusable, words_of
from engine.images import Control, ImageRequest, ImageResult, Picture, Progress, unheard
from engine.images.fitting import fitted
from engine.images.local_lists import Lists
from engine.images.png_text import stamped
from engine.providers import Draws, find

_DRAWS = find("images", "local").draws or Draws()
_POLL_SECONDS = 1.0
# Somebody waits for a cancellation: what cannot be interrupted in this time goes on without us.
_INTERRUPT_SECONDS = 5.0
# How far the second pass of a picture that is drawn small first may leave the first.
_HIRES_STRENGTH = 0.5


class LocalArtist:
    """Draws one picture at a time, as the server does. `auth` is `user:password` or empty, `timeout` in seconds."""

    def __init__(self, url: str, auth: str, timeout: float) -> None:
        self._seconds = timeout
        self._secrets = (auth, auth.partition(":")[2])
        # No proxy: this is a machine of the user's own.
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            auth=httpx.BasicAuth(*_user_and_password(auth)) if auth else None,
            # The whole call has its bound in `draw`; when that is over, the server is told to stop.
            timeout=httpx.Timeout(None, connect=min(5.0, timeout)),
            trust_env=False,
        )
        self._lists = Lists(self._get)
        # Progress and interruption are the server's, not a picture's: with one at a time they are this picture's.
        self._turn = asyncio.Semaphore(1)

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        """A picture as the server encodes it, with the seed that was really used."""
        request = fitted(request, _DRAWS, "local")
        path, payload = _asked(request)
        async with self._turn, calling("local", self._where, seconds=self._seconds, secrets=self._secrets):
            await self._lists.check(request)
            answer = await self._send(path, payload, tell)
            drawn = _drawn(answer)
        tell(1.0)
        return _result(drawn[0], request)

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def _where(self) -> str:
        return self._client.base_url.netloc.decode()

    async def _send(self, path: str, payload: dict[str, Any], tell: Progress) -> Any:
        watching = asyncio.create_task(self._watch(tell))
        try:
            response = await self._client.post(path, json=payload)
        except asyncio.CancelledError:
            await self._interrupt(payload["force_task_id"])
            raise
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return self._body(response)

    async def _get(self, path: str) -> Any:
        """What the server answers, or None where it has no such thing."""
        response = await self._client.get(path)
        return None if response.status_code == 404 else self._body(response)

    def _body(self, response: httpx.Response) -> Any:
        try:
            body = response.json()
        except ValueError:
            if response.status_code < 300:
                raise
            body = response.text
        if response.status_code == 404 and words_of(body) == "Not Found":
            raise NotConfigured(f"The image server at {self._where} has no /sdapi/v1. Start it with --api.")
        if response.status_code >= 300:
            detail = quoted(words_of(body), *self._secrets)
            raise of_status("local", response.status_code, code_of(body), headers=response.headers, detail=detail)
        return body

    async def _watch(self, tell: Progress) -> None:
        """Tell how far the picture is; a server that does not say, or says less than before, is passed over."""
        furthest = 0.0
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError, TypeError):
                response = await self._client.get("/sdapi/v1/progress", params={"skip_current_image": "true"})
                share = min(float(response.json().get("progress", 0.0)), 1.0)
                if share > furthest:
                    furthest = share
                    tell(share)

    async def _interrupt(self, task_id: str) -> None:
        """Stop the server's work on this picture, and not on somebody else's while this one still waits there."""
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_INTERRUPT_SECONDS):
                if not await self._is_elsewhere(task_id):
                    await self._client.post("/sdapi/v1/interrupt")

    async def _is_elsewhere(self, task_id: str) -> bool:
        """Whether the server says that this picture is not what it works on now."""
        response = await self._client.post("/internal/progress", json={"id_task": task_id, "live_preview": False})
        with contextlib.suppress(ValueError, AttributeError):
            state = response.json()
            return bool(state.get("queued") or state.get("completed"))
        return False


def _user_and_password(auth: str) -> tuple[str, str]:
    user, _, password = auth.partition(":")
    return user, password


def _asked(request: ImageRequest) -> tuple[str, dict[str, Any]]:
    """Path and body. What is not given is left out: the server's own settings decide."""
    chosen = request.settings
    payload: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative,
        "seed": request.seed,
        "width": request.width,
        "height": request.height,
        "batch_size": 1,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
        "force_task_id": f"task({uuid4().hex})",
    }
    named: dict[str, Any] = {
        "steps": chosen.steps,
        "cfg_scale": chosen.guidance,
        "sampler_name": chosen.sampler or None,
        "scheduler": chosen.scheduler or None,
    }
    payload |= {name: value for name, value in named.items() if value is not None}
    if request.model:
        payload["override_settings"] = {"sd_model_checkpoint": request.model}
    if request.control:
        payload["alwayson_scripts"] = {"ControlNet": {"args": [_unit(one) for one in request.control]}}
    if request.source is not None:
        return "/sdapi/v1/img2img", payload | _changed(request.source, request.mask, request.strength)
    if chosen.hires_scale is not None:
        payload |= _enlarged(request.width, request.height, chosen.hires_scale, chosen.hires_upscaler)
    return "/sdapi/v1/txt2img", payload


def _changed(source: Picture, mask: Picture | None, strength: float) -> dict[str, Any]:
    body: dict[str, Any] = {"init_images": [_encoded(source)], "denoising_strength": strength}
    if mask is not None:
        # White is drawn anew there as it is here; what is under it is where the drawing starts from.
        body |= {
            "mask": _encoded(mask),
            "mask_blur": 4,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "inpainting_mask_invert": 0,
        }
    return body


def _enlarged(width: int, height: int, scale: float, upscaler: str) -> dict[str, Any]:
    """Draw small first; the size asked for is the size of the end, which rounding must not miss."""
    body: dict[str, Any] = {
        "enable_hr": True,
        "width": round(width / scale / 8) * 8,
        "height": round(height / scale / 8) * 8,
        "hr_scale": scale,
        "hr_resize_x": width,
        "hr_resize_y": height,
        # Forge fails where this is missing; others pass over it.
        "hr_additional_modules": ["Use same choices"],
        "denoising_strength": _HIRES_STRENGTH,
    }
    return body | ({"hr_upscaler": upscaler} if upscaler else {})


def _unit(control: Control) -> dict[str, Any]:
    return {
        # A unit that does not say so does nothing.
        "enabled": True,
        "image": _encoded(control.picture),
        "module": control.module or "none",
        "model": control.model or "None",
        "weight": control.weight,
        "guidance_start": control.start,
        "guidance_end": control.end,
        "pixel_perfect": True,
        "save_detected_map": False,
    }


def _encoded(picture: Picture) -> str:
    return base64.b64encode(picture.data).decode()


def _drawn(answer: Any) -> list[tuple[bytes, int, dict[str, Any]]]:
    """Bytes, seed and parameters of every picture drawn; grids before them and control maps behind are not."""
    if not isinstance(answer, dict) or not answer.get("images"):
        raise lost("local", "it holds no picture")
    info = json.loads(answer.get("info") or "{}")
    seeds = info.get("all_seeds") or [info.get("seed", -1)]
    first = info.get("index_of_first_image") or 0
    texts = info.get("infotexts") or []
    made: list[tuple[bytes, int, dict[str, Any]]] = []
    for number, (image, seed) in enumerate(zip(answer["images"][first:], seeds, strict=False)):
        try:
            # SD.Next and some proxies answer with data URLs.
            data = base64.b64decode(image.rpartition(",")[2])
        except (binascii.Error, AttributeError):
            raise unusable("local", "a picture that cannot be decoded") from None
        text = texts[first + number] if first + number < len(texts) else ""
        made.append((data, int(seed), {**info, "infotext": text}))
    if not made:
        raise unusable("local", "fewer pictures than it says")
    return made


def _result(drawn: tuple[bytes, int, dict[str, Any]], request: ImageRequest) -> ImageResult:
    data, seed, info = drawn
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height, media_type = picture.width, picture.height, picture.get_format_mimetype() or ""
    except OSError:
        raise unusable("local", "no picture") from None
    parameters = {
        "model": info.get("sd_model_name") or request.model,
        "sampler": info.get("sampler_name") or request.settings.sampler,
        "scheduler": request.settings.scheduler,
        "steps": info.get("steps") or request.settings.steps,
        "cfg_scale": info.get("cfg_scale") or request.settings.guidance,
        "strength": request.strength if request.source else None,
    }
    return ImageResult(
        data=stamped(data, info["infotext"]) if info["infotext"] else data,
        media_type=media_type,
        width=width,
        height=height,
        seed=seed if seed >= 0 else request.seed,
        parameters={name: value for name, value in parameters.items() if value not in (None, "")},
    )
