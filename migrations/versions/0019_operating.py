"""operating: accounts that are disabled or operate the installation, and providers that an operator has paused"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("is_operator", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("circuits", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM circuits WHERE paused_at IS NOT NULL")
    op.drop_column("circuits", "paused_at")
    op.drop_column("users", "is_operator")
    op.drop_column("users", "disabled_at")
