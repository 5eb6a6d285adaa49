"""What the process writes about itself: one line an event, with no words and no ids of people in it.

Our own lines say what happened and where. What a library says may hold an address, a token or somebody's
words (a database driver quotes rows, an HTTP client its addresses), so of a library only warnings come
through, and only where they were said. Of an error its kinds and its way through the code are written, never
its text and never a value.
"""

from __future__ import annotations

import logging
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import orjson

OUR_OWN = ("bot", "handlers", "storage")
WITHHELD = "a library reported something; its words are withheld"
MOST_FRAMES = 30  # of one error, the innermost
MOST_CAUSES = 10
_ROOT = Path(__file__).parent.parent

Fields = dict[str, str | list[str]]


class Lines(logging.Formatter):
    """One event as a JSON object, or as key=value for a terminal; the same fields in both.

    time (UTC), level, role (of the process), logger, message; of an error also `error`, its kinds from the
    outermost to its cause, and `way`, the places in the code from the outermost to where it was raised.
    """

    def __init__(self, role: str, *, json: bool) -> None:
        super().__init__()
        self._role = role
        self._json = json

    def format(self, record: logging.LogRecord) -> str:
        fields = self.fields(record)
        if self._json:
            return orjson.dumps(fields).decode()
        return " ".join(f"{name}={_shown(value)}" for name, value in fields.items())

    def fields(self, record: logging.LogRecord) -> Fields:
        ours = record.name.split(".")[0] in OUR_OWN
        found: Fields = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage() if ours else WITHHELD,
        }
        if not ours:
            found["at"] = f"{_short(record.pathname)}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            found |= _of(record.exc_info[1])
        return found


class Writer(logging.StreamHandler[TextIO]):
    """Writes lines; one that can't be made is replaced, not shown with its arguments.

    A log that is closed, full or that nobody reads any more costs lines and never a message: nothing waits
    for it and nothing fails by it. Lines that were lost are counted, and said to be lost when it goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not _takes_more(self.stream):
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._write(f"{lost} lines before this one were lost: nobody took them\n")
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, OSError) or self.stream.closed:
            self._lost += 1
            return
        kind = type(error).__name__ if error else "unknown"
        self._write(f"a line of {record.name} could not be written ({kind})\n")

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            super().flush()

    def _write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self.stream.write(line)
            self.stream.flush()


def _takes_more(stream: TextIO) -> bool:
    """Whether a line can be written at once: a pipe may be full, where a write would wait for its reader."""
    try:
        asked = select.poll()
        asked.register(stream.fileno(), select.POLLOUT)
        return bool(asked.poll(0))
    except (OSError, ValueError, AttributeError):  # no file, as in a test, or it is closed
        return True


def configure(role: str, level: str, shape: str, stream: TextIO | None = None) -> Writer:
    """Send all that is logged, or fails unseen, to a stream in our lines.

    role: what this process does; shape: "json", "plain", or "auto", which is plain in a terminal only.
    """
    stream = stream or sys.stderr
    writer = Writer(stream)
    writer.setFormatter(Lines(role, json=shape == "json" or (shape == "auto" and not stream.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [writer]
    root.setLevel(logging.WARNING)
    show(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _in_thread
    return writer


def show(level: str) -> None:
    """From which level on our own lines are written; a library's are from WARNING on."""
    for name in OUR_OWN:
        logging.getLogger(name).setLevel(level)


log = logging.getLogger(__name__)


def _uncaught(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        log.critical("the process ends: an error was not caught", exc_info=error)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    log.error("an error could not be raised", exc_info=found.exc_value)


def _in_thread(found: threading.ExceptHookArgs) -> None:
    log.error("a thread ended with an error", exc_info=found.exc_value)


# --- an error, without its text -----------------------------------------------------------------------


def _of(error: BaseException) -> Fields:
    errors = list(_errors(error, MOST_CAUSES))
    way = [place for each in errors for place in _way(each.__traceback__)]
    return {"error": [_kind(each) for each in errors], "way": way[-MOST_FRAMES:]}


def _errors(error: BaseException | None, most: int) -> Iterator[BaseException]:
    """The error, those of a group, what each came from, and so on."""
    if error is None or not most:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions[:most]:
            yield from _errors(each, most - 1)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _errors(cause, most - 1)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _way(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"{_short(code.co_filename)}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next


def _short(path: str) -> str:
    """A file as the project or its library knows it: where it is installed is nobody's business."""
    whole = Path(path)
    if whole.is_relative_to(_ROOT) and "site-packages" not in whole.parts:
        return whole.relative_to(_ROOT).as_posix()
    return "/".join(whole.parts[-2:])


# --- how it is written --------------------------------------------------------------------------------


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _shown(value: Any) -> str:
    text = ",".join(value) if isinstance(value, list) else str(value)
    plain = text.isprintable() and text and not any(each in text for each in ' "=')
    return text if plain else orjson.dumps(text).decode()
