"""Duty, crisis mode, drills and warnings, the second way out, and what an alert knows of the danger."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


WEEK = timedelta(days=7)


def upgrade() -> None:
    _people()
    _duty()
    _crises()
    _readiness()
    _alerts()


def _people() -> None:
    op.add_column("people", sa.Column("on_duty_until", TIME, nullable=True))
    op.add_column("people", sa.Column("off_duty_until", TIME, nullable=True))
    op.add_column("people", sa.Column("resting_until", TIME, nullable=True))
    op.add_column("people", sa.Column("carries", sa.Integer(), nullable=True))
    op.add_column("people", sa.Column("neighbour_since", TIME, nullable=True))
    op.add_column("people", sa.Column("minor_since", TIME, nullable=True))
    op.add_column("people", sa.Column("hidden_since", TIME, nullable=True))


def _duty() -> None:
    op.create_table(
        "shifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_shifts_person_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index(op.f("ix_shifts_person_id"), "shifts", ["person_id"], unique=False)
    op.create_table(
        "covers",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("offered_at", TIME, nullable=False),
        sa.Column("covered_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_covers_person_id"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["shift_id"],
            ["shifts.id"],
            name=op.f("fk_covers_shift_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("shift_id", "day", name=op.f("pk_covers")),
    )
    op.create_index(op.f("ix_covers_person_id"), "covers", ["person_id"], unique=False)


def _crises() -> None:
    op.create_table(
        "crises",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_words", sa.LargeBinary(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("radius", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", TIME, nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("next_step_at", TIME, nullable=True),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["confirmed_by"],
            ["people.id"],
            name=op.f("fk_crises_confirmed_by"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["declared_by"],
            ["people.id"],
            name=op.f("fk_crises_declared_by"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"],
            ["people.id"],
            name=op.f("fk_crises_ended_by"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crises")),
        sa.UniqueConstraint("reference", name=op.f("uq_crises_reference")),
    )
    op.create_index(op.f("ix_crises_confirmed_by"), "crises", ["confirmed_by"], unique=False)
    op.create_index(op.f("ix_crises_declared_by"), "crises", ["declared_by"], unique=False)
    op.create_index(op.f("ix_crises_ended_by"), "crises", ["ended_by"], unique=False)
    op.create_index(op.f("ix_crises_next_step_at"), "crises", ["next_step_at"], unique=False)
    op.create_table(
        "roll_calls",
        sa.Column("crisis_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("answer", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("told_over_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["crisis_id"],
            ["crises.id"],
            name=op.f("fk_roll_calls_crisis_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_roll_calls_person_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("crisis_id", "person_id", name=op.f("pk_roll_calls")),
    )
    op.create_index("ix_roll_calls_asked", "roll_calls", ["crisis_id", "asked_at"], unique=False)
    op.create_index(op.f("ix_roll_calls_person_id"), "roll_calls", ["person_id"], unique=False)


def _readiness() -> None:
    op.create_table(
        "early_warnings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("told_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_early_warnings")),
    )
    op.create_table(
        "routines",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_step_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_routines")),
    )
    op.create_index(op.f("ix_routines_next_step_at"), "routines", ["next_step_at"], unique=False)
    op.create_table(
        "drills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("next_step_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["begun_by"],
            ["people.id"],
            name=op.f("fk_drills_begun_by"),
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drills")),
        sa.UniqueConstraint("reference", name=op.f("uq_drills_reference")),
    )
    op.create_index(op.f("ix_drills_begun_by"), "drills", ["begun_by"], unique=False)
    op.create_index(op.f("ix_drills_next_step_at"), "drills", ["next_step_at"], unique=False)
    op.create_table(
        "drill_pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("drill_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answered_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_drill_pages_account_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["drill_id"],
            ["drills.id"],
            name=op.f("fk_drill_pages_drill_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_drill_pages_person_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_pages")),
    )
    op.create_index(op.f("ix_drill_pages_account_id"), "drill_pages", ["account_id"], unique=False)
    op.create_index(op.f("ix_drill_pages_drill_id"), "drill_pages", ["drill_id"], unique=False)
    op.create_index(op.f("ix_drill_pages_person_id"), "drill_pages", ["person_id"], unique=False)
    routines = sa.table("routines", sa.column("name", sa.String()), sa.column("next_step_at", TIME))
    now = datetime.now(UTC)
    op.bulk_insert(
        routines,
        [{"name": "readiness", "next_step_at": now}, {"name": "drill", "next_step_at": now + WEEK}],
    )


def _alerts() -> None:
    op.create_table(
        "alert_hands",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alerts.id"],
            name=op.f("fk_alert_hands_alert_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_alert_hands_person_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("alert_id", "person_id", name=op.f("pk_alert_hands")),
    )
    op.create_index(op.f("ix_alert_hands_person_id"), "alert_hands", ["person_id"], unique=False)
    op.create_table(
        "outside_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("drill_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("claimed_until", TIME, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alerts.id"],
            name=op.f("fk_outside_calls_alert_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["drill_id"],
            ["drills.id"],
            name=op.f("fk_outside_calls_drill_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_calls")),
    )
    op.create_index(op.f("ix_outside_calls_alert_id"), "outside_calls", ["alert_id"], unique=False)
    op.create_index(op.f("ix_outside_calls_drill_id"), "outside_calls", ["drill_id"], unique=False)
    op.create_index(op.f("ix_outside_calls_due_at"), "outside_calls", ["due_at"], unique=False)
    op.add_column("alert_pages", sa.Column("rung_at", TIME, nullable=True))
    op.execute("UPDATE alert_pages SET rung_at = paged_at")
    op.add_column("alert_notes", sa.Column("author_id", sa.Uuid(), nullable=True))
    op.add_column("alerts", sa.Column("danger", sa.String(), nullable=True))
    op.add_column("alerts", sa.Column("severity", sa.Integer(), server_default="2", nullable=False))
    op.add_column("alerts", sa.Column("question", sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column("alerts", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column("alerts", sa.Column("longitude", sa.Double(), nullable=True))
    op.add_column("alerts", sa.Column("writing", sa.String(), server_default="freely", nullable=False))
    op.add_column(
        "alerts", sa.Column("other_account", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    op.add_column("alerts", sa.Column("widen_at", TIME, nullable=True))
    op.add_column("alerts", sa.Column("heard_at", TIME, nullable=True))
    op.add_column("alerts", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.add_column("alerts", sa.Column("offered_to_id", sa.Uuid(), nullable=True))
    op.add_column("alerts", sa.Column("hands_asked_at", TIME, nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_at", TIME, nullable=True))
    op.add_column("rooms", sa.Column("former_index", sa.LargeBinary(), nullable=True))
