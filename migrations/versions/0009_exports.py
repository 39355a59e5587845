"""exports: more formats, files of whole projects, how each was ordered"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE = ("cbz", "pdf")
SINCE = (*BEFORE, "epub", "print", "webtoon", "png", "jpeg", "panels", "script", "script-text")


def upgrade() -> None:
    _allow(SINCE)
    op.alter_column("exports", "chapter_id", existing_type=sa.Uuid(), nullable=True)
    op.add_column(
        "exports", sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_exports_project_id"), "exports", "projects", ["project_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(
        "uq_exports_project_id_format",
        "exports",
        ["project_id", "format"],
        unique=True,
        postgresql_where=sa.text("chapter_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_exports_project_id_format", table_name="exports")
    op.drop_constraint(op.f("fk_exports_project_id"), "exports", type_="foreignkey")
    op.drop_column("exports", "options")
    # Files that the version before does not know are built again on demand.
    op.execute("DELETE FROM exports WHERE chapter_id IS NULL OR format NOT IN ('cbz', 'pdf')")
    op.alter_column("exports", "chapter_id", existing_type=sa.Uuid(), nullable=False)
    _allow(BEFORE)


def _allow(formats: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{format}'" for format in formats)
    op.drop_constraint(op.f("ck_exports_format"), "exports", type_="check")
    op.create_check_constraint(op.f("ck_exports_format"), "exports", f"format IN ({listed})")
