"""a call keeps its key when its project is transferred; a hold says whose budget is used up"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Calls of 0017 stay as they are: what they asked is only known as a digest with their owner.
    op.add_column("provider_calls", sa.Column("request_key", sa.String(64), nullable=True))
    op.create_index(
        "ix_provider_calls_request_key",
        "provider_calls",
        ["request_key"],
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )
    op.add_column("holds", sa.Column("budget", sa.String(16), nullable=True))
    op.create_check_constraint("budget", "holds", "budget IN ('generation', 'project', 'batch')")
    # Version 0017 said it in the message alone, in these words.
    op.execute(
        "UPDATE holds SET budget = substring(message FROM 'of the (generation|project|batch)''s budget of')"
        " WHERE reason = 'budget'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_holds_budget"), "holds")
    op.drop_column("holds", "budget")
    op.drop_index("ix_provider_calls_request_key", "provider_calls")
    op.drop_column("provider_calls", "request_key")
