-- What has happened to the users and the tickets, in the order of time.
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
       jsonb_build_object('spent_on', spent_on, 'amount', amount::text, 'currency', currency,
           'category', category, 'description', description, 'links', links)
FROM tickets
UNION ALL
SELECT updated_at, coalesce(decided_by_id, owner_id), 'ticket.' || status, id, owner_id, NULL,
       CASE status WHEN 'withdrawn' THEN '{}' ELSE jsonb_build_object('reason', decision_reason) END
FROM tickets WHERE status <> 'pending'
ORDER BY 1
