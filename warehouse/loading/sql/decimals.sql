-- One row per cell, in the order of cells(text): its number and what was repaired to read it.
-- $mark is the decimal mark of the column where one cell alone does not say; $symbols matches the currency
-- signs that may be left out. The text is cast to DECIMAL(18,4) directly, never through a binary float.
WITH plain AS (
    SELECT
        row_number() OVER () AS place,
        text,
        regexp_replace(regexp_replace(text, $symbols, '', 'gi'), '[\s\x{00A0}\x{202F}\x{2009}''’]', '', 'g') AS bare
    FROM cells
),
signed AS (
    SELECT
        place,
        text,
        CASE
            WHEN regexp_full_match(bare, '\(.+\)') THEN '-' || bare[2:-2]
            WHEN regexp_full_match(bare, '[^-]+-') THEN '-' || bare[:-2]
            ELSE ltrim(bare, '+')
        END AS number
    FROM plain
),
marked AS (
    SELECT
        place,
        text,
        CASE
            WHEN regexp_full_match(number, '-?\d+') THEN number
            WHEN regexp_full_match(number, '-?\d{1,3}(\.\d{3})+,\d+') THEN replace(replace(number, '.', ''), ',', '.')
            WHEN regexp_full_match(number, '-?\d{1,3}(,\d{3})+\.\d+') THEN replace(number, ',', '')
            WHEN regexp_full_match(number, '-?\d{1,3}(,\d{3}){2,}') THEN replace(number, ',', '')
            WHEN regexp_full_match(number, '-?\d{1,3}(\.\d{3}){2,}') THEN replace(number, '.', '')
            WHEN regexp_full_match(number, '-?[1-9]\d{0,2},\d{3}') AND $mark = '.' THEN replace(number, ',', '')
            WHEN regexp_full_match(number, '-?[1-9]\d{0,2}\.\d{3}') AND $mark = ',' THEN replace(number, '.', '')
            WHEN regexp_full_match(number, '-?\d*,\d+') THEN replace(number, ',', '.')
            WHEN regexp_full_match(number, '-?\d*\.\d+') THEN number
        END AS digits
    FROM signed
)
SELECT
    try_cast(digits AS DECIMAL(18, 4)) AS value,
    CASE
        WHEN regexp_full_match(digits, '-?\d*\.\d{4}\d*[1-9]\d*') THEN 'rounded to four decimals'
        WHEN digits IS DISTINCT FROM text AND contains(text, ',') AND NOT contains(digits, '.') THEN 'thousands joined'
        WHEN digits IS DISTINCT FROM text AND contains(text, ',') THEN 'decimal commas'
        WHEN digits IS DISTINCT FROM text THEN 'signs and blanks taken out of numbers'
    END AS repair
FROM marked
ORDER BY place
