"""accounts, working together, callbacks, uploads: what people who share an installation need"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("whole_project", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("keys", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("workflows", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
    )
    op.create_index(
        "ix_removals_due", "removals", ["due_at"], unique=False, postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("tries", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_index(op.f("ix_throttles_at"), "throttles", ["at"], unique=False)
    op.create_table(
        "unheard",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_unheard")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("location", sa.String(length=500), nullable=True),
        sa.Column(
            "claimed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotent_requests_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_requests")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_idempotent_requests_user_id_key")),
    )
    op.create_index("ix_idempotent_requests_created_at", "idempotent_requests", ["created_at"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    op.create_index("ix_refresh_tokens_family", "refresh_tokens", ["family"], unique=False)
    op.create_index("ix_refresh_tokens_user_id", "refresh_tokens", ["user_id"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tickets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tickets")),
    )
    op.create_index(op.f("ix_tickets_user_id"), "tickets", ["user_id"], unique=False)
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_access_tokens_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_tokens_token_hash")),
    )
    op.create_index("ix_access_tokens_project_id", "access_tokens", ["project_id"], unique=False)
    op.create_index("ix_access_tokens_user_id_id", "access_tokens", ["user_id", "id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'editor', 'commenter', 'viewer')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_invitations_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_invitations_project_id_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index("ix_invitations_invited_by", "invitations", ["invited_by"], unique=False)
    op.create_index(
        "uq_invitations_email", "invitations", ["project_id", sa.literal_column("lower(email)")], unique=True
    )
    op.create_table(
        "presences",
        sa.Column("connection", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_presences_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_presences_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_presences")),
    )
    op.create_index("ix_presences_project_id", "presences", ["project_id"], unique=False)
    op.create_index("ix_presences_user_id", "presences", ["user_id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("events", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("secret_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_webhooks_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_webhooks_project_id_id")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("redelivery_of", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("tries", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["project_id", "webhook_id"],
            ["webhooks.project_id", "webhooks.id"],
            name=op.f("fk_deliveries_project_id_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_deliveries_project_id_id")),
    )
    op.create_index(
        "ix_deliveries_waiting", "deliveries", ["id"], unique=False, postgresql_where=sa.text("started_at IS NULL")
    )
    op.create_index("ix_deliveries_webhook_id_id", "deliveries", ["webhook_id", "id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("character_id", sa.Uuid(), nullable=True),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("panel_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("role IN ('reference', 'mask', 'control')", name=op.f("ck_attachments_role")),
        sa.CheckConstraint("num_nonnulls(character_id, location_id, panel_id) = 1", name=op.f("ck_attachments_target")),
        sa.ForeignKeyConstraint(
            ["project_id", "character_id"],
            ["characters.project_id", "characters.id"],
            name=op.f("fk_attachments_project_id_character_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_attachments_project_id_image_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "location_id"],
            ["locations.project_id", "locations.id"],
            name=op.f("fk_attachments_project_id_location_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_attachments_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_attachments_project_id_id")),
    )
    op.create_index("ix_attachments_character_id", "attachments", ["character_id", "id"], unique=False)
    op.create_index("ix_attachments_image_id", "attachments", ["image_id"], unique=False)
    op.create_index("ix_attachments_location_id", "attachments", ["location_id", "id"], unique=False)
    op.create_index("ix_attachments_panel_id", "attachments", ["panel_id", "id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("mentions", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_comments_author_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_comments_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_comments_project_id_id")),
    )
    op.create_index("ix_comments_author_id", "comments", ["author_id"], unique=False)
    op.create_index("ix_comments_panel_id_id", "comments", ["panel_id", "id"], unique=False)
    op.create_table(
        "panel_locks",
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_panel_locks_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_panel_locks_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("panel_id", name=op.f("pk_panel_locks")),
    )
    op.create_index("ix_panel_locks_user_id", "panel_locks", ["user_id"], unique=False)
    op.add_column("chapters", sa.Column("external_id", sa.String(length=200), nullable=True))
    op.add_column(
        "chapters", sa.Column("labels", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.create_index(
        "ix_chapters_external_id",
        "chapters",
        ["project_id", "external_id"],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.add_column("events", sa.Column("actor_id", sa.Uuid(), nullable=True))
    op.create_index("ix_events_actor_id", "events", ["actor_id"], unique=False)
    op.create_foreign_key(op.f("fk_events_actor_id"), "events", "users", ["actor_id"], ["id"], ondelete="SET NULL")
    op.add_column("generations", sa.Column("external_id", sa.String(length=200), nullable=True))
    op.add_column(
        "generations", sa.Column("labels", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column("generations", sa.Column("requested_by", sa.Uuid(), nullable=True))
    op.add_column("generations", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_generations_external_id",
        "generations",
        ["project_id", "external_id"],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index("ix_generations_requested_by", "generations", ["requested_by"], unique=False)
    op.create_foreign_key(
        op.f("fk_generations_requested_by"), "generations", "users", ["requested_by"], ["id"], ondelete="SET NULL"
    )
    op.add_column("images", sa.Column("origin", sa.String(length=16), server_default="made", nullable=False))
    op.add_column("images", sa.Column("name", sa.String(length=200), server_default="", nullable=False))
    op.add_column("project_instructions", sa.Column("kind", sa.String(length=16), server_default="do", nullable=False))
    op.add_column("projects", sa.Column("external_id", sa.String(length=200), nullable=True))
    op.add_column(
        "projects", sa.Column("labels", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.create_index(
        "ix_projects_external_id",
        "projects",
        ["owner_id", "external_id"],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_check_constraint(op.f("ck_images_origin"), "images", "origin IN ('made', 'uploaded')")
    op.create_check_constraint(
        op.f("ck_project_instructions_kind"), "project_instructions", "kind IN ('style', 'tone', 'do', 'dont', 'limit')"
    )
    op.drop_constraint(op.f("ck_holds_reason"), "holds")
    op.create_check_constraint(op.f("ck_holds_reason"), "holds", "reason IN ('budget', 'unknown', 'refused', 'paused')")


def downgrade() -> None:
    op.execute("DELETE FROM holds WHERE reason = 'paused'")
    op.drop_constraint(op.f("ck_holds_reason"), "holds")
    op.create_check_constraint(op.f("ck_holds_reason"), "holds", "reason IN ('budget', 'unknown', 'refused')")
    op.drop_constraint(op.f("ck_project_instructions_kind"), "project_instructions")
    op.drop_constraint(op.f("ck_images_origin"), "images")
    op.drop_index("ix_projects_external_id", table_name="projects", postgresql_where=sa.text("external_id IS NOT NULL"))
    op.drop_column("projects", "labels")
    op.drop_column("projects", "external_id")
    op.drop_column("project_instructions", "kind")
    op.drop_column("images", "name")
    op.drop_column("images", "origin")
    op.drop_constraint(op.f("fk_generations_requested_by"), "generations", type_="foreignkey")
    op.drop_index("ix_generations_requested_by", table_name="generations")
    op.drop_index(
        "ix_generations_external_id", table_name="generations", postgresql_where=sa.text("external_id IS NOT NULL")
    )
    op.drop_column("generations", "paused_at")
    op.drop_column("generations", "requested_by")
    op.drop_column("generations", "labels")
    op.drop_column("generations", "external_id")
    op.drop_constraint(op.f("fk_events_actor_id"), "events", type_="foreignkey")
    op.drop_index("ix_events_actor_id", table_name="events")
    op.drop_column("events", "actor_id")
    op.drop_index("ix_chapters_external_id", table_name="chapters", postgresql_where=sa.text("external_id IS NOT NULL"))
    op.drop_column("chapters", "labels")
    op.drop_column("chapters", "external_id")
    op.drop_index("ix_panel_locks_user_id", table_name="panel_locks")
    op.drop_table("panel_locks")
    op.drop_index("ix_comments_panel_id_id", table_name="comments")
    op.drop_index("ix_comments_author_id", table_name="comments")
    op.drop_table("comments")
    op.drop_index("ix_attachments_panel_id", table_name="attachments")
    op.drop_index("ix_attachments_location_id", table_name="attachments")
    op.drop_index("ix_attachments_image_id", table_name="attachments")
    op.drop_index("ix_attachments_character_id", table_name="attachments")
    op.drop_table("attachments")
    op.drop_index("ix_deliveries_webhook_id_id", table_name="deliveries")
    op.drop_index("ix_deliveries_waiting", table_name="deliveries", postgresql_where=sa.text("started_at IS NULL"))
    op.drop_table("deliveries")
    op.drop_table("webhooks")
    op.drop_index("ix_presences_user_id", table_name="presences")
    op.drop_index("ix_presences_project_id", table_name="presences")
    op.drop_table("presences")
    op.drop_index("uq_invitations_email", table_name="invitations")
    op.drop_index("ix_invitations_invited_by", table_name="invitations")
    op.drop_table("invitations")
    op.drop_index("ix_access_tokens_user_id_id", table_name="access_tokens")
    op.drop_index("ix_access_tokens_project_id", table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_index(op.f("ix_tickets_user_id"), table_name="tickets")
    op.drop_table("tickets")
    op.drop_index("ix_refresh_tokens_user_id", table_name="refresh_tokens")
    op.drop_index("ix_refresh_tokens_family", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_idempotent_requests_created_at", table_name="idempotent_requests")
    op.drop_table("idempotent_requests")
    op.drop_table("unheard")
    op.drop_index(op.f("ix_throttles_at"), table_name="throttles")
    op.drop_table("throttles")
    op.drop_index("ix_removals_due", table_name="removals", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_table("removals")
