"""Translations over HTTP: by hand, as a translator's file, by a writer; each with pages and files of its own."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json, new_chapter, problem, refused
from tests.api.directed import Directed, finished_chapter
from tests.support.project_files import exported, imported
from tests.working import STORY, translating

pytestmark = pytest.mark.workflow


@pytest.fixture
async def directed(api: AsyncClient, crew: Crew, request: pytest.FixtureRequest) -> AsyncIterator[Directed]:
    """A finished chapter, whose writer can only tell the story."""
    name = "".join(sign for sign in request.node.name.title() if sign.isalpha())[-12:]
    async with finished_chapter(api, crew, STORY.replace("Mara", name)) as found:
        yield found


async def put(directed: Directed, path: str, body: Any, status: int = 200) -> Json:
    answer = await directed.api.put(f"/api/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def filled_in(directed: Directed, language: str = "de") -> Json:
    """The chapter's words as a file, every text filled in."""
    file: Json = await directed.get(f"/chapters/{directed.chapter_id}/translations/{language}")
    for text in [
        file["title"],
        *(panel["caption"] for panel in file["panels"]),
        *(line for panel in file["panels"] for line in panel["lines"]),
    ]:
        text["text"] = text["source"] and f"{language} {text['source']}"
    return file


def said(pages: Json) -> str:
    """All that is lettered on pages."""
    return " ".join(text["text"] for page in pages["items"] for panel in page["lettering"] for text in panel["texts"])


async def test_a_translators_file_makes_a_chapter_that_costs_nothing(directed: Directed) -> None:
    """With the offline providers: no call is made, the art stays, and the files say in which language they are."""
    path = f"/chapters/{directed.chapter_id}"
    file = await filled_in(directed)
    taken = await put(directed, f"{path}/translations/de", file)
    assert taken == {"language": "de", "changed": len(file["panels"]), "missing": 0}
    assert (await put(directed, f"{path}/translations/de", file))["changed"] == 0
    directed.writer.asked.clear()
    directed.painter.asked.clear()
    await directed.order(translations=["de"])
    assert (await directed.ended())["status"] == "completed"
    assert (directed.writer.asked, directed.painter.asked) == ([], [])
    own, german = await directed.get(f"{path}/pages"), await directed.get(f"{path}/pages?language=de")
    assert [page["layout"] for page in german["items"]] == [page["layout"] for page in own["items"]]
    assert "de " in said(german)
    assert "de " not in said(own)
    epub = await directed.api.get(f"/api/v1{path}/exports/epub?language=de")
    assert '.de.epub"' in epub.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(epub.content)) as archive:
        package = archive.read("book/package.opf").decode()
    assert "<dc:language>de</dc:language>" in package
    assert ">de A chapter</dc:title>" in package
    plain = await directed.api.get(f"/api/v1{path}/exports/epub")
    with zipfile.ZipFile(io.BytesIO(plain.content)) as archive:
        other = archive.read("book/package.opf").decode()
    assert "<dc:language>en</dc:language>" in other
    # To a reader's library the two are two books.
    assert package.split("urn:uuid:")[1][:36] != other.split("urn:uuid:")[1][:36]
    missing = await directed.api.get(f"/api/v1{path}/exports/cbz?language=ja")
    assert problem(missing) == refused(404, "not-found")


async def test_what_nobody_can_translate_is_refused_before_it_is_ordered(api: AsyncClient) -> None:
    """The offline writer cannot; whoever orders is told what to do instead."""
    _, chapter_id = await new_chapter(api)
    body = {"kind": "chapter", "target_ids": [chapter_id], "options": {"translations": ["de"]}}
    answer = await api.post("/api/v1/generations", json=body)
    assert problem(answer) == refused(422, "not-configured")
    assert f"PUT /api/v1/chapters/{chapter_id}/translations/de" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"translations": ["pt-BR", "pt-br"]}, "name each language once", id="twice"),
        pytest.param({"translations": ["german!"]}, "BCP 47 tag", id="no tag"),
        pytest.param({"translations": ["en"], "language": "en"}, "the story's own language", id="its own"),
        pytest.param({"export": {"language": "fr"}}, "Nothing is translated into fr", id="files in none"),
    ],
)
async def test_languages_that_make_no_sense_are_refused(api: AsyncClient, options: Json, says: str) -> None:
    _, chapter_id = await new_chapter(api)
    body = {"kind": "chapter", "target_ids": [chapter_id], "options": options}
    answer = await api.post("/api/v1/generations", json=body)
    assert answer.status_code == 422
    assert says.casefold() in answer.text.casefold()


async def test_a_panel_by_hand(directed: Directed) -> None:
    """What a person wrote is kept when the panel's words change, until they give it back; nobody overwrites another."""
    panel = next(one for one in await directed.panels() if one["dialogue"])
    path = f"/panels/{panel['id']}/translations/de"
    missing = await directed.get(path)
    assert (missing["state"], missing["version"], missing["lines"][0]["text"]) == ("missing", 0, "")
    lines = [f"Ja, {line['text']}" for line in panel["dialogue"]]
    caption = panel["caption"] and "Spät."
    body = {"version": 0, "caption": caption, "lines": lines}
    made = await put(directed, path, body)
    assert (made["state"], made["manual"], made["version"]) == ("made", True, 1)
    assert [line["text"] for line in made["lines"]] == lines
    assert (await put(directed, path, body, 409))["type"] == "/problems/conflict"
    wrong = {"version": 1, "caption": caption, "lines": [*lines, "Mehr."]}
    assert "give one for each" in (await put(directed, path, wrong, 422))["detail"]
    for nothing in ("", "\u200b"):
        empty = {"version": 1, "caption": caption, "lines": [nothing for _ in lines]}
        assert "Line 1 is not translated" in (await put(directed, path, empty, 422))["detail"]
    said = [{**line, "text": line["text"] + " Now."} for line in panel["dialogue"]]
    await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "dialogue": said})
    assert (await directed.get(path))["state"] == "protected"
    history = (await directed.get(f"/panels/{panel['id']}/history"))["items"]
    assert "translation.changed" in {deed["type"] for deed in history}
    assert (await directed.api.delete(f"/api/v1{path}")).status_code == 204
    assert (await directed.get(path))["state"] == "missing"


async def test_a_file_that_does_not_fit_changes_nothing(directed: Directed) -> None:
    path = f"/chapters/{directed.chapter_id}/translations/de"
    file = await filled_in(directed)
    last = file["panels"][-1]
    for broken, says in (
        ({**last, "panel_id": None, "panel": 99}, "no panel with text there"),
        ({**last, "lines": [*last["lines"], {"source": "", "text": "Mehr."}]}, "translates nothing"),
        ({**last, "caption": {"source": "x", "text": ""}, "lines": [{"source": "y", "text": "z"}]}, "not translated"),
    ):
        body = {**file, "panels": [*file["panels"][:-1], broken]}
        answer = await put(directed, path, body, 422)
        assert says in answer["detail"]
    assert "the path says ja" in (await put(directed, path.replace("/de", "/ja"), file, 422))["detail"]
    listed = await directed.get(f"/chapters/{directed.chapter_id}/translations?language=de")
    assert listed["counts"] == {"missing": len(file["panels"])}


async def test_a_file_is_found_by_place_and_may_be_filled_in_part_by_part(directed: Directed) -> None:
    """Of a copy of the project the ids are others. What is empty stays untranslated; words that were changed since
    make what was translated one of the words of before, which is told."""
    path = f"/chapters/{directed.chapter_id}/translations/de"
    file = await filled_in(directed)
    first, *others = [{**panel, "panel_id": None} for panel in file["panels"]]
    for panel in others:
        panel["caption"]["text"] = ""
        panel["lines"] = [{**line, "text": ""} for line in panel["lines"]]
    taken = await put(directed, path, {**file, "panels": [first, *others]})
    assert (taken["changed"], taken["missing"]) == (1, len(others))
    panel = (await directed.panels())[first["panel"] - 1]
    await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "caption": "Other words."})
    listed = await directed.get(f"/chapters/{directed.chapter_id}/translations?language=de&state=protected")
    assert [one["panel_id"] for one in listed["items"]] == [panel["id"]]
    assert listed["title"] == {"source": "A chapter", "text": "de A chapter"}


async def test_a_writer_brings_two_languages_up_to_date(api: AsyncClient, crew: Crew) -> None:
    """What is told to be out of date, and what that is estimated at, is what an order asks for; nothing is left."""
    story = STORY.replace("Mara", "Thea")
    async with finished_chapter(api, crew, story) as directed:
        directed.writer.before = translating
        options: Json = {"translations": ["de", "pt-BR"], "llm_tasks": {"Translate": {"provider": "openai"}}}
        order = {"kind": "chapter", "target_ids": [directed.chapter_id], "options": options}
        # The translator named has no key here.
        assert problem(await api.post("/api/v1/generations", json=order)) == refused(422, "not-configured")
        path = f"/chapters/{directed.chapter_id}"
        for language in options["translations"]:
            await put(directed, f"{path}/translations/{language}", await filled_in(directed, language))
        await directed.order(translations=options["translations"])
        assert (await directed.ended())["status"] == "completed"
        assert (await directed.get(f"{path}/stale"))["items"] == []
        panel = next(one for one in await directed.panels() if one["dialogue"])
        body = {"version": panel["version"], "caption": "Much later."}
        changed = await directed.patch(f"/panels/{panel['id']}", body)
        assert (await api.delete(f"/api/v1/panels/{panel['id']}/translations/de")).status_code == 204
        stale = await directed.get(f"{path}/stale")
        told = {(part["kind"], part["language"], part["state"], *part["because"]) for part in stale["items"]}
        assert {
            ("translation", "de", "missing"),
            ("translation", "pt-BR", "protected", "words"),
            ("page", "de", "affected", "panels"),
            ("page", "", "stale", "panels"),
            ("export", "de", "affected", "pages"),
        } <= told
        assert (stale["llm_calls"], stale["image_calls"]) == (1, 0)
        order["options"] = {"translations": options["translations"]}
        estimate = await directed.post("/generations/estimate", order)
        assert estimate["llm"]["expected"] == "1"
        refusal = await api.post("/api/v1/generations", json=order)
        assert "lacks a translation into de" in refusal.json()["detail"]
        lines = [f"Ja, {line['text']}" for line in changed["dialogue"]]
        body = {"version": 0, "caption": "Viel später.", "lines": lines}
        await put(directed, f"/panels/{panel['id']}/translations/de", body)
        await directed.order(translations=options["translations"])
        assert (await directed.ended())["status"] == "completed"
        assert {part["state"] for part in (await directed.get(f"{path}/stale"))["items"]} == {"protected"}
        assert "Viel später." in said(await directed.get(f"{path}/pages?language=de"))


async def test_files_in_a_language_on_demand(directed: Directed) -> None:
    """An export names the language in `options.export.language`; a title is of the file that it was ordered with."""
    path = f"/chapters/{directed.chapter_id}"
    await put(directed, f"{path}/translations/de", await filled_in(directed))
    for target, place in ((directed.chapter_id, path), (directed.project_id, f"/projects/{directed.project_id}")):
        body = {
            "kind": "export",
            "target_ids": [target],
            "formats": ["script", "png"],
            "options": {"export": {"language": "de", "title": "Titel"}},
        }
        done = await directed.ended((await directed.post("/generations", body))["id"])
        assert (done["status"], done["progress"]) == ("completed", 1.0)
        script = await directed.api.get(f"/api/v1{place}/exports/script?language=de")
        assert '"language": "de"' in script.text
        assert '"text": "de ' in script.text
        assert (await directed.api.get(f"/api/v1{place}/exports/png")).status_code == 404
    # Of a chapter that is finished, but not in that language, nobody is told to delete it.
    other = {"title": "Another", "text": STORY.replace("Mara", "Asta")}
    second = (await directed.post(f"/projects/{directed.project_id}/chapters", other, 201))["id"]
    await directed.post("/generations", {"kind": "chapter", "target_ids": [second]})
    failed = await directed.ended((await directed.post("/generations", body))["id"])
    assert failed["error"] == (
        "The chapter “Another” has no finished pages in de yet."
        ' Generate it with "translations": ["de"], then export again.'
    )


async def test_translations_go_along_with_a_project(directed: Directed) -> None:
    """As one file, and as a copy; a panel that is deleted takes its own with it."""
    path = f"/chapters/{directed.chapter_id}/translations"
    await put(directed, f"{path}/de", await filled_in(directed))
    before = await directed.get(f"{path}?language=de")
    data = await exported(directed.api, directed.project_id)
    copy = await directed.post(f"/projects/{directed.project_id}/copy", status=201)
    for project in ((await imported(directed.api, data)).json(), copy):
        [chapter] = (await directed.get(f"/projects/{project['id']}/chapters"))["items"]
        there = await directed.get(f"/chapters/{chapter['id']}/translations?language=de")
        assert there["counts"] == before["counts"] == {"made": len(before["items"])}
        assert there["title"] == before["title"]
        assert [one["lines"] for one in there["items"]] == [one["lines"] for one in before["items"]]
        assert await exported(directed.api, project["id"]) == data
    gone = before["items"][0]["panel_id"]
    assert (await directed.api.delete(f"/api/v1/panels/{gone}")).status_code == 204
    assert (await directed.get(f"{path}?language=de"))["counts"] == {"made": len(before["items"]) - 1}
