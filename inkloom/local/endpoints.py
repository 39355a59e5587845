"""Addresses of the servers: from the settings, or else from the state in the data folder."""

import asyncio
import hashlib
from dataclasses import dataclass

from engine.settings import Settings
from inkloom.local.errors import StackError
from inkloom.local.ports import reachable_host
from inkloom.local.postgres_address import address, answers
from inkloom.local.state import State
from inkloom.local.temporal import UI_PATH, serves


@dataclass(frozen=True)
class Endpoints:
    """The addresses of a running stack."""

    database_url: str
    temporal_address: str
    # Shown by the API, and only while one runs.
    temporal_ui: str | None
    api_url: str | None


def endpoints(settings: Settings, state: State) -> Endpoints:
    """Every address that a client may use."""
    ports = None if settings.temporal_address else state.temporal
    api = api_url(settings, state)
    return Endpoints(
        database_url=database_url(settings, state),
        temporal_address=temporal_address(settings, state),
        temporal_ui=f"{api}{UI_PATH}/" if api and (ports or settings.temporal_ui_url) else None,
        api_url=api,
    )


def database_url(settings: Settings, state: State) -> str:
    if settings.database_url:
        return settings.database_url
    if state.postgres_folder is None or state.postgres_sockets is None:
        raise StackError("stack.json in the data folder does not say where Postgres is; start again.")
    return address(state.postgres_folder, state.postgres_sockets)


def temporal_address(settings: Settings, state: State) -> str:
    if settings.temporal_address:
        return settings.temporal_address
    if state.temporal is None:
        raise StackError("stack.json in the data folder does not say where Temporal is; start again.")
    return state.temporal.address


def api_url(settings: Settings, state: State) -> str | None:
    """The API's address, if a supervisor runs one."""
    if not looked_after(state):
        return None
    host = reachable_host(settings.api_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{state.api_port}"


def looked_after(state: State) -> bool:
    """Whether a supervisor keeps the API running."""
    return state.api_keeper is not None and state.api_keeper.alive()


async def servers_answer(settings: Settings, state: State) -> bool:
    """Whether the embedded servers, if any, answer."""
    if not settings.database_url and not await answers(database_url(settings, state)):
        return False
    if settings.temporal_address:
        return True
    namespace = settings.temporal_namespace
    return state.temporal is not None and await asyncio.to_thread(serves, state.temporal, namespace)


def fingerprint(settings: Settings) -> str:
    """Equal for settings that name the same servers. Reveals nothing about their passwords."""
    named = (settings.database_url, settings.temporal_address, settings.temporal_namespace)
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]
