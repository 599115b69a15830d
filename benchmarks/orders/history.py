"""Years of a property company in a migrated database: sites, staff, a million work orders and what hangs on them.

Set-based and deterministic. Foreign keys rest while rows go in: they are right by construction.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True, kw_only=True)
class HistoryPlan:
    """How much there is. Orders end at `now()`; about one in seventy is still open."""

    orders: int = 1_000_000
    sites: int = 100
    buildings_a_site: int = 12
    equipment_a_building: int = 20
    staff_a_site: int = 12
    years: float = 5.0

    @property
    def equipment_a_site(self) -> int:
        return self.buildings_a_site * self.equipment_a_building


def make_history(url: str, plan: HistoryPlan, *, say: Callable[[str], None]) -> None:
    """Fills a migrated, empty database. Its orders are still to be measured, its tables to be settled."""
    values = {
        "orders": plan.orders, "sites": plan.sites, "buildings": plan.buildings_a_site, "years": plan.years,
        "equipment": plan.equipment_a_building, "staff": plan.staff_a_site,
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute("SET synchronous_commit = off")
        # Sorted once at the end, an index takes a fraction of the time that a million insertions into it do.
        indexes = connection.execute(_PLAIN_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for words, statement in _STEPS:
            say(words)
            connection.execute(_filled(statement, values))
        say("indexes")
        for _, definition in indexes:
            connection.execute(definition)


def settle(url: str) -> None:
    """What autovacuum does to tables that were filled or rewritten, in time: until then no index answers alone."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _filled(statement: str, values: dict[str, float]) -> str:
    for name, value in values.items():
        statement = statement.replace(f":{name}", str(value))
    return statement


# Those that no constraint stands on, of the tables that are filled.
_PLAIN_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('work_order', 'incident', 'report', 'work_order_timeline', 'order_rating', 'alarm')
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
  AND schemaname = current_schema()
"""

# `pick(salt, n, of)`: a number in 0 … of-1 that depends on its arguments alone.
_FUNCTIONS = """
CREATE FUNCTION pg_temp.pick(salt int, n bigint, of int) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT (abs(hashint8extended(n, salt)) % of)::int $$;
CREATE FUNCTION pg_temp.id_of(kind int, n bigint) RETURNS uuid IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""

_SITES = """
INSERT INTO site (id, code, name, city, timezone, settings, revision)
SELECT pg_temp.id_of(1, s), 'bench-' || s, '云栖' || s || '期', '杭州', 'Asia/Shanghai', '{}', 1
FROM generate_series(0, :sites - 1) AS s
"""

_BUILDINGS = """
INSERT INTO building (id, site_id, number, code, name)
SELECT pg_temp.id_of(2, s * :buildings + b), pg_temp.id_of(1, s), s * :buildings + b + 1000, 'B' || b, b + 1 || '栋'
FROM generate_series(0, :sites - 1) AS s, generate_series(0, :buildings - 1) AS b
"""

_EQUIPMENT = """
INSERT INTO equipment (id, site_id, building_id, code, name, kind, external_id, address, partition, qr_token)
SELECT pg_temp.id_of(3, b * :equipment + e), pg_temp.id_of(1, b / :buildings), pg_temp.id_of(2, b),
       (ARRAY['LIFT', 'PUMP', 'EM', 'SM', 'AHU'])[1 + e % 5] || '-' || b % :buildings || '-' || e,
       b % :buildings + 1 || '栋设备' || e,
       (ARRAY['elevator', 'pump', 'electricity_meter', 'smoke_detector', 'riser'])[1 + e % 5],
       'x' || b || '-' || e, '{}', b % 8, 'qr' || b || '-' || e
FROM generate_series(0, :sites * :buildings - 1) AS b, generate_series(0, :equipment - 1) AS e
"""

_STAFF = """
INSERT INTO person (id, kind, name)
SELECT pg_temp.id_of(4, p), 'staff', (ARRAY['张', '王', '李', '赵', '陈', '杨', '周', '吴'])[1 + p % 8] || '工' || p
FROM generate_series(0, :sites * :staff - 1) AS p;
INSERT INTO membership (person_id, site_id)
SELECT pg_temp.id_of(4, p), pg_temp.id_of(1, p / :staff) FROM generate_series(0, :sites * :staff - 1) AS p;
INSERT INTO role_grant (id, person_id, role, site_id)
SELECT pg_temp.id_of(5, p), pg_temp.id_of(4, p), CASE WHEN p % 4 = 0 THEN 'dispatcher' ELSE 'engineer' END,
       pg_temp.id_of(1, p / :staff)
FROM generate_series(0, :sites * :staff - 1) AS p
"""

# Order n of N was opened n/N of the way through the years. Most of the last weeks' orders are open, and a few old ones.
# Nothing waits to be escalated: the hub that serves them has nothing to do but to answer.
_ORDERS = """
CREATE TEMP TABLE drawn AS
SELECT n,
       pg_temp.pick(1, n, :sites) AS site,
       pg_temp.pick(2, n, :buildings) AS building,
       pg_temp.pick(3, n, :equipment) AS equipment,
       pg_temp.pick(4, n, :staff) AS person,
       now() - make_interval(secs => (:orders - n) * (:years * 365 * 86400.0 / :orders)) AS opened_at,
       pg_temp.pick(5, n, 1000) AS luck,
       pg_temp.pick(6, n, 1000) AS fate,
       pg_temp.pick(7, n, 20) AS matter,
       n > :orders * 0.99 OR pg_temp.pick(8, n, 1000) < 5 AS is_open
FROM generate_series(1, :orders) AS n;

INSERT INTO work_order (
    id, site_id, number, kind, category, channel, state, priority, title, place, building_id, equipment_id,
    equipment_code, equipment_kind, fault_mode, opened_by, assignee_id, repeat_of_id, version, entries, attempt,
    opened_at, response_due_at, resolution_due_at, promised_at, response_min, resolution_min, answer_min,
    proof_window_min, answer_due_at, dispatch_round, dispatched_at, responded_at, arrived_at, held_since, done_at,
    verified_at, settled_at, response_escalated_at, resolution_escalated_at, closing_code, closing_note, facts
)
SELECT pg_temp.id_of(16, n), pg_temp.id_of(1, site),
       'WO-' || to_char(opened_at, 'YYYYMMDD') || '-' || lpad((n % 10000)::text, 4, '0'),
       CASE WHEN luck < 6 THEN 'entrapment' WHEN luck < 14 THEN 'smoke' WHEN matter = 16 THEN 'inquiry'
            WHEN matter = 17 THEN 'complaint' WHEN matter = 18 THEN 'suggestion' WHEN luck % 5 < 3 THEN 'repair'
            WHEN fate % 20 = 0 THEN 'planned_maintenance' WHEN fate % 20 = 1 THEN 'inspection_defect'
            WHEN fate % 3 = 0 THEN 'public_repair' ELSE 'home_repair' END,
       (ARRAY['elevator', 'water_leak', 'no_water', 'drainage', 'power', 'lighting', 'door_lock', 'noise', 'hygiene',
              'parking', 'fire', 'gas', 'intercom', 'hvac', 'meter', 'public_area', 'inquiry', 'complaint',
              'suggestion', 'other'])[1 + matter],
       (ARRAY['sensor', 'wechat', 'phone', 'front_desk', 'staff', 'qr', 'web'])[1 + luck % 7],
       state, CASE WHEN luck < 20 THEN 1 WHEN luck < 250 THEN 2 WHEN luck < 900 THEN 3 ELSE 4 END,
       jsonb_build_object('zh-CN', (ARRAY['电梯困人', '水管漏水', '停水', '下水道堵塞', '跳闸', '路灯不亮', '门锁损坏',
              '噪音扰民', '卫生清理', '车位被占', '烟感报警', '燃气异味', '对讲不通', '空调不制冷', '水表不走',
              '公区损坏', '咨询', '投诉', '建议', '其他'])[1 + matter] || ' ' || equipment,
              'en', 'Matter ' || matter || ' ' || equipment),
       building + 1 || '栋' || 1 + luck % 4 || '单元' || 1 + fate % 24 || '0' || 1 + luck % 2,
       pg_temp.id_of(2, site * :buildings + building),
       CASE WHEN luck % 5 < 3 THEN pg_temp.id_of(3, (site * :buildings + building) * :equipment + equipment) END,
       CASE WHEN luck % 5 < 3 THEN
           (ARRAY['LIFT', 'PUMP', 'EM', 'SM', 'AHU'])[1 + equipment % 5] || '-' || building || '-' || equipment END,
       CASE WHEN luck % 5 < 3 THEN
           (ARRAY['elevator', 'pump', 'electricity_meter', 'smoke_detector', 'riser'])[1 + equipment % 5] END,
       CASE WHEN luck % 7 = 0 THEN 'fault_' || luck % 30 END,
       NULL,
       CASE WHEN state IN ('new', 'reopened') THEN NULL ELSE pg_temp.id_of(4, site * :staff + person) END,
       CASE WHEN fate % 25 = 0 AND n > 5000 THEN pg_temp.id_of(16, n - 1 - fate % 4000) END,
       5, 6, 1, opened_at, opened_at + interval '30 min', opened_at + interval '8 h', opened_at + interval '8 h',
       30, 480, 15, 10,
       NULL, 1,
       CASE WHEN state NOT IN ('new', 'reopened') THEN opened_at + interval '2 min' END,
       CASE WHEN state NOT IN ('new', 'reopened', 'dispatched') THEN opened_at + (5 + fate % 40) * interval '1 min' END,
       CASE WHEN NOT is_open OR state IN ('on_site', 'in_progress') THEN
           opened_at + (20 + fate % 60) * interval '1 min' END,
       CASE WHEN state = 'on_hold' THEN opened_at + interval '2 h' END,
       CASE WHEN NOT is_open OR state = 'done' THEN opened_at + (30 + fate) * interval '1 min' END,
       CASE WHEN state IN ('verified', 'closed') THEN opened_at + (45 + fate) * interval '1 min' END,
       CASE WHEN NOT is_open THEN opened_at + (60 + fate) * interval '1 min' END,
       opened_at + interval '30 min', opened_at + interval '8 h',
       CASE WHEN NOT is_open THEN (ARRAY['real_fault', 'false_alarm', 'no_fault_found', 'misuse'])[1 + fate % 4] END,
       CASE WHEN NOT is_open THEN '更换配件后恢复正常，已请业主确认' END,
       CASE WHEN luck % 7 = 0 THEN jsonb_build_object('bearing_temp_c', jsonb_build_object('value', 60 + luck % 30,
              'unit', '°C', 'at', opened_at)) ELSE '{}' END
FROM (
    SELECT *, CASE WHEN NOT is_open THEN
            CASE WHEN fate < 880 THEN 'closed' WHEN fate < 960 THEN 'verified' ELSE 'cancelled' END
        ELSE (ARRAY['new', 'dispatched', 'dispatched', 'accepted', 'en_route', 'on_site', 'in_progress', 'in_progress',
                    'on_hold', 'done', 'done', 'reopened'])[1 + fate % 12] END AS state
    FROM drawn
) AS fated
"""

_INCIDENTS = """
INSERT INTO incident (id, site_id, work_order_id, subject, nature, key, opened_at, closed_at)
SELECT pg_temp.id_of(6, n), pg_temp.id_of(1, site), pg_temp.id_of(16, n), 'subject-' || n % 50000,
       'fault', 'key-' || n, opened_at,
       CASE WHEN NOT is_open THEN opened_at + interval '2 h' END
FROM drawn
"""

_REPORTS = """
INSERT INTO report (
    id, site_id, work_order_id, channel, category, text, contact_name, contact_phone, place, joined, created_at
)
SELECT pg_temp.id_of(7, n * 4 + r), pg_temp.id_of(1, site), pg_temp.id_of(16, n), 'phone', 'other',
       '麻烦尽快派人来看一下，谢谢',
       '业主' || n % 9973, '1380000' || lpad((n % 10000)::text, 4, '0'), '门口', r > 0, opened_at
FROM drawn, generate_series(0, CASE WHEN luck % 30 = 0 THEN 3 WHEN luck % 3 = 0 THEN -1 ELSE 0 END) AS r
"""

# Given out after 2 minutes, accepted after 5 or more; one in twelve waits for parts, the others are arrived at.
_TIMELINES = """
INSERT INTO work_order_timeline (id, site_id, work_order_id, position, at, what, why, before, after)
SELECT pg_temp.id_of(8, n * 8 + p), pg_temp.id_of(1, site), pg_temp.id_of(16, n), p,
       opened_at + (ARRAY[2, 5 + fate % 40, 20 + fate % 60, 30 + fate])[p] * interval '1 min', 'moved', NULL,
       jsonb_build_object('state', states[p]), jsonb_build_object('action', 'x', 'state', states[p + 1])
FROM (
    SELECT *, ARRAY['new', 'dispatched', 'accepted', CASE WHEN fate % 12 = 0 THEN 'on_hold' ELSE 'on_site' END, 'done']
        AS states
    FROM drawn
) AS walked, generate_series(1, 4) AS p
"""

# Of the orders that are over and were reported by somebody, one in four was rated.
_RATINGS = """
INSERT INTO order_rating (
    id, site_id, work_order_id, report_id, assignee_id, attempt, speed, attitude, quality, words, at
)
SELECT pg_temp.id_of(10, n), pg_temp.id_of(1, site), pg_temp.id_of(16, n), pg_temp.id_of(7, n * 4),
       pg_temp.id_of(4, site * :staff + person), 1, 1 + fate % 5, 3 + fate % 3, 2 + fate % 4, NULL,
       opened_at + (90 + fate) * interval '1 min'
FROM drawn WHERE NOT is_open AND luck % 3 > 0 AND fate % 4 = 0
"""

_ALARMS = """
INSERT INTO alarm (
    id, site_id, equipment_id, building_id, site_code, equipment_code, equipment_name, source, source_id,
    fault_mode, severity, severity_rank, life_safety, state, is_present, message, values, onset_at, episode_onset_at,
    raised_at, cleared_at, episodes
)
SELECT pg_temp.id_of(9, n), pg_temp.id_of(1, site),
       pg_temp.id_of(3, (site * :buildings + building) * :equipment + equipment),
       pg_temp.id_of(2, site * :buildings + building), 'bench-' || site, 'EQ-' || building || '-' || equipment, '设备',
       'rule', 'rule-' || n, 'fault_' || luck % 30,
       (ARRAY['critical', 'major', 'minor', 'warning'])[1 + luck % 4], 4 - luck % 4, luck < 14,
       CASE WHEN n > :orders * 0.999 THEN (ARRAY['UNACKED', 'ACKED', 'RTN_UNACKED'])[1 + luck % 3] ELSE 'NORMAL' END,
       n > :orders * 0.999, '{"zh-CN": "温度过高", "en": "Too hot"}', '{"bearing_temp_c": 88.5}', opened_at, opened_at,
       opened_at,
       CASE WHEN n <= :orders * 0.999 THEN opened_at + interval '1 h' END, 1
FROM drawn
"""

# Triggers rest, too.
_DUE = "INSERT INTO order_measure_due (site_id, work_order_id) SELECT site_id, id FROM work_order ORDER BY id DESC"

_STEPS = (
    ("sites, buildings, equipment, staff", f"{_FUNCTIONS};{_SITES};{_BUILDINGS};{_EQUIPMENT};{_STAFF}"),
    ("work orders", _ORDERS),
    ("incidents", _INCIDENTS),
    ("reports", _REPORTS),
    ("timelines", _TIMELINES),
    ("ratings", _RATINGS),
    ("alarms", _ALARMS),
    ("orders to be measured", _DUE),
)
