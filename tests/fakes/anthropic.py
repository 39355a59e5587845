"""Anthropic's messages, as far as the adapter uses them, after the documented format."""

from engine.reading import count_tokens
from tests.fakes.questions import Answering, Question, fine
from tests.fakes.server import Answer, Asked, Server

MESSAGES = "/v1/messages"


class Anthropic(Server):
    """Answers questions with `answer`."""

    paid_paths = (MESSAGES,)

    def __init__(self, answer: Answering = fine) -> None:
        super().__init__()
        self.answer = answer

    async def respond(self, asked: Asked) -> Answer:
        # Older clients say it in `x-api-key`.
        if not asked.headers.get("authorization", asked.headers.get("x-api-key")):
            return error(401, "authentication_error", "An API key is required")
        if asked.path != MESSAGES:
            return error(404, "not_found_error", "Not found")
        body = asked.json
        (message,) = body["messages"]
        schema = body["output_config"]["format"]["schema"]
        text = await self.answer(Question(body["model"], body["system"], message["content"], schema))
        return Answer(reply(text, read=count_tokens(body["system"]) + count_tokens(message["content"])))


def reply(
    text: str, *, stop: str | None = "end_turn", explanation: str | None = None, read: int = 10, cached: int = 0
) -> dict[str, object]:
    """A message. `read` are tokens read anew, `cached` those from the cache; 7 more are written to it, if any are."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            *([{"type": "text", "text": text}] if text else []),
        ],
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": explanation} if explanation else None,
        "usage": {
            "input_tokens": read,
            "cache_creation_input_tokens": 7 if cached else 0,
            "cache_read_input_tokens": cached,
            "output_tokens": count_tokens(text),
        },
    }


def error(status: int, code: str, message: str = "It failed.", **headers: str) -> Answer:
    """An error in Anthropic's form."""
    body = {"type": "error", "error": {"type": code, "message": message}, "request_id": "req_1"}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})
