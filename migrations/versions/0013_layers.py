"""layers: layered pages are files like others"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEFORE = ("cbz", "pdf", "epub", "print", "webtoon", "png", "jpeg", "panels", "script", "script-text")


def upgrade() -> None:
    _allow((*BEFORE, "ora"))


def downgrade() -> None:
    # Files that the version before does not know are built again on demand.
    op.execute("DELETE FROM exports WHERE format = 'ora'")
    _allow(BEFORE)


def _allow(formats: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{format}'" for format in formats)
    op.drop_constraint(op.f("ck_exports_format"), "exports", type_="check")
    op.create_check_constraint(op.f("ck_exports_format"), "exports", f"format IN ({listed})")
