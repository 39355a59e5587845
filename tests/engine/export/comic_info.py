"""ComicInfo 2.0 as its schema has it: the elements in their sequence, what each may hold, attributes of pages.

Written from the published schema (anansi-project/comicinfo, v2.0), so that a sheet of ours is judged by other rules
than those that wrote it.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

TEXT, WHOLE, DECIMAL = r"[\s\S]*", r"-?\d+", r"-?\d+(\.\d+)?"
YES_NO = "Unknown|No|Yes"
AGES = (
    r"Unknown|Adults Only 18\+|Early Childhood|Everyone|Everyone 10\+|G|Kids to Adults|M|MA15\+|Mature 17\+|PG|R18\+"
    r"|Rating Pending|Teen|X18\+"
)
SEQUENCE = {
    **dict.fromkeys(("Title", "Series", "Number"), TEXT),
    **dict.fromkeys(("Count", "Volume"), WHOLE),
    **dict.fromkeys(("AlternateSeries", "AlternateNumber"), TEXT),
    "AlternateCount": WHOLE,
    **dict.fromkeys(("Summary", "Notes"), TEXT),
    **dict.fromkeys(("Year", "Month", "Day"), WHOLE),
    **dict.fromkeys(("Writer", "Penciller", "Inker", "Colorist", "Letterer", "CoverArtist", "Editor"), TEXT),
    **dict.fromkeys(("Publisher", "Imprint", "Genre", "Web"), TEXT),
    "PageCount": WHOLE,
    **dict.fromkeys(("LanguageISO", "Format"), TEXT),
    "BlackAndWhite": YES_NO,
    "Manga": f"{YES_NO}|YesAndRightToLeft",
    **dict.fromkeys(("Characters", "Teams", "Locations", "ScanInformation", "StoryArc", "SeriesGroup"), TEXT),
    "AgeRating": AGES,
    "Pages": r"\s*",
    "CommunityRating": r"[0-4](\.\d{1,2})?|5(\.0{1,2})?",
    **dict.fromkeys(("MainCharacterOrTeam", "Review"), TEXT),
}
KINDS = "FrontCover|InnerCover|Roundup|Story|Advertisement|Editorial|Letters|Preview|BackCover|Other|Deleted"
ATTRIBUTES = {
    "Image": WHOLE,
    "Type": f"({KINDS})( ({KINDS}))*",
    "DoublePage": "true|false|1|0",
    "ImageSize": WHOLE,
    "Key": TEXT,
    "Bookmark": TEXT,
    "ImageWidth": WHOLE,
    "ImageHeight": WHOLE,
}


def broken_rules(sheet: bytes) -> list[str]:
    """What the schema would not take; normally nothing."""
    return list(_broken(ElementTree.fromstring(sheet)))  # noqa: S314  # our own file


def _broken(root: ElementTree.Element) -> Iterator[str]:
    if root.tag != "ComicInfo":
        yield f"the root is {root.tag}"
    order = list(SEQUENCE)
    places = [order.index(child.tag) if child.tag in SEQUENCE else -1 for child in root]
    yield from (f"there is no {child.tag}" for child, place in zip(root, places, strict=True) if place < 0)
    if places != sorted(set(places)):
        yield f"the order is {[child.tag for child in root]}"
    for child in root:
        if not re.fullmatch(SEQUENCE.get(child.tag, TEXT), child.text or ""):
            yield f"{child.tag} is {child.text!r}"
    for page in root.iterfind("Pages/*"):
        if page.tag != "Page" or "Image" not in page.attrib:
            yield f"a page is {page.tag} {page.attrib}"
        for name, value in page.attrib.items():
            if not re.fullmatch(ATTRIBUTES.get(name, r"(?!)"), value):
                yield f"{name} of a page is {value!r}"
