"""Employees through the API: listed, suspended, reactivated."""

import asyncio

from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, ticket_json


class Employees(AppTestCase):
    async def test_employers_list_employees_by_status(self) -> None:
        ada, ben, boss = (
            await self.new_employee("Ada"),
            await self.new_employee("Ben"),
            await self.new_employer(),
        )
        await self.suspend(ben, by=boss)
        api = await self.program_of(boss)
        for query, names in (
            ("", ["Ben", "Ada"]),
            ("?status=active", ["Ada"]),
            ("?status=suspended", ["Ben"]),
            ("?limit=1", ["Ben"]),
        ):
            page = (await api.get(f"/api/employees{query}")).json()
            self.assertEqual([user["username"] for user in page["items"]], names)
        cursor = (await api.get("/api/employees?limit=1")).json()["next"]
        page = (await api.get(f"/api/employees?limit=1&cursor={cursor}")).json()
        self.assertEqual(([u["id"] for u in page["items"]], page["next"]), ([ada.id], None))
        one = (await api.get(f"/api/employees/{ben.id}")).json()
        self.assertEqual((one["username"], one["suspended"]), ("Ben", True))
        self.assert_problem(await api.get(f"/api/employees/{boss.id}"), 404, "not-found")

    async def test_employees_see_and_suspend_nobody(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        api = await self.program_of(ada)
        async with self.nothing_changes():
            for answer in (
                await api.get("/api/employees"),
                await api.get(f"/api/employees/{ben.id}"),
                await api.post(f"/api/employees/{ben.id}/suspend"),
                await api.post(f"/api/employees/{ada.id}/reactivate"),
            ):
                self.assert_problem(answer, 403, "forbidden")


class Events(AppTestCase):
    async def test_employers_read_what_happened_to_an_account(self) -> None:
        ada, boss = await self.new_employee("Ada"), await self.new_employer()
        stranger = await self.client()
        await stranger.post("/login", data={"email": ada.email, "password": PASSWORD})
        await self.new_ticket(ada)
        await self.suspend(ada, by=boss)
        api = await self.program_of(boss)
        path = f"/api/employees/{ada.id}/events"
        page = (await api.get(path)).json()
        self.assertEqual(
            [(event["action"], event["actor"]["id"]) for event in page["items"]],
            [
                ("user.suspended", boss.id),
                ("user.new_device", ada.id),
                ("user.registered", ada.id),
            ],
        )
        self.assertIsNone(page["next"])
        first = (await api.get(path, params={"limit": 2})).json()
        rest = (await api.get(path, params={"limit": 2, "cursor": first["next"]})).json()
        self.assertEqual(first["items"] + rest["items"], page["items"])

    async def test_nobody_else_does(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        hers, api = await self.program_of(ada), await self.program_of(boss)
        self.assert_problem(await hers.get(f"/api/employees/{ada.id}/events"), 403, "forbidden")
        self.assert_problem(await api.get(f"/api/employees/{boss.id}/events"), 404, "not-found")


class Suspend(AppTestCase):
    async def test_everything_disappears_at_once_and_comes_back_unchanged(self) -> None:
        ada, boss = await self.new_employee("Ada"), await self.new_employer()
        tickets = [await self.new_ticket(ada) for _ in range(3)]
        await self.approve(tickets[0], by=boss)
        program, browser = await self.program_of(ada), await self.browser_of(ada)
        employer = await self.program_of(boss)
        before = (await employer.get("/api/tickets")).json()
        self.assertEqual(len(before["items"]), 3)

        answer = await employer.post(
            f"/api/employees/{ada.id}/suspend", json={"reason": "Left the company"}
        )
        self.assertEqual((answer.status_code, answer.json()["suspended"]), (200, True))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.suspended",
                boss.id,
                ada.id,
                {
                    "reason": "Left the company",
                    "sessions_ended": 2,
                    "hidden": [
                        {
                            "currency": "USD",
                            "tickets": 3,
                            "amount": "37.50",
                            "approved_tickets": 1,
                            "approved_amount": "12.50",
                        }
                    ],
                },
            ),
        )
        history = await employer.get(f"/api/employees/{ada.id}/suspensions")
        [suspension] = history.json()["items"]
        self.assertEqual(
            (suspension["action"], suspension["actor"]["id"], suspension["details"]),
            ("user.suspended", boss.id, event.details),
        )

        for client in (program, browser):
            self.assert_problem(await client.get("/api/me"), 401, "not-logged-in")
        log_in = {"email": ada.email, "password": PASSWORD}
        self.assert_problem(
            await (await self.client()).post("/api/session", json=log_in), 403, "suspended"
        )
        self.assertEqual((await employer.get("/api/tickets")).json()["items"], [])
        for path in ("", "/history"):
            for ticket in tickets:
                hidden = await employer.get(f"/api/tickets/{ticket}{path}")
                self.assert_problem(hidden, 404, "not-found")
        for verb in ("approve", "deny"):
            async with self.nothing_changes():
                hidden = await employer.post(
                    f"/api/tickets/{tickets[1]}/{verb}", json={"reason": "x"}
                )
            self.assert_problem(hidden, 404, "not-found")
        async with self.nothing_changes():
            again = await employer.post(f"/api/employees/{ada.id}/suspend")
        self.assert_problem(again, 409, "already-suspended")

        answer = await employer.post(f"/api/employees/{ada.id}/reactivate")
        self.assertEqual((answer.status_code, answer.json()["suspended"]), (200, False))
        self.assertEqual((await self.last_event()).action, "user.reactivated")
        self.assertEqual((await employer.get("/api/tickets")).json(), before)
        self.assert_problem(await program.get("/api/me"), 401, "not-logged-in")
        again_in = await (await self.client()).post("/api/session", json=log_in)
        self.assertEqual(again_in.status_code, 200)
        async with self.nothing_changes():
            again = await employer.post(f"/api/employees/{ada.id}/reactivate")
        self.assert_problem(again, 409, "not-suspended")

    async def test_an_employer_cannot_be_suspended(self) -> None:
        boss, other = await self.new_employer(), await self.new_employer()
        api = await self.program_of(boss)
        async with self.nothing_changes():
            answer = await api.post(f"/api/employees/{other.id}/suspend")
        self.assert_problem(answer, 404, "not-found")


class SuspendAtOnce(CommittingTestCase):
    async def test_what_is_filed_meanwhile_is_never_left_visible(self) -> None:
        boss = await self.new_employer()
        employer = await self.program_of(boss)
        for _ in range(5):
            ada = await self.new_employee()
            programs = [await self.program_of(ada) for _ in range(6)]
            log_in = {"email": ada.email, "password": PASSWORD}
            *filed, suspended, logged_in = await asyncio.gather(
                *(program.post("/api/tickets", json=ticket_json()) for program in programs),
                employer.post(f"/api/employees/{ada.id}/suspend"),
                employer.post("/api/session", json=log_in),
            )
            self.assertEqual(suspended.status_code, 200)
            for answer in filed:
                self.assertIn(answer.status_code, {201, 401, 404})
            self.assertIn(logged_in.status_code, {200, 403})
            seen = await employer.get("/api/tickets", params={"owner": ada.id})
            self.assertEqual(seen.json()["items"], [])
            for program in programs:
                self.assert_problem(await program.get("/api/me"), 401, "not-logged-in")
            await employer.post(f"/api/employees/{ada.id}/reactivate")
            # Nothing that was opened before or during the suspension works after it.
            if logged_in.status_code == 200:
                stale = await self.client(Authorization=f"Bearer {logged_in.json()['token']}")
                self.assert_problem(await stale.get("/api/me"), 401, "not-logged-in")
            kept = await employer.get("/api/tickets", params={"owner": ada.id})
            self.assertEqual(
                len(kept.json()["items"]),
                sum(answer.status_code == 201 for answer in filed),
            )

    async def test_two_who_suspend_at_once_are_told_apart(self) -> None:
        ada = await self.new_employee()
        programs = [await self.program_of(await self.new_employer()) for _ in range(4)]
        answers = await asyncio.gather(
            *(program.post(f"/api/employees/{ada.id}/suspend") for program in programs)
        )
        self.assertEqual(sorted(answer.status_code for answer in answers), [200, 409, 409, 409])
        self.assertEqual(len(await self.events("user.suspended")), 1)
