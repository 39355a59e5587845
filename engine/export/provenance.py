"""What a file says of how its pictures were made: nobody should take a storyboard for a person's work, or a model's."""

from collections.abc import Collection

STORYBOARD = "A storyboard drawn by rules: not the work of a person, not the output of an image model."
_MIXED = f"Some of the pictures are storyboards. {STORYBOARD}"


def notes_of(artists: Collection[str]) -> str:
    """The remark for a file with pictures of these artists, by their providers' ids; empty where none is needed."""
    if "offline" not in artists:
        return ""
    return STORYBOARD if len(set(artists)) == 1 else _MIXED
