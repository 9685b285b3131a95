-- What was paid in each run.
UPDATE payment_runs SET paid_tickets = paid.tickets, paid_amount = paid.amount
FROM (
    SELECT run_id, count(*) AS tickets, sum(amount) AS amount FROM payment_lines
    WHERE is_active AND paid_at IS NOT NULL GROUP BY run_id
) AS paid WHERE run_id = id
