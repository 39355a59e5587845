"""A display of the command line that shows nothing."""


class Silent:
    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None: ...
