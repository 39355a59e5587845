"""How a command ends: its exit code, and its error as a line on stderr and, with `--json`, as an object on stdout."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer
from rich.console import Console

from engine.errors import BadInput, EngineError, NotConfigured, Unpriced

INTERRUPTED = 130
# The reader of our output is gone; shells know this code.
CUT_OFF = 141

say = Console(stderr=True, highlight=False)


def print_result(value: dict[str, Any], as_json: bool, words: str) -> None:
    print(json.dumps(value) if as_json else words)  # noqa: T201  # stdout is this function's business


def quietly(work: Any) -> Any:
    """Run plain code; an error of the engine becomes one line and an exit code."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # the edge of the program
        leave(explain(error), error)


def finish(work: Coroutine[Any, Any, int]) -> None:
    """Run to the end and exit with the code."""
    try:
        code = asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        leave(INTERRUPTED, error)
    except Exception as error:  # noqa: BLE001  # the edge of the program
        leave(explain(error), error)
    leave(code)


def explain(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        return CUT_OFF
    if isinstance(error, EngineError):
        say.print(f"[bold red]inkloom:[/] {_escaped(error.message)}", soft_wrap=True)
        return 2 if isinstance(error, BadInput | NotConfigured | Unpriced) else 1
    logging.getLogger(__name__).debug("unexpected", exc_info=error)
    say.print(
        f"[bold red]inkloom:[/] something unexpected happened: {type(error).__name__}: {_escaped(str(error)[:500])}\n"
        "Run `python -m inkloom doctor`; set INKLOOM_LOG_LEVEL=DEBUG for a traceback.",
        soft_wrap=True,
    )
    if os.environ.get("INKLOOM_LOG_LEVEL", "").upper() == "DEBUG":
        say.print_exception()
    return 1


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


class Ended(SystemExit):
    """The exit code of a command, and the error that ended it, if any."""

    def __init__(self, code: int, error: BaseException | None) -> None:
        super().__init__(code)
        self.error = error


def leave(code: int, error: BaseException | None = None) -> NoReturn:
    raise Ended(code, error)


def print_error(error: BaseException) -> None:
    """The last line of stdout with `--json`, where there is no other result."""
    status, advice = "failed", getattr(error, "advice", "")
    if isinstance(error, EngineError):
        reason = error.message
    elif isinstance(error, typer.TyperException):
        reason, advice = error.format_message(), "Run the command with --help: it lists what it takes."
    elif isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        status, reason, advice = "interrupted", "The command was interrupted.", "Run it again: it continues."
    else:
        reason, advice = f"{type(error).__name__}: {str(error)[:500]}", "Run `python -m inkloom doctor`."
    answer = {"status": status, "errors": [{"part": "the command", "reason": reason, "what_to_do": advice}]}
    print(json.dumps(answer), flush=True)  # noqa: T201  # stdout carries the result


def end_process(code: int) -> NoReturn:
    """Exit without finalising the interpreter, which aborted with a Temporal client in 1 of 10 to 15 runs."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)
