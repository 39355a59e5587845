"""A request to a writer, and the schema of its answer."""

from pydantic import BaseModel

from engine.llm import LLMRequest

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


PROMPT = "What did the secretive narrator say?"


class Nothing(BaseModel):
    """No data: only the offline writer reads it."""


REQUEST = LLMRequest("SceneSummary", "", "You are terse.", PROMPT, SCHEMA, 900, Nothing())
