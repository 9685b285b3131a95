"""Tickets through the API: filed, read, changed, decided; each with its event."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from tests.harness import AppTestCase, CommittingTestCase, ticket_json, usual_settings

NO_OBJECT = "Send a JSON object, with Content-Type: application/json."


class Create(AppTestCase):
    async def test_a_ticket_is_filed_read_and_listed(self) -> None:
        owner = await self.new_employee("Ada")
        api = await self.program_of(owner)
        self.assertEqual((await api.get("/api/tickets")).json(), {"items": [], "next": None})
        answer = await api.post("/api/tickets", json=ticket_json())
        self.assertEqual(answer.status_code, 201)
        ticket = answer.json()
        self.assertEqual(
            ticket
            | {"owner": {"id": owner.id, "username": "Ada", "email": owner.email}}
            | ticket_json()
            | {"status": "pending", "decision": None},
            ticket,
        )
        self.assertEqual(answer.headers["location"], f"/api/tickets/{ticket['id']}")
        self.assertEqual((await api.get(answer.headers["location"])).json(), ticket)
        self.assertEqual((await api.get("/api/tickets")).json()["items"], [ticket])
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.ticket_id),
            ("ticket.created", owner.id, ticket["id"]),
        )
        self.assertEqual(event.details["amount"], "12.50")

    async def test_amounts_are_exact(self) -> None:
        api = await self.program_of(await self.new_employee())
        for sent, kept in (
            ("0.01", "0.01"),
            ("9999999999.99", "9999999999.99"),
            (12, "12.00"),
            (12.1, "12.10"),
            ("1.10", "1.10"),
        ):
            answer = await api.post("/api/tickets", json=ticket_json(amount=sent))
            self.assertEqual(answer.json()["amount"], kept)

    async def test_every_wrong_field_is_named(self) -> None:
        api = await self.program_of(await self.new_employee())
        async with self.nothing_changes():
            answer = await api.post("/api/tickets", json={"status": "approved", "owner": 1})
        body = self.assert_problem(answer, 422, "invalid-input")
        self.assertEqual(
            {error["field"] for error in body["errors"]},
            {"spent_on", "amount", "category", "description", "status", "owner"},
        )

    async def test_what_a_ticket_cannot_be(self) -> None:
        api = await self.program_of(await self.new_employee())
        today = usual_settings().today()
        for field, value in (
            ("amount", "0"),
            ("amount", "-1"),
            ("amount", "0.001"),
            ("amount", "10000000000.00"),
            ("amount", "1e400"),
            ("amount", "NaN"),
            ("amount", "Infinity"),
            ("amount", "twelve"),
            ("amount", None),
            ("amount", True),
            ("spent_on", (today + timedelta(days=2)).isoformat()),
            ("spent_on", "2026-02-30"),
            ("spent_on", "20260101"),
            ("spent_on", 1700000000),
            ("spent_on", "0026-01-01"),
            ("currency", "usd"),
            ("currency", "XXX"),
            ("currency", "US"),
            ("category", "yacht"),
            ("description", ""),
            ("description", "  "),
            ("description", "x" * 501),
            ("description", "a\0b"),
            ("description", "bell\x07"),
            ("merchant", "  "),
            ("merchant", "x" * 121),
            ("links", "https://example.com"),
        ):
            with self.subTest(field=field, value=value):
                async with self.nothing_changes():
                    answer = await api.post("/api/tickets", json=ticket_json(**{field: value}))
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], [field])

    async def test_links_are_web_addresses(self) -> None:
        api = await self.program_of(await self.new_employee())
        for link in (
            "javascript:alert(1)",
            "ftp://example.com/x",
            "https://",
            "http:example.com",
            "https://exa mple.com",
            "https://example.com/\n",
            "//example.com",
            "",
            "https://example.com/" + "x" * 1981,
        ):
            with self.subTest(link=link):
                links = ["https://example.com/fine", link]
                if link.endswith("\n"):
                    links[1] = "https://example.com/\nx"
                async with self.nothing_changes():
                    answer = await api.post("/api/tickets", json=ticket_json(links=links))
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], ["links.1"])
        too_many = [f"https://example.com/{number}" for number in range(11)]
        answer = await api.post("/api/tickets", json=ticket_json(links=too_many))
        self.assert_problem(answer, 422, "invalid-input")
        longest = ["https://example.com/" + "x" * 1980] * 10
        answer = await api.post("/api/tickets", json=ticket_json(links=longest))
        self.assertEqual(answer.json()["links"], longest)

    async def test_tomorrow_is_allowed_and_the_currency_has_a_default(self) -> None:
        api = await self.program_of(await self.new_employee())
        tomorrow = (usual_settings().today() + timedelta(days=1)).isoformat()
        body = ticket_json(spent_on=tomorrow, description="😀 ünï 李 \n two lines")
        del body["currency"]
        ticket = (await api.post("/api/tickets", json=body)).json()
        self.assertEqual(ticket["currency"], "USD")
        self.assertEqual(ticket["description"], "😀 ünï 李 \n two lines")

    async def test_a_merchant_is_named_changed_found_and_taken_out(self) -> None:
        owner = await self.new_employee()
        api = await self.program_of(owner)
        ticket = (
            await api.post("/api/tickets", json=ticket_json(merchant=" Café Lefèvre "))
        ).json()
        self.assertEqual(ticket["merchant"], "Café Lefèvre")
        self.assertEqual((await self.last_event()).details["merchant"], "Café Lefèvre")
        await api.post("/api/tickets", json=ticket_json())
        self.assertNotIn("merchant", (await self.last_event()).details)
        for query in ("q=lefevre", "merchant=CAFE"):
            found = (await api.get(f"/api/tickets?{query}")).json()["items"]
            self.assertEqual([item["id"] for item in found], [ticket["id"]], query)
        path = f"/api/tickets/{ticket['id']}"
        changed = await api.patch(path, json={"merchant": "Litware"})
        self.assertEqual(changed.json()["merchant"], "Litware")
        emptied = await api.patch(path, json={"merchant": None})
        self.assertIsNone(emptied.json()["merchant"])
        event = await self.last_event()
        self.assertEqual(event.action, "ticket.edited")
        self.assertEqual(
            (event.details["before"], event.details["after"]),
            ({"merchant": "Litware"}, {"merchant": None}),
        )
        page = await (await self.browser_of(owner)).get(f"/tickets/{ticket['id']}")
        self.assertIn('<del dir="auto">Litware</del>', page.text)

    async def test_employers_file_no_tickets(self) -> None:
        api = await self.program_of(await self.new_employer())
        async with self.nothing_changes():
            answer = await api.post("/api/tickets", json=ticket_json())
        self.assert_problem(answer, 403, "forbidden")

    async def test_the_same_key_gives_the_same_ticket(self) -> None:
        api = await self.program_of(await self.new_employee())
        key = {"Idempotency-Key": "subscription-november"}
        first = await api.post("/api/tickets", json=ticket_json(), headers=key)
        async with self.nothing_changes():
            again = await api.post("/api/tickets", json=ticket_json(), headers=key)
        self.assertEqual((again.status_code, again.json()), (201, first.json()))
        async with self.nothing_changes():
            other = await api.post("/api/tickets", json=ticket_json(amount="13"), headers=key)
        self.assert_problem(other, 422, "idempotency-key-reused")
        neighbour = await self.program_of(await self.new_employee())
        theirs = await neighbour.post("/api/tickets", json=ticket_json(), headers=key)
        self.assertNotEqual(theirs.json()["id"], first.json()["id"])


class CreateAtOnce(CommittingTestCase):
    async def test_one_key_sent_ten_times_at_once_makes_one_ticket(self) -> None:
        api = await self.program_of(await self.new_employee())
        answers = await asyncio.gather(
            *(
                api.post("/api/tickets", json=ticket_json(), headers={"Idempotency-Key": "k"})
                for _ in range(10)
            )
        )
        self.assertEqual({answer.status_code for answer in answers}, {201})
        self.assertEqual(len({answer.json()["id"] for answer in answers}), 1)
        self.assertEqual(len(await self.events("ticket.created")), 1)


class Read(AppTestCase):
    async def test_employees_see_their_own_and_employers_everyones(self) -> None:
        ada, ben, boss = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        hers, his = await self.new_ticket(ada), await self.new_ticket(ben)
        self.assertEqual(await self._ids(ada), [hers])
        self.assertEqual(await self._ids(ben), [his])
        self.assertEqual(await self._ids(boss), [his, hers])
        self.assertEqual(await self._ids(boss, owner=ada.id), [hers])
        self.assertEqual(await self._ids(ben, owner=ada.id), [])
        stranger = await self.client()
        self.assert_problem(await stranger.get("/api/tickets"), 401, "not-logged-in")
        bens = await self.program_of(ben)
        for path in (f"/api/tickets/{hers}", f"/api/tickets/{hers}/history"):
            self.assert_problem(await bens.get(path), 404, "not-found")

    async def test_lists_are_filtered_by_status(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        pending, approved, denied, withdrawn = [await self.new_ticket(ada) for _ in range(4)]
        await self.approve(approved, by=boss)
        await self.deny(denied, by=boss)
        await self.withdraw(withdrawn, by=ada)
        for status, ticket in (
            ("pending", pending),
            ("approved", approved),
            ("denied", denied),
            ("withdrawn", withdrawn),
        ):
            self.assertEqual(await self._ids(boss, status=status), [ticket])

    async def test_pages_follow_each_other_without_gaps(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada) for _ in range(7)]
        api = await self.program_of(ada)
        seen: list[int] = []
        cursor: str | None = None
        sizes = []
        while True:
            params: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = (await api.get("/api/tickets", params=params)).json()
            sizes.append(len(page["items"]))
            seen += [ticket["id"] for ticket in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            await self.new_ticket(ada)  # what is new does not shift the pages
        self.assertEqual(seen, tickets[::-1])
        self.assertEqual(sizes, [3, 3, 1])

    async def test_odd_questions_are_refused_by_name(self) -> None:
        api = await self.program_of(await self.new_employee())
        for field, value in (
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "x"),
            ("cursor", "x"),
            ("cursor", "YmVmb3JlOi0x"),
            ("cursor", "\x00"),
            ("status", "lost"),
            ("owner", "0"),
            ("owner", str(2**63)),
        ):
            with self.subTest(field=field, value=value):
                answer = await api.get("/api/tickets", params={field: value})
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], [field])
        for number in (0, -1, 2**63, 10**40):
            answer = await api.get(f"/api/tickets/{number}")
            self.assert_problem(answer, 404, "not-found")

    async def _ids(self, user: Any, **filters: Any) -> list[int]:
        api = await self.program_of(user)
        page = (await api.get("/api/tickets", params=filters)).json()
        return [ticket["id"] for ticket in page["items"]]


class Edit(AppTestCase):
    async def test_an_owner_edits_a_pending_ticket(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(ada)
        before = (await api.get(f"/api/tickets/{ticket}")).json()
        answer = await api.patch(f"/api/tickets/{ticket}", json={"amount": "99", "links": []})
        self.assertEqual(answer.status_code, 200)
        after = (await api.get(f"/api/tickets/{ticket}")).json()
        self.assertEqual(after, before | {"amount": "99.00", "links": []})
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details),
            (
                "ticket.edited",
                {
                    "before": {"amount": "12.50", "links": before["links"]},
                    "after": {"amount": "99.00", "links": []},
                },
            ),
        )

    async def test_an_edit_that_changes_nothing_leaves_no_event(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(ada)
        unchanged: list[dict[str, str]] = [{}, {"amount": "12.5"}]
        async with self.nothing_changes():
            for body in unchanged:
                answer = await api.patch(f"/api/tickets/{ticket}", json=body)
                self.assertEqual(answer.status_code, 200)

    async def test_a_decided_or_withdrawn_ticket_stays_as_it_is(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer("Dana")
        api = await self.program_of(ada)
        denied, withdrawn = await self.new_ticket(ada), await self.new_ticket(ada)
        await self.deny(denied, by=boss, reason="No receipt")
        await self.withdraw(withdrawn, by=ada)
        for ticket in (denied, withdrawn):
            async with self.nothing_changes():
                edit = await api.patch(f"/api/tickets/{ticket}", json={"amount": "1"})
                withdraw = await api.post(f"/api/tickets/{ticket}/withdraw")
            self.assert_problem(edit, 409, "not-pending")
            self.assert_problem(withdraw, 409, "not-pending")
        refusal = (await api.patch(f"/api/tickets/{denied}", json={"amount": "1"})).json()
        self.assertEqual(refusal["decision"]["by"], {"id": boss.id, "username": "Dana"})
        self.assertEqual(refusal["decision"]["reason"], "No receipt")

    async def test_what_an_edit_cannot_say(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(ada)
        wrong: list[Any] = [
            {"status": "approved"},
            {"owner_id": 1},
            {"amount": None},
            {"amount": 0},
            {"spent_on": "2999-01-01"},
            [],
            "x",
        ]
        for body in wrong:
            async with self.nothing_changes():
                answer = await api.patch(f"/api/tickets/{ticket}", json=body)
            self.assert_problem(answer, 422, "invalid-input")

    async def test_nobody_else_edits_or_withdraws(self) -> None:
        ada, ben, boss = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        ticket = await self.new_ticket(ada)
        for user, status, code in ((ben, 404, "not-found"), (boss, 403, "forbidden")):
            api = await self.program_of(user)
            async with self.nothing_changes():
                edit = await api.patch(f"/api/tickets/{ticket}", json={"amount": "1"})
                withdraw = await api.post(f"/api/tickets/{ticket}/withdraw")
            self.assert_problem(edit, status, code)
            self.assert_problem(withdraw, status, code)

    async def test_a_withdrawn_ticket_says_so(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(ada)
        answer = await api.post(f"/api/tickets/{ticket}/withdraw")
        self.assertEqual((answer.status_code, answer.json()["status"]), (200, "withdrawn"))
        self.assertEqual((await api.get(f"/api/tickets/{ticket}")).json(), answer.json())
        event = await self.last_event()
        self.assertEqual((event.action, event.ticket_id), ("ticket.withdrawn", ticket))


class Decide(AppTestCase):
    async def test_an_approval_can_be_read_by_both(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        employer, employee = await self.program_of(boss), await self.program_of(ada)
        before = (await employer.get(f"/api/tickets/{ticket}")).json()
        self.assertEqual(before["status"], "pending")
        answer = await employer.post(f"/api/tickets/{ticket}/approve")
        self.assertEqual(answer.status_code, 200)
        after = (await employee.get(f"/api/tickets/{ticket}")).json()
        self.assertEqual(after, answer.json())
        self.assertEqual(after["status"], "approved")
        self.assertEqual(after["decision"]["by"], {"id": boss.id, "username": "Dana"})
        self.assertIsNone(after["decision"]["reason"])
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.ticket_id),
            ("ticket.approved", boss.id, ticket),
        )

    async def test_a_denial_carries_its_reason(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(boss)
        for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, None):
            async with self.nothing_changes():
                answer = await api.post(f"/api/tickets/{ticket}/deny", json=body)
            self.assert_problem(answer, 422, "invalid-input")
        answer = await api.post(f"/api/tickets/{ticket}/deny", json={"reason": "No receipt"})
        self.assertEqual(answer.json()["status"], "denied")
        self.assertEqual(answer.json()["decision"]["reason"], "No receipt")
        self.assertEqual((await self.last_event()).details["reason"], "No receipt")

    async def test_a_decided_ticket_names_the_winner(self) -> None:
        ada, first, second = (
            await self.new_employee(),
            await self.new_employer("Dana"),
            await self.new_employer(),
        )
        ticket = await self.new_ticket(ada)
        await self.deny(ticket, by=first, reason="No receipt")
        api = await self.program_of(second)
        for verb in ("approve", "deny"):
            async with self.nothing_changes():
                answer = await api.post(f"/api/tickets/{ticket}/{verb}", json={"reason": "x"})
            body = self.assert_problem(answer, 409, "already-decided")
            self.assertEqual(body["ticket_status"], "denied")
            self.assertEqual(body["decision"]["by"], {"id": first.id, "username": "Dana"})
            self.assertEqual(body["decision"]["reason"], "No receipt")
            self.assertIn("Dana", body["detail"])
            self.assertIn("No receipt", body["detail"])

    async def test_a_withdrawn_ticket_cannot_be_decided(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        await self.withdraw(ticket, by=ada)
        api = await self.program_of(boss)
        async with self.nothing_changes():
            answer = await api.post(f"/api/tickets/{ticket}/approve")
        self.assert_problem(answer, 409, "not-pending")

    async def test_employees_decide_nothing(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        ticket = await self.new_ticket(ada)
        for user in (ada, ben):
            api = await self.program_of(user)
            for verb in ("approve", "deny"):
                async with self.nothing_changes():
                    answer = await api.post(f"/api/tickets/{ticket}/{verb}", json={"reason": "x"})
                self.assert_problem(answer, 403, "forbidden")

    async def test_the_history_tells_it_all_in_order(self) -> None:
        ada, boss = await self.new_employee("Ada"), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        api = await self.program_of(ada)
        await api.patch(f"/api/tickets/{ticket}", json={"amount": "20"})
        await self.approve(ticket, by=boss, reason="Well spent")
        history = (await api.get(f"/api/tickets/{ticket}/history")).json()["items"]
        self.assertEqual(
            [(event["action"], event["actor"]["username"]) for event in history],
            [("ticket.created", "Ada"), ("ticket.edited", "Ada"), ("ticket.approved", "Dana")],
        )
        self.assertEqual(history[-1]["details"], {"reason": "Well spent"})
        self.assertLessEqual(history[0]["at"], history[-1]["at"])


class DecideAtOnce(CommittingTestCase):
    async def test_of_forty_decisions_one_wins_and_the_others_are_told_which(self) -> None:
        ada = await self.new_employee()
        bosses = [await self.new_employer() for _ in range(4)]
        ticket = await self.new_ticket(ada)
        programs = [await self.program_of(boss) for boss in bosses]
        answers = await asyncio.gather(
            *(
                programs[number % 4].post(
                    f"/api/tickets/{ticket}/{'approve' if number % 2 else 'deny'}",
                    json={"reason": f"Decision {number}"},
                )
                for number in range(40)
            )
        )
        won = [answer for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer.status_code == 409]
        self.assertEqual((len(won), len(lost)), (1, 39))
        decision = won[0].json()["decision"]
        for answer in lost:
            body = self.assert_problem(answer, 409, "already-decided")
            self.assertEqual(body["decision"]["reason"], decision["reason"])
        events = await self.events("ticket.approved", "ticket.denied")
        self.assertEqual([event.details["reason"] for event in events], [decision["reason"]])


class Bodies(AppTestCase):
    async def test_what_is_wrong_is_told_to_those_alone_who_are_logged_in(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        await self.suspend(ada, by=dana)
        stranger, suspended = await self.client(), await self.program_of(dana)
        suspended.headers["Authorization"] = "Bearer of-nobody"
        wrong: list[dict[str, Any]] = [{"json": {"odd": 1}}, {"json": []}, {"content": b"{"}]
        for method, path in (
            ("POST", "/api/tickets"),
            ("PATCH", f"/api/tickets/{ticket}"),
            ("POST", f"/api/tickets/{ticket}/approve"),
            ("POST", f"/api/tickets/{ticket}/deny"),
            ("POST", f"/api/tickets/{ticket}/reopen"),
        ):
            for client in (stranger, suspended):
                for sent in wrong:
                    with self.subTest(method=method, path=path, sent=sent):
                        async with self.nothing_changes():
                            answer = await client.request(method, path, **sent)
                        self.assert_problem(answer, 401, "not-logged-in")

    async def test_what_is_no_json_is_refused(self) -> None:
        api = await self.program_of(await self.new_employee())
        for content in (b"{", b"\xff", b'{"amount": 1e999999}', b"[" * 5000, b""):
            with self.subTest(content=content[:20]):
                async with self.nothing_changes():
                    answer = await api.post(
                        "/api/tickets",
                        content=content,
                        headers={"Content-Type": "application/json"},
                    )
                self.assert_problem(answer, 422, "invalid-input")

    async def test_what_is_wrong_with_the_whole_is_said_of_the_body(self) -> None:
        api = await self.program_of(await self.new_employee())
        ticket = json.dumps(ticket_json())
        for content, media_type, said in (
            (ticket, "text/plain", NO_OBJECT),
            (ticket, "", NO_OBJECT),
            ("[]", "application/json", NO_OBJECT),
            ("null", "application/json", NO_OBJECT),
            (
                "null",
                "application/json",
                "Send a JSON object, with Content-Type: application/json.",
            ),
            ("", "application/json", "Required."),
            ("{'a': 1}", "application/json", "The body is not valid JSON."),
        ):
            with self.subTest(content=content, media_type=media_type):
                async with self.nothing_changes():
                    answer = await api.post(
                        "/api/tickets", content=content, headers={"Content-Type": media_type}
                    )
                problem = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual(problem["errors"], [{"field": "body", "message": said}])
        answer = await api.post(
            "/api/tickets", content=ticket, headers={"Content-Type": "application/x+json; a=b"}
        )
        self.assertEqual(answer.status_code, 201)

    async def test_a_header_that_cannot_be_is_named(self) -> None:
        api = await self.program_of(await self.new_employee())
        for key in ("", "with space", "x" * 201):
            async with self.nothing_changes():
                answer = await api.post(
                    "/api/tickets", json=ticket_json(), headers={"Idempotency-Key": key}
                )
            problem = self.assert_problem(answer, 422, "invalid-input")
            self.assertEqual([error["field"] for error in problem["errors"]], ["idempotency-key"])
        answer = await api.post(
            "/api/tickets", json=ticket_json(amount="0"), headers={"Idempotency-Key": "with space"}
        )
        problem = self.assert_problem(answer, 422, "invalid-input")
        wrong = {error["field"] for error in problem["errors"]}
        self.assertEqual(wrong, {"idempotency-key", "amount"})

    async def test_a_decision_needs_no_body(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        api = await self.program_of(dana)
        wanted: list[dict[str, Any]] = [{}, {"json": None}, {"json": {}}]
        for sent in wanted:
            ticket = await self.new_ticket(ada)
            answer = await api.post(f"/api/tickets/{ticket}/approve", **sent)
            self.assertEqual(answer.status_code, 200, answer.text)
            self.assertIsNone(answer.json()["decision"]["reason"])
            self.assertEqual((await self.last_event()).action, "ticket.approved")

    async def test_a_body_of_more_than_a_megabyte_is_refused(self) -> None:
        api = await self.program_of(await self.new_employee())
        async with self.nothing_changes():
            answer = await api.post(
                "/api/tickets", content=json.dumps(ticket_json(description="x" * 1_100_000))
            )
        self.assert_problem(answer, 413, "content-too-large")
