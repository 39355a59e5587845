"""Passes on which projects have new events, from the writing transactions to all listening processes."""

# Processes of the API listen here. A payload is a list of `<project>:<seq>`; an empty one says that somebody has
# sockets open, so that whoever relays hurries.
CHANNEL = "inkloom_live"
# Whoever holds this relays.
RELAY_LOCK = 0x696E6B6C

TRY_TO_RELAY = f"SELECT pg_try_advisory_lock({RELAY_LOCK})"

# Taken and told in one statement, so that neither happens without the other. A row that is being written is left for
# the next time. 57 bytes at most a project, and a payload may have 8,000.
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
