-- What has happened to the users, the tickets and the runs, in the order of time. Of the steps of its
-- run, a ticket tells only the last one: the others would take a lot of disk.
INSERT INTO events (at, actor_id, action, ticket_id, owner_id, user_id, details)
SELECT created_at, id, 'user.registered', NULL::bigint, NULL::bigint, id,
       jsonb_build_object('role', role)
FROM users
UNION ALL
SELECT suspended_at, 1 + id % :employers, 'user.suspended', NULL, NULL, id,
       '{"reason": "Left the company", "sessions_ended": 0}'
FROM users WHERE suspended_at IS NOT NULL
UNION ALL
SELECT created_at, owner_id, 'ticket.created', id, owner_id, NULL::bigint,
       jsonb_strip_nulls(jsonb_build_object('spent_on', spent_on, 'amount', amount::text,
           'currency', currency, 'category', category, 'description', description,
           'merchant', merchant, 'links', links))
FROM tickets
UNION ALL
SELECT added_at, owner_id, 'ticket.receipt_added', ticket_id, owner_id, NULL,
       jsonb_build_object('name', name, 'size', size, 'sha256', sha256)
FROM receipts
UNION ALL
SELECT coalesce(decided_at, updated_at), coalesce(decided_by_id, owner_id), 'ticket.' || status, id, owner_id, NULL,
       CASE status WHEN 'withdrawn' THEN '{}' ELSE jsonb_build_object('reason', decision_reason) END
FROM tickets WHERE status <> 'pending'
UNION ALL
SELECT step.at, step.by_id, 'payment_run.' || step.name, NULL, NULL, NULL,
       jsonb_build_object('run', number, 'run_id', payment_runs.id, 'tickets', lines.tickets)
       || CASE step.name WHEN 'paid'
          THEN jsonb_build_object('paid_on', paid_on, 'reference', reference) ELSE '{}' END
FROM payment_runs
JOIN (SELECT run_id, count(*) AS tickets FROM payment_lines GROUP BY run_id) AS lines
ON run_id = payment_runs.id
CROSS JOIN LATERAL (
    VALUES ('created', created_at, created_by_id), ('confirmed', confirmed_at, confirmed_by_id),
           ('paid', CASE status WHEN 'paid' THEN confirmed_at + interval '1 day' END, confirmed_by_id)
) AS step (name, at, by_id)
WHERE step.at IS NOT NULL
UNION ALL
SELECT paid_at, paid_by_id, 'ticket.paid', ticket_id, owner_id, NULL,
       jsonb_build_object('run', number, 'paid_on', paid_on, 'reference', reference)
FROM payment_lines JOIN payment_runs ON payment_runs.id = run_id WHERE paid_at IS NOT NULL
ORDER BY 1, 3
