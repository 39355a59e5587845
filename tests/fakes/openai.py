"""OpenAI's chat completions and images, as far as the adapters use them, after its documented formats."""

import base64
import io
from email import message_from_bytes
from email.message import Message

from PIL import Image

from engine.reading import count_tokens
from tests.fakes.questions import Answering, Question, fine
from tests.fakes.server import Answer, Asked, Server

CHAT = "/v1/chat/completions"
GENERATE = "/v1/images/generations"
EDIT = "/v1/images/edits"


class OpenAI(Server):
    """Answers questions with `answer`, and requests for pictures with a picture of the size asked for.

    The last picture request's files are in `files`, by field and in order, its other fields in `fields`.
    """

    paid_paths = (CHAT, GENERATE, EDIT)

    def __init__(self, answer: Answering = fine) -> None:
        super().__init__()
        self.answer = answer
        self.files: list[tuple[str, bytes]] = []
        self.fields: dict[str, str] = {}

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def respond(self, asked: Asked) -> Answer:
        if not asked.headers.get("authorization", "").startswith("Bearer "):
            return error(401, "invalid_api_key", "You did not provide an API key.")
        if asked.path == CHAT:
            return await self._chat(asked)
        if asked.path == GENERATE:
            return picture(asked.json["size"], asked.json.get("quality"))
        if asked.path == EDIT:
            self.fields, self.files = multipart(asked)
            fields = self.fields
            return picture(fields["size"], fields.get("quality"), read=400 * len(self.files))
        return error(404, "not_found", f"Unknown request URL: {asked.method} {asked.path}.")

    async def _chat(self, asked: Asked) -> Answer:
        body = asked.json
        system, prompt = (message["content"] for message in body["messages"])
        schema = body["response_format"]["json_schema"]["schema"]
        text = await self.answer(Question(body["model"], system, prompt, schema))
        return Answer(completion(text, read=count_tokens(system) + count_tokens(prompt)))


def completion(
    text: str | None, *, finish: str | None = "stop", refusal: str | None = None, read: int = 10, cached: int = 0
) -> dict[str, object]:
    """A chat completion."""
    written = count_tokens(text or refusal or "")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-6.1-sol-2026-09-29",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "logprobs": None,
                "message": {"role": "assistant", "content": text, "refusal": refusal, "annotations": []},
            }
        ],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


def picture(size: str, quality: str | None = None, *, read: int = 0) -> Answer:
    """A picture of `size`; `read` is how many tokens the pictures given were."""
    width, height = (int(side) for side in size.split("x"))
    drawn = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    data = io.BytesIO()
    drawn.save(data, "PNG", compress_level=1)
    return Answer(
        {
            "created": 1_790_000_000,
            "data": [{"b64_json": base64.b64encode(data.getvalue()).decode()}],
            "background": "opaque",
            "output_format": "png",
            "quality": quality or "medium",
            "size": size,
            "usage": {
                "input_tokens": 50 + read,
                "input_tokens_details": {"image_tokens": read, "text_tokens": 50},
                "output_tokens": 1_056,
                "output_tokens_details": {"image_tokens": 1_056, "text_tokens": 0},
                "total_tokens": 1_106 + read,
            },
        }
    )


def error(status: int, code: str, message: str = "It failed.", **headers: str) -> Answer:
    """An error in OpenAI's form."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def multipart(asked: Asked) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """Fields and files of a form."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    for part in message_from_bytes(head + asked.body).get_payload():
        assert isinstance(part, Message)
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            files.append((name, content))
        else:
            fields[name] = content.decode()
    return fields, files
