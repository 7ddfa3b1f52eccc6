-- One row per enrolment at a wait that may have its answer: what became of its touches, and the first branch in
-- written order that a response has taken. Reads hearing (the state of who is asked), touches_here (touches of the
-- Sends before this wait), receipts_here (with made_at, and arrived_at, which is the connector's latency later),
-- responses_here (all responses of the contacts, orders among them) and branches (kind, rank).
WITH settled AS (
    SELECT h.enrolment_id, count(*) AS settled,
           count(*) FILTER (WHERE r.made) AS made,
           min(r.made_at) FILTER (WHERE r.made) AS first_made_at,
           max(r.arrived_at) FILTER (WHERE r.made) AS last_arrived_at
    FROM hearing AS h JOIN receipts_here AS r ON r.enrolment_id = h.enrolment_id AND r.seq > h.since
    GROUP BY h.enrolment_id
), standing_at AS (
    SELECT h.enrolment_id, h.contact_id, h.arrived_at, h.passed, h.planned, h.since,
           coalesce(s.settled, 0) AS settled, coalesce(s.made, 0) AS made, s.first_made_at, s.last_arrived_at
    FROM hearing AS h LEFT JOIN settled AS s ON s.enrolment_id = h.enrolment_id
), heard AS (
    SELECT w.enrolment_id, b.rank, r.happened_at, r.meta, r.dedup
    FROM standing_at AS w
    JOIN responses_here AS r ON r.enrolment_id = w.enrolment_id
    JOIN touches_here AS t ON t.enrolment_id = r.enrolment_id AND t.step = r.step AND t.visit = r.visit
         AND t.leg = r.leg AND t.seq > w.since
    JOIN branches AS b ON b.kind = r.kind
    UNION ALL
    SELECT w.enrolment_id, b.rank, r.happened_at, r.meta, r.dedup
    FROM standing_at AS w
    JOIN responses_here AS r ON r.contact_id = w.contact_id AND r.enrolment_id IS NULL
         AND r.happened_at > CASE WHEN w.passed = 0 THEN w.arrived_at ELSE w.first_made_at END
    JOIN branches AS b ON b.kind = r.kind
), first_heard AS (
    SELECT enrolment_id, min(rank) AS rank, arg_min(meta, (rank, happened_at, dedup)) AS meta
    FROM heard GROUP BY enrolment_id
)
SELECT w.enrolment_id, w.planned - w.settled AS unsettled, w.made,
       greatest(w.arrived_at, w.last_arrived_at) AS clock_at,
       least(f.rank, CASE WHEN w.passed > 0 AND w.planned = w.settled AND w.made = 0 THEN $not_sent::INTEGER END) AS rank,
       f.rank AS heard_rank, f.meta,
       w.planned = w.settled AND (w.made > 0 OR w.passed = 0)
           AND greatest(w.arrived_at, w.last_arrived_at) <= $clock_before::TIMESTAMP AS silent
FROM standing_at AS w LEFT JOIN first_heard AS f ON f.enrolment_id = w.enrolment_id
