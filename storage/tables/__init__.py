"""Every table, in one place to read. Sealed columns are named `sealed_…` and hold AES-GCM text.

Time is stored in UTC; distances are metres; places in clear are only cells of the coarse map.
"""

from storage.tables.alerts import Alert, AlertHand, AlertNote, AlertPage, AlertStep
from storage.tables.base import Base, Fact, Key, UtcTime
from storage.tables.matching import (
    Commitment,
    Invitation,
    NamedPlace,
    Need,
    Offer,
    OfferSkill,
    Part,
    PlaceName,
    PlaceTypo,
    Verification,
)
from storage.tables.people import Account, Block, Code, Consent, Forgotten, Person, Room
from storage.tables.queues import WAITING, Audit, Cursor, Inbox, Job, Keepsake, Lease, Outbox
from storage.tables.readiness import (
    Cover,
    Crisis,
    Drill,
    DrillPage,
    EarlyWarning,
    OutsideCall,
    RollCall,
    Routine,
    Shift,
)
from storage.tables.talking import Attachment, Choice, Conversation, OpenForm, Shown, Talk

__all__ = [
    "WAITING",
    "Account",
    "Alert",
    "AlertHand",
    "AlertNote",
    "AlertPage",
    "AlertStep",
    "Attachment",
    "Audit",
    "Base",
    "Block",
    "Choice",
    "Code",
    "Commitment",
    "Consent",
    "Conversation",
    "Cover",
    "Crisis",
    "Cursor",
    "Drill",
    "DrillPage",
    "EarlyWarning",
    "Fact",
    "Forgotten",
    "Inbox",
    "Invitation",
    "Job",
    "Keepsake",
    "Key",
    "Lease",
    "NamedPlace",
    "Need",
    "Offer",
    "OfferSkill",
    "OpenForm",
    "Outbox",
    "OutsideCall",
    "Part",
    "Person",
    "PlaceName",
    "PlaceTypo",
    "RollCall",
    "Room",
    "Routine",
    "Shift",
    "Shown",
    "Talk",
    "UtcTime",
    "Verification",
]
