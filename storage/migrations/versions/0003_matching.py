"""Places, hours and limits of offers, parts of needs, check-ins of commitments, verified skills."""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from storage import cells

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ALL_HOURS = (1 << 56) - 1
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _people_and_needs()
    _offers()
    _commitments()
    _verifications()
    _rebuild_the_index()


def _people_and_needs() -> None:
    of_people: tuple[sa.Column[Any], ...] = (
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("sealed_home", sa.LargeBinary(), nullable=True),
        sa.Column("moves", sa.Integer(), server_default="0", nullable=False),
        sa.Column("moves_since", TIME, nullable=True),
    )
    for column in of_people:
        op.add_column("people", column)
    of_needs: tuple[sa.Column[Any], ...] = (
        sa.Column("widened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("for_other", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("needed_at", TIME, nullable=True),
        sa.Column("repeats_every", sa.Integer(), nullable=True),
        sa.Column("confirm_at", TIME, nullable=True),
        sa.Column("confirm_asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("same_as_id", sa.Uuid(), nullable=True),
    )
    for column in of_needs:
        op.add_column("needs", column)
    op.create_index(op.f("ix_needs_confirm_at"), "needs", ["confirm_at"], unique=False)
    op.create_table(
        "parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["need_id"], ["needs.id"], name=op.f("fk_parts_need_id"),
            ondelete="CASCADE", initially="DEFERRED", deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
    )  # fmt: skip
    op.create_index(op.f("ix_parts_need_id"), "parts", ["need_id"], unique=False)
    _one_part_for_each_need()


def _one_part_for_each_need() -> None:
    needs = sa.table("needs", sa.column("id", sa.Uuid()), sa.column("skill"), sa.column("state"))
    parts = sa.table(
        "parts", sa.column("id", sa.Uuid()), sa.column("need_id", sa.Uuid()), sa.column("position"),
        sa.column("skill"), sa.column("wanted"), sa.column("taken"),
    )  # fmt: skip
    connection = op.get_bind()
    rows = connection.execute(sa.select(needs.c.id, needs.c.skill, needs.c.state)).all()
    if rows:
        made = [
            {"id": uuid4(), "need_id": row.id, "position": 0, "skill": row.skill, "wanted": 1,
             "taken": int(row.state in ("taken", "done"))}
            for row in rows
        ]  # fmt: skip
        connection.execute(sa.insert(parts), made)


def _offers() -> None:
    for column in (
        sa.Column("hours", sa.String(), nullable=True),
        sa.Column("quiet_from", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quiet_until", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wakes_for_urgent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("travel", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("languages", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("capacity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("weekly_limit", sa.Integer(), server_default="7", nullable=False),
        sa.Column("not_wanted", sa.String(), server_default=sa.text("''"), nullable=False),
    ):
        op.add_column("offers", column)


def _commitments() -> None:
    op.add_column("invitations", sa.Column("part_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_invitations_asked_at"), "invitations", ["asked_at"], unique=False)
    for column in (
        sa.Column("part_id", sa.Uuid(), nullable=True),
        sa.Column("shows", sa.String(), server_default="place", nullable=False),
        sa.Column("on_my_way_at", TIME, nullable=True),
        sa.Column("here_at", TIME, nullable=True),
        sa.Column("check_at", TIME, nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("commitments", column)
    op.create_index(op.f("ix_commitments_check_at"), "commitments", ["check_at"], unique=False)


def _verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("verified_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_verifications_person_id"),
            ondelete="CASCADE", initially="DEFERRED", deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["verified_by"], ["people.id"], name=op.f("fk_verifications_verified_by"),
            ondelete="SET NULL", initially="DEFERRED", deferrable=True,
        ),
        sa.PrimaryKeyConstraint("person_id", "skill", name=op.f("pk_verifications")),
    )  # fmt: skip
    op.create_index(op.f("ix_verifications_verified_by"), "verifications", ["verified_by"], unique=False)


def _rebuild_the_index() -> None:
    """The index is made anew from the offers: its rows carry more, and are keyed by the person."""
    op.drop_table("offer_skills")
    op.create_table(
        "offer_skills",
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("radius_class", sa.Integer(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("radius", sa.Integer(), nullable=False),
        sa.Column("early_hours", sa.BigInteger(), nullable=False),
        sa.Column("middle_hours", sa.BigInteger(), nullable=False),
        sa.Column("late_hours", sa.BigInteger(), nullable=False),
        sa.Column("languages", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_offer_skills_person_id"),
            ondelete="CASCADE", initially="DEFERRED", deferrable=True,
        ),
        sa.PrimaryKeyConstraint("skill", "radius_class", "cell", "person_id", name=op.f("pk_offer_skills")),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index(op.f("ix_offer_skills_person_id"), "offer_skills", ["person_id"], unique=False)
    connection = op.get_bind()
    offers = sa.table(
        "offers", sa.column("person_id", sa.Uuid()), sa.column("skills"), sa.column("latitude"),
        sa.column("longitude"), sa.column("radius"),
    )  # fmt: skip
    index = sa.table("offer_skills", *(sa.column(name) for name in (
        "skill", "radius_class", "cell", "latitude", "longitude", "radius", "early_hours", "middle_hours",
        "late_hours", "languages")), sa.column("person_id", sa.Uuid()))  # fmt: skip
    rows = []
    for offer in connection.execute(sa.select(offers)):
        placed = offer.latitude is not None and offer.longitude is not None
        size = cells.radius_class(offer.radius) if placed else 0
        cell = cells.index_cell(offer.latitude, offer.longitude, size) if placed else -1
        rows += [
            {"skill": skill, "radius_class": size, "cell": cell, "person_id": offer.person_id,
             "latitude": offer.latitude, "longitude": offer.longitude, "radius": offer.radius,
             "early_hours": ALL_HOURS, "middle_hours": ALL_HOURS, "late_hours": ALL_HOURS, "languages": 0}
            for skill in dict.fromkeys(offer.skills.split())
        ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(index), rows)
