"""Cleans titles of users for files that other programs parse."""


def printable(text: str) -> str:
    """The text on one line, without what XML and PDF readers reject: controls, surrogates, non-characters."""
    kept = (" " if sign.isspace() else sign for sign in text)
    return " ".join("".join(sign for sign in kept if _allowed(ord(sign))).split())


def _allowed(code: int) -> bool:
    if code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF:
        return False
    return not (0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)
