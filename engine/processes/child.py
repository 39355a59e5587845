"""The program of a child process: it carries out one function after the other, within limits that the system enforces.

`pool.py` starts it, sends it functions with their arguments, and reads their answers. It has neither our keys nor our
connections.
"""

import json
import pickle
import resource
import signal
import struct
import sys
import traceback
from os import dup, dup2, fdopen
from typing import IO, Any

SIZE = struct.Struct(">Q")
# What an answer may be made of: only text and numbers from a process that opened a file from outside.
PLAIN, ANYTHING = "plain", "anything"


def encoded(message: dict[str, Any], how: str) -> bytes:
    return json.dumps(message).encode() if how == PLAIN else pickle.dumps(message)


def read(pipe: IO[bytes]) -> bytes | None:
    """The next message, or None where the other end is gone."""
    head = pipe.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    (size,) = SIZE.unpack(head)
    data = pipe.read(size)
    return data if len(data) == size else None


def write(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(SIZE.pack(len(data)) + data)
    pipe.flush()


def _limit(what: int, soft: int) -> None:
    """Set a soft limit, within the hard limit that this machine may have set."""
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _done(question: bytes, how: str) -> bytes:
    try:
        function, arguments, seconds = pickle.loads(question)  # noqa: S301  # from our own parent
        used = resource.getrusage(resource.RUSAGE_SELF)
        # The limit counts all that the process has used so far.
        soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
        _limit(resource.RLIMIT_CPU, soft)
        return encoded({"answer": function(*arguments)}, how)
    except MemoryError:
        return encoded({"heavy": True}, how)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent hears of it
        if how == PLAIN:
            return encoded({"error": type(error).__name__}, how)
        try:
            # What cannot be reported of the error is lost when the process ends.
            pickle.loads(answer := encoded({"error": error}, how))  # noqa: S301  # our own
        except Exception:  # noqa: BLE001  # errors of libraries need more to be made again than their words
            traceback.print_exc()
            return encoded({"error": RuntimeError(type(error).__name__)}, how)
        return answer


def main(root: str, megabytes: int, how: str) -> None:
    sys.path.insert(0, root)
    # Ctrl-C goes to everyone on the terminal: the parent lets its work finish first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, megabytes << 20)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whatever a library prints must not come between the answers.
    answers = fdopen(dup(1), "wb")
    dup2(2, 1)
    while (question := read(sys.stdin.buffer)) is not None:
        write(answers, _done(question, how))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
