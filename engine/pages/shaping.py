"""Whether this machine can shape text: Pillow's wheel carries raqm and loads FriBiDi from the system."""

import ctypes
from contextlib import suppress

from PIL import features

# The library names that Pillow tries.
LIBRARIES = ("libfribidi.so", "libfribidi.so.0", "libfribidi.dylib", "/usr/local/lib/libfribidi.dylib")
# On Apple silicon, Homebrew installs libraries where Pillow does not look.
FRIBIDI = (
    "install the system's FriBiDi library: `apt-get install libfribidi0` (Debian, Ubuntu), "
    "`dnf install fribidi` (Fedora), `apk add fribidi` (Alpine) or `brew install fribidi` (macOS; "
    "on Apple silicon also `sudo ln -s /opt/homebrew/lib/libfribidi.dylib /usr/local/lib/`)"
)
PILLOW = "install the Pillow wheel from the lock file again (`make setup`)"


def missing() -> tuple[str, str] | None:
    """What is missing and how to install it; None where text is shaped.

    Without it Pillow sets text with neither ligatures nor right-to-left order, so pages differ between machines.
    """
    if features.check("raqm"):
        return None
    # Pillow reports raqm as missing in either case.
    if _fribidi_loads():
        return "Pillow was built without raqm: no ligatures, no right-to-left text", PILLOW
    return "FriBiDi is missing: no ligatures, no right-to-left text", FRIBIDI


def warning() -> str:
    """A warning before the first page; empty if text can be shaped."""
    lacking = missing()
    return f"{lacking[0]}. To have text as on other machines, {lacking[1]}." if lacking else ""


def _fribidi_loads() -> bool:
    for name in LIBRARIES:
        with suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False
