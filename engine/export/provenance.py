"""What a file says about how its pictures were made, so that nobody takes a storyboard for a person's or a model's
work.
"""

from collections.abc import Collection, Iterable
from xml.etree import ElementTree

from engine.export.clean_text import printable
from engine.images.png_text import STORYBOARD, stamped, without
from models.exports import Credit
from models.tables.story import DraftOrigin

_MIXED = f"Some of the pictures are storyboards. {STORYBOARD}"

# The IPTC's vocabulary of digital source types.
_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
BY_RULES = f"{_TYPES}algorithmicMedia"
BY_MODEL = f"{_TYPES}trainedAlgorithmicMedia"
EDITED_BY_MODEL = f"{_TYPES}compositeWithTrainedAlgorithmicMedia"
COMPOSED = f"{_TYPES}compositeSynthetic"

IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP_KEY = "XML:com.adobe.xmp"
_DC, _XMP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/xap/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XML = "http://www.w3.org/XML/1998/namespace"
_NAMES = {"dc": _DC, "xmp": _XMP, "rdf": _RDF, "x": _META, "Iptc4xmpExt": IPTC_EXT}


def notes_of(artists: Collection[str]) -> str:
    """The note for a file with pictures of these artists, by provider; empty if none is needed."""
    if "offline" not in artists:
        return ""
    return STORYBOARD if len(set(artists)) == 1 else _MIXED


def notes_together(notes: Iterable[str]) -> str:
    """The note for a file whose parts have these notes, if they agree."""
    different = set(notes)
    return different.pop() if len(different) == 1 else _MIXED if different else ""


def model_of_picture(provider: str, model: str, origin: str) -> str:
    """The model that made a picture; empty for rules and for added art."""
    if origin == DraftOrigin.UPLOADED or provider == "offline":
        return ""
    return f"{provider}/{model}" if model else provider


def origin_of_picture(provider: str, origin: str) -> str:
    """The source type of one picture; empty for added art, of which nothing is known."""
    if origin == DraftOrigin.UPLOADED:
        return ""
    if provider == "offline":
        return BY_RULES
    return EDITED_BY_MODEL if origin == DraftOrigin.EDITED else BY_MODEL


def origin_of_pages(pictures: Iterable[str]) -> str:
    """The source type of pages with pictures of these types; empty if nothing is known of how they were made."""
    known = set(pictures)
    if not known - {""}:
        return ""
    return BY_RULES if known == {BY_RULES} else COMPOSED


def xmp(
    *,
    title: str = "",
    credits: Iterable[Credit] = (),
    notes: str = "",
    origin: str = "",
    models: Iterable[str] = (),
    prompt: str = "",
) -> str:
    """An XMP packet: the tool and the source type. Same facts, same packet."""
    for prefix, name in _NAMES.items():
        ElementTree.register_namespace(prefix, name)
    meta = ElementTree.Element(f"{{{_META}}}xmpmeta")
    rdf = ElementTree.SubElement(meta, f"{{{_RDF}}}RDF")
    about = ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    _put(about, _XMP, "CreatorTool", "Inkloom")
    _put(about, _DC, "title", printable(title), "Alt")
    _put(about, _DC, "description", printable(notes), "Alt")
    people = [f"{printable(one.name)} ({one.role})" for one in credits]
    if people:
        listed = ElementTree.SubElement(ElementTree.SubElement(about, f"{{{_DC}}}creator"), f"{{{_RDF}}}Seq")
        for one in people:
            ElementTree.SubElement(listed, f"{{{_RDF}}}li").text = one
    _put(about, IPTC_EXT, "DigitalSourceType", origin)
    _put(about, IPTC_EXT, "AISystemUsed", printable(", ".join(models)))
    _put(about, IPTC_EXT, "AIPromptInformation", printable(prompt))
    body = ElementTree.tostring(meta, encoding="unicode")
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="r"?>'


def with_xmp(png: bytes, packet: str) -> bytes:
    """The PNG with this packet instead of any other. Pixels are untouched; data that is no PNG stays as it is."""
    return stamped(without(png, _XMP_KEY), packet, _XMP_KEY)


def _put(about: ElementTree.Element, space: str, name: str, value: str, container: str = "") -> None:
    if not value:
        return
    place = ElementTree.SubElement(about, f"{{{space}}}{name}")
    if container:
        listed = ElementTree.SubElement(place, f"{{{_RDF}}}{container}")
        place = ElementTree.SubElement(listed, f"{{{_RDF}}}li", {f"{{{_XML}}}lang": "x-default"})
    place.text = value
