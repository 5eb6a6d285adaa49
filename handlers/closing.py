"""What was disclosed of a case is closed with the case: words, places, contacts and photos."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers.context import Moment
from handlers.messages import Text, _
from storage import corrections, people
from storage.tables import Outbox

WAS_READ = _("What they have read I can't take back.")


def close(moment: Moment, case_id: UUID, reference: str, helper_id: UUID | None = None) -> bool:
    """Take back what others were shown of a case, each message once; whether there was any.

    helper_id: only what this helper was shown, and the requester of them.
    """
    shown = corrections.disclosing(moment.tx, case_id, helper_id)
    for row in shown:
        corrections.take_back(moment.tx, moment.now, row, _in_its_place(moment, row, reference))
        row.discloses_id = None
    return any(row.state != "dropped" for row in shown)


def _in_its_place(moment: Moment, row: Outbox, reference: str) -> dict[str, Any]:
    """A photo or a relayed place goes; of other messages a line is left, and their further pieces go."""
    if row.attachment_id is not None or row.source_message_id is not None:
        return {"text": "", "retract": "all"}
    is_contact = row.talk_id is not None
    text = _closed_contact() if is_contact else _closed(reference)
    language = moment.union.language
    if row.person_id is not None:
        language = people.get(moment.tx, row.person_id).language
    words = moment.core.catalogs.render(text, language)
    return {"title": reference, "text": words, "retract": "extras"}


def _closed(reference: str) -> Text:
    return _("Closed: the words and the place of {reference} are no longer shown here.", reference=reference)


def _closed_contact() -> Text:
    return _("Closed: the contact is no longer shown here.")
