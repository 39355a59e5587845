"""runs and money"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column(
            "target_ids", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("progress", sa.Float(), server_default="0", nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.Column("retry_of", sa.Uuid(), nullable=True),
        sa.Column("budget_usd", sa.Numeric(precision=12, scale=6), nullable=True),
        sa.Column("cached_calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind IN ('chapter', 'scene', 'panel', 'character_sheet', 'export')", name=op.f("ck_generations_kind")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'running', 'paused', 'waiting_review', 'waiting_unknown',"
            " 'budget_exceeded', 'completed', 'completed_with_failures', 'failed', 'cancelled')",
            name=op.f("ck_generations_status"),
        ),
        sa.CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name=op.f("ck_generations_budget")),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name=op.f("ck_generations_progress")),
        sa.ForeignKeyConstraint(
            ["project_id", "chapter_id"],
            ["chapters.project_id", "chapters.id"],
            name=op.f("fk_generations_project_id_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_generations_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["retry_of"], ["generations.id"], name="fk_generations_retry_of", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_generations_project_id_id")),
    )
    op.create_index("ix_generations_chapter_id", "generations", ["chapter_id", "id"], unique=False)
    op.create_index(
        "ix_generations_open",
        "generations",
        ["status", "id"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('cancelled', 'completed', 'completed_with_failures', 'failed')"),
    )
    op.create_index("ix_generations_retry_of", "generations", ["retry_of"], unique=False)
    op.create_index(
        "uq_generations_live",
        "generations",
        ["chapter_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('cancelled', 'completed', 'completed_with_failures', 'failed')"),
    )
    op.create_table(
        "events",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_events_seq")),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_events_project_id_generation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_events_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "seq", name=op.f("pk_events")),
    )
    op.create_index("ix_events_generation_id_seq", "events", ["generation_id", "seq"], unique=False)
    op.create_table(
        "generation_steps",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("split", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("weight >= 0 AND weight <= 1", name=op.f("ck_generation_steps_weight")),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name=op.f("fk_generation_steps_generation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("generation_id", "key", name=op.f("pk_generation_steps")),
    )
    op.create_table(
        "provider_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("call_key", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("holder", sa.String(length=300), nullable=False),
        sa.Column("input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=12, scale=6), server_default="0", nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'reserved') = (submitted_at IS NULL) OR state = 'failed'",
            name=op.f("ck_provider_calls_submitted"),
        ),
        sa.CheckConstraint("kind IN ('llm', 'image')", name=op.f("ck_provider_calls_kind")),
        sa.CheckConstraint(
            "state IN ('reserved', 'submitted', 'confirmed', 'failed', 'unknown')", name=op.f("ck_provider_calls_state")
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_provider_calls_attempt")),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_provider_calls_project_id_generation_id"),
            ondelete="SET NULL (generation_id)",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_provider_calls_project_id_image_id"),
            ondelete="SET NULL (image_id)",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_provider_calls_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_calls")),
        sa.UniqueConstraint("call_key", "attempt", name=op.f("uq_provider_calls_call_key_attempt")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_provider_calls_project_id_id")),
    )
    op.create_index("ix_provider_calls_generation_id", "provider_calls", ["generation_id", "id"], unique=False)
    op.create_index("ix_provider_calls_image_id", "provider_calls", ["image_id"], unique=False)
    op.create_index(
        "uq_provider_calls_confirmed",
        "provider_calls",
        ["call_key"],
        unique=True,
        postgresql_where=sa.text("state = 'confirmed'"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("made_from", sa.String(length=64), nullable=False),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_drafts_ordinal")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["provider_calls.id"], name=op.f("fk_drafts_call_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_drafts_project_id_image_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_drafts_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sa.UniqueConstraint("panel_id", "ordinal", name=op.f("uq_drafts_panel_id_ordinal")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_drafts_project_id_id")),
    )
    op.create_index("ix_drafts_call_id", "drafts", ["call_id"], unique=False)
    op.create_index("ix_drafts_image_id", "drafts", ["image_id"], unique=False)
    op.create_table(
        "task_results",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("task_version", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("output", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("notes", sa.String(), server_default="", nullable=False),
        sa.Column("left_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.CheckConstraint("(status = 'completed') = (output IS NOT NULL)", name=op.f("ck_task_results_output")),
        sa.CheckConstraint("status IN ('completed', 'failed')", name=op.f("ck_task_results_status")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["provider_calls.id"], name="fk_task_results_call_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_task_results_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_results")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_task_results_project_id_id")),
    )
    op.create_index("ix_task_results_call_id", "task_results", ["call_id"], unique=False)
    op.create_index(
        "uq_task_results_key",
        "task_results",
        ["project_id", "task", "task_version", "provider", "model", "input_hash"],
        unique=True,
    )
    op.create_foreign_key(
        "fk_panels_selected_draft_id",
        "panels",
        "drafts",
        ["selected_draft_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint("fk_panels_selected_draft_id", "panels", type_="foreignkey")
    op.drop_index("uq_task_results_key", table_name="task_results")
    op.drop_index("ix_task_results_call_id", table_name="task_results")
    op.drop_table("task_results")
    op.drop_index("ix_drafts_image_id", table_name="drafts")
    op.drop_index("ix_drafts_call_id", table_name="drafts")
    op.drop_table("drafts")
    op.drop_index(
        "uq_provider_calls_confirmed", table_name="provider_calls", postgresql_where=sa.text("state = 'confirmed'")
    )
    op.drop_index("ix_provider_calls_image_id", table_name="provider_calls")
    op.drop_index("ix_provider_calls_generation_id", table_name="provider_calls")
    op.drop_table("provider_calls")
    op.drop_table("generation_steps")
    op.drop_index("ix_events_generation_id_seq", table_name="events")
    op.drop_table("events")
    op.drop_index(
        "uq_generations_live",
        table_name="generations",
        postgresql_where=sa.text("status NOT IN ('cancelled', 'completed', 'completed_with_failures', 'failed')"),
    )
    op.drop_index("ix_generations_retry_of", table_name="generations")
    op.drop_index(
        "ix_generations_open",
        table_name="generations",
        postgresql_where=sa.text("status NOT IN ('cancelled', 'completed', 'completed_with_failures', 'failed')"),
    )
    op.drop_index("ix_generations_chapter_id", table_name="generations")
    op.drop_table("generations")
