"""The writer behind OpenAI's chat completions, or behind any server that speaks them."""

from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout, omit
from openai.types.chat import ChatCompletion
from openai.types.shared_params import ResponseFormatJSONSchema

from engine.llm import LLMReply, LLMRequest, StopReason
from engine.providers.failures import calling, lost, reports_error, unusable
from engine.providers.model_facts import most_output, refuse_unfit, thinks
from engine.providers.registry import find
from engine.providers.usage import reported

# Said here, because the SDK would take an address that is set to nothing for one.
_HOME = "https://api.openai.com/v1"
_STOPS: dict[str, StopReason] = {"stop": "stop", "length": "length", "content_filter": "refusal"}


class OpenAIWriter:
    """Asks with a strict JSON schema. `timeout` is in seconds, for one answer."""

    def __init__(self, key: str, base_url: str | None, timeout: float) -> None:
        self._key = key
        self._seconds = timeout
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=base_url or _HOME,
            max_retries=0,
            timeout=Timeout(timeout, connect=min(5.0, timeout)),
            # A redirect would send the question once more, and no ledger would know of it.
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def ask(self, request: LLMRequest) -> LLMReply:
        """The answer as JSON text, or a refusal's words."""
        model = request.model or find("llm", "openai").default_model
        refuse_unfit("llm", "openai", model)
        schema: ResponseFormatJSONSchema = {
            "type": "json_schema",
            "json_schema": {"name": request.task, "strict": True, "schema": request.schema},
        }
        async with calling("openai", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            answer = await self._client.chat.completions.create(
                model=model,
                messages=[{"role": "system", "content": request.system}, {"role": "user", "content": request.prompt}],
                response_format=schema,
                max_completion_tokens=most_output("openai", model, request.max_output_tokens),
                reasoning_effort="low" if thinks("openai", model) else omit,
            )
            return _reply(answer, model)

    async def probe(self) -> None:
        """Ask for the list of models, which costs nothing."""
        async with calling("openai", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            await self._client.models.list()

    async def close(self) -> None:
        await self._client.close()


def _reply(answer: ChatCompletion, model: str) -> LLMReply:
    # The SDK builds its answers without checking them: anything may be missing from what a server sent.
    if not isinstance(answer, ChatCompletion) or not answer.choices:
        raise lost("openai", "it holds no choice", answer)
    choice = answer.choices[0]
    if choice.message is None or choice.finish_reason is None:
        raise lost("openai", "its choice is not whole", answer)
    reason = _STOPS.get(choice.finish_reason)
    text: Any = choice.message.content or ""
    if choice.message.refusal:
        reason, text = "refusal", choice.message.refusal
    if reason is None:
        raise unusable("openai", f"it ended with {choice.finish_reason!r}", answer)
    if not isinstance(text, str):
        raise unusable("openai", "its text is none", answer)
    if not text and (reason == "stop" or reports_error(choice)):
        raise lost("openai", "its choice is empty", answer)
    tokens = reported(
        answer.usage,
        input=("prompt_tokens",),
        output="completion_tokens",
        cached_input="prompt_tokens_details.cached_tokens",
    )
    return LLMReply(text=text, model=answer.model or model, stop_reason=reason, tokens=tokens)
