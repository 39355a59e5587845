"""installation: an ID of its own, by which the destination of backups knows it"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
        sa.CheckConstraint("name = 'own'", name=op.f("ck_installation_only")),
    )


def downgrade() -> None:
    op.drop_table("installation")
