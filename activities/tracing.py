"""One trace from a request through workflow and activities to the call that costs money, if traces are wanted at all.

Without INKLOOM_TRACES_ENDPOINT nothing of OpenTelemetry's SDK is loaded and a span is nothing. No span tells prompts,
answers, keys or what an exception says: who reads traces need not be allowed to read stories.
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
    """Send what this process does as `service` to an OTLP endpoint from now on; without one, do nothing."""
    if endpoint:
        # Some megabytes and a tenth of a second, for those who want it.
        from activities.exporting import provider_of

        _now.provider = provider_of(endpoint, service)
        logs.sources.append(_trace_of_now)


def stop() -> None:
    """Send what is left and be as before `start`."""
    if _now.provider is not None:
        logs.sources.remove(_trace_of_now)
        _now.provider.shutdown()
        _now.provider = None


def provider() -> "TracerProvider | None":
    """Where spans are made; None where none are."""
    return _now.provider


def interceptors() -> "list[TracingInterceptor]":
    """For a Temporal client, and by it for the workers of that client: they hand the trace on in headers."""
    if _now.provider is None:
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor(_now.provider.get_tracer("inkloom"))]


@contextmanager
def span(name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """A call to somebody else, as part of the present trace. Of a failure only its kind is told."""
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
