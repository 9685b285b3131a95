"""The employers' console: who gets in, what SQLAdmin must not do, decisions and suspensions."""

from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount

from tests.harness import PASSWORD, AppTestCase


class Access(AppTestCase):
    PAGES = (
        "/admin/",
        "/admin/ticket/list",
        "/admin/ticket/details/1",
        "/admin/employee/list",
        "/admin/employee/details/1",
        "/admin/overview",
        "/admin/history",
    )

    async def test_a_stranger_logs_in_first_and_gets_the_page_asked_for(self) -> None:
        boss = await self.new_employer()
        browser = await self.client()
        for path in self.PAGES:
            answer = await browser.get(path)
            self.assertEqual(answer.status_code, 303)
            self.assertEqual(answer.headers["location"], f"/login?next={path}")
        answer = await browser.post(
            "/login",
            data={"email": boss.email, "password": PASSWORD, "next": "/admin/employee/list"},
        )
        self.assertEqual(answer.headers["location"], "/admin/employee/list")

    async def test_an_employee_is_refused_everywhere(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        for path in self.PAGES:
            self.assertEqual((await browser.get(path)).status_code, 403)
        async with self.nothing_changes():
            for path in (
                f"/admin/ticket/{ticket}/approve",
                f"/admin/ticket/{ticket}/deny",
                f"/admin/employee/{ada.id}/suspend",
                f"/admin/employee/{ada.id}/reactivate",
            ):
                answer = await browser.post(path, data={"reason": "x"})
                self.assertEqual(answer.status_code, 403)

    async def test_nothing_else_of_sqladmin_is_there(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(await self.new_employer())
        async with self.nothing_changes():
            for method, path in (
                ("GET", "/admin/login"),
                ("POST", "/admin/login"),
                ("GET", "/admin/logout"),
                ("GET", "/admin/ticket/create"),
                ("POST", "/admin/ticket/create"),
                ("GET", f"/admin/ticket/edit/{ticket}"),
                ("POST", f"/admin/ticket/edit/{ticket}"),
                ("DELETE", f"/admin/ticket/delete?pks={ticket}"),
                ("GET", "/admin/employee/export/csv"),
                ("POST", "/admin/ticket/import"),
                ("GET", "/admin/ticket/ajax/lookup?name=owner&term=a"),
                ("GET", f"/admin/ticket/{ticket}/links/download/"),
                ("GET", "/admin/user/list"),
                ("GET", "/admin/event/list"),
                ("GET", "/admin/statics/js/main.js"),
            ):
                answer = await browser.request(method, path)
                self.assertEqual(answer.status_code, 404, path)
            for path in (f"/admin/ticket/{ticket}/approve", f"/admin/ticket/{ticket}/deny"):
                self.assertEqual((await browser.get(path)).status_code, 405)

    async def test_odd_keys_and_values_are_refused_not_failed_over(self) -> None:
        browser = await self.browser_of(await self.new_employer())
        for key in ("0", "-1", "x", "1;2", "%00", str(2**63), "9" * 400, "\u0661", "1/2"):
            for table in ("ticket", "employee"):
                answer = await browser.get(f"/admin/{table}/details/{key}")
                self.assertEqual(answer.status_code, 404, (table, key))
        for table in ("ticket", "employee"):
            for query in ("status=lost", "cursor=x", "cursor=%00", "status=%00"):
                answer = await browser.get(f"/admin/{table}/list?{query}")
                self.assertEqual(answer.status_code, 422, (table, query))


class Decide(AppTestCase):
    async def test_the_list_shows_everyones_tickets(self) -> None:
        ada, ben, boss = (
            await self.new_employee("Ada"),
            await self.new_employee("Ben"),
            await self.new_employer(),
        )
        await self.new_ticket(ada, description="Train to Turin")
        await self.new_ticket(ben, description="Boat to Bergen")
        browser = await self.browser_of(boss)
        page = await browser.get("/admin/ticket/list")
        for text in ("Train to Turin", "Boat to Bergen", "Ada", "Ben"):
            self.assertIn(text, page.text)
        await self.suspend(ben, by=boss)
        page = await browser.get("/admin/ticket/list")
        self.assertIn("Train to Turin", page.text)
        self.assertNotIn("Boat to Bergen", page.text)

    async def test_approve_from_the_list(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(boss)
        page = await browser.get("/admin/ticket/list?status=pending")
        self.assertIn(f'action="/admin/ticket/{ticket}/approve"', page.text)
        answer = await browser.post(
            f"/admin/ticket/{ticket}/approve", data={"next": "/admin/ticket/list?status=pending"}
        )
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["location"], "/admin/ticket/list?status=pending")
        page = await browser.get("/admin/ticket/list?status=pending")
        self.assertIn(f"Ticket {ticket} is approved", page.text)
        self.assertNotIn(f'action="/admin/ticket/{ticket}/approve"', page.text)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.ticket_id), ("ticket.approved", boss.id, ticket)
        )

    async def test_a_denial_needs_its_reason(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(boss)
        async with self.nothing_changes():
            page = await browser.post(f"/admin/ticket/{ticket}/deny", data={"reason": " "})
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="reason-problem"', page.text)
        await browser.post(f"/admin/ticket/{ticket}/deny", data={"reason": "No receipt"})
        view = await self.ticket(ticket, seen_by=boss)
        self.assertEqual((view.status, view.decision_reason), ("denied", "No receipt"))
        self.assertEqual((await self.last_event()).details, {"reason": "No receipt"})

    async def test_the_slower_one_sees_who_was_faster(self) -> None:
        ada, dana, omar = (
            await self.new_employee(),
            await self.new_employer("Dana"),
            await self.new_employer("Omar"),
        )
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(omar)
        await self.deny(ticket, by=dana, reason="No receipt")
        async with self.nothing_changes():
            page = await browser.post(f"/admin/ticket/{ticket}/approve")
        self.assertEqual(page.status_code, 409)
        for text in ("already denied by Dana", "No receipt", "Denied"):
            self.assertIn(text, page.text)

    async def test_the_details_tell_the_history(self) -> None:
        ada, boss = await self.new_employee("Ada"), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada)
        await self.approve(ticket, by=boss, reason="Well spent")
        page = await (await self.browser_of(boss)).get(f"/admin/ticket/details/{ticket}")
        for text in ("Filed", "Approved", "Dana", "Well spent", ada.email):
            self.assertIn(text, page.text)


class Suspend(AppTestCase):
    async def test_suspend_and_reactivate_from_the_list(self) -> None:
        ada, boss = await self.new_employee("Ada"), await self.new_employer()
        ticket = await self.new_ticket(ada)
        browser, hers = await self.browser_of(boss), await self.browser_of(ada)
        page = await browser.get("/admin/employee/list")
        self.assertIn(f'action="/admin/employee/{ada.id}/suspend"', page.text)
        answer = await browser.post(f"/admin/employee/{ada.id}/suspend", data={"reason": "Left"})
        self.assertEqual(answer.headers["location"], "/admin/employee/list")
        self.assertIn("Ada is suspended", (await browser.get("/admin/employee/list")).text)
        event = await self.last_event()
        self.assertEqual((event.action, event.user_id), ("user.suspended", ada.id))
        self.assertEqual((await hers.get("/tickets")).status_code, 303)
        answer = await browser.get(f"/admin/ticket/details/{ticket}")
        self.assertEqual(answer.status_code, 404)
        async with self.nothing_changes():
            await browser.post(f"/admin/employee/{ada.id}/suspend")
        self.assertIn("already suspended", (await browser.get("/admin/employee/list")).text)
        await browser.post(f"/admin/employee/{ada.id}/reactivate")
        self.assertEqual((await self.last_event()).action, "user.reactivated")
        answer = await browser.get(f"/admin/ticket/details/{ticket}")
        self.assertEqual(answer.status_code, 200)

    async def test_no_page_shows_a_password_hash(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        browser = await self.browser_of(boss)
        for path in ("/admin/employee/list", f"/admin/employee/details/{ada.id}"):
            page = await browser.get(path)
            self.assertIn(ada.email, page.text)
            self.assertNotIn("$bcrypt", page.text)

    async def test_employers_are_not_among_the_employees(self) -> None:
        boss = await self.new_employer()
        browser = await self.browser_of(boss)
        page = await browser.get(f"/admin/employee/details/{boss.id}")
        self.assertEqual(page.headers["location"], f"/admin/employers/{boss.id}")
        async with self.nothing_changes():
            answer = await browser.post(f"/admin/employee/{boss.id}/suspend")
        self.assertEqual(answer.status_code, 404)


class Assembly(AppTestCase):
    async def test_there_is_one_session_middleware(self) -> None:
        kinds: list[object] = [middleware.cls for middleware in self.app.user_middleware]
        [console] = [
            route.app
            for route in self.app.routes
            if isinstance(route, Mount) and route.path == "/admin"
        ]
        assert isinstance(console, Starlette)
        kinds += [middleware.cls for middleware in console.user_middleware]
        self.assertEqual(kinds.count(SessionMiddleware), 1)
