"""`run` that waits for a person: it says what for, ends with 4, and goes on with what the person adds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import inkloom, inkloom_here
from tests.support.folders import enterable_folder
from tests.working import STORY

# The offline providers, at a price.
PRICES = '{"offline/": {"call": 0.01}}'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with enterable_folder() as name:
        (name / "story.txt").write_text(STORY)
        yield name


@pytest.mark.workflow
@pytest.mark.slow
def test_a_budget_ends_the_run_and_a_larger_one_goes_on(folder: Path) -> None:
    """Not a cent beyond it; without a word it waits again; with more money nothing is paid for a second time."""

    def run(*words: str) -> tuple[int, dict[str, object], str]:
        done = inkloom(
            "run", folder / "story.txt", "--out", folder / "out", "--json", *words,
            INKLOOM_DATA=str(folder / "data"), INKLOOM_TEMPORAL_UI_PORT="0", INKLOOM_PRICES=PRICES,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr

    code, told, said = run("--budget", "0.06")
    assert (code, told["status"], told["cost_usd"]) == (4, "budget_exceeded", 0.06)
    assert "of 0.06 USD" in " ".join(said.split())
    code, told, _ = run()
    assert (code, told["status"], told["cost_usd"]) == (4, "budget_exceeded", 0.0)
    code, told, _ = run("--budget", "9")
    assert (code, told["status"]) == (0, "completed")
    paid = told["cost_usd"]
    code, told, _ = run("--budget", "9")
    assert (code, told["status"], told["cost_usd"]) == (0, "completed", 0.0)
    assert isinstance(paid, float)
    assert 0 < paid < 1


@pytest.mark.unit
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        pytest.param({"INKLOOM_PRICES": "cheap"}, "is not valid JSON", id="no JSON"),
        pytest.param({"INKLOOM_PRICES": '{"a/b": {"input": -1}}'}, "INKLOOM_PRICES a/b input", id="a price below zero"),
        pytest.param({"INKLOOM_RATES": '{"openai": {"requests": 0}}'}, "INKLOOM_RATES", id="no requests at all"),
    ],
)
def test_settings_that_make_no_sense_are_explained(folder: Path, setting: dict[str, str], said: str) -> None:
    """Before anything is started."""
    done = inkloom_here("estimate", folder / "story.txt", **setting)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.unit
def test_a_provider_without_its_key_is_refused_with_the_name_of_the_key(folder: Path) -> None:
    """Nothing is started for it."""
    done = inkloom_here("run", folder / "story.txt", "--out", folder / "none", "--llm", "openai")
    assert (done.returncode, "OPENAI_API_KEY" in done.stderr) == (2, True)


@pytest.mark.unit
def test_those_who_stand_in_are_checked_like_the_first(folder: Path) -> None:
    """A word that is no provider, and one that has no key."""
    for word, said in (("crayon/soft", "crayon"), ("anthropic", "ANTHROPIC_API_KEY")):
        done = inkloom_here("run", folder / "story.txt", "--out", folder / "none", "--llm-fallback", word)
        assert (done.returncode, said in done.stderr) == (2, True)


@pytest.mark.unit
def test_an_estimate_knows_what_it_does_not_know(folder: Path) -> None:
    """A price that nobody knows is said so instead of counted as nothing."""
    known = inkloom_here("estimate", folder / "story.txt", "--json", INKLOOM_PRICES=PRICES)
    told = json.loads(known.stdout)
    assert 0 < told["usd"]["low"] <= told["usd"]["expected"] <= told["usd"]["high"]
    unknown = inkloom_here(
        "estimate", folder / "story.txt", "--llm", "openai", "--llm-model", "of-tomorrow", OPENAI_API_KEY="sk-none"
    )
    assert (unknown.returncode, "INKLOOM_PRICES" in unknown.stderr) == (2, True)
