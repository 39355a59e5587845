"""The usage that a vendor reports for a call."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """Tokens of one call. The parts are contained in `input` and `output`, and priced separately."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    image_input: int = 0
    image_output: int = 0
