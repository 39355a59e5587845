"""What standing instructions of a project are about."""

from enum import StrEnum


class InstructionKind(StrEnum):
    """What a standing instruction is about."""

    STYLE = "style"
    TONE = "tone"
    DO = "do"
    DONT = "dont"
    LIMIT = "limit"
