-- The tickets of each run, without those of people who were suspended before they were paid.
INSERT INTO payment_lines (ticket_id, run_id, owner_id, amount, paid_at, paid_by_id)
SELECT tickets.id, payment_runs.id, owner_id, amount, paid_at,
       CASE WHEN paid_at IS NOT NULL THEN confirmed_by_id END
FROM tickets
JOIN users ON users.id = owner_id
JOIN payment_runs ON payment_runs.currency = tickets.currency
     AND payment_runs.created_at = date_bin(:run_every, decided_at, :runs_from) + :run_delay
WHERE tickets.status = 'approved' AND (paid_at IS NOT NULL OR suspended_at IS NULL)
ORDER BY payment_runs.id, tickets.id
