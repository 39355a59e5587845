"""What is a local server's own: inpainting, ControlNet, true seeds, progress, interruption, names it has not got."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from engine.errors import AnswerLost, BadInput, NotConfigured, ProviderRejected
from engine.images import Control, ImageRequest, ImageResult, Progress, unheard
from engine.images.local import LocalArtist
from models.options import RenderSettings
from tests.fakes.server import Answer, eventually
from tests.fakes.stable_diffusion import IMG2IMG, TXT2IMG, StableDiffusion, encoded
from tests.support.image_requests import REQUEST, a_picture

pytestmark = pytest.mark.unit


@pytest.fixture
async def fake() -> AsyncIterator[StableDiffusion]:
    async with StableDiffusion() as running:
        yield running


async def draw(
    fake: StableDiffusion, request: ImageRequest, *, auth: str = "", seconds: float = 10.0, tell: Progress = unheard
) -> ImageResult:
    artist = LocalArtist(fake.url, auth, seconds)
    try:
        return await artist.draw(request, tell)
    finally:
        await artist.close()


async def test_every_setting_arrives_under_its_name(fake: StableDiffusion) -> None:
    settings = RenderSettings(steps=28, guidance=5.5, sampler="DPM++ 2M", scheduler="Karras")
    prompt = "a harbour, <lora:inkline:0.8>"
    request = replace(REQUEST, model="toon", prompt=prompt, negative="blur", settings=settings)
    result = await draw(fake, request)
    (sent,) = fake.drawn
    assert sent.pop("force_task_id").startswith("task(")
    assert sent == {
        "prompt": prompt,
        "negative_prompt": "blur",
        "seed": 11,
        "width": 1024,
        "height": 768,
        "batch_size": 1,
        "n_iter": 1,
        "steps": 28,
        "cfg_scale": 5.5,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "override_settings": {"sd_model_checkpoint": "toon"},
        "override_settings_restore_afterwards": False,
        "send_images": True,
        "save_images": False,
    }
    assert result.parameters == {
        "model": "toon",
        "sampler": "DPM++ 2M",
        "scheduler": "Karras",
        "steps": 28,
        "cfg_scale": 5.5,
    }


async def test_every_picture_has_a_name_of_its_own_at_the_server(fake: StableDiffusion) -> None:
    await draw(fake, REQUEST)
    await draw(fake, REQUEST)
    assert len({sent["force_task_id"] for sent in fake.drawn}) == 2


async def test_a_source_is_changed_by_its_strength(fake: StableDiffusion) -> None:
    source = a_picture()
    await draw(fake, replace(REQUEST, source=source, strength=0.4))
    assert fake.paid[0].path == IMG2IMG
    assert fake.drawn[0]["init_images"] == [base64.b64encode(source.data).decode()]
    assert fake.drawn[0]["denoising_strength"] == 0.4
    assert "mask" not in fake.drawn[0]


async def test_a_mask_keeps_its_meaning(fake: StableDiffusion) -> None:
    """White is drawn anew on both sides: the mask goes along unchanged and is not inverted there either."""
    mask = a_picture(shade=255)
    await draw(fake, replace(REQUEST, source=a_picture(), mask=mask))
    sent = fake.drawn[0]
    assert sent["mask"] == base64.b64encode(mask.data).decode()
    assert (sent["inpainting_mask_invert"], sent["inpainting_fill"], sent["inpaint_full_res"]) == (0, 1, False)


async def test_a_mask_must_fit_its_source(fake: StableDiffusion) -> None:
    with pytest.raises(BadInput, match="The mask has 32 × 32 pixels, the picture 64 × 48"):
        await draw(fake, replace(REQUEST, source=a_picture(), mask=a_picture((32, 32))))
    with pytest.raises(BadInput, match="needs the picture"):
        await draw(fake, replace(REQUEST, mask=a_picture()))
    assert not fake.asked


async def test_control_units_work_and_their_maps_are_not_taken_for_results(fake: StableDiffusion) -> None:
    """A unit that is not switched on does nothing, and maps behind the pictures come from some servers regardless."""
    fake.maps = True
    unit = Control(a_picture(), module="lineart", model="control_lineart", weight=0.7, start=0.1, end=0.9)
    result = await draw(fake, replace(REQUEST, control=(unit, replace(unit, model=""))))
    first, second = fake.drawn[0]["alwayson_scripts"]["ControlNet"]["args"]
    assert first.pop("image")
    assert first == {
        "enabled": True,
        "module": "lineart",
        "model": "control_lineart",
        "weight": 0.7,
        "guidance_start": 0.1,
        "guidance_end": 0.9,
        "pixel_perfect": True,
        "save_detected_map": False,
    }
    assert second["model"] == "None"
    assert (result.width, result.height) == (1024, 768)


async def test_the_seed_is_the_one_that_was_used(fake: StableDiffusion) -> None:
    assert (await draw(fake, replace(REQUEST, seed=-1))).seed == 4242


async def test_of_a_batch_behind_a_grid_the_first_picture_is_taken_with_its_seed(fake: StableDiffusion) -> None:
    fake.batch = 3
    result = await draw(fake, REQUEST)
    assert (result.width, result.seed) == (1024, 11)


async def test_what_is_drawn_small_first_ends_in_the_size_asked_for(fake: StableDiffusion) -> None:
    settings = RenderSettings(hires_scale=1.5, hires_upscaler="Latent")
    result = await draw(fake, replace(REQUEST, settings=settings))
    sent = fake.drawn[0]
    assert (sent["enable_hr"], sent["hr_scale"], sent["hr_upscaler"]) == (True, 1.5, "Latent")
    assert (sent["width"], sent["height"]) == (680, 512)
    assert sent["hr_additional_modules"] == ["Use same choices"]
    assert (result.width, result.height) == (1024, 768)


@pytest.mark.parametrize("stamps", [True, False])
async def test_the_picture_says_what_made_it(fake: StableDiffusion, stamps: bool) -> None:
    """Once, whether the server wrote it or left it to us."""
    fake.stamps = stamps
    result = await draw(fake, replace(REQUEST, prompt="灯台"))
    with Image.open(io.BytesIO(result.data)) as picture:
        assert str(picture.info["parameters"]).startswith("灯台\nSteps: 50")
    assert result.data.count(b"parameters\0") == 1


async def test_progress_only_rises_and_ends_whole(fake: StableDiffusion) -> None:
    """Shares from a server that begins anew between passes and never says 1."""
    fake.seconds, fake.shares = 3.6, [0.5, 0.0, 0.7]
    shares: list[float] = []
    await draw(fake, REQUEST, tell=shares.append)
    assert shares == [0.5, 0.7, 1.0]


async def test_cancelling_interrupts_the_server(fake: StableDiffusion) -> None:
    fake.seconds = 30
    drawing = asyncio.create_task(draw(fake, REQUEST))
    await eventually(lambda: fake.paid)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    assert fake.interrupted == [fake.drawn[0]["force_task_id"]]


async def test_a_picture_that_takes_too_long_is_interrupted(fake: StableDiffusion) -> None:
    fake.seconds = 30
    with pytest.raises(AnswerLost, match=r"longer than 0\.5 seconds"):
        await draw(fake, REQUEST, seconds=0.5)
    assert fake.interrupted == [fake.drawn[0]["force_task_id"]]


async def test_cancelling_what_waits_interrupts_nobody_else(fake: StableDiffusion) -> None:
    """Two programs share a server: giving up a picture that still waits there does not end the one being drawn."""
    fake.seconds = 30
    first = asyncio.create_task(draw(fake, REQUEST))
    await eventually(lambda: len(fake.paid) == 1)
    second = asyncio.create_task(draw(fake, REQUEST))
    await eventually(lambda: len(fake.paid) == 2)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    fake.finish()
    await first
    assert fake.interrupted == []


async def test_one_picture_at_a_time(fake: StableDiffusion) -> None:
    """Progress and interruption are the server's: with two pictures there they would be mistaken for each other."""
    fake.seconds = 0.2
    artist = LocalArtist(fake.url, "", 10.0)
    drawing = [asyncio.create_task(artist.draw(REQUEST)) for _ in range(3)]
    await eventually(lambda: fake.paid)
    await asyncio.sleep(0.05)
    assert len(fake.paid) == 1
    await asyncio.gather(*drawing)
    await artist.close()
    assert len(fake.paid) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "photo"}, "no checkpoint 'photo'. It has: inkXL.safetensors [abcdef1234], toon.safetensors"),
        ({"settings": RenderSettings(sampler="LMS")}, "no sampler 'LMS'. It has: Euler a, DPM++ 2M"),
        ({"settings": RenderSettings(scheduler="Beta")}, "no scheduler 'Beta'. It has: Automatic, Karras"),
        ({"control": (Control(a_picture(), model="depth"),)}, "no ControlNet model 'depth'. It has: control_lineart"),
    ],
)
async def test_a_name_it_has_not_got_is_answered_with_those_it_has(
    fake: StableDiffusion, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(ProviderRejected) as caught:
        await draw(fake, replace(REQUEST, **change))
    assert says in caught.value.message
    assert not fake.paid


@pytest.mark.parametrize(
    "change",
    [
        {"model": "inkXL"},
        {"model": "inkXL.safetensors"},
        {"model": "inkXL.safetensors [abcdef1234]"},
        {"model": "abcdef1234"},
        {"settings": RenderSettings(sampler="euler A")},
        {"control": (Control(a_picture(), model="control_lineart"),)},
        {"control": (Control(a_picture(), module="reference_only", model="None"),)},
    ],
)
async def test_a_name_is_known_however_it_is_written(fake: StableDiffusion, change: dict[str, Any]) -> None:
    await draw(fake, replace(REQUEST, **change))
    assert len(fake.paid) == 1


async def test_lists_are_asked_for_once_and_again_for_a_new_name(fake: StableDiffusion) -> None:
    artist = LocalArtist(fake.url, "", 10.0)
    for _ in range(3):
        await artist.draw(replace(REQUEST, model="toon"))
    assert [one.path for one in fake.asked].count("/sdapi/v1/sd-models") == 1
    fake.checkpoints.append("fresh")
    await artist.draw(replace(REQUEST, model="fresh"))
    await artist.close()
    assert [one.path for one in fake.asked].count("/sdapi/v1/sd-models") == 2


async def test_control_without_controlnet_is_refused(fake: StableDiffusion) -> None:
    """The server would draw without it and say nothing."""
    fake.controls = None
    with pytest.raises(ProviderRejected, match="has no ControlNet"):
        await draw(fake, replace(REQUEST, control=(Control(a_picture()),)))
    assert not fake.paid


async def test_a_server_that_lists_no_schedulers_is_believed(fake: StableDiffusion) -> None:
    fake.schedulers = None
    await draw(fake, replace(REQUEST, settings=RenderSettings(scheduler="Beta")))
    assert fake.drawn[0]["scheduler"] == "Beta"


async def test_user_and_password(fake: StableDiffusion) -> None:
    fake.auth = "me:pass:word"
    await draw(fake, REQUEST, auth="me:pass:word")
    with pytest.raises(NotConfigured):
        await draw(fake, REQUEST, auth="me:wrong")


async def test_a_server_without_its_api_says_how_to_start_it(fake: StableDiffusion) -> None:
    fake.next.append(Answer({"detail": "Not Found"}, 404))
    with pytest.raises(NotConfigured, match="Start it with --api"):
        await draw(fake, REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body | {"info": json.dumps({"seed": 5})},
        lambda body: body | {"images": ["data:image/png;base64," + body["images"][0]]},
        lambda body: body | {"a fork's": {"own": 1}},
    ],
)
async def test_forks_answer_a_little_otherwise(
    fake: StableDiffusion, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    body = {"images": [encoded((1024, 768), 5)], "parameters": {}, "info": json.dumps({"all_seeds": [5]})}
    fake.next.append(Answer(change(body)))
    result = await draw(fake, REQUEST)
    assert (result.width, result.seed) == (1024, 5)


async def test_a_url_may_end_in_a_slash(fake: StableDiffusion) -> None:
    artist = LocalArtist(f"{fake.url}/", "", 5.0)
    await artist.draw(REQUEST)
    await artist.close()
    assert fake.asked[0].path == TXT2IMG


SHEET = replace(a_picture(), of="character", shows="Ada")
SEVERAL = (
    replace(SHEET, shows="Ada, on the left", across=(0.0, 0.5)),
    replace(a_picture(shade=20), of="character", shows="Bo, on the right", across=(0.5, 1.0)),
)


@pytest.mark.parametrize(
    ("models", "modules", "checkpoint", "unit"),
    [
        pytest.param(
            ["ip-adapter_sd15 [1]", "ip-adapter_sdxl [2]"],
            ["ip-adapter-auto"],
            "",
            ("ip-adapter-auto", "ip-adapter_sdxl [2]"),
            id="the loaded checkpoint decides",
        ),
        pytest.param(
            ["ip-adapter_sd15 [1]", "ip-adapter_sdxl [2]"],
            ["ip-adapter-auto"],
            "toon",
            ("ip-adapter-auto", "ip-adapter_sd15 [1]"),
            id="or the one that is named",
        ),
        pytest.param(["ip-adapter_sdxl"], ["ip-adapter-auto"], "toon", None, id="none that suits it"),
        pytest.param(["ip-adapter-faceid_sdxl"], ["ip-adapter-auto"], "", None, id="for faces alone"),
        pytest.param(["ip-adapter_sdxl"], ["canny"], "", None, id="no preprocessor"),
        pytest.param(["control_lineart"], ["ip-adapter-auto"], "", None, id="no adapter"),
        pytest.param(None, None, "", None, id="no ControlNet"),
    ],
)
async def test_references_are_units_where_the_server_can_use_them(
    fake: StableDiffusion,
    models: list[str] | None,
    modules: list[str] | None,
    checkpoint: str,
    unit: tuple[str, str] | None,
) -> None:
    """A model that suits the checkpoint by its name; otherwise the picture is drawn from the words alone."""
    fake.controls, fake.modules = models, modules
    await draw(fake, replace(REQUEST, model=checkpoint, references=(SHEET,)))
    units = fake.drawn[0].get("alwayson_scripts", {}).get("ControlNet", {}).get("args", [])
    assert [(one["module"], one["model"]) for one in units] == ([unit] if unit else [])
    assert all(one["enabled"] and one["image"] and "effective_region_mask" not in one for one in units)


async def test_several_people_look_like_theirs_each_in_a_part_of_the_picture(fake: StableDiffusion) -> None:
    fake.controls = ["ip-adapter_sdxl"]
    await draw(fake, replace(REQUEST, references=SEVERAL))
    units = fake.drawn[0]["alwayson_scripts"]["ControlNet"]["args"]
    for unit, (white, black) in zip(units, [(100, 900), (900, 100)], strict=True):
        with Image.open(io.BytesIO(base64.b64decode(unit["effective_region_mask"]))) as mask:
            assert mask.size == (1024, 768)
            assert (mask.getpixel((white, 400)), mask.getpixel((black, 400))) == (255, 0)


async def test_a_sketch_leads_through_a_model_for_sketches(fake: StableDiffusion) -> None:
    """An attached control picture names no model: what the server has for sketches reads it, or nothing does."""
    sketch = Control(replace(a_picture(), of="control"))
    fake.controls = ["control_lineart_xl"]
    await draw(fake, replace(REQUEST, control=(sketch,)))
    fake.controls = ["control_openpose_xl"]
    await draw(fake, replace(REQUEST, control=(sketch,)))
    first, second = fake.drawn
    (unit,) = first["alwayson_scripts"]["ControlNet"]["args"]
    assert (unit["module"], unit["model"]) == ("invert (from white bg & black line)", "control_lineart_xl")
    assert "alwayson_scripts" not in second
