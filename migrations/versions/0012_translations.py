"""translations: words, titles, pages and files of a chapter in other languages"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "translations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("caption", sa.String(), server_default="", nullable=False),
        sa.Column("lines", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("made_from", sa.String(length=64), nullable=False),
        sa.Column("hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_translations_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_translations")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_translations_project_id_id")),
        sa.UniqueConstraint("panel_id", "language", name=op.f("uq_translations_panel_id_language")),
    )
    _empty_object("chapters", "titles")
    _empty_object("scenes", "untranslated")
    for table in ("pages", "exports"):
        op.add_column(table, sa.Column("language", sa.String(length=35), server_default="", nullable=False))
    _unique("pages", ["chapter_id", "number"], ["chapter_id", "language", "number"])
    _unique("exports", ["chapter_id", "format"], ["chapter_id", "language", "format"])
    op.drop_index("uq_exports_project_id_format", table_name="exports")
    _of_projects("uq_exports_project_id_language_format", ["project_id", "language", "format"])


def downgrade() -> None:
    # The version before knows the story's own words alone; the rest is made again from a translator's file.
    for table in ("pages", "exports"):
        op.execute(f"DELETE FROM {table} WHERE language <> ''")  # noqa: S608  # names of this file
    op.drop_index("uq_exports_project_id_language_format", table_name="exports")
    _of_projects("uq_exports_project_id_format", ["project_id", "format"])
    _unique("exports", ["chapter_id", "language", "format"], ["chapter_id", "format"])
    _unique("pages", ["chapter_id", "language", "number"], ["chapter_id", "number"])
    for table in ("exports", "pages"):
        op.drop_column(table, "language")
    op.drop_column("scenes", "untranslated")
    op.drop_column("chapters", "titles")
    op.drop_table("translations")


def _empty_object(table: str, column: str) -> None:
    empty = sa.text("'{}'::jsonb")
    op.add_column(table, sa.Column(column, postgresql.JSONB(), server_default=empty, nullable=False))


def _unique(table: str, before: list[str], after: list[str]) -> None:
    op.drop_constraint(op.f(f"uq_{table}_{'_'.join(before)}"), table, type_="unique")
    op.create_unique_constraint(op.f(f"uq_{table}_{'_'.join(after)}"), table, after)


def _of_projects(name: str, columns: list[str]) -> None:
    op.create_index(name, "exports", columns, unique=True, postgresql_where=sa.text("chapter_id IS NULL"))
