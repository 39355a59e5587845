"""manual edits: columns and keys are called what they are"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LISTS = ("characters", "panels", "scenes")
# A key of a JSON object is the only place where its text can have these characters: quotes in values are escaped.
FLAGS = (("pages", "layout"), ("pages", "lettering"), ("chapters", "titles"))
BASES = ("panels", "scenes")


def upgrade() -> None:
    for table in LISTS:
        op.alter_column(table, "hand", new_column_name="manual_edits")
    op.alter_column("translations", "hand", new_column_name="manual")
    for table, column in FLAGS:
        _replace(table, column, '"hand": ', '"manual": ')
    for table in BASES:
        _replace(table, "basis", '"hand": "released"', '"manual_edits": "released"')
    op.execute("UPDATE events SET type = 'version.created' WHERE type = 'chapter.kept'")


def downgrade() -> None:
    op.execute("UPDATE events SET type = 'chapter.kept' WHERE type = 'version.created'")
    for table in BASES:
        _replace(table, "basis", '"manual_edits": "released"', '"hand": "released"')
    for table, column in FLAGS:
        _replace(table, column, '"manual": ', '"hand": ')
    op.alter_column("translations", "manual", new_column_name="hand")
    for table in LISTS:
        op.alter_column(table, "manual_edits", new_column_name="hand")


def _replace(table: str, column: str, before: str, after: str) -> None:
    # Names are constants above: no text from outside reaches the statement.
    op.execute(
        f"UPDATE {table} SET {column} = replace({column}::text, '{before}', '{after}')::jsonb"  # noqa: S608  # see above
        f" WHERE {column}::text LIKE '%{before}%'"
    )
