-- One row per new response: the first of its dedup in this drain, and listed nowhere among the responses of `past`.
CREATE OR REPLACE TEMP TABLE arrived AS
WITH new AS (
    SELECT i.*
    FROM incoming AS i
    ANTI JOIN past AS p ON p.dedup = i.dedup
)
SELECT *
FROM new
QUALIFY row_number() OVER (PARTITION BY dedup ORDER BY position) = 1
