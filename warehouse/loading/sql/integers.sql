-- One row per cell, in the order of cells(text): its whole number.
SELECT
    CASE WHEN regexp_full_match(text, '[+-]?\d{1,18}') THEN ltrim(text, '+')::BIGINT END AS value,
    NULL::VARCHAR AS repair
FROM cells
