"""tickets know the login that they were given for, so that a socket ends with it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("login", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("tickets", "login")
