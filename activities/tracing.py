"""One trace from a request through workflow and activities to the paid call, if traces are on.

Without INKLOOM_TRACES_ENDPOINT nothing of OpenTelemetry's SDK is loaded and spans do nothing. No span contains
prompts, answers, keys or messages of exceptions: people who read traces need not be allowed to read stories.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import logs

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from temporalio.contrib.opentelemetry import TracingInterceptor


@dataclass
class _State:
    provider: "TracerProvider | None" = None


_now = _State()


def start(endpoint: str | None, service: str) -> None:
    """Export this process's spans as `service` to an OTLP endpoint from now on; without an endpoint, do nothing."""
    if endpoint:
        # Costs some megabytes and a tenth of a second, so only loaded when needed.
        from activities.exporting import provider_of

        _now.provider = provider_of(endpoint, service)
        logs.sources.append(_trace_of_now)


def stop() -> None:
    """Export the remaining spans and undo `start`."""
    if _now.provider is not None:
        logs.sources.remove(_trace_of_now)
        _now.provider.shutdown()
        _now.provider = None


def provider() -> "TracerProvider | None":
    """The provider of spans; None if traces are off."""
    return _now.provider


def interceptors() -> "list[TracingInterceptor]":
    """The interceptors for a Temporal client, and through it for the workers of that client: they pass traces on in
    headers.
    """
    if _now.provider is None:
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor(_now.provider.get_tracer("inkloom"))]


@contextmanager
def span(name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """A span for an external call, in the current trace. A failure records only the exception's class."""
    if _now.provider is None:
        yield
        return
    from opentelemetry.trace import SpanKind, StatusCode

    tracer = _now.provider.get_tracer("inkloom")
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, set_status_on_exception=False
    ) as made:
        try:
            yield
        except BaseException as error:
            made.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def _trace_of_now() -> Mapping[str, str]:
    from opentelemetry.trace import format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    return {"trace_id": format_trace_id(context.trace_id)} if context.is_valid else {}
