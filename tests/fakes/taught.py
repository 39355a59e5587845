"""OpenAI as a fake that is taught its answers, takes its time, and notes what it answered in full."""

import asyncio
import hashlib
from collections import Counter

from engine.digest import digest
from tests.fakes.openai import CHAT, EDIT, OpenAI, multipart
from tests.fakes.questions import Question
from tests.fakes.server import Answer, Asked
from tests.paying_worker import TEACH


def content(asked: Asked) -> str:
    """What was asked, whatever it came in: pictures are sent as a form, whose boundaries are new each time."""
    if asked.path != EDIT:
        return digest(asked.json)
    fields, files = multipart(asked)
    return digest(fields, [(name, hashlib.sha256(data).hexdigest()) for name, data in files])


class TaughtVendor(OpenAI):
    """Answers texts with what `tests.paying_worker` taught it, and pictures after `drawing` seconds."""

    def __init__(self, drawing: float = 0.4) -> None:
        super().__init__(self._taught)
        self.drawing = drawing
        self._answers: dict[tuple[str, str], str] = {}
        self.answered: Counter[str] = Counter()

    async def respond(self, asked: Asked) -> Answer:
        if asked.path == TEACH:
            self._answers[asked.json["system"], asked.json["prompt"]] = asked.json["answer"]
            return Answer("ok")
        await asyncio.sleep(0.15 if asked.path == CHAT else self.drawing)
        answer = await super().respond(asked)
        self.answered[content(asked)] += 1
        return answer

    async def _taught(self, question: Question) -> str:
        return self._answers[question.system, question.prompt]
