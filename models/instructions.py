"""The subjects that a project's standing instructions can have."""

from enum import StrEnum


class InstructionKind(StrEnum):
    """What a standing instruction is about."""

    STYLE = "style"
    TONE = "tone"
    DO = "do"
    DONT = "dont"
    LIMIT = "limit"
