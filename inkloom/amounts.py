"""Amounts in words: "1 picture", "2 pictures", "1,234 pictures"."""


def amount(count: int, one: str, many: str = "") -> str:
    """A count with its noun. `many` is the plural of nouns that do not simply get an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def agree(count: int, one: str, many: str) -> str:
    """The verb that goes with a count, such as "is" or "are"."""
    return one if count == 1 else many
