"""The providers, what they need and what they can do, as data that anything may read without a vendor's SDK."""

from dataclasses import dataclass, field
from typing import Literal

from engine.errors import NotConfigured
from engine.providers.model_facts import unfit
from engine.settings import Settings, variable_of
from models.options import Choice, GenerationOptions

Kind = Literal["llm", "images"]


@dataclass(frozen=True)
class Sizes:
    """The sizes that an artist draws, in pixels: multiples of `step`, `least` to `most` a side, at most `area` in
    all.

    No side is more than `widest` times the other.
    """

    step: int = 1
    least: int = 16
    most: int = 4096
    area: int = 4096 * 4096
    least_area: int = 0
    widest: float = 100.0


@dataclass(frozen=True)
class Draws:
    """What an artist can do beside drawing from a prompt."""

    sizes: Sizes = field(default_factory=Sizes)
    references: int = 0
    source: bool = False
    mask: bool = False
    controls: int = 0
    # The kinds of its reference pictures.
    shows: tuple[str, ...] = ("character", "place", "panel")
    # Whether each reference picture takes one of the ControlNet units.
    references_are_units: bool = False
    negative: bool = False
    # Whether the same seed gives the same picture.
    seed: bool = False
    # Whether it draws from the panel's data rather than from the prompt alone.
    data: bool = False


@dataclass(frozen=True)
class Provider:
    """A writer (`llm`) or an artist (`images`). `needs` are the settings without which it cannot work."""

    id: str
    kind: Kind
    about: str
    needs: tuple[str, ...] = ()
    default_model: str = ""
    draws: Draws | None = None
    # Its calls are free, whatever the model: it runs on the user's own machine.
    free: bool = False
    # Whether it can translate.
    translates: bool = True


PROVIDERS = (
    Provider(
        "offline",
        "llm",
        "storyboards from the manuscript's own words; no key or network needed",
        free=True,
        translates=False,
    ),
    Provider(
        "offline",
        "images",
        "draws storyboards from the panel's data; no key or network needed",
        # It redraws and inpaints; it has no use for control pictures and pictures of people.
        draws=Draws(source=True, mask=True, seed=True, data=True),
        free=True,
    ),
    Provider("openai", "llm", "OpenAI's models", needs=("openai_api_key",), default_model="gpt-6.1-sol"),
    Provider("anthropic", "llm", "Anthropic's models", needs=("anthropic_api_key",), default_model="claude-sonnet-5-5"),
    Provider(
        "ollama",
        "llm",
        "models on your own machine, served by Ollama",
        needs=("ollama_host",),
        default_model="gemma3:12b",
        free=True,
    ),
    Provider(
        "openai",
        "images",
        "OpenAI Images; reference pictures keep characters alike",
        needs=("openai_api_key",),
        default_model="gpt-image-2.6-flare",
        draws=Draws(
            sizes=Sizes(step=16, least=256, most=3840, area=3840 * 2160, least_area=655_360, widest=3.0),
            references=16,
            source=True,
            mask=True,
        ),
    ),
    Provider(
        "local",
        "images",
        "Stable Diffusion through `/sdapi/v1`: AUTOMATIC1111, Forge, SD.Next; LoRA and ControlNet",
        needs=("local_image_url",),
        draws=Draws(
            sizes=Sizes(step=8, least=64, most=2048, area=2048 * 2048),
            references=3,
            shows=("character", "panel"),
            references_are_units=True,
            source=True,
            mask=True,
            controls=3,
            negative=True,
            seed=True,
        ),
        free=True,
    ),
)


def find(kind: Kind, provider: str) -> Provider:
    """The provider; raises `NotConfigured`, which lists the existing ones."""
    known = [one for one in PROVIDERS if one.kind == kind]
    for one in known:
        if one.id == provider:
            return one
    role = "writer" if kind == "llm" else "artist"
    listed = ", ".join(one.id for one in known)
    raise NotConfigured(f"There is no {role} called {provider!r} in this version. Choose one of: {listed}.")


def draws_of(provider: str) -> Draws:
    """What an artist can do; an unlisted one sees everything and takes nothing."""
    known = [listed.draws for listed in PROVIDERS if (listed.kind, listed.id) == ("images", provider)]
    return (known[0] if known else None) or Draws(data=True)


def model_of(kind: Kind, choice: Choice) -> str:
    """The model of a choice; empty if the provider has no models or has one loaded already."""
    return choice.model or next(
        (one.default_model for one in PROVIDERS if (one.kind, one.id) == (kind, choice.provider)), ""
    )


def resolved(kind: Kind, choice: Choice) -> Choice:
    """The choice with its model."""
    return Choice(provider=choice.provider, model=model_of(kind, choice))


def artist_of(options: GenerationOptions) -> Choice:
    """The artist that a generation names first, with its model, whichever artist draws in the end."""
    return resolved("images", options.artists()[0])


def missing(provider: Provider, settings: Settings) -> list[str]:
    """The missing settings of the provider, by environment variable."""
    return [variable_of(name) for name in provider.needs if not getattr(settings, name)]


def require(kind: Kind, provider: str, settings: Settings) -> Provider:
    """The provider, if it can be used; raises `NotConfigured`, which says what to set or to choose."""
    one = find(kind, provider)
    unset = missing(one, settings)
    if unset:
        raise NotConfigured(f"{provider} needs {' and '.join(unset)} to be set in the environment.")
    return one


def require_all(options: GenerationOptions, settings: Settings) -> None:
    """Require every provider and model that the options name; raises `NotConfigured` if one cannot be used."""
    first = Choice(provider=options.llm, model=options.llm_model)
    asked: list[tuple[Kind, Choice]] = [
        ("llm", one) for one in (first, *options.llm_tasks.values(), *options.llm_fallback)
    ]
    asked += [("images", one) for one in options.artists()]
    for kind, one in asked:
        require(kind, one.provider, settings)
        if why := unfit(kind, one.provider, one.model):
            raise NotConfigured(why)


def configured(kind: Kind, settings: Settings) -> list[Provider]:
    """The providers that can be used."""
    return [one for one in PROVIDERS if one.kind == kind and not missing(one, settings)]
