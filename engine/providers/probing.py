"""What adapters with a server have beside their calls: a way to ask whether it is there."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Probed(Protocol):
    """An adapter whose provider can be asked for something free."""

    async def probe(self) -> None:
        """Ask the provider for something that costs nothing, with the key and the address of calls.

        Raises only `engine.errors`.
        """

    async def close(self) -> None:
        """Close connections."""
