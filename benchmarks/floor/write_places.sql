-- One row per contact: where it stands, or ended.
SELECT contact_id, place::VARCHAR AS place FROM enrolments
