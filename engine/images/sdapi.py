"""The wire format of `/sdapi/v1`: requests as its servers expect them, and pictures as they return them."""

import base64
import binascii
import io
import json
from typing import Any
from uuid import uuid4

from PIL import Image

from engine.images import Control, ImageRequest, ImageResult, Picture
from engine.images.png_text import stamped
from engine.providers.failures import lost, unusable

# How far the second pass of a picture that is first drawn small may change it.
_HIRES_STRENGTH = 0.5


def request_of(request: ImageRequest) -> tuple[str, dict[str, Any]]:
    """Path and body. What is not given is left out, so that the server's own settings apply."""
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
        # The next picture needs the same checkpoint; restoring the previous one would load two per picture.
        payload["override_settings_restore_afterwards"] = False
    if request.control:
        size = (request.width, request.height)
        payload["alwayson_scripts"] = {"ControlNet": {"args": [_unit(one, size) for one in request.control]}}
    if request.source is not None:
        return "/sdapi/v1/img2img", payload | _changed(request.source, request.mask, request.strength)
    if chosen.hires_scale is not None:
        payload |= _enlarged(request.width, request.height, chosen.hires_scale, chosen.hires_upscaler)
    return "/sdapi/v1/txt2img", payload


def _changed(source: Picture, mask: Picture | None, strength: float) -> dict[str, Any]:
    body: dict[str, Any] = {"init_images": [_encoded(source)], "denoising_strength": strength}
    if mask is not None:
        # White is redrawn, there as here; the drawing starts from what is under it.
        body |= {
            "mask": _encoded(mask),
            "mask_blur": 4,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "inpainting_mask_invert": 0,
        }
    return body


def _enlarged(width: int, height: int, scale: float, upscaler: str) -> dict[str, Any]:
    """Draw small first. Names the final size, because rounding must not miss it."""
    body: dict[str, Any] = {
        "enable_hr": True,
        "width": round(width / scale / 8) * 8,
        "height": round(height / scale / 8) * 8,
        "hr_scale": scale,
        "hr_resize_x": width,
        "hr_resize_y": height,
        # Forge fails without it; other servers ignore it.
        "hr_additional_modules": ["Use same choices"],
        "denoising_strength": _HIRES_STRENGTH,
    }
    return body | ({"hr_upscaler": upscaler} if upscaler else {})


def _unit(control: Control, size: tuple[int, int]) -> dict[str, Any]:
    unit: dict[str, Any] = {
        # A unit without it does nothing.
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
    if control.picture.across != (0.0, 1.0):
        # With several people on stage, each part of the picture follows the reference of the person in it.
        unit["effective_region_mask"] = _encoded(_part(size, control.picture.across))
    return unit


def _part(size: tuple[int, int], across: tuple[float, float]) -> Picture:
    """A mask that is white from one share of the width to another."""
    mask = Image.new("L", size)
    mask.paste(255, (round(across[0] * size[0]), 0, round(across[1] * size[0]), size[1]))
    data = io.BytesIO()
    mask.save(data, "PNG")
    return Picture(data.getvalue())


def _encoded(image: Picture) -> str:
    return base64.b64encode(image.data).decode()


def picture(answer: Any, request: ImageRequest) -> ImageResult:
    """The requested picture: `info` says where in the answer it is, and which seed it has.

    A grid may come before it, and control maps after it, even if they were declined.
    """
    if not isinstance(answer, dict) or not answer.get("images"):
        raise lost("local", "it holds no picture", answer)
    info = json.loads(answer.get("info") or "{}")
    if not isinstance(info, dict):
        raise lost("local", "it says nothing of its picture", answer)
    place = info.get("index_of_first_image") or 0
    seed = int((info.get("all_seeds") or [info.get("seed", -1)])[0])
    try:
        # SD.Next and some proxies answer with data URLs.
        data = base64.b64decode(answer["images"][place].rpartition(",")[2])
        with Image.open(io.BytesIO(data)) as opened:
            width, height, media_type = opened.width, opened.height, opened.get_format_mimetype() or ""
    except (binascii.Error, OSError, IndexError, AttributeError) as error:
        raise unusable("local", f"no picture ({type(error).__name__})", answer) from None
    text = next(iter((info.get("infotexts") or [])[place:]), "")
    parameters = {
        "model": info.get("sd_model_name") or request.model,
        "sampler": info.get("sampler_name") or request.settings.sampler,
        "scheduler": request.settings.scheduler,
        "steps": info.get("steps") or request.settings.steps,
        "cfg_scale": info.get("cfg_scale") or request.settings.guidance,
        "strength": request.strength if request.source else None,
    }
    return ImageResult(
        data=stamped(data, text) if text else data,
        media_type=media_type,
        width=width,
        height=height,
        seed=seed if seed >= 0 else request.seed,
        parameters={name: value for name, value in parameters.items() if value not in (None, "")},
    )
