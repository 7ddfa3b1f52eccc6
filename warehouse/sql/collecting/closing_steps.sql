-- One row per step and contact whose touches a closing response asks for.
SELECT DISTINCT step_no, contact_id
FROM placed
WHERE kind IN ('unsubscribed', 'complained', 'bounced_hard') AND enrolment_id IS NOT NULL
