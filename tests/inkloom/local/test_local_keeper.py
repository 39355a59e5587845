"""Something that dies is started again, also when it dies while it is starting."""

from pathlib import Path

import pytest

from inkloom.local.errors import Killed, StackError
from inkloom.local.processes import Process, myself
from inkloom.local.supervisor import STARTS, Supervised

pytestmark = pytest.mark.unit


class Service:
    """Its first starts fail with the given errors."""

    role = "service"

    def __init__(self, *errors: StackError) -> None:
        self.errors = list(errors)
        self.starts = 0

    async def orphan(self) -> Process | None:
        return None

    async def launch(self) -> Process:
        self.starts += 1
        if self.errors:
            raise self.errors.pop(0)
        return Process(myself())

    async def end(self, process: Process) -> None:
        """It is this very process."""


async def start(service: Service, tmp_path: Path) -> None:
    keeper = Supervised(service, tmp_path / "log", lambda line: None)
    try:
        await keeper.start(lambda process: None)
    finally:
        await keeper.stop()


async def test_what_was_killed_while_it_started_is_started_again(tmp_path: Path) -> None:
    service = Service(Killed("killed"), Killed("killed"))
    await start(service, tmp_path)
    assert service.starts == 3


async def test_what_is_killed_at_every_start_is_given_up(tmp_path: Path) -> None:
    service = Service(*[Killed("killed")] * 10)
    with pytest.raises(Killed):
        await start(service, tmp_path)
    assert service.starts == STARTS


async def test_what_fails_by_itself_is_not_tried_again(tmp_path: Path) -> None:
    """It would fail the same way; the person who starts it should be told why."""
    service = Service(StackError("no such program"))
    with pytest.raises(StackError, match="no such program"):
        await start(service, tmp_path)
    assert service.starts == 1
