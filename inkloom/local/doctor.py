"""The checks of `doctor`: each says how things are and, where something is wrong, what to do."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from engine.errors import EngineError
from engine.export.signing import signer_of
from engine.pages.shaping import missing
from engine.pictures.workshop import room_for_pictures
from engine.processes.memory import PROCESSES, machine_megabytes, room
from engine.providers.registry import configured as configured_providers
from engine.settings import Settings
from engine.storage.open import open_storage, place_of
from inkloom.local import doctor_backups, doctor_waiting, doctor_workers
from inkloom.local.endpoints import api_url
from inkloom.local.ports import answers as port_answers
from inkloom.local.ports import is_free, reachable_host
from inkloom.local.postgres_address import answers as postgres_answers
from inkloom.local.postgres_home import programs
from inkloom.local.state import StateFile
from inkloom.local.temporal import UI_PATH, damage
from inkloom.local.temporal_binary import OLDEST, WAYS_OUT, find

# What `backup` and `restore` run.
CLIENTS = ("pg_dump", "pg_restore")
OLDEST_PYTHON = (3, 11)
ROOM = 1_000_000_000
# A child with less than this cannot read a novel or compose a large page.
LEAST_MEGABYTES = 500
SKEW = 2.0
# A correct clock shows no year before that of this code.
THIS_CODE = 2025


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


async def checks(settings: Settings) -> list[Check]:
    """Run all checks. Starts nothing, and leaves nothing behind."""
    data = settings.data.expanduser().absolute()
    local = await asyncio.gather(
        *(asyncio.to_thread(look) for look in (_python, _raqm, _font)),
        *(asyncio.to_thread(look, data) for look in (_folder, _temporal_database, _clock)),
        *(asyncio.to_thread(look, settings, data) for look in (_room, _api_port, _ui_port)),
        *(asyncio.to_thread(look, settings) for look in (_memory, _temporal_program, _postgres_programs)),
    )
    waiting = await doctor_waiting.found(settings)
    working = await doctor_workers.found(settings)
    return [
        *local,
        _providers(settings),
        *await configured(settings),
        Check(doctor_backups.NAME, *await doctor_backups.found(settings)),
        *([Check(doctor_waiting.NAME, *waiting)] if waiting else []),
        *([Check(doctor_workers.NAME, *working)] if working else []),
    ]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "Python", sys.version_info >= OLDEST_PYTHON, version, "install Python 3.11 or newer, then `make setup`"
    )


def _raqm() -> Check:
    if lacking := missing():
        return Check("text shaping", False, *lacking)
    return Check("text shaping", True, "Pillow shapes text with raqm and FriBiDi")


def _memory(settings: Settings) -> Check:
    """What child processes may use together, at most: few ever come near their limit."""
    machine = machine_megabytes()
    each, pictures = room(machine, os.cpu_count() or 1), room_for_pictures(machine, settings.max_picture_pixels)
    together = PROCESSES * each.children * each.megabytes + pictures.children * pictures.megabytes
    detail = (
        f"{machine:,} MB; of these at most {together:,} MB for child processes: {each.children} with"
        f" {each.megabytes:,} MB in the API and in each worker, and {pictures.children} with {pictures.megabytes:,} MB"
        " for uploaded pictures"
    )
    fix = "give the machine or container more memory, or lower INKLOOM_MAX_PICTURE_PIXELS"
    return Check("memory", each.megabytes >= LEAST_MEGABYTES and together < machine, detail, fix)


def _font() -> Check:
    spec = find_spec("font_intuitive")
    roots = (spec.submodule_search_locations or ()) if spec else ()
    fonts = [font for root in roots for font in Path(root).glob("files/*.ttf")]
    detail = fonts[0].name if fonts else "the lettering font is missing"
    return Check("lettering font", bool(fonts), detail, "install the requirements again (`make setup`)")


def _temporal_program(settings: Settings) -> Check:
    if program := find():
        version = ".".join(map(str, program.server))
        return Check("Temporal program", True, f"{program.path} ({program.origin}), server {version}")
    if settings.temporal_address:
        return Check("Temporal program", True, "not here, and not needed: TEMPORAL_ADDRESS names a server")
    oldest = ".".join(map(str, OLDEST))
    return Check("Temporal program", False, f"no `temporal` with server {oldest} or newer", WAYS_OUT)


def _temporal_database(data: Path) -> Check:
    child = StateFile(data).read().children.get("temporal")
    running = child is not None and child.identity.alive()
    wrong = None if running else damage(data / "temporal" / "temporal.db")
    # Not an error: the next start makes a new one, and nothing is lost.
    detail = f"{wrong}; the next start moves it aside and makes a new one" if wrong else "no damage found"
    return Check("Temporal database", True, "in use" if running else detail)


def _postgres_programs(settings: Settings) -> Check:
    found = programs()
    if found:
        return Check("Postgres programs", True, f"Postgres {max(found)} in {found[max(found)]}")
    if settings.database_url:
        # The container image has no server, and the clients that backups need.
        lacking = [name for name in CLIENTS if shutil.which(name) is None]
        if not lacking:
            return Check("Postgres programs", True, f"the clients alone, {shutil.which(CLIENTS[0])}")
        fix = "install Postgres's client programs in the server's version (Debian: postgresql-client-18)"
        return Check("Postgres programs", False, f"backups need {' and '.join(lacking)}", fix)
    fix = "install the requirements again (`make setup`), or name a server in INKLOOM_DATABASE_URL"
    return Check("Postgres programs", False, "not found", fix)


def _providers(settings: Settings) -> Check:
    """Never an error: the offline providers are always available."""
    writers = ", ".join(one.id for one in configured_providers("llm", settings))
    artists = ", ".join(one.id for one in configured_providers("images", settings))
    return Check("providers", True, f"writers: {writers}; artists: {artists}")


def _folder(data: Path) -> Check:
    fix = "fix its permissions, or name another folder in INKLOOM_DATA"
    try:
        with tempfile.TemporaryFile(dir=_nearest(data)):
            pass
    except OSError as error:
        return Check("data folder", False, f"{data}: {error.strerror}", fix)
    owner = StateFile(data).read().owner
    if owner is not None and owner.alive():
        return Check("data folder", True, f"{data}, supervised by process {owner.pid}")
    return Check("data folder", True, f"{data}, {'free' if data.exists() else 'made at the first start'}")


def _room(settings: Settings, data: Path) -> Check:
    """Pictures may lie on another disk than the rest: the fuller one counts."""
    folders = {"INKLOOM_DATA": data}
    if settings.storage and "://" not in settings.storage:
        folders["INKLOOM_STORAGE"] = Path(settings.storage).expanduser().absolute()
    free = {name: shutil.disk_usage(_nearest(folder)).free for name, folder in folders.items()}
    least = min(free, key=lambda name: free[name])
    fix = f"free some space, or name a folder on another disk in {least}"
    return Check("disk space", free[least] > ROOM, f"{free[least] / 1e9:.1f} GB free at {folders[least]}", fix)


def _clock(data: Path) -> Check:
    """A wrong clock shows in the year or in a file's time; a jumping clock, in two clocks that disagree."""
    fix = "set this machine's clock (and that of the file server, if the data folder is on one)"
    wall, steady = time.time(), time.monotonic()
    if datetime.now(UTC).year < THIS_CODE:
        return Check("clock", False, f"it says {datetime.now(UTC):%Y-%m-%d}", fix)
    try:
        with tempfile.TemporaryFile(dir=_nearest(data)) as file:
            file.write(b"now")
            file.flush()
            skew = abs(os.fstat(file.fileno()).st_mtime - time.time())
    except OSError:
        skew = 0.0
    time.sleep(0.1)
    jump = abs((time.time() - wall) - (time.monotonic() - steady))
    if skew > SKEW:
        return Check("clock", False, f"new files are dated {skew:.0f} s off", fix)
    return Check("clock", jump < SKEW, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", fix)


def _api_port(settings: Settings, data: Path) -> Check:
    state = StateFile(data).read()
    ours = state.api_port if state.api_keeper is not None and state.api_keeper.alive() else None
    return _port("API port", settings.api_port, settings.api_host, ours, "set INKLOOM_API_PORT to another one")


def _ui_port(settings: Settings, data: Path) -> Check:
    state = StateFile(data).read()
    child = state.children.get("temporal")
    ours = state.temporal.ui if state.temporal and child and child.identity.alive() else None
    if ours is not None:
        shown = api_url(settings, state)
        return Check("Temporal UI port", True, f"shown at {shown}{UI_PATH}/" if shown else "shown while `up` runs")
    check = _port("Temporal UI port", settings.temporal_ui_port, "127.0.0.1", None, "")
    # Not an error: the next free port is used.
    return check if check.ok else Check(check.name, True, f"{check.detail}; the next free one will be used")


def _port(name: str, port: int, host: str, ours: int | None, fix: str) -> Check:
    if ours is not None:
        return Check(name, True, f"{ours}, in use by the running stack")
    if port == 0:
        return Check(name, True, "any free one")
    try:
        free = is_free(port, host)
    except socket.gaierror:
        return Check(name, False, f"the host {host} is unknown", "set INKLOOM_API_HOST to an address of this machine")
    return Check(name, free, f"{port} is free" if free else f"{port} is taken by another program", fix)


async def configured(settings: Settings) -> list[Check]:
    """Checks of the configured servers, storage and certificate, where the settings name any."""
    found = []
    if settings.database_url:
        ok = await postgres_answers(settings.database_url)
        fix = "check INKLOOM_DATABASE_URL and that the server runs, or unset it to use the embedded one"
        found.append(Check("Postgres server", ok, "answers" if ok else "no answer to a query", fix))
    if settings.temporal_address:
        host, _, port = settings.temporal_address.rpartition(":")
        ok = port.isdigit() and await port_answers(int(port), reachable_host(host.strip("[]")), 5.0)
        detail = f"{settings.temporal_address} {'accepts connections' if ok else 'does not accept connections'}"
        fix = "check TEMPORAL_ADDRESS (host:port) and that the server runs, or unset it to use the embedded one"
        found.append(Check("Temporal server", ok, detail, fix))
    if settings.storage or settings.storage_also:
        found.append(await _storage(settings))
    if settings.c2pa_certificate or settings.c2pa_key:
        found.append(_signing(settings))
    return found


def _signing(settings: Settings) -> Check:
    """Finds a certificate that cannot sign before there is anything to sign."""
    try:
        signer_of(settings)
    except EngineError as error:
        return Check("signing", False, error.message.removesuffix("."), "see docs/exports.md, or unset INKLOOM_C2PA_*")
    return Check("signing", True, f"files are signed with {settings.c2pa_certificate}")


async def _storage(settings: Settings) -> Check:
    """Finds storage that does not answer before pictures are paid for that could not be stored."""
    fix = "fix it, or name another one in INKLOOM_STORAGE: a folder or s3://bucket/prefix"
    try:
        storage = open_storage(settings)
        try:
            await storage.trial()
        finally:
            await storage.close()
    except EngineError as error:
        return Check("storage", False, error.message.removesuffix("."), fix)
    also = f"; what is not there yet is read from {settings.storage_also}" if settings.storage_also else ""
    return Check("storage", True, f"{place_of(settings)} can be used{also}")


def _nearest(folder: Path) -> Path:
    """The folder, or the closest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
