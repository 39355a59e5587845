"""What a Stable Diffusion server offers: checkpoints, samplers, schedulers, ControlNet models."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from engine.errors import ProviderRejected
from engine.images import ImageRequest

# The path of a list, and the keys under which an entry has its names.
_CHECKPOINTS = ("/sdapi/v1/sd-models", ("title", "model_name", "hash", "sha256"))
_SAMPLERS = ("/sdapi/v1/samplers", ("name", "aliases"))
_SCHEDULERS = ("/sdapi/v1/schedulers", ("label", "name", "aliases"))
_CONTROL_MODELS = ("/controlnet/model_list", ())
_CONTROL_MODULES = ("/controlnet/module_list", ())
_OPTIONS = "/sdapi/v1/options"
# Preprocessors that work with every model of their kind, the most reliable first: A1111's, then Forge's.
_ADAPTING = ("ip-adapter-auto", "ip-adapter_clip_sdxl_plus_vith", "ip-adapter_clip_sd15", "clip-vit-h (ipadapter)")
# Models for sketches, and the preprocessor that turns black lines on white into what they expect.
_SKETCHED = ("scribble", "sketch", "lineart")
_INVERTING = "invert"
# A message lists at most this many names.
_MOST_LISTED = 20

Get = Callable[[str], Awaitable[Any]]


class Lists:
    """Read when first needed, and again when a name is not found, because it may have been added since.

    `get` returns the answer of a path, or None if the server does not know it.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._known: dict[str, list[list[str]] | None] = {}

    async def check(self, request: ImageRequest) -> None:
        """Raise `ProviderRejected` for a name that the server does not have; the message lists those that it has."""
        chosen = request.settings
        await self._has(_CHECKPOINTS, "checkpoint", request.model)
        await self._has(_SAMPLERS, "sampler", chosen.sampler)
        await self._has(_SCHEDULERS, "scheduler", chosen.scheduler)
        if request.control and await self._list(_CONTROL_MODELS) is None:
            raise ProviderRejected(
                "The image server has no ControlNet. Install its extension, or draw without control."
            )
        for unit in request.control:
            await self._has(_CONTROL_MODELS, "ControlNet model", "" if unit.model == "None" else unit.model)

    async def adapter(self, checkpoint: str) -> tuple[str, str] | None:
        """Module and model of the ControlNet unit that makes people look as in a picture; None if there is none.

        Servers list names only: a checkpoint with `xl` in its name needs a model with `xl` in its name.
        """
        models = await self._suiting(checkpoint, ("ip-adapter", "ip_adapter", "ipadapter"))
        # Models for faces need other preprocessors and ignore everything else.
        whole = [name for name in models if "face" not in name.casefold()]
        modules = {_bare(names[0]): names[0] for names in await self._list(_CONTROL_MODULES) or [] if names}
        found = next((modules[name] for name in _ADAPTING if name in modules), None)
        return (found, whole[0]) if whole and found else None

    async def sketched(self, checkpoint: str) -> tuple[str, str] | None:
        """Module and model of the unit for sketches; None if there is none."""
        models = await self._suiting(checkpoint, _SKETCHED)
        modules = [names[0] for names in await self._list(_CONTROL_MODULES) or [] if names]
        inverting = next((name for name in modules if name.casefold().startswith(_INVERTING)), "none")
        return (inverting, models[0]) if models else None

    async def _suiting(self, checkpoint: str, kinds: Iterable[str]) -> list[str]:
        """The ControlNet models of these kinds that suit a checkpoint, or the loaded one."""
        listed = [names[0] for names in await self._list(_CONTROL_MODELS) or [] if names]
        found = [name for kind in kinds for name in listed if kind in name.casefold()]
        if not found:
            return []
        if not checkpoint:
            options = await self._get(_OPTIONS)
            checkpoint = str(options.get("sd_model_checkpoint") or "") if isinstance(options, dict) else ""
        large = "xl" in _bare(checkpoint)
        return [name for name in found if ("xl" in _bare(name)) == large]

    async def _has(self, which: tuple[str, tuple[str, ...]], what: str, name: str) -> None:
        if not name:
            return
        there = await self._list(which)
        if there is not None and not _among(name, there):
            there = await self._list(which, again=True)
        # If the server does not list them, it checks the name itself.
        if there is None or _among(name, there):
            return
        listed = [names[0] for names in there if names]
        more = f" and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
        raise ProviderRejected(
            f"The image server has no {what} {name!r}. It has: {', '.join(listed[:_MOST_LISTED]) or 'none'}{more}."
        )

    async def _list(self, which: tuple[str, tuple[str, ...]], *, again: bool = False) -> list[list[str]] | None:
        path, keys = which
        if again or path not in self._known:
            answer = await self._get(path)
            if isinstance(answer, dict):
                answer = answer.get("model_list") or answer.get("module_list")
            self._known[path] = [_names(one, keys) for one in answer] if isinstance(answer, list) else None
        return self._known[path]


def _names(entry: Any, keys: Iterable[str]) -> list[str]:
    if not isinstance(entry, dict):
        return [str(entry)]
    values = [entry.get(key) for key in keys]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [str(one) for one in flat if one]


def _among(name: str, there: list[list[str]]) -> bool:
    return any(_bare(name) == _bare(one) for names in there for one in names)


def _bare(name: str) -> str:
    """A name in lower case, without the hash that servers append in square brackets."""
    return name.partition(" [")[0].casefold()
