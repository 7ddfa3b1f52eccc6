-- One row per enrolment: the step where the contact stands, or the end that it came to.
-- ended: the step is an end (goal, exit:, enrol:, suppress:); reason: what the last move was made for; due_at: when the
-- chain looks at the contact next unless an answer comes before, NULL at an end.
WITH last_moves AS (
    SELECT enrolment_id,
           arg_max(to_step, seq) AS step, arg_max(reason, seq) AS reason, max(moved_at) AS moved_at,
           arg_max(due_at, seq) AS due_at, bool_or(reason = 'goal') AS by_goal
    FROM moves
    GROUP BY enrolment_id
),
ends AS (
    SELECT enrolments.run, enrolments.chain, enrolments.version, enrolments.wave, enrolments.enrolment_id,
           enrolments.contact_id, enrolments.arm, enrolments.enrolled_at, last_moves.step, last_moves.reason,
           last_moves.moved_at, coalesce(last_moves.by_goal, false) AS by_goal,
           coalesce(last_moves.step = 'goal' OR regexp_matches(last_moves.step, '^(exit|enrol|suppress):'), false)
               AS ended,
           CASE WHEN NOT ended THEN last_moves.due_at END AS due_at
    FROM enrolments
    LEFT JOIN last_moves USING (enrolment_id)
)
SELECT * FROM ends
