"""it tells: what was asked, what the check and the provider said; what waits, and which providers are down"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_table("failed_parts")
    for column in ("said", "notes", "question"):
        op.drop_column("provider_calls", column)
