"""Why a platform cannot be reached, for the operator: what to do, and no address, word or id of anyone."""

from __future__ import annotations

import socket
import ssl

_WHY: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not accepted: see the clock of this machine, and who stands before the platform",
    ),
    (ssl.SSLError, "what answers there speaks no TLS: see the address, and who stands before the platform"),
    (socket.gaierror, "its name is not found: see the address, and the name server of this machine"),
    (ConnectionRefusedError, "nothing listens there: see the address"),
)


def why(error: BaseException) -> str:
    """The remedy where the cause is known, else the kind of error; never its text, which may hold more."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:  # the libraries wrap what the system said
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    found = (text for each in chain for kind, text in _WHY if isinstance(each, kind))
    return next(found, type(error).__name__)
