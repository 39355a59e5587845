"""Notifies all listening processes of projects with new events, which the writing transactions record."""

# The API's processes listen on this channel. A payload is a list of `<project>:<seq>`; an empty one says that sockets
# are open, so that the relay hurries.
CHANNEL = "inkloom_live"
# The process that holds this lock relays.
RELAY_LOCK = 0x696E6B6C

TRY_TO_RELAY = f"SELECT pg_try_advisory_lock({RELAY_LOCK})"

# Deleting and notifying in one statement, so that neither happens without the other. Rows that are being written are
# skipped until the next run. At most 57 bytes per project, and a payload may have 8,000.
RELAY = """
WITH taken AS (
    DELETE FROM unheard WHERE project_id IN (
        SELECT project_id FROM unheard LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) RETURNING project_id, seq
), numbered AS (
    SELECT project_id || ':' || seq AS one, (row_number() OVER () - 1) / 130 AS part FROM taken
)
SELECT pg_notify('inkloom_live', string_agg(one, ',')) FROM numbered GROUP BY part
"""

STIR = "SELECT pg_notify('inkloom_live', '')"
