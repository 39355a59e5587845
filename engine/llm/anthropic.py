"""The writer for Anthropic's Messages API."""

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient, Timeout
from anthropic.types import Message, OutputConfigParam

from engine.llm import LLMReply, LLMRequest, StopReason
from engine.providers.failures import calling, lost, unusable
from engine.providers.model_facts import most_output, refuse_unfit, thinks
from engine.providers.registry import find
from engine.providers.usage import reported

# Set here, because the SDK takes an empty environment variable for an address.
_HOME = "https://api.anthropic.com"
_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicWriter:
    """Asks with a JSON schema for the answer. `timeout` is in seconds per answer."""

    def __init__(self, key: str, base_url: str | None, timeout: float) -> None:
        self._key = key
        self._seconds = timeout
        self._client = AsyncAnthropic(
            api_key=key,
            base_url=base_url or _HOME,
            max_retries=0,
            timeout=Timeout(timeout, connect=min(5.0, timeout)),
            # A redirect would send the question once more, and no ledger would know of it.
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def ask(self, request: LLMRequest) -> LLMReply:
        """The answer as JSON text, or a refusal's words."""
        model = request.model or find("llm", "anthropic").default_model
        refuse_unfit("llm", "anthropic", model)
        output: OutputConfigParam = {"format": {"type": "json_schema", "schema": request.schema}}
        if thinks("anthropic", model):
            output["effort"] = "low"
        async with calling("anthropic", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            answer = await self._client.messages.create(
                model=model,
                system=request.system,
                messages=[{"role": "user", "content": request.prompt}],
                max_tokens=most_output("anthropic", model, request.max_output_tokens),
                output_config=output,
                # Passed again, because the SDK refuses long answers without an explicit timeout.
                timeout=self._client.timeout,
            )
            return _reply(answer, model)

    async def probe(self) -> None:
        """Ask for the list of models, which costs nothing."""
        async with calling("anthropic", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            await self._client.models.list()

    async def close(self) -> None:
        await self._client.close()


def _reply(answer: Message, model: str) -> LLMReply:
    # The SDK builds its answers without validation: anything may be missing.
    if not isinstance(answer, Message) or answer.stop_reason is None or answer.content is None:
        raise lost("anthropic", "it is not whole", answer)
    reason = _STOPS.get(answer.stop_reason)
    if reason is None:
        raise unusable("anthropic", f"it ended with {answer.stop_reason!r}", answer)
    text = "".join(block.text for block in answer.content if block.type == "text")
    if reason == "refusal" and answer.stop_details is not None:
        text = answer.stop_details.explanation or text
    if reason == "stop" and not text:
        raise lost("anthropic", "it is empty", answer)
    tokens = reported(
        answer.usage,
        # `input_tokens` does not include what was read from the cache or written to it.
        input=("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
        output="output_tokens",
        cached_input="cache_read_input_tokens",
    )
    return LLMReply(text=text, model=answer.model or model, stop_reason=reason, tokens=tokens)
