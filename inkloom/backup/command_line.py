"""The arguments of `backup` and `restore`."""

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import BadInput
from inkloom.arguments import JsonFlag, settings
from inkloom.ending import finish

DestinationArgument = Annotated[
    str | None,
    typer.Argument(
        help="A folder, made if it is not there, or s3://bucket/prefix. Default: INKLOOM_BACKUP_TO.",
        metavar="FILE",
        show_default=False,
    ),
]
KeyFile = Annotated[
    Path | None, typer.Option(help="Encrypt with the key in this file, or decrypt. Default: INKLOOM_BACKUP_KEY_FILE.")
]
At = Annotated[str | None, typer.Option(help="Take this backup, e.g. 20261130T210501Z. Default: the newest.")]


def backup(
    file: DestinationArgument = None,
    key_file: KeyFile = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read a backup back and check every hash; restore and save nothing.")
    ] = False,
    at: At = None,
    as_json: JsonFlag = False,
) -> None:
    """Save database, pictures and secret key while work goes on. A later backup to the same destination copies only new
    pictures.
    """
    from inkloom.backup.commands import backup_command

    if at is not None and not verify:
        raise BadInput("--at goes with --verify: a backup that is made is named after its time.")
    finish(backup_command(settings(), file, key_file=key_file, at=at, verify=verify, as_json=as_json))


def restore(
    file: DestinationArgument = None,
    key_file: KeyFile = None,
    at: At = None,
    without_damaged: Annotated[
        bool,
        typer.Option("--without-damaged", help="Leave out damaged pictures instead of refusing."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Restore a backup into an empty database and storage, while nothing runs."""
    from inkloom.backup.commands import restore_command

    finish(
        restore_command(settings(), file, key_file=key_file, at=at, without_damaged=without_damaged, as_json=as_json)
    )
