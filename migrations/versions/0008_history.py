"""history: what a series told before a project's first chapter; the events of a panel"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "projects", sa.Column("series", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.create_index(
        "ix_events_panel",
        "events",
        ["project_id", sa.text("(data ->> 'panel_id')"), "seq"],
        unique=False,
        postgresql_where=sa.text("data ? 'panel_id'"),
    )


def downgrade() -> None:
    op.drop_index("ix_events_panel", table_name="events")
    op.drop_column("projects", "series")
