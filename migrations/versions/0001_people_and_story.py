"""people and story"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_local", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("is_local OR email IS NOT NULL", name=op.f("ck_users_reachable")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_index("uq_users_local", "users", ["is_local"], unique=True, postgresql_where=sa.text("is_local"))
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("style", sa.String(), server_default="", nullable=False),
        sa.Column("identity_key", sa.String(length=64), nullable=True),
        sa.Column("event_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("event_seq >= 0", name=op.f("ck_projects_event_seq")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_projects_owner_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    op.create_index("ix_projects_owner_id_id", "projects", ["owner_id", "id"], unique=False)
    op.create_index("uq_projects_identity", "projects", ["owner_id", "identity_key"], unique=True)
    op.create_table(
        "chapters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=500), server_default="", nullable=False),
        sa.Column("source_text", sa.Text(), server_default="", nullable=False),
        sa.Column("script", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("summary", sa.String(), server_default="", nullable=False),
        sa.Column("identity_key", sa.String(length=64), nullable=True),
        sa.Column(
            "outline", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("outline_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_chapters_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapters")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_chapters_project_id_id")),
        sa.UniqueConstraint(
            "project_id",
            "position",
            deferrable=True,
            initially="DEFERRED",
            name=op.f("uq_chapters_project_id_position"),
        ),
    )
    op.create_index("uq_chapters_identity", "chapters", ["project_id", "identity_key"], unique=True)
    op.create_table(
        "images",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column(
            "boxes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column(
            "parameters", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name=op.f("ck_images_size")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_images_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_images_project_id_id")),
        sa.UniqueConstraint("project_id", "sha256", name=op.f("uq_images_project_id_sha256")),
    )
    op.create_table(
        "locations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=400), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_locations_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_locations_project_id_id")),
        sa.UniqueConstraint("project_id", "name_key", name=op.f("uq_locations_project_id_name_key")),
    )
    op.create_table(
        "project_instructions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_instructions_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_instructions")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_project_instructions_project_id_id")),
        sa.UniqueConstraint(
            "project_id",
            "position",
            deferrable=True,
            initially="DEFERRED",
            name=op.f("uq_project_instructions_project_id_position"),
        ),
    )
    op.create_table(
        "project_members",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'editor', 'commenter', 'viewer')", name=op.f("ck_project_members_role")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_members_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_project_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_project_members")),
    )
    op.create_index("ix_project_members_user_id", "project_members", ["user_id", "project_id"], unique=False)
    op.create_table(
        "characters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=400), nullable=False),
        sa.Column(
            "aliases", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("sheet_image_id", sa.Uuid(), nullable=True),
        sa.Column("sheet_made_from", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "sheet_image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_characters_project_id_sheet_image_id"),
            ondelete="SET NULL (sheet_image_id)",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_characters_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_characters")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_characters_project_id_id")),
        sa.UniqueConstraint("project_id", "name_key", name=op.f("uq_characters_project_id_name_key")),
    )
    op.create_index("ix_characters_sheet_image_id", "characters", ["sheet_image_id"], unique=False)
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("made_from", sa.String(length=64), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format IN ('cbz', 'pdf')", name=op.f("ck_exports_format")),
        sa.ForeignKeyConstraint(
            ["project_id", "chapter_id"],
            ["chapters.project_id", "chapters.id"],
            name=op.f("fk_exports_project_id_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("chapter_id", "format", name=op.f("uq_exports_chapter_id_format")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_exports_project_id_id")),
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column(
            "layout", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "problems", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("made_from", sa.String(length=64), nullable=True),
        sa.CheckConstraint("number >= 1", name=op.f("ck_pages_number")),
        sa.ForeignKeyConstraint(
            ["project_id", "chapter_id"],
            ["chapters.project_id", "chapters.id"],
            name=op.f("fk_pages_project_id_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_pages_project_id_image_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint("chapter_id", "number", name=op.f("uq_pages_chapter_id_number")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_pages_project_id_id")),
    )
    op.create_index("ix_pages_image_id", "pages", ["image_id"], unique=False)
    op.create_table(
        "scenes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), server_default="", nullable=False),
        sa.Column("gist", sa.String(), server_default="", nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column(
            "sentences", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("max_panels", sa.Integer(), nullable=True),
        sa.Column("summary", sa.String(), server_default="", nullable=False),
        sa.Column("place", sa.String(), server_default="", nullable=False),
        sa.Column("time", sa.String(), server_default="", nullable=False),
        sa.Column("weather", sa.String(), server_default="", nullable=False),
        sa.Column("mood", sa.String(), server_default="", nullable=False),
        sa.Column(
            "characters", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failure", sa.String(), server_default="", nullable=False),
        sa.Column("panels_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('outlined', 'summarised', 'described', 'failed')", name=op.f("ck_scenes_state")),
        sa.CheckConstraint("first >= 0 AND last >= first", name=op.f("ck_scenes_span")),
        sa.ForeignKeyConstraint(
            ["project_id", "chapter_id"],
            ["chapters.project_id", "chapters.id"],
            name=op.f("fk_scenes_project_id_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenes")),
        sa.UniqueConstraint(
            "chapter_id", "position", deferrable=True, initially="DEFERRED", name=op.f("uq_scenes_chapter_id_position")
        ),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_scenes_project_id_id")),
    )
    op.create_table(
        "panels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("scene_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("shot", sa.String(length=24), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column(
            "characters", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("dialogue", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("caption", sa.String(), server_default="", nullable=False),
        sa.Column("prompt", sa.String(), nullable=True),
        sa.Column("negative", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failure", sa.String(), server_default="", nullable=False),
        sa.Column("selected_draft_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "shot IN ('establishing', 'wide', 'medium', 'close-up', 'insert', 'over-the-shoulder')",
            name=op.f("ck_panels_shot"),
        ),
        sa.CheckConstraint("state IN ('described', 'written', 'selected', 'failed')", name=op.f("ck_panels_state")),
        sa.CheckConstraint("first >= 0 AND last >= first", name=op.f("ck_panels_span")),
        sa.ForeignKeyConstraint(
            ["project_id", "scene_id"],
            ["scenes.project_id", "scenes.id"],
            name=op.f("fk_panels_project_id_scene_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panels")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_panels_project_id_id")),
        sa.UniqueConstraint(
            "scene_id", "position", deferrable=True, initially="DEFERRED", name=op.f("uq_panels_scene_id_position")
        ),
    )
    op.create_index("ix_panels_selected_draft_id", "panels", ["selected_draft_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_panels_selected_draft_id", table_name="panels")
    op.drop_table("panels")
    op.drop_table("scenes")
    op.drop_index("ix_pages_image_id", table_name="pages")
    op.drop_table("pages")
    op.drop_table("exports")
    op.drop_index("ix_characters_sheet_image_id", table_name="characters")
    op.drop_table("characters")
    op.drop_index("ix_project_members_user_id", table_name="project_members")
    op.drop_table("project_members")
    op.drop_table("project_instructions")
    op.drop_table("locations")
    op.drop_table("images")
    op.drop_index("uq_chapters_identity", table_name="chapters")
    op.drop_table("chapters")
    op.drop_index("uq_projects_identity", table_name="projects")
    op.drop_index("ix_projects_owner_id_id", table_name="projects")
    op.drop_table("projects")
    op.drop_index("uq_users_local", table_name="users", postgresql_where=sa.text("is_local"))
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
