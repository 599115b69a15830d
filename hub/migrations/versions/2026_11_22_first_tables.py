"""The first tables of every room."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Shifts of one person never overlap: an exclusion constraint over an equality and a range.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "judge_position",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partition", "life_safety", name=op.f("pk_judge_position")),
    )
    op.create_table(
        "login_failure",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_failure")),
    )
    op.create_index(op.f("ix_login_failure_last_at"), "login_failure", ["last_at"], unique=False)
    op.create_table(
        "partition_lease",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_partition_lease")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("wecom_user_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default="zh-CN", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("wecom_user_id", name=op.f("uq_person_wecom_user_id")),
    )
    op.create_index(op.f("ix_person_kind"), "person", ["kind"], unique=False)
    op.create_index(op.f("ix_person_phone"), "person", ["phone"], unique=False)
    op.create_table(
        "rule_book",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_book")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("declaration_digest", sa.Text(), nullable=True),
        sa.Column("profiles_digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("code", name=op.f("uq_site_code")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("token_epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_account_username_lower")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("person_id", name=op.f("uq_account_person_id")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "building",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_building_number_positive")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_building_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_building_site_id_code")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_building_site_id_number")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_dead_letter_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    op.create_index(op.f("ix_dead_letter_reason_id"), "dead_letter", ["reason", "id"], unique=False)
    op.create_index(op.f("ix_dead_letter_received_at"), "dead_letter", ["received_at"], unique=False)
    op.create_index(op.f("ix_dead_letter_site_id"), "dead_letter", ["site_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_membership_site_id")),
        sa.PrimaryKeyConstraint("person_id", "site_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_site_id"), "membership", ["site_id"], unique=False)
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deferred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error_detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notification_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_notification_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("key", "person_id", "channel", name=op.f("uq_notification_key_person_id_channel")),
    )
    op.create_index(
        "ix_notification_key", "notification", ["key"], unique=False, postgresql_ops={"key": "text_pattern_ops"}
    )
    op.create_index(op.f("ix_notification_person_id"), "notification", ["person_id"], unique=False)
    op.create_index(
        "ix_notification_provider",
        "notification",
        ["channel", "provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id <> ''"),
    )
    op.create_index(
        "ix_notification_sending",
        "notification",
        ["claimed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(op.f("ix_notification_site_id_created_at"), "notification", ["site_id", "created_at"], unique=False)
    op.create_index(
        "ix_notification_waiting",
        "notification",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "person_skill",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("certificate_no", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_skill_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "skill", name=op.f("pk_person_skill")),
    )
    op.create_table(
        "phone_code",
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_phone_code_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_phone_code")),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_role_grant_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        sa.UniqueConstraint(
            "person_id",
            "role",
            "site_id",
            name=op.f("uq_role_grant_person_id_role_site_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_role_grant_site_id"), "role_grant", ["site_id"], unique=False)
    op.create_table(
        "rota",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.CheckConstraint("every_days BETWEEN 1 AND 28", name=op.f("ck_rota_every_days")),
        sa.CheckConstraint("hours BETWEEN 1 AND 24", name=op.f("ck_rota_hours")),
        sa.CheckConstraint("starts_minute BETWEEN 0 AND 1439", name=op.f("ck_rota_starts_minute")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rota_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rota_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota")),
        sa.UniqueConstraint(
            "person_id",
            "site_id",
            "duty",
            "first_day",
            "starts_minute",
            name=op.f("uq_rota_person_id_site_id_duty_first_day_starts_minute"),
        ),
    )
    op.create_index(op.f("ix_rota_site_id"), "rota", ["site_id"], unique=False)
    op.create_table(
        "rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_rule_author_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rule_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
        sa.UniqueConstraint("key", name=op.f("uq_rule_key")),
    )
    op.create_index(op.f("ix_rule_site_id"), "rule", ["site_id"], unique=False)
    op.create_table(
        "shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_shift_overlap",
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_shift_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_shift_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_shift_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index(op.f("ix_shift_site_id_ends_at"), "shift", ["site_id", "ends_at"], unique=False)
    op.create_table(
        "wechat_identity",
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("is_subscribed", sa.Boolean(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_wechat_identity_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_wechat_identity")),
    )
    op.create_index(op.f("ix_wechat_identity_person_id"), "wechat_identity", ["person_id"], unique=False)
    op.create_table(
        "work_order_day",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_day_site_id")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_work_order_day")),
    )
    op.create_table(
        "person_area",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["building_id"], ["building.id"], name=op.f("fk_person_area_building_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_area_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_person_area_site_id")),
        sa.PrimaryKeyConstraint("person_id", "building_id", name=op.f("pk_person_area")),
    )
    op.create_table(
        "space",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_space_building_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["space.id"], name=op.f("fk_space_parent_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_space_site_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["space.id"], name=op.f("fk_space_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_space")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_space_site_id_code")),
    )
    op.create_index(op.f("ix_space_building_id_kind"), "space", ["building_id", "kind"], unique=False)
    op.create_index(op.f("ix_space_parent_id"), "space", ["parent_id"], unique=False)
    op.create_index(op.f("ix_space_unit_id"), "space", ["unit_id"], unique=False)
    op.create_table(
        "equipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("profile_key", sa.Text(), nullable=True),
        sa.Column("protocol", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("rescue_code", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.Column("qr_token", sa.Text(), nullable=False),
        sa.Column("in_service", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_up", sa.Boolean(), nullable=True),
        sa.Column("link_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_equipment_not_its_own_parent")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_equipment_building_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["equipment.id"], name=op.f("fk_equipment_parent_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_equipment_space_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("qr_token", name=op.f("uq_equipment_qr_token")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_equipment_site_id_code")),
        sa.UniqueConstraint("site_id", "external_id", name=op.f("uq_equipment_site_id_external_id")),
    )
    op.create_index(op.f("ix_equipment_building_id"), "equipment", ["building_id"], unique=False)
    op.create_index(op.f("ix_equipment_parent_id"), "equipment", ["parent_id"], unique=False)
    op.create_index(op.f("ix_equipment_site_id_kind"), "equipment", ["site_id", "kind"], unique=False)
    op.create_index(op.f("ix_equipment_space_id"), "equipment", ["space_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["issued_by"], ["person.id"], name=op.f("fk_invitation_issued_by")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_invitation_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_invitation_space_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_invitation_code_digest")),
    )
    op.create_index(op.f("ix_invitation_site_id"), "invitation", ["site_id"], unique=False)
    op.create_index(op.f("ix_invitation_space_id"), "invitation", ["space_id"], unique=False)
    op.create_table(
        "residence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_residence_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_residence_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_residence_space_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_residence")),
        sa.UniqueConstraint("person_id", "space_id", name=op.f("uq_residence_person_id_space_id")),
    )
    op.create_index(op.f("ix_residence_site_id"), "residence", ["site_id"], unique=False)
    op.create_index(op.f("ix_residence_space_id"), "residence", ["space_id"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("site_code", sa.Text(), nullable=False),
        sa.Column("equipment_code", sa.Text(), nullable=False),
        sa.Column("equipment_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("fault_mode", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.SmallInteger(), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("order_kind", sa.Text(), nullable=True),
        sa.Column("order_priority", sa.SmallInteger(), nullable=True),
        sa.Column("onset_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("episode_onset_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("episodes", sa.Integer(), nullable=False),
        sa.Column("suppressed_by", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["person.id"], name=op.f("fk_alarm_acknowledged_by")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_alarm_building_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_alarm_equipment_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alarm_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index("ix_alarm_equipment_onset", "alarm", ["equipment_id", "onset_at"], unique=False)
    op.create_index(
        "ix_alarm_open_equipment",
        "alarm",
        ["equipment_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'NORMAL'"),
    )
    op.create_index("ix_alarm_site_onset", "alarm", ["site_id", "onset_at"], unique=False)
    op.create_index(
        "ix_alarm_suppressed",
        "alarm",
        ["equipment_id"],
        unique=False,
        postgresql_where=sa.text("suppressed_by IS NOT NULL"),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["source", "source_id", "equipment_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'NORMAL'"),
    )
    op.create_table(
        "alarm_inhibition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("fault_mode", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_alarm_inhibition_equipment_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alarm_inhibition_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_inhibition")),
    )
    op.create_index(
        "ix_alarm_inhibition_standing",
        "alarm_inhibition",
        ["equipment_id"],
        unique=False,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "discovered_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("site_code", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("bound_equipment_id", sa.Uuid(), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bound_equipment_id"],
            ["equipment.id"],
            name=op.f("fk_discovered_device_bound_equipment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_discovered_device_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discovered_device")),
        sa.UniqueConstraint(
            "protocol",
            "broker",
            "site_code",
            "external_id",
            name=op.f("uq_discovered_device_protocol_broker_site_code_external_id"),
        ),
    )
    op.create_index(op.f("ix_discovered_device_last_seen_at"), "discovered_device", ["last_seen_at"], unique=False)
    op.create_index(op.f("ix_discovered_device_site_id"), "discovered_device", ["site_id"], unique=False)
    op.create_table(
        "mqtt_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=True),
        sa.Column("profile_key", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'device') = (equipment_id IS NOT NULL)", name=op.f("ck_mqtt_credential_device_has_equipment")
        ),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_mqtt_credential_equipment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_mqtt_credential_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mqtt_credential")),
        sa.UniqueConstraint("equipment_id", name=op.f("uq_mqtt_credential_equipment_id")),
        sa.UniqueConstraint("name", name=op.f("uq_mqtt_credential_name")),
    )
    op.create_index(op.f("ix_mqtt_credential_site_id"), "mqtt_credential", ["site_id"], unique=False)
    op.create_table(
        "point",
        sa.Column("point_no", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("reporting_mode", sa.Text(), nullable=False),
        sa.Column("interval_s", sa.Double(), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("edited", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint("low < high", name=op.f("ck_point_range")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_point_equipment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_point_site_id")),
        sa.PrimaryKeyConstraint("point_no", name=op.f("pk_point")),
        sa.UniqueConstraint("equipment_id", "key", name=op.f("uq_point_equipment_id_key")),
    )
    op.create_index(op.f("ix_point_site_id"), "point", ["site_id"], unique=False)
    op.create_table(
        "work_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("equipment_id", sa.Uuid(), nullable=True),
        sa.Column("equipment_code", sa.Text(), nullable=True),
        sa.Column("equipment_kind", sa.Text(), nullable=True),
        sa.Column("fault_mode", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("repeat_of_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolution_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_min", sa.Double(), nullable=False),
        sa.Column("resolution_min", sa.Double(), nullable=False),
        sa.Column("answer_min", sa.Double(), nullable=False),
        sa.Column("proof_window_min", sa.Double(), nullable=False),
        sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispatch_round", sa.Integer(), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_code", sa.Text(), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=True),
        sa.Column("fire_outcome", sa.Text(), nullable=True),
        sa.Column("outage_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outage_confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("inhibition_id", sa.Uuid(), nullable=True),
        sa.Column("muted", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_work_order_priority")),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_work_order_assignee_id")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_work_order_building_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_work_order_equipment_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_work_order_opened_by")),
        sa.ForeignKeyConstraint(["outage_confirmed_by"], ["person.id"], name=op.f("fk_work_order_outage_confirmed_by")),
        sa.ForeignKeyConstraint(["repeat_of_id"], ["work_order.id"], name=op.f("fk_work_order_repeat_of_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_work_order_space_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_work_order_site_id_number")),
    )
    op.create_index(
        "ix_work_order_answer_due",
        "work_order",
        ["answer_due_at"],
        unique=False,
        postgresql_where=sa.text("answer_due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_work_order_assignee_id"), "work_order", ["assignee_id"], unique=False)
    op.create_index(op.f("ix_work_order_equipment_id"), "work_order", ["equipment_id"], unique=False)
    op.create_index(op.f("ix_work_order_number"), "work_order", ["number"], unique=False)
    op.create_index(
        "ix_work_order_proof_due",
        "work_order",
        ["proof_due_at"],
        unique=False,
        postgresql_where=sa.text("proof_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_work_order_resolution_due",
        "work_order",
        ["resolution_due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND resolution_escalated_at IS NULL"),
    )
    op.create_index(
        "ix_work_order_response_due",
        "work_order",
        ["response_due_at"],
        unique=False,
        postgresql_where=sa.text("responded_at IS NULL AND response_escalated_at IS NULL"),
    )
    op.create_index(op.f("ix_work_order_site_id_opened_at"), "work_order", ["site_id", "opened_at"], unique=False)
    op.create_index(
        op.f("ix_work_order_site_id_state_priority"), "work_order", ["site_id", "state", "priority"], unique=False
    )
    op.create_table(
        "alarm_episode",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("onset_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_episode_alarm_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_alarm_episode_equipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_episode")),
        sa.UniqueConstraint("equipment_id", "source", "source_id", "onset_ms", name="uq_alarm_episode_identity"),
    )
    op.create_index(op.f("ix_alarm_episode_alarm_id"), "alarm_episode", ["alarm_id"], unique=False)
    op.create_index(
        "ix_alarm_episode_lasting",
        "alarm_episode",
        ["equipment_id", "source", "source_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "alarm_transition",
        sa.Column("no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_alarm_transition_actor_id")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_transition_alarm_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alarm_transition_site_id")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_alarm_transition")),
        sa.UniqueConstraint("id", name=op.f("uq_alarm_transition_id")),
    )
    op.create_index(op.f("ix_alarm_transition_alarm_id"), "alarm_transition", ["alarm_id"], unique=False)
    op.create_index(
        "ix_alarm_transition_unpublished",
        "alarm_transition",
        ["no"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "discovered_sample",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("discovered_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["discovered_id"],
            ["discovered_device.id"],
            name=op.f("fk_discovered_sample_discovered_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discovered_sample")),
    )
    op.create_index(op.f("ix_discovered_sample_discovered_id"), "discovered_sample", ["discovered_id"], unique=False)
    op.create_table(
        "dispatch_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["chosen_by"], ["person.id"], name=op.f("fk_dispatch_offer_chosen_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dispatch_offer_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_dispatch_offer_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_dispatch_offer_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_offer")),
    )
    op.create_index(
        op.f("ix_dispatch_offer_site_id_person_id_offered_at"),
        "dispatch_offer",
        ["site_id", "person_id", "offered_at"],
        unique=False,
    )
    op.create_index(op.f("ix_dispatch_offer_work_order_id"), "dispatch_offer", ["work_order_id"], unique=False)
    op.create_index(
        "uq_dispatch_offer_open",
        "dispatch_offer",
        ["work_order_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_incident_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_incident_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("work_order_id", name=op.f("uq_incident_work_order_id")),
    )
    op.create_index(
        op.f("ix_incident_site_id_key_opened_at"), "incident", ["site_id", "key", "opened_at"], unique=False
    )
    op.create_index(
        "ix_incident_subject",
        "incident",
        ["site_id", "subject"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_incident_open", "incident", ["site_id", "key"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("fault_mode", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reporter_id"], ["person.id"], name=op.f("fk_report_reporter_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_report_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_report_space_id")),
        sa.ForeignKeyConstraint(["taken_by"], ["person.id"], name=op.f("fk_report_taken_by")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_report_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("site_id", "source_ref", name=op.f("uq_report_site_id_source_ref")),
    )
    op.create_index(op.f("ix_report_reporter_id"), "report", ["reporter_id"], unique=False)
    op.create_index(op.f("ix_report_work_order_id"), "report", ["work_order_id"], unique=False)
    op.create_table(
        "work_order_alarm",
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("onset_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("fault_mode", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_work_order_alarm_alarm_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_alarm_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_alarm_work_order_id")),
        sa.PrimaryKeyConstraint("alarm_id", "onset_at", name=op.f("pk_work_order_alarm")),
    )
    op.create_index(op.f("ix_work_order_alarm_work_order_id"), "work_order_alarm", ["work_order_id"], unique=False)
    op.create_table(
        "work_order_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("met_by", sa.Text(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_work_order_task_assignee_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_work_order_task_ended_by")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_task_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_task_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_task")),
        sa.UniqueConstraint(
            "work_order_id", "attempt", "kind", name=op.f("uq_work_order_task_work_order_id_attempt_kind")
        ),
    )
    op.create_index(op.f("ix_work_order_task_assignee_id"), "work_order_task", ["assignee_id"], unique=False)
    op.create_index(
        "ix_work_order_task_due",
        "work_order_task",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("met_at IS NULL AND ended_at IS NULL AND escalated_at IS NULL"),
    )
    op.create_table(
        "work_order_timeline",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_work_order_timeline_actor_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_timeline_site_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_timeline_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_timeline")),
        sa.UniqueConstraint("work_order_id", "position", name=op.f("uq_work_order_timeline_work_order_id_position")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_attachment_added_by")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_attachment_report_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_attachment_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_attachment_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("source_ref", name=op.f("uq_attachment_source_ref")),
    )
    op.create_index(op.f("ix_attachment_report_id"), "attachment", ["report_id"], unique=False)
    op.create_index(op.f("ix_attachment_work_order_id"), "attachment", ["work_order_id"], unique=False)
    op.create_table(
        "follower",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_follower_person_id")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_follower_report_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_follower_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_follower_work_order_id")),
        sa.PrimaryKeyConstraint("work_order_id", "person_id", name=op.f("pk_follower")),
    )
    op.create_table(
        "wechat_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_wechat_message_report_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_message")),
        sa.UniqueConstraint("key", name=op.f("uq_wechat_message_key")),
    )
    op.create_index(op.f("ix_wechat_message_openid_sequence"), "wechat_message", ["openid", "sequence"], unique=False)
    op.create_index(op.f("ix_wechat_message_received_at"), "wechat_message", ["received_at"], unique=False)
    op.create_index(op.f("ix_wechat_message_report_id"), "wechat_message", ["report_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_wechat_message_report_id"), table_name="wechat_message")
    op.drop_index(op.f("ix_wechat_message_received_at"), table_name="wechat_message")
    op.drop_index(op.f("ix_wechat_message_openid_sequence"), table_name="wechat_message")
    op.drop_table("wechat_message")
    op.drop_table("follower")
    op.drop_index(op.f("ix_attachment_work_order_id"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_report_id"), table_name="attachment")
    op.drop_table("attachment")
    op.drop_table("work_order_timeline")
    op.drop_index(
        "ix_work_order_task_due",
        table_name="work_order_task",
        postgresql_where=sa.text("met_at IS NULL AND ended_at IS NULL AND escalated_at IS NULL"),
    )
    op.drop_index(op.f("ix_work_order_task_assignee_id"), table_name="work_order_task")
    op.drop_table("work_order_task")
    op.drop_index(op.f("ix_work_order_alarm_work_order_id"), table_name="work_order_alarm")
    op.drop_table("work_order_alarm")
    op.drop_index(op.f("ix_report_work_order_id"), table_name="report")
    op.drop_index(op.f("ix_report_reporter_id"), table_name="report")
    op.drop_table("report")
    op.drop_index("uq_incident_open", table_name="incident", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_incident_subject", table_name="incident", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_incident_site_id_key_opened_at"), table_name="incident")
    op.drop_table("incident")
    op.drop_index("uq_dispatch_offer_open", table_name="dispatch_offer", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_index(op.f("ix_dispatch_offer_work_order_id"), table_name="dispatch_offer")
    op.drop_index(op.f("ix_dispatch_offer_site_id_person_id_offered_at"), table_name="dispatch_offer")
    op.drop_table("dispatch_offer")
    op.drop_index(op.f("ix_discovered_sample_discovered_id"), table_name="discovered_sample")
    op.drop_table("discovered_sample")
    op.drop_index(
        "ix_alarm_transition_unpublished",
        table_name="alarm_transition",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_index(op.f("ix_alarm_transition_alarm_id"), table_name="alarm_transition")
    op.drop_table("alarm_transition")
    op.drop_index("ix_alarm_episode_lasting", table_name="alarm_episode", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_alarm_episode_alarm_id"), table_name="alarm_episode")
    op.drop_table("alarm_episode")
    op.drop_index(op.f("ix_work_order_site_id_state_priority"), table_name="work_order")
    op.drop_index(op.f("ix_work_order_site_id_opened_at"), table_name="work_order")
    op.drop_index(
        "ix_work_order_response_due",
        table_name="work_order",
        postgresql_where=sa.text("responded_at IS NULL AND response_escalated_at IS NULL"),
    )
    op.drop_index(
        "ix_work_order_resolution_due",
        table_name="work_order",
        postgresql_where=sa.text("done_at IS NULL AND resolution_escalated_at IS NULL"),
    )
    op.drop_index(
        "ix_work_order_proof_due", table_name="work_order", postgresql_where=sa.text("proof_due_at IS NOT NULL")
    )
    op.drop_index(op.f("ix_work_order_number"), table_name="work_order")
    op.drop_index(op.f("ix_work_order_equipment_id"), table_name="work_order")
    op.drop_index(op.f("ix_work_order_assignee_id"), table_name="work_order")
    op.drop_index(
        "ix_work_order_answer_due", table_name="work_order", postgresql_where=sa.text("answer_due_at IS NOT NULL")
    )
    op.drop_table("work_order")
    op.drop_index(op.f("ix_point_site_id"), table_name="point")
    op.drop_table("point")
    op.drop_index(op.f("ix_mqtt_credential_site_id"), table_name="mqtt_credential")
    op.drop_table("mqtt_credential")
    op.drop_index(op.f("ix_discovered_device_site_id"), table_name="discovered_device")
    op.drop_index(op.f("ix_discovered_device_last_seen_at"), table_name="discovered_device")
    op.drop_table("discovered_device")
    op.drop_index(
        "ix_alarm_inhibition_standing", table_name="alarm_inhibition", postgresql_where=sa.text("released_at IS NULL")
    )
    op.drop_table("alarm_inhibition")
    op.drop_index("uq_alarm_open", table_name="alarm", postgresql_where=sa.text("state <> 'NORMAL'"))
    op.drop_index("ix_alarm_suppressed", table_name="alarm", postgresql_where=sa.text("suppressed_by IS NOT NULL"))
    op.drop_index("ix_alarm_site_onset", table_name="alarm")
    op.drop_index("ix_alarm_open_equipment", table_name="alarm", postgresql_where=sa.text("state <> 'NORMAL'"))
    op.drop_index("ix_alarm_equipment_onset", table_name="alarm")
    op.drop_table("alarm")
    op.drop_index(op.f("ix_residence_space_id"), table_name="residence")
    op.drop_index(op.f("ix_residence_site_id"), table_name="residence")
    op.drop_table("residence")
    op.drop_index(op.f("ix_invitation_space_id"), table_name="invitation")
    op.drop_index(op.f("ix_invitation_site_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_index(op.f("ix_equipment_space_id"), table_name="equipment")
    op.drop_index(op.f("ix_equipment_site_id_kind"), table_name="equipment")
    op.drop_index(op.f("ix_equipment_parent_id"), table_name="equipment")
    op.drop_index(op.f("ix_equipment_building_id"), table_name="equipment")
    op.drop_table("equipment")
    op.drop_index(op.f("ix_space_unit_id"), table_name="space")
    op.drop_index(op.f("ix_space_parent_id"), table_name="space")
    op.drop_index(op.f("ix_space_building_id_kind"), table_name="space")
    op.drop_table("space")
    op.drop_table("person_area")
    op.drop_table("work_order_day")
    op.drop_index(op.f("ix_wechat_identity_person_id"), table_name="wechat_identity")
    op.drop_table("wechat_identity")
    op.drop_index(op.f("ix_shift_site_id_ends_at"), table_name="shift")
    op.drop_table("shift")
    op.drop_index(op.f("ix_rule_site_id"), table_name="rule")
    op.drop_table("rule")
    op.drop_index(op.f("ix_rota_site_id"), table_name="rota")
    op.drop_table("rota")
    op.drop_index(op.f("ix_role_grant_site_id"), table_name="role_grant")
    op.drop_table("role_grant")
    op.drop_table("phone_code")
    op.drop_table("person_skill")
    op.drop_index("ix_notification_waiting", table_name="notification", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index(op.f("ix_notification_site_id_created_at"), table_name="notification")
    op.drop_index("ix_notification_sending", table_name="notification", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index("ix_notification_provider", table_name="notification", postgresql_where=sa.text("provider_id <> ''"))
    op.drop_index(op.f("ix_notification_person_id"), table_name="notification")
    op.drop_index("ix_notification_key", table_name="notification", postgresql_ops={"key": "text_pattern_ops"})
    op.drop_table("notification")
    op.drop_index(op.f("ix_membership_site_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index(op.f("ix_dead_letter_site_id"), table_name="dead_letter")
    op.drop_index(op.f("ix_dead_letter_received_at"), table_name="dead_letter")
    op.drop_index(op.f("ix_dead_letter_reason_id"), table_name="dead_letter")
    op.drop_table("dead_letter")
    op.drop_table("building")
    op.drop_table("account")
    op.drop_table("site")
    op.drop_table("rule_book")
    op.drop_index(op.f("ix_person_phone"), table_name="person")
    op.drop_index(op.f("ix_person_kind"), table_name="person")
    op.drop_table("person")
    op.drop_table("partition_lease")
    op.drop_index(op.f("ix_login_failure_last_at"), table_name="login_failure")
    op.drop_table("login_failure")
    op.drop_table("judge_position")
