"""batches: requests for many generations, with their items and events; calls in flight are counted by an index"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ENDED = "status NOT IN ('cancelled', 'completed', 'completed_with_failures')"
_STATUSES = "'requested', 'running', 'paused', 'cancelling', 'completed', 'completed_with_failures', 'cancelled'"
_STATES = "'waiting', 'running', 'held', 'completed', 'failed', 'cancelled'"
_KINDS = "'chapter', 'scene', 'panel', 'character_sheet', 'export'"


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _created() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def upgrade() -> None:
    empty = sa.text("'{}'::jsonb")
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        _created(),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=True),
        sa.Column("budget_usd", sa.Numeric(12, 6), nullable=True),
        sa.Column("spent_usd", sa.Numeric(12, 6), server_default="0", nullable=False),
        sa.Column("at_a_time", sa.Integer(), server_default="4", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="2", nullable=False),
        _moment("not_before"),
        sa.Column("only_between", postgresql.JSONB(), nullable=True),
        sa.Column("external_id", sa.String(200), nullable=True),
        sa.Column("labels", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("identity_key", sa.String(64), nullable=True),
        sa.Column("event_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        _moment("started_at"),
        _moment("finished_at"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        sa.CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name="budget"),
        sa.CheckConstraint("at_a_time >= 1", name="at_a_time"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_batches_owner_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_batches_project_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_owner_id", "batches", ["owner_id", "id"])
    op.create_index("ix_batches_project_id", "batches", ["project_id"])
    op.create_index("ix_batches_open", "batches", ["looked_at"], postgresql_where=sa.text(_ENDED))
    op.create_index(
        "uq_batches_live", "batches", ["owner_id", "identity_key"], unique=True, postgresql_where=sa.text(_ENDED)
    )
    op.add_column("generations", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.add_column("generations", sa.Column("batch_item_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_generations_batch_id"), "generations", "batches", ["batch_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(
        "ix_generations_batch_id", "generations", ["batch_id"], postgresql_where=sa.text("batch_id IS NOT NULL")
    )
    op.create_table(
        "batch_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        _created(),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=True),
        sa.Column("target_ids", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("title", sa.String(500), server_default="", nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=True),
        sa.Column("budget_usd", sa.Numeric(12, 6), nullable=True),
        sa.Column("external_id", sa.String(200), nullable=True),
        sa.Column("labels", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        _moment("due_at"),
        _moment("started_at"),
        _moment("finished_at"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_batch_items_project_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("fk_batch_items_generation_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_items")),
        sa.UniqueConstraint("batch_id", "position", name="uq_batch_items_batch_id_position"),
    )
    op.create_index("ix_batch_items_state", "batch_items", ["batch_id", "state", "position"])
    op.create_index("ix_batch_items_project_id", "batch_items", ["project_id"])
    op.create_index("ix_batch_items_generation_id", "batch_items", ["generation_id"])
    op.create_table(
        "batch_events",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_events_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "seq", name=op.f("pk_batch_events")),
    )
    op.create_index(
        "ix_provider_calls_in_flight",
        "provider_calls",
        ["provider", "project_id"],
        postgresql_where=sa.text("state IN ('reserved', 'submitted')"),
    )


def downgrade() -> None:
    op.drop_index("ix_provider_calls_in_flight", "provider_calls")
    op.drop_table("batch_events")
    op.drop_table("batch_items")
    op.drop_index("ix_generations_batch_id", "generations")
    op.drop_constraint(op.f("fk_generations_batch_id"), "generations")
    op.drop_column("generations", "batch_item_id")
    op.drop_column("generations", "batch_id")
    op.drop_table("batches")
