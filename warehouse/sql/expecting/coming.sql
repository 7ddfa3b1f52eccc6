-- One row per answer that was drawn: to a touch, or (step_no NULL) a purchase of an enrolment, then `channel` is its arm.
CREATE OR REPLACE TEMP TABLE coming (
    contact_id BIGINT, enrolment_id BIGINT, step_no INTEGER, visit SMALLINT, leg SMALLINT, kind VARCHAR,
    happened_at TIMESTAMP, meta VARCHAR, channel VARCHAR, purpose VARCHAR, fresh BOOLEAN)
