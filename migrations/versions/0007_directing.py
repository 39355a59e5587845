"""directing: drafts that stay, choices, redraws, reviews; what was made from what; chapters as they were"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chapter_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("chapter_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("number >= 1", name=op.f("ck_chapter_versions_number")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_chapter_versions_actor_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["project_id", "chapter_id"],
            ["chapters.project_id", "chapters.id"],
            name=op.f("fk_chapter_versions_project_id_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapter_versions")),
        sa.UniqueConstraint("chapter_id", "number", name=op.f("uq_chapter_versions_chapter_id_number")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_chapter_versions_project_id_id")),
    )
    op.create_index("ix_chapter_versions_actor_id", "chapter_versions", ["actor_id"], unique=False)
    op.create_table(
        "redraws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("notes", sa.String(), server_default="", nullable=False),
        sa.Column("about", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("first_slot", sa.Integer(), nullable=False),
        sa.Column("drafts", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("prompt", sa.String(), server_default="", nullable=False),
        sa.Column("mask_image_id", sa.Uuid(), nullable=True),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("control_image_id", sa.Uuid(), nullable=True),
        sa.Column("control", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="ordered", nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state IN ('ordered', 'done', 'failed')", name=op.f("ck_redraws_state")),
        sa.CheckConstraint("first_slot >= 1 AND drafts BETWEEN 0 AND 8", name=op.f("ck_redraws_slots")),
        sa.CheckConstraint("strength >= 0 AND strength <= 1", name=op.f("ck_redraws_strength")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_redraws_actor_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["parent_id"], ["drafts.id"], name="fk_redraws_parent_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id", "control_image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_redraws_project_id_control_image_id"),
            ondelete="SET NULL (control_image_id)",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "generation_id"],
            ["generations.project_id", "generations.id"],
            name=op.f("fk_redraws_project_id_generation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "mask_image_id"],
            ["images.project_id", "images.id"],
            name=op.f("fk_redraws_project_id_mask_image_id"),
            ondelete="SET NULL (mask_image_id)",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_redraws_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redraws")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_redraws_project_id_id")),
    )
    op.create_index("ix_redraws_actor_id", "redraws", ["actor_id"], unique=False)
    op.create_index("ix_redraws_control_image_id", "redraws", ["control_image_id"], unique=False)
    op.create_index("ix_redraws_generation_id", "redraws", ["generation_id", "id"], unique=False)
    op.create_index("ix_redraws_mask_image_id", "redraws", ["mask_image_id"], unique=False)
    op.create_index("ix_redraws_panel_id", "redraws", ["panel_id", "id"], unique=False)
    op.create_index("ix_redraws_parent_id", "redraws", ["parent_id"], unique=False)
    op.create_table(
        "selections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("before_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('automatic', 'person', 'undone', 'deadline')", name=op.f("ck_selections_kind")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_selections_actor_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["before_id"], ["drafts.id"], name="fk_selections_before_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["project_id", "draft_id"],
            ["drafts.project_id", "drafts.id"],
            name=op.f("fk_selections_project_id_draft_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "panel_id"],
            ["panels.project_id", "panels.id"],
            name=op.f("fk_selections_project_id_panel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selections")),
    )
    op.create_index("ix_selections_actor_id", "selections", ["actor_id"], unique=False)
    op.create_index("ix_selections_before_id", "selections", ["before_id"], unique=False)
    op.create_index("ix_selections_draft_id", "selections", ["draft_id"], unique=False)
    op.create_index("ix_selections_panel_id", "selections", ["panel_id", "id"], unique=False)
    op.add_column(
        "chapters", sa.Column("threads", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column(
        "characters",
        sa.Column("sheet_basis", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("characters", sa.Column("sheet_approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "characters", sa.Column("hand", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column("drafts", sa.Column("slot", sa.Integer(), server_default="1", nullable=False))
    op.add_column("drafts", sa.Column("origin", sa.String(length=16), server_default="drawn", nullable=False))
    op.add_column("drafts", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("drafts", sa.Column("generation_id", sa.Uuid(), nullable=True))
    op.add_column("drafts", sa.Column("notes", sa.String(), server_default="", nullable=False))
    op.add_column(
        "drafts", sa.Column("scores", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column("drafts", sa.Column("score", sa.Float(), nullable=True))
    op.add_column(
        "drafts", sa.Column("basis", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column("drafts", sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_drafts_parent_id", "drafts", ["parent_id"], unique=False)
    op.execute("UPDATE drafts SET slot = ordinal")
    op.create_unique_constraint(op.f("uq_drafts_panel_id_made_from_slot"), "drafts", ["panel_id", "made_from", "slot"])
    op.create_foreign_key("fk_drafts_parent_id", "drafts", "drafts", ["parent_id"], ["id"], ondelete="SET NULL")
    op.add_column("holds", sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("holds", sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("locations", sa.Column("sheet_image_id", sa.Uuid(), nullable=True))
    op.create_index("ix_locations_sheet_image_id", "locations", ["sheet_image_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_locations_project_id_sheet_image_id"),
        "locations",
        "images",
        ["project_id", "sheet_image_id"],
        ["project_id", "id"],
        ondelete="SET NULL (sheet_image_id)",
    )
    op.add_column(
        "panels", sa.Column("notes", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column(
        "panels", sa.Column("hand", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column(
        "panels", sa.Column("basis", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column(
        "panels", sa.Column("frame", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column(
        "scenes", sa.Column("outfits", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column(
        "scenes", sa.Column("hand", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column(
        "scenes", sa.Column("basis", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_drafts_origin"), "drafts", "origin IN ('drawn', 'redrawn', 'edited', 'uploaded')"
    )
    op.drop_constraint(op.f("ck_panels_state"), "panels")
    op.create_check_constraint(
        op.f("ck_panels_state"), "panels", "state IN ('described', 'written', 'drafted', 'selected', 'failed')"
    )
    op.drop_constraint(op.f("ck_holds_reason"), "holds")
    op.create_check_constraint(
        op.f("ck_holds_reason"), "holds", "reason IN ('budget', 'unknown', 'refused', 'paused', 'review')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM holds WHERE reason = 'review'")
    op.drop_constraint(op.f("ck_holds_reason"), "holds")
    op.create_check_constraint(op.f("ck_holds_reason"), "holds", "reason IN ('budget', 'unknown', 'refused', 'paused')")
    op.execute("UPDATE panels SET state = 'written' WHERE state = 'drafted'")
    op.drop_constraint(op.f("ck_panels_state"), "panels")
    op.create_check_constraint(
        op.f("ck_panels_state"), "panels", "state IN ('described', 'written', 'selected', 'failed')"
    )
    op.drop_constraint(op.f("ck_drafts_origin"), "drafts")
    op.drop_column("scenes", "basis")
    op.drop_column("scenes", "hand")
    op.drop_column("scenes", "outfits")
    op.drop_column("panels", "frame")
    op.drop_column("panels", "basis")
    op.drop_column("panels", "hand")
    op.drop_column("panels", "notes")
    op.drop_constraint(op.f("fk_locations_project_id_sheet_image_id"), "locations", type_="foreignkey")
    op.drop_index("ix_locations_sheet_image_id", table_name="locations")
    op.drop_column("locations", "sheet_image_id")
    op.drop_column("holds", "remind_at")
    op.drop_column("holds", "deadline_at")
    op.drop_constraint("fk_drafts_parent_id", "drafts", type_="foreignkey")
    op.drop_constraint(op.f("uq_drafts_panel_id_made_from_slot"), "drafts", type_="unique")
    op.drop_index("ix_drafts_parent_id", table_name="drafts")
    op.drop_column("drafts", "rejected_at")
    op.drop_column("drafts", "basis")
    op.drop_column("drafts", "score")
    op.drop_column("drafts", "scores")
    op.drop_column("drafts", "notes")
    op.drop_column("drafts", "generation_id")
    op.drop_column("drafts", "parent_id")
    op.drop_column("drafts", "origin")
    op.drop_column("drafts", "slot")
    op.drop_column("characters", "hand")
    op.drop_column("characters", "sheet_approved_at")
    op.drop_column("characters", "sheet_basis")
    op.drop_column("chapters", "threads")
    op.drop_index("ix_selections_panel_id", table_name="selections")
    op.drop_index("ix_selections_draft_id", table_name="selections")
    op.drop_index("ix_selections_before_id", table_name="selections")
    op.drop_index("ix_selections_actor_id", table_name="selections")
    op.drop_table("selections")
    op.drop_index("ix_redraws_parent_id", table_name="redraws")
    op.drop_index("ix_redraws_panel_id", table_name="redraws")
    op.drop_index("ix_redraws_mask_image_id", table_name="redraws")
    op.drop_index("ix_redraws_generation_id", table_name="redraws")
    op.drop_index("ix_redraws_control_image_id", table_name="redraws")
    op.drop_index("ix_redraws_actor_id", table_name="redraws")
    op.drop_table("redraws")
    op.drop_index("ix_chapter_versions_actor_id", table_name="chapter_versions")
    op.drop_table("chapter_versions")
