-- One row per cell, in the order of cells(text, country): the postcode, with the zeros that a spreadsheet ate.
-- Only where there is one reading: in these countries every code has five digits, some with zeros before.
WITH plain AS (
    SELECT row_number() OVER () AS place, country, regexp_replace(upper(text), '^(\d{3,5})[.,]0+$', '\1') AS code
    FROM cells
)
SELECT
    CASE
        WHEN regexp_full_match(code, '\d{4}') AND country IN ('FR', 'US', 'DE', 'ES', 'IT', 'MC', 'GP', 'MQ')
            THEN '0' || code
        WHEN regexp_full_match(code, '\d{3}') AND country IN ('US', 'PR') THEN '00' || code
        ELSE code
    END AS value,
    CASE
        WHEN regexp_full_match(code, '\d{4}') AND country IN ('FR', 'US', 'DE', 'ES', 'IT', 'MC', 'GP', 'MQ')
            OR regexp_full_match(code, '\d{3}') AND country IN ('US', 'PR')
            THEN 'zeros that a spreadsheet ate put back before postcodes'
    END AS repair
FROM plain
ORDER BY place
