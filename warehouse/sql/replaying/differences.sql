-- One row per row of a pass that only one of its two makings has, as often as it has it more; `side` says which: live
-- or replayed. Reads live_rows and replayed_rows, of the same columns.
WITH lost AS (
    SELECT * FROM live_rows EXCEPT ALL SELECT * FROM replayed_rows
), found AS (
    SELECT * FROM replayed_rows EXCEPT ALL SELECT * FROM live_rows
), differing AS (
    SELECT 'live' AS side, * FROM lost UNION ALL BY NAME SELECT 'replayed' AS side, * FROM found
)
SELECT * FROM differing ORDER BY ALL
