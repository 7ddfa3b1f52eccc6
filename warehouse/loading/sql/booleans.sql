-- One row per cell, in the order of cells(text): yes or no, in English or French.
SELECT
    CASE
        WHEN lower(text) IN ('true', 'yes', 'oui', 'vrai', '1') THEN true
        WHEN lower(text) IN ('false', 'no', 'non', 'faux', '0') THEN false
    END AS value,
    NULL::VARCHAR AS repair
FROM cells
