"""Rooms, links between accounts, what accounts keep, and what a message disclosed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keepsakes",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "name", name=op.f("pk_keepsakes")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["opened_by"],
            ["people.id"],
            name=op.f("fk_rooms_opened_by"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("address_index", name=op.f("uq_rooms_address_index")),
    )
    op.create_index(op.f("ix_rooms_opened_by"), "rooms", ["opened_by"], unique=False)
    op.add_column("codes", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.add_column("alert_notes", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.add_column("alert_notes", sa.Column("message_id", sa.String(), nullable=True))
    for name, kind in (
        ("room_id", sa.Uuid()),
        ("more_ids", sa.String()),
        ("choice_id", sa.Uuid()),
        ("discloses_id", sa.Uuid()),
    ):
        op.add_column("outbox", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_outbox_room",
        "outbox",
        ["room_id", "card"],
        unique=False,
        sqlite_where=sa.text("room_id IS NOT NULL"),
        postgresql_where=sa.text("room_id IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_disclosed",
        "outbox",
        ["discloses_id"],
        unique=False,
        sqlite_where=sa.text("discloses_id IS NOT NULL"),
        postgresql_where=sa.text("discloses_id IS NOT NULL"),
    )
