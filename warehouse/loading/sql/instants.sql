-- One row per cell, in the order of cells(text): the instant (UTC), whether it states a time, what was repaired.
-- $day_first reads 05/06/2026 as the 5th of June; $zone is the zone of local times: one that does not exist
-- moves forward, an ambiguous one is the first of the two. A day alone begins at midnight of that zone.
WITH form AS (
    SELECT
        row_number() OVER () AS place,
        text,
        CASE
            WHEN regexp_full_match(text, '\d{4}-\d{1,2}-\d{1,2}([T ].*)?') THEN 'iso'
            WHEN regexp_full_match(text, '\d{4}/\d{1,2}/\d{1,2}( .*)?') THEN 'iso'
            WHEN regexp_full_match(text, '(19|20)\d{6}') THEN 'compact'
            WHEN regexp_full_match(text, '\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})(,? .*)?') THEN 'slash'
            WHEN regexp_full_match(text, '\d{5}([.,]\d+)?') THEN 'serial'
        END AS shape
    FROM cells
),
cut AS (
    SELECT
        place,
        text,
        shape,
        CASE shape
            WHEN 'iso' THEN regexp_extract(text, '^(\d{4})[-/](\d{1,2})[-/](\d{1,2})', ['one', 'two', 'three'])
            WHEN 'compact' THEN regexp_extract(text, '^(\d{4})(\d{2})(\d{2})$', ['one', 'two', 'three'])
            ELSE regexp_extract(text, '^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})', ['one', 'two', 'three'])
        END AS part,
        -- What follows the day: hours and minutes, perhaps seconds, half-day and offset, or something else.
        trim(CASE shape
            WHEN 'iso' THEN regexp_replace(text, '^\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]?', '')
            WHEN 'slash' THEN regexp_replace(text, '^\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2}),?', '')
            ELSE ''
        END) AS rest
    FROM form
    WHERE shape <> 'serial'
),
parts AS (
    SELECT
        place,
        shape,
        rest,
        CASE shape WHEN 'slash' THEN part.three ELSE part.one END AS year,
        CASE WHEN shape <> 'slash' THEN part.two WHEN $day_first THEN part.two ELSE part.one END AS month,
        CASE WHEN shape <> 'slash' THEN part.three WHEN $day_first THEN part.one ELSE part.two END AS day,
        regexp_full_match(rest,
            '\d{1,2}[:h]\d{2}(:\d{2}([.,]\d{1,9})?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2}))?') AS clear,
        regexp_extract(rest, '^(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?', ['h', 'm', 's', 'f']) AS clock,
        upper(regexp_extract(rest, '([AaPp])[Mm]', 1)) AS half,
        regexp_extract(rest, '(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})$', 1) AS offs
    FROM cut
),
local_time AS (
    SELECT
        place,
        shape = 'slash' AND length(year) = 2 AS short_year,
        rest <> '' AS timed,
        offs,
        try_cast(CASE
            WHEN length(year) = 4 THEN year
            WHEN try_cast(year AS INTEGER) < 70 THEN '20' || year
            ELSE '19' || year
        END || '-' || lpad(month, 2, '0') || '-' || lpad(day, 2, '0') || ' ' || CASE
            WHEN rest = '' THEN '00:00:00'
            WHEN NOT clear OR (half <> '' AND try_cast(clock.h AS INTEGER) NOT BETWEEN 1 AND 12) THEN 'unclear'
            ELSE printf('%02d', CASE half
                WHEN 'P' THEN try_cast(clock.h AS INTEGER) % 12 + 12
                WHEN 'A' THEN try_cast(clock.h AS INTEGER) % 12
                ELSE try_cast(clock.h AS INTEGER)
            END) || ':' || clock.m || ':' || coalesce(nullif(clock.s, ''), '00')
                || CASE WHEN clock.f <> '' THEN '.' || clock.f ELSE '' END
        END AS TIMESTAMP) AS wall
    FROM parts
    UNION ALL
    -- Excel counts days from 1899-12-30; between 1954 and 2119 no other number of five digits is meant.
    SELECT
        place,
        false AS short_year,
        regexp_matches(text, '[.,]\d*[1-9]') AS timed,
        '' AS offs,
        CASE WHEN try_cast(replace(text, ',', '.') AS DECIMAL(15, 9)) BETWEEN 20000 AND 80000 THEN
            TIMESTAMP '1899-12-30' + to_seconds(round(try_cast(replace(text, ',', '.') AS DECIMAL(25, 9)) * 86400)::BIGINT)
        END AS wall
    FROM form
    WHERE shape = 'serial'
),
shifted AS (
    SELECT
        place,
        CASE
            WHEN offs = '' THEN timezone('UTC', timezone($zone, wall))
            WHEN offs IN ('Z', 'UTC') THEN wall
            ELSE wall - to_minutes(
                (CASE offs[1] WHEN '-' THEN -1 ELSE 1 END)
                * (try_cast(offs[2:3] AS INTEGER) * 60 + coalesce(try_cast(right(offs, 2) AS INTEGER), 0) * CASE WHEN length(offs) > 3 THEN 1 ELSE 0 END))
        END AS instant,
        wall,
        offs,
        timed,
        short_year
    FROM local_time
),
-- Of an ambiguous wall time the engine takes the second instant; an hour before shows the same wall.
first_of_two AS (
    SELECT
        place,
        CASE
            WHEN offs = '' AND timezone($zone, timezone('UTC', instant - INTERVAL 1 HOUR)) = wall
            THEN instant - INTERVAL 1 HOUR
            ELSE instant
        END AS value,
        timed,
        short_year
    FROM shifted
)
SELECT
    found.value,
    found.timed,
    CASE
        WHEN found.value IS NULL THEN NULL
        WHEN form.shape = 'serial' THEN 'Excel day numbers read as dates'
        WHEN found.short_year THEN 'years of two digits'
    END AS repair
FROM form
LEFT JOIN first_of_two AS found USING (place)
ORDER BY form.place
