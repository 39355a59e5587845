"""money: what calls may cost, budgets of projects, and what waits for a person"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.String(length=300), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("message", sa.String(), server_default="", nullable=False),
        sa.Column("skip", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("reason IN ('budget', 'unknown', 'refused')", name=op.f("ck_holds_reason")),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_holds_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sa.UniqueConstraint("workflow_id", "purpose", name=op.f("uq_holds_workflow_id_purpose")),
    )
    op.create_index("ix_holds_generation_id", "holds", ["generation_id", "id"])

    op.add_column(
        "projects",
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("projects", sa.Column("budget_usd", sa.Numeric(12, 6), nullable=True))
    op.add_column("projects", sa.Column("unknown_policy", sa.String(length=8), server_default="auto", nullable=False))
    op.create_check_constraint(op.f("ck_projects_budget"), "projects", "budget_usd IS NULL OR budget_usd >= 0")
    op.create_check_constraint(
        op.f("ck_projects_unknown_policy"), "projects", "unknown_policy IN ('auto', 'retry', 'ask')"
    )

    calls: tuple[sa.Column[Any], ...] = (
        sa.Column("cached_input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved_usd", sa.Numeric(12, 6), server_default="0", nullable=False),
        sa.Column("stop_reason", sa.String(length=16), server_default="stop", nullable=False),
        sa.Column("accepted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
    )
    for column in calls:
        op.add_column("provider_calls", column)
    op.create_index(
        "ix_provider_calls_send_at",
        "provider_calls",
        ["provider", "send_at"],
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_provider_calls_send_at", table_name="provider_calls")
    for name in ("send_at", "accepted", "stop_reason", "reserved_usd", "reserved_tokens", "cached_input_tokens"):
        op.drop_column("provider_calls", name)
    op.drop_constraint(op.f("ck_projects_unknown_policy"), "projects")
    op.drop_constraint(op.f("ck_projects_budget"), "projects")
    for name in ("unknown_policy", "budget_usd", "options"):
        op.drop_column("projects", name)
    op.drop_index("ix_holds_generation_id", table_name="holds")
    op.drop_table("holds")
