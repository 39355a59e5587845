"""it tells: what was asked, what the check and the provider said; what waits, and which providers are down"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

REASONS = (
    "provider_down",
    "rate_limited",
    "answer_lost",
    "call_under_way",
    "budget_tight",
    "disk_full",
    "storage",
    "database",
    "no_worker",
    "replay",
    "defect",
)


def upgrade() -> None:
    op.add_column("provider_calls", sa.Column("question", sa.String(), nullable=True))
    op.add_column("provider_calls", sa.Column("notes", sa.String(), server_default="", nullable=False))
    op.add_column("provider_calls", sa.Column("said", sa.String(), server_default="", nullable=False))
    op.create_table(
        "failed_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(300), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_failed_parts_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_parts")),
        sa.UniqueConstraint("generation_id", "target_id", "part", name="uq_failed_parts_generation_id_target_id_part"),
    )
    op.create_table(
        "delays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(300), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("said", sa.String(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="1", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("announced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(f"reason IN ({', '.join(map(repr, REASONS))})", name="reason"),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_delays_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delays")),
        sa.UniqueConstraint("part", name=op.f("uq_delays_part")),
    )
    op.create_index("ix_delays_generation_id", "delays", ["generation_id", "created_at"])
    op.create_table(
        "circuits",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_call_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_circuits")),
    )
    op.create_table(
        "rounds",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rounds")),
    )


def downgrade() -> None:
    op.drop_table("rounds")
    op.drop_table("circuits")
    op.drop_table("delays")
    op.drop_table("failed_parts")
    for column in ("said", "notes", "question"):
        op.drop_column("provider_calls", column)
