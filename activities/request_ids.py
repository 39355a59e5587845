"""Passes the id of a request on to the log lines of all activities that it leads to.

The id travels in Temporal's headers, beside the input, so that no input contains it.
"""

from collections.abc import Mapping
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.client import OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    StartChildWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle, ChildWorkflowHandle

from engine.logs import about

_HEADER = "request-id"

Headers = Mapping[str, Payload]


class RequestIds(ClientInterceptor, Interceptor):
    """The interceptor for a Temporal client, and through it for the workers of that client."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Client(next)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _Workflow


def asked_by(headers: Headers) -> dict[str, str]:
    """The request id in an activity's headers, as a field of log lines; empty if no request led to it."""
    return {"request_id": PayloadConverter.default.from_payload(headers[_HEADER], str)} if _HEADER in headers else {}


class _Client(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        known = about.get({}).get("request_id")
        if known:
            input.headers = {**input.headers, _HEADER: PayloadConverter.default.to_payload(known)}
        return await super().start_workflow(input)


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_HandedOn(outbound))


class _HandedOn(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        input.headers = _with_ours(input.headers)
        return super().start_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> ChildWorkflowHandle[Any, Any]:
        input.headers = _with_ours(input.headers)
        return await super().start_child_workflow(input)


def _with_ours(headers: Headers) -> Headers:
    ours = workflow.info().headers.get(_HEADER)
    return headers if ours is None else {**headers, _HEADER: ours}
