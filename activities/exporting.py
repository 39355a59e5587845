"""Exports spans to the collector. Imported only when traces are on: the SDK and exporter cost memory and time."""

import os

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def provider_of(endpoint: str, service: str) -> TracerProvider:
    """A provider that exports its spans in batches. It respects `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and the
    like.
    """
    named = "OTEL_SERVICE_NAME" in os.environ
    provider = TracerProvider(
        resource=Resource.create({} if named else {"service.name": service}),
        # Events on spans hold the messages of exceptions, with their causes: these may quote a prompt or an answer.
        span_limits=SpanLimits(max_events=0),
    )
    provider.add_span_processor(_WithoutQueries())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    return provider


class _WithoutQueries(SpanProcessor):
    """Removes URL queries from spans: they may contain a ticket or a token."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if "url.query" in (span.attributes or {}):
            span.set_attribute("url.query", "REDACTED")
