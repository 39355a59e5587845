"""The artist for Stable Diffusion servers with `/sdapi/v1`: AUTOMATIC1111, Forge, SD.Next."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import httpx

from engine.errors import NotConfigured
from engine.images import Control, ImageRequest, ImageResult, Progress, unheard
from engine.images.fitting import fitted
from engine.images.local_lists import Lists
from engine.images.sdapi import picture, request_of
from engine.providers.failures import calling, code_of, of_status, quoted, words_of
from engine.providers.registry import draws_of

_DRAWS = draws_of("local")
_POLL_SECONDS = 1.0
# The weight of a reference, and the share of the steps in which it works: with more, the sheet's pose is copied too.
_LIKENESS, _LIKENESS_OF_SEVERAL = 0.7, 0.6
_LIKENESS_ENDS = 0.8
# The user waits for a cancellation: after this time we stop waiting for the server to interrupt.
_INTERRUPT_SECONDS = 5.0


class LocalArtist:
    """Draws one picture at a time, like the server. `auth` is `user:password` or empty, `timeout` is in seconds."""

    def __init__(self, url: str, auth: str, timeout: float) -> None:
        self._seconds = timeout
        self._secrets = (auth, auth.partition(":")[2])
        # No proxy: the server is on the user's own machine or network.
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            auth=httpx.BasicAuth(*_user_and_password(auth)) if auth else None,
            # `draw` limits the whole call; after that, the server is asked to stop.
            timeout=httpx.Timeout(None, connect=min(5.0, timeout)),
            trust_env=False,
            follow_redirects=False,
        )
        self._lists = Lists(self._get)
        # Progress and interruption belong to the server, not to a picture: with one at a time they are this picture's.
        self._turn = asyncio.Semaphore(1)

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        """A picture as the server encodes it, with the seed that was used."""
        request = fitted(request, _DRAWS, "local")
        async with self._turn, calling("local", self._where, seconds=self._seconds, secrets=self._secrets):
            request = await self._led(request)
            await self._lists.check(request)
            path, payload = await asyncio.to_thread(request_of, request)
            result = picture(await self._send(path, payload, tell), request)
        tell(1.0)
        return result

    async def probe(self) -> None:
        """Ask for the server's options."""
        async with calling("local", self._where, seconds=self._seconds, secrets=self._secrets):
            self._body(await self._client.get("/sdapi/v1/options"))

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def _where(self) -> str:
        return self._client.base_url.netloc.decode()

    async def _led(self, request: ImageRequest) -> ImageRequest:
        """References and sketches as ControlNet units for the models that the server has; others are left out."""
        units = [one for one in request.control if one.picture.of != "control" or one.model]
        sketches = [one for one in request.control if one not in units]
        if sketches and (sketched := await self._lists.sketched(request.model)):
            units += [replace(one, module=sketched[0], model=sketched[1]) for one in sketches]
        if request.references and (adapter := await self._lists.adapter(request.model)):
            module, model = adapter
            weight = _LIKENESS if len(request.references) == 1 else _LIKENESS_OF_SEVERAL
            units += [Control(one, module, model, weight=weight, end=_LIKENESS_ENDS) for one in request.references]
        return replace(request, references=(), control=tuple(units))

    async def _send(self, path: str, payload: dict[str, Any], tell: Progress) -> Any:
        watching = asyncio.create_task(self._watch(tell))
        try:
            response = await self._client.post(path, json=payload)
        except asyncio.CancelledError:
            await self._interrupt(payload["force_task_id"])
            raise
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return self._body(response)

    async def _get(self, path: str) -> Any:
        """The server's answer, or None if it has no such path."""
        response = await self._client.get(path)
        return None if response.status_code == 404 else self._body(response)

    def _body(self, response: httpx.Response) -> Any:
        try:
            body = response.json()
        except ValueError:
            if response.status_code < 300:
                raise
            body = response.text
        if response.status_code == 404 and words_of(body) == "Not Found":
            raise NotConfigured(f"The image server at {self._where} has no /sdapi/v1. Start it with --api.")
        if response.status_code >= 300:
            detail = quoted(words_of(body), *self._secrets)
            raise of_status("local", response.status_code, code_of(body), headers=response.headers, detail=detail)
        return body

    async def _watch(self, tell: Progress) -> None:
        """Report the progress; ignores servers that report none, or less than before."""
        furthest = 0.0
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError, TypeError):
                response = await self._client.get("/sdapi/v1/progress", params={"skip_current_image": "true"})
                share = min(float(response.json().get("progress", 0.0)), 1.0)
                if share > furthest:
                    furthest = share
                    tell(share)

    async def _interrupt(self, task_id: str) -> None:
        """Stop the server's work on this picture, but not on another one while this one still waits there."""
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_INTERRUPT_SECONDS):
                if not await self._is_elsewhere(task_id):
                    await self._client.post("/sdapi/v1/interrupt")

    async def _is_elsewhere(self, task_id: str) -> bool:
        """Whether the server says that it works on another picture now."""
        response = await self._client.post("/internal/progress", json={"id_task": task_id, "live_preview": False})
        with contextlib.suppress(ValueError, AttributeError):
            state = response.json()
            return bool(state.get("queued") or state.get("completed"))
        return False


def _user_and_password(auth: str) -> tuple[str, str]:
    user, _, password = auth.partition(":")
    return user, password
