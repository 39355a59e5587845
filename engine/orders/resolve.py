"""Resolves the options of a generation: one rule for the command line, the API and redraws.

Each layer overrides the previous one: the settings name providers and models, then the project's options, then the
request. What none of them says about how the story is read, the chapter's script says.
"""

from collections.abc import Mapping
from typing import Any

from engine.money.prices import Prices
from engine.providers.registry import require_all
from engine.settings import Settings
from models.options import GenerationOptions, RenderSettings

_PROVIDERS = (("llm", "llm_model"), ("images", "image_model"))
# The options that a script may set.
_AS_SCRIPTED = ("format", "page_size", "direction", "language")


def resolve(
    request: Mapping[str, Any],
    settings: Settings,
    *,
    project: Mapping[str, Any] | None = None,
    script: Mapping[str, Any] | None = None,
) -> GenerationOptions:
    """The options of a generation.

    Raises `NotConfigured` for a provider that cannot be used, and pydantic's `ValidationError` for invalid values.
    """
    layers: list[Mapping[str, Any]] = [project or {}, request]
    found = {name: script[name] for name in _AS_SCRIPTED if script.get(name)} if script else {}
    for layer in layers:
        found |= layer
    if project and "export" in request:
        # Field by field: a request that names a format leaves the project's credits as they are.
        found["export"] = {**project.get("export", {}), **request["export"]}
    for provider, model in _PROVIDERS:
        found |= _provider(provider, model, settings, layers)
    options = GenerationOptions.model_validate(found)
    require_all(options, settings)
    return options


def named(options: GenerationOptions) -> dict[str, Any]:
    """What a request names of its options, without the defaults of the rest."""
    return options.model_dump(exclude_unset=True)


def for_redraw(
    before: GenerationOptions | None,
    settings: Settings,
    project: Mapping[str, Any],
    *,
    drafts: int,
    images: str | None = None,
    image_model: str | None = None,
    render: RenderSettings | None = None,
) -> GenerationOptions:
    """The options of a redraw: those of the chapter's last generation, with the artist that the request names.

    Without reviews. Raises what `resolve` raises, and `NotPriced` for a model without a price.
    """
    changed: dict[str, Any] = {"review": "none", "until": "pages", "drafts": drafts, "priority": 1}
    if images is not None:
        changed |= {"images": images, "image_model": image_model or "", "image_fallback": []}
    elif image_model is not None:
        changed |= {"image_model": image_model}
    if render is not None:
        changed |= {"render": render}
    if before is None:
        options = resolve(changed, settings, project=project)
    else:
        options = before.model_copy(update=changed)
        require_all(options, settings)
    Prices.of(settings).require(options)
    return options


def _provider(provider: str, model: str, settings: Settings, layers: list[Mapping[str, Any]]) -> dict[str, str]:
    """A model goes with its provider: a layer that names the provider drops the model of the layers before it."""
    found = {provider: getattr(settings, provider), model: getattr(settings, model)}
    for layer in layers:
        if provider in layer:
            found = {provider: layer[provider], model: ""}
        if model in layer:
            found[model] = layer[model]
    return found
