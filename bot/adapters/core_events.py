"""Events that the process itself puts into the inbox for the core."""

from __future__ import annotations

from typing import Any

from handlers.messages import Inbound, Kind


def event(kind: Kind, **detail: str) -> dict[str, Any]:
    return {"kind": str(kind), "detail": detail}


def parse(payload: dict[str, Any]) -> Inbound:
    return Inbound(Kind(payload["kind"]), detail=dict(payload["detail"]))
