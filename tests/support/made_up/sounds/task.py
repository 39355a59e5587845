"""Say what is heard in a panel."""

from typing import cast

from engine.tasks.task import Task, TaskInput, Usual
from models.options import TaskName
from models.story import Frozen
from tests.support.made_up.sounds.basis import PART


class In(TaskInput):
    """What a panel shows."""

    description: str


class Out(Frozen):
    sound: str


def check(data: In, out: Out) -> list[str]:
    """There is a sound."""
    return [] if out.sound else ["the sound is empty"]


TASK = Task(
    # The one table line, `TaskName`, is missing: a test cannot add to a type.
    name=cast("TaskName", "Sounds"),
    version=1,
    input=In,
    output=Out,
    system="You are the sound editor of a comic.",
    instructions="Name the loudest sound of this panel:\n{{ description | material }}",
    check=check,
    max_input_tokens=1_000,
    max_output_tokens=100,
    usual=Usual(reads=300, writes=20, most_written=100),
    per="panel",
    per_in_script="panel",
    of_panel=PART,
)
