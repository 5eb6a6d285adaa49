"""Why a platform cannot be reached, for the operator: what to do, and no address, word or id of anyone."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

_WHY: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not accepted: see the clock of this machine, and who stands before the platform",
    ),
    (ssl.SSLError, "no encryption was agreed on: see the address, and who stands before the platform"),
    (socket.gaierror, "its name is not found: see the address, and the name server of this machine"),
    (ConnectionRefusedError, "nothing listens there: see the address"),
)


def why(error: BaseException) -> str:
    """The remedy where the cause is known, else the kind of error; never its text, which may hold more."""
    found = (text for each in _causes(error) for kind, text in _WHY if isinstance(each, kind))
    return next(found, type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What the libraries have wrapped: of a host with several addresses, one cause for each."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        waiting += [before for before in (each.__cause__, each.__context__) if before is not None]
