"""An Ollama server, as far as the adapter uses it, after the documented format."""

from engine.reading import count_tokens
from tests.fakes.questions import Answering, Question, fine
from tests.fakes.server import Answer, Asked, Server

CHAT = "/api/chat"


class Ollama(Server):
    """Answers questions to `models` with `answer`.

    `window` is how many tokens its model can hold whatever is asked for; a prompt that is longer is cut in silence, as
    servers do that do not know `truncate`.
    """

    paid_paths = (CHAT,)

    def __init__(self, answer: Answering = fine, *, models: tuple[str, ...] = ("gemma3:12b",)) -> None:
        super().__init__()
        self.answer = answer
        self.models = models
        self.window = 1_000_000

    async def respond(self, asked: Asked) -> Answer:
        body = asked.json
        if asked.path != CHAT:
            return Answer("404 page not found", 404, {"content-type": "text/plain"})
        if body["model"] not in self.models:
            return error(404, message=f"model '{body['model']}' not found")
        system, prompt = (message["content"] for message in body["messages"])
        text = await self.answer(Question(body["model"], system, prompt, body["format"]))
        window = min(self.window, body["options"]["num_ctx"])
        read = count_tokens(system) + count_tokens(prompt)
        return Answer(reply(text, read=read if read <= window else window // 2))


def reply(text: str, *, done: str = "stop", read: int = 10) -> dict[str, object]:
    """A chat answer."""
    return {
        "model": "gemma3:12b",
        "created_at": "2026-11-23T20:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": done,
        "total_duration": 5_000_000,
        "prompt_eval_count": read,
        "eval_count": count_tokens(text),
    }


def error(status: int, code: str = "", message: str = "It failed.", **headers: str) -> Answer:
    """An error in Ollama's form, which knows no codes."""
    return Answer({"error": message}, status, {name.replace("_", "-"): value for name, value in headers.items()})
