"""The writer for an Ollama server: models on the user's own machine."""

from typing import Any
from urllib.parse import urlsplit

import httpx

from engine.errors import NotConfigured, ProviderRejected
from engine.llm import LLMReply, LLMRequest, StopReason
from engine.providers.failures import calling, code_of, lost, of_status, quoted, unusable, words_of
from engine.providers.model_facts import THINKING_ROOM
from engine.providers.registry import find
from engine.providers.usage import reported
from engine.reading import count_tokens

_STOPS: dict[str, StopReason] = {"stop": "stop", "length": "length"}
_PORT = 11434
# Addresses on which a server listens on all interfaces; a client must call this machine instead.
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, never bound to
# How long models stay loaded: a chapter has pauses, and loading takes longer than most answers.
_KEEP_ALIVE = "15m"


class OllamaWriter:
    """Asks over `/api/chat`, with a context window as large as the question needs. `timeout` is in seconds."""

    def __init__(self, host: str, timeout: float) -> None:
        self._seconds = timeout
        url = httpx.URL(address(host))
        self._secrets = (url.password,)
        # No proxy: the server is on the user's own machine or network.
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            trust_env=False,
            follow_redirects=False,
        )

    async def ask(self, request: LLMRequest) -> LLMReply:
        """The answer as JSON text."""
        model = request.model or find("llm", "ollama").default_model
        # A model that thinks does so out of the same room, and only the server knows which ones do.
        room = request.max_output_tokens + THINKING_ROOM
        expected = count_tokens(request.system) + count_tokens(request.prompt)
        window = _window(expected, room)
        where = self._client.base_url.netloc.decode()
        async with calling("ollama", where, seconds=self._seconds, secrets=self._secrets):
            response = await self._client.post(
                "/api/chat",
                json={
                    "model": model,
                    "messages": [
                        {"role": "system", "content": request.system},
                        {"role": "user", "content": request.prompt},
                    ],
                    "format": request.schema,
                    "stream": False,
                    # A prompt that does not fit is an error, not something to be cut in silence.
                    "truncate": False,
                    "options": {"num_ctx": window, "num_predict": room},
                    "keep_alive": _KEEP_ALIVE,
                },
            )
            if response.status_code >= 300:
                raise _refused(response, model, self._secrets)
            return _reply(response.json(), model, expected, window)

    async def probe(self) -> None:
        """Ask for the list of models."""
        where = self._client.base_url.netloc.decode()
        async with calling("ollama", where, seconds=self._seconds, secrets=self._secrets):
            response = await self._client.get("/api/tags")
            if response.status_code >= 300:
                body = _json_or_text(response)
                detail = quoted(words_of(body), *self._secrets)
                raise of_status("ollama", response.status_code, code_of(body), headers=response.headers, detail=detail)

    async def close(self) -> None:
        await self._client.aclose()


def address(host: str) -> str:
    """The URL of a server from what `OLLAMA_HOST` may hold: a host, `host:port`, `:port` or a URL.

    Raises `NotConfigured` for anything else.
    """
    host = host.strip()
    plain = "://" not in host
    if plain and host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    try:
        parts = urlsplit(f"http://{host}" if plain else host)
        port = parts.port or (_PORT if plain else {"https": 443}.get(parts.scheme, 80))
    except ValueError:
        raise NotConfigured(f"OLLAMA_HOST is not an address: {host!r}. Give host:port or a URL.") from None
    name = _EVERYWHERE.get(parts.hostname or "", parts.hostname or "")
    user = parts.netloc.rpartition("@")[0]
    where = f"{f'[{name}]' if ':' in name else name}:{port}"
    return f"{parts.scheme}://{f'{user}@' if user else ''}{where}{parts.path.rstrip('/')}"


def _window(prompt: int, answer: int) -> int:
    """Tokens of context to ask for: the estimated prompt with a third to spare, the answer, in steps of 1,024."""
    wanted = prompt + prompt // 3 + 256 + answer
    return -(-wanted // 1024) * 1024


def _refused(response: httpx.Response, model: str, secrets: tuple[str, ...]) -> Exception:
    body = _json_or_text(response)
    detail = quoted(words_of(body), *secrets)
    if response.status_code == 404:
        return ProviderRejected(f"ollama has no model {model}. Run: ollama pull {model}", detail=detail)
    return of_status("ollama", response.status_code, code_of(body), headers=response.headers, detail=detail)


def _json_or_text(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _reply(answer: Any, model: str, expected: int, window: int) -> LLMReply:
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, dict) or not answer.get("done"):
        raise lost("ollama", "it is not whole", answer)
    tokens = reported(answer, input=("prompt_eval_count",), output="eval_count")
    read = tokens.input
    # A server that knows no `truncate` cuts what its model cannot hold and says nothing; the count tells.
    if read >= window or 0 < read < expected // 2:
        raise ProviderRejected(
            f"ollama read {read} tokens of a prompt of about {expected}: {model} cannot hold it."
            " Choose a model with a larger context."
        )
    reason = _STOPS.get(answer.get("done_reason") or "stop")
    if reason is None:
        raise unusable("ollama", f"it ended with {answer['done_reason']!r}", answer)
    text = message.get("content") or ""
    if not isinstance(text, str):
        raise unusable("ollama", "its text is none", answer)
    if reason == "stop" and not text:
        raise lost("ollama", "it is empty", answer)
    return LLMReply(
        text=text,
        model=answer.get("model") or model,
        stop_reason=reason,
        tokens=tokens,
    )
