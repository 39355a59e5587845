"""The LLM tasks, by name. Each is a folder: `task.py`, `rows.py`, and `basis.py` where it makes a part of a chapter.

The registry is read from the folders. `task.py` and `basis.py` are pure; `rows.py` reads and writes the database, and
is imported when the first call of the task is prepared (`engine.steps.step_of`).
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_args

from engine.tasks.task import Task, TaskInput
from models.options import TaskName


def tasks_in(package: ModuleType) -> dict[TaskName, Task[Any, Any]]:
    """The tasks whose folders are in a package, by name, in the order of `TaskName`."""
    folders = [found.name for found in iter_modules(package.__path__, f"{package.__name__}.") if found.ispkg]
    tasks: list[Task[Any, Any]] = [import_module(f"{folder}.task").TASK for folder in folders]
    order = [*get_args(TaskName), *(task.name for task in tasks)]
    return {task.name: task for task in sorted(tasks, key=lambda task: order.index(task.name))}


ALL = tasks_in(import_module(__name__))

__all__ = ["ALL", "Task", "TaskInput", "tasks_in"]
