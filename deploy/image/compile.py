"""Compiles what production imports, by importing all of Inkloom: run by the Dockerfile, in /app.

Compiling every installed file instead would take twice the room; what is imported in rare cases alone, such as most of
the vendors' SDKs, is compiled by the process that does.
"""

import importlib
import pkgutil

PACKAGES = ("models", "engine", "activities", "workflows", "api", "inkloom")


def main() -> None:
    """Import every module; one that cannot be imported without what `slim.py` removed fails the build."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    importlib.import_module("inkloom.__main__")


if __name__ == "__main__":
    main()
