"""Checks that a worker registers what workflows call: names, arguments and results, by the table of descriptors."""

from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any

from temporalio import activity, workflow

from models.runs import Outcome
from workflows.dispatch.table import ACTIVITIES, CHILDREN, PAID, Activity, PaidActivity

Described = Activity[Any, Any] | PaidActivity[Any, Any]


def require_activities(queue: str, registered: Iterable[Callable[..., Any]]) -> None:
    """Raise `TypeError` for an activity without a descriptor on this queue, or one that differs from its descriptor.

    A paid activity is expected on the queue of each provider.
    """
    described: dict[str, Described] = {known.name: known for known in ACTIVITIES} | {
        known.name: known for known in PAID
    }
    for function in registered:
        # The SDK keeps what `activity.defn` read from the signature; it has no public name.
        found = activity._Definition.must_from_callable(function)
        known = described.get(found.name or "")
        if known is None:
            raise TypeError(f"Activity {found.name!r} has no descriptor in workflows/dispatch/table.py.")
        actual = (found.arg_types or [], found.ret_type or NoneType)
        if actual != ([known.argument], known.result):
            raise TypeError(f"Activity {found.name!r} takes and returns {actual}, unlike its descriptor.")
        called_on = known.queue if isinstance(known, Activity) else known.queue_of(queue.partition("-")[2])
        if queue != called_on:
            raise TypeError(f"Activity {found.name!r} is registered on queue {queue!r}, and called on {called_on!r}.")


def require_workflows(registered: Iterable[type]) -> None:
    """Raise `TypeError` for a child workflow that is missing or differs from its descriptor."""
    definitions = {found.name: found for found in map(workflow._Definition.must_from_class, registered)}
    for child in CHILDREN:
        found = definitions.get(child.name)
        if found is None or found.arg_types != [child.argument] or found.ret_type is not Outcome:
            raise TypeError(f"Child workflow {child.name!r} is missing or differs from its descriptor.")
