"""`admin`: what an operator does with accounts, generations, providers, queues and the database."""

import sys
from typing import Annotated
from uuid import UUID

import typer

from engine.errors import BadInput
from inkloom.arguments import JsonFlag, ProviderKind, settings
from inkloom.ending import finish
from models.sweeps import PRUNING

admin = typer.Typer(no_args_is_help=True, help="Operate an installation: accounts, generations, providers, queues.")
users = typer.Typer(no_args_is_help=True, help="Accounts: who they are, who may log in, who runs the installation.")
generations = typer.Typer(no_args_is_help=True, help="Generations that are stuck or wait: find, cancel, start again.")
providers = typer.Typer(no_args_is_help=True, help="Writers and artists: see which fail, pause, resume and probe them.")
admin.add_typer(users, name="users")
admin.add_typer(generations, name="generations")
admin.add_typer(providers, name="providers")

Who = Annotated[str, typer.Argument(help="An e-mail address, or the ID of an account.", show_default=False)]
Which = Annotated[UUID, typer.Argument(help="ID of a generation.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
ProviderName = Annotated[str, typer.Argument(help="A provider, such as openai.", show_default=False)]
Kind = Annotated[
    ProviderKind | None, typer.Option("--kind", help="Only as writer (llm) or as artist (images). Default: both.")
]


def confirm(question: str, yes: bool, as_json: bool) -> None:
    """Ask before something is ended or deleted. Where no one can answer, `--yes` is needed."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise BadInput(f"{question} Add --yes to do it without being asked.")
    if not typer.confirm(question, err=True):
        raise BadInput("Nothing was changed.")


@users.command("list")
def list_users(
    like: Annotated[str, typer.Option(help="Only those whose address or name contains this.")] = "",
    disabled: Annotated[bool | None, typer.Option("--disabled/--enabled", help="Only these.")] = None,
    operators: Annotated[bool, typer.Option("--operators", help="Only those who run the installation.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List accounts with their projects, logins and tokens."""
    from inkloom.admin.users import list_command

    finish(list_command(settings(), like=like, disabled=disabled, operators=operators, as_json=as_json))


@users.command()
def disable(who: Who, yes: Yes = False, as_json: JsonFlag = False) -> None:
    """End an account's logins and tokens, and let no one log in to it. Its projects and generations stay."""
    from inkloom.admin.users import disable_command

    given = settings()
    confirm(f"Disable {who}, and end its logins and access tokens?", yes, as_json)
    finish(disable_command(given, who, as_json=as_json))


@users.command()
def enable(who: Who, as_json: JsonFlag = False) -> None:
    """Let an account log in again. Access tokens that were ended stay ended."""
    from inkloom.admin.users import enable_command

    finish(enable_command(settings(), who, as_json=as_json))


@users.command()
def password(
    who: Who,
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from standard input instead of making one.")
    ] = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Give an account another password, and end its logins. A password that is made is printed once."""
    from inkloom.admin.users import password_command

    given = settings()
    if not from_stdin:
        confirm(f"Give {who} another password, and end its logins?", yes, as_json)
    finish(password_command(given, who, sys.stdin.readline() if from_stdin else None, as_json=as_json))


@users.command()
def operator(
    who: Who,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it back.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let an account see the whole installation: workers, status page, Temporal's UI."""
    from inkloom.admin.users import operator_command

    finish(operator_command(settings(), who, not revoke, as_json=as_json))


@users.command()
def owner(who: Who, yes: Yes = False, as_json: JsonFlag = False) -> None:
    """Make an account the owner of the installation: what the command line makes from now on belongs to it."""
    from inkloom.admin.users import owner_command

    given = settings()
    confirm(f"Make {who} the owner of this installation, in place of the present one?", yes, as_json)
    finish(owner_command(given, who, as_json=as_json))


@generations.command("list")
def list_generations(
    stuck: Annotated[bool, typer.Option("--stuck", help="Only those that wait for something but a person.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for a person.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List unfinished generations: what each waits for, and since when."""
    from inkloom.admin.generations import list_command

    finish(list_command(settings(), stuck=stuck, waiting=waiting, as_json=as_json))


@generations.command()
def cancel(
    which: Which,
    wait: Annotated[
        float, typer.Option(help="Seconds that it gets to end by itself, before it is terminated.", min=0, max=86_400)
    ] = 30.0,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Cancel a generation, and terminate it if it does not end. Answers under way then may be billed and lost."""
    from inkloom.admin.generations import cancel_command

    given = settings()
    confirm(f"Cancel generation {which}?", yes, as_json)
    finish(cancel_command(given, which, wait, as_json=as_json))


@generations.command()
def requeue(which: Which, as_json: JsonFlag = False) -> None:
    """Start a lost or failed generation again. What was answered is kept, and no call is paid for twice."""
    from inkloom.admin.generations import requeue_command

    finish(requeue_command(settings(), which, as_json=as_json))


@providers.command("list")
def list_providers(as_json: JsonFlag = False) -> None:
    """List the providers, with the models that fail and what is paused."""
    from inkloom.admin.providers import list_command

    finish(list_command(settings(), as_json=as_json))


@providers.command()
def pause(
    provider: ProviderName,
    kind: Kind = None,
    why: Annotated[str, typer.Option(help="Say why; users see it.", metavar="TEXT")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Send no further call to a provider. Generations wait, or ask their fallback; calls under way are finished."""
    from inkloom.admin.providers import pause_command

    finish(pause_command(settings(), provider, kind, why, as_json=as_json))


@providers.command()
def resume(provider: ProviderName, kind: Kind = None, as_json: JsonFlag = False) -> None:
    """End a pause, and forget the failures of the provider's models: the next call is sent at once."""
    from inkloom.admin.providers import resume_command

    finish(resume_command(settings(), provider, kind, as_json=as_json))


@providers.command()
def probe(
    provider: Annotated[str | None, typer.Argument(help="A provider. Default: all that are configured.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask providers whether they are there and accept the key. Costs nothing: no model is asked."""
    from inkloom.admin.probing import probe_command

    finish(probe_command(settings(), provider, as_json=as_json))


@admin.command()
def queues(as_json: JsonFlag = False) -> None:
    """Show what waits in each queue, for how long, and which workers are alive."""
    from inkloom.admin.queues import queues_command

    finish(queues_command(settings(), as_json=as_json))


@admin.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and delete nothing.")] = False,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete what is past its time (events, histories, logins, messages) and objects that nothing refers to."""
    from inkloom.sweep_command import sweep_command

    given = settings()
    if not dry_run:
        confirm("Delete everything that `--dry-run` counts?", yes, as_json)
    finish(sweep_command(given, PRUNING, dry_run=dry_run, as_json=as_json))


@admin.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open the database in psql. What follows is for psql: `admin psql -- -c 'SELECT 1'`."""
    from inkloom.admin.psql import psql_command

    finish(psql_command(settings(), context.args))
