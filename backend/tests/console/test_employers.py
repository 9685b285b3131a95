"""The employers in the console: their list, a page for each, roles, and letting them leave."""

import re

from tests.console.test_bulk import form_of
from tests.harness import AppTestCase


class EmployersTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana, self.priya = await self.new_employer("Dana"), await self.new_employer("Priya")
        self.browser = await self.browser_of(self.dana)

    async def text_of(self, address: str) -> str:
        page = await self.browser.get(address)
        self.assertEqual(page.status_code, 200)
        return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


class Leaving(EmployersTestCase):
    async def test_an_employer_is_deactivated_and_activated_again(self) -> None:
        await self.token_of(self.priya)
        here = f"/admin/employers/{self.priya.id}"
        async with self.nothing_changes():
            asked = await self.text_of(f"{here}/deactivate")
        self.assertIn("1 session will end at once", asked)
        self.assertIn("stays as it is, with their name", asked)
        answer = await self.browser.post(f"{here}/deactivate", data={"reason": "Left"})
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, here))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.deactivated",
                self.dana.id,
                self.priya.id,
                {"reason": "Left", "sessions_ended": 1},
            ),
        )
        for address in ("/admin/employers", here):
            self.assertIn("Priya", await self.text_of(address))
            self.assertIn("Deactivated", await self.text_of(address))
        self.assertIn("Dana deactivated Priya", await self.text_of("/admin/history"))
        await self.browser.post(f"{here}/activate")
        self.assertEqual((await self.last_event()).action, "user.activated")
        self.assertNotIn("Deactivated", await self.text_of("/admin/employers"))

    async def test_refusals_change_nothing_and_say_why(self) -> None:
        async with self.nothing_changes():
            for who, verb, status in (
                (self.dana, "deactivate", 403),
                (self.priya, "promote", 404),
                (self.priya, "make-employer", 303),
                (self.priya, "activate", 303),
            ):
                answer = await self.browser.post(f"/admin/employers/{who.id}/{verb}")
                self.assertEqual(answer.status_code, status)
            told = await self.text_of(f"/admin/employers/{self.priya.id}")
            self.assertIn("Priya is not deactivated", told)
            page = await self.browser.post(
                f"/admin/employers/{self.priya.id}/deactivate", data={"reason": "x" * 501}
            )
            self.assertEqual(page.status_code, 422)


class Roles(EmployersTestCase):
    async def test_an_employee_becomes_an_employer(self) -> None:
        ada = await self.new_employee("Ada")
        hers = await self.browser_of(ada)
        page = await self.browser.get(f"/admin/employee/details/{ada.id}")
        self.assertIn(f"/admin/employers/{ada.id}/make-employer", page.text)
        async with self.nothing_changes():
            asked = await self.text_of(f"/admin/employers/{ada.id}/make-employer")
        self.assertIn("decide and pay them", asked)
        answer = await self.browser.post(f"/admin/employers/{ada.id}/make-employer")
        self.assertEqual(answer.headers["location"], f"/admin/employers/{ada.id}")
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.user_id, event.details),
            ("user.role_changed", ada.id, {"role": "employer", "reason": None}),
        )
        self.assertEqual((await hers.get("/admin/ticket/list")).status_code, 200)
        self.assertIn(
            "Dana changed the role of Ada to employer", await self.text_of("/admin/history")
        )
        page = await self.browser.get(f"/admin/employee/details/{ada.id}")
        self.assertEqual(page.headers["location"], f"/admin/employers/{ada.id}")

    async def test_one_who_steps_down_leaves_the_console_at_once(self) -> None:
        here = f"/admin/employers/{self.dana.id}"
        self.assertIn(here, (await self.browser.get("/account")).text)
        page = await self.text_of(here)
        self.assertIn("Step down", page)
        self.assertIn("Everything you did", page)
        answer = await self.browser.post(f"{here}/make-employee")
        self.assertEqual(answer.headers["location"], "/tickets")
        self.assertEqual((await self.browser.get("/admin/ticket/list")).status_code, 403)
        self.assertEqual((await self.browser.get("/tickets")).status_code, 200)

    async def test_the_last_one_cannot(self) -> None:
        await self.browser.post(f"/admin/employers/{self.priya.id}/make-employee")
        async with self.nothing_changes():
            answer = await self.browser.post(f"/admin/employers/{self.dana.id}/make-employee")
        self.assertEqual(answer.status_code, 303)
        told = await self.text_of(f"/admin/employers/{self.dana.id}")
        self.assertIn("Dana is the last active employer", told)


class OwnTickets(EmployersTestCase):
    """Ada filed tickets before she became an employer."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        self.own = await self.new_ticket(self.ada)
        self.due = await self.new_due_ticket(self.ada, by=self.dana)
        self.other = await self.new_ticket(self.ben)
        await self.browser.post(f"/admin/employers/{self.ada.id}/make-employer")
        self.browser = await self.browser_of(self.ada)

    async def test_they_are_in_the_console_and_the_page_says_who_can_decide(self) -> None:
        moved = await self.browser.get(f"/tickets/{self.own}")
        told = await self.text_of(moved.headers["location"])
        self.assertIn("You cannot decide a ticket of your own. Dana or Priya can.", told)
        query = f"/admin/ticket/list?employee={self.ada.email}&status=all"
        page = await self.browser.get(query)
        self.assertEqual(
            re.findall(r'<tr data-ticket="(\d+)"', page.text), [str(self.due), str(self.own)]
        )
        self.assertNotIn(f"/admin/ticket/{self.own}/approve", page.text)
        self.assertIn("All their tickets", await self.text_of(f"/admin/employers/{self.ada.id}"))
        self.assertNotIn(
            "/reopen", (await self.browser.get(f"/admin/ticket/details/{self.due}")).text
        )

    async def test_the_page_names_some_of_many(self) -> None:
        for name in ("Omar", "Zoe"):
            await self.new_employer(name)
        told = await self.text_of(f"/admin/ticket/details/{self.own}")
        self.assertIn("Dana, Priya, Omar, or another employer can.", told)

    async def test_deciding_one_is_refused_beside_the_ticket(self) -> None:
        async with self.nothing_changes():
            for verb in ("approve", "deny"):
                page = await self.browser.post(
                    f"/admin/ticket/{self.own}/{verb}", data={"reason": "Fine"}
                )
                self.assertEqual(page.status_code, 403)
                self.assertIn("You cannot decide a ticket of your own", page.text)
                self.assertIn("Dana or Priya can", page.text)
            row = await self.browser.post(
                f"/admin/ticket/{self.own}/approve",
                data={"next": "/admin/ticket/list"},
                headers={"X-Fragment": "row"},
            )
            self.assertEqual(row.status_code, 403)
            self.assertIn("You cannot decide a ticket of your own", row.text)

    async def test_many_at_once_leave_it_out_and_say_so(self) -> None:
        for chosen in ({"ticket": [self.own, self.other]}, {"all": "1"}):
            form = {"verdict": "approve", "query": ""} | chosen
            async with self.nothing_changes():
                page = await self.browser.post("/admin/ticket/decide", data=form)
            self.assertIn("1 ticket is your own and is left out", page.text)
            self.assertIn("Approve 1 ticket", page.text)
        answer = await self.browser.post("/admin/ticket/decide/all", data=form_of(page))
        told = " ".join(answer.text.split())
        self.assertIn("1 approved, 1 skipped", told)
        self.assertIn("is your own, and nobody decides their own", told)
        self.assertEqual((await self.ticket(self.own, seen_by=self.dana)).status, "pending")
        self.assertEqual((await self.last_event()).ticket_id, self.other)

    async def test_a_payment_to_oneself_is_left_to_another(self) -> None:
        run = await self.new_run(by=self.dana)
        here = f"/admin/payments/{run}"
        self.assertIn("This run pays you, too", await self.text_of(here))
        paid_on = {"paid_on": self.settings.today().isoformat()}
        async with self.nothing_changes():
            page = await self.browser.post(f"{here}/confirm")
            self.assertEqual(page.status_code, 403)
            self.assertIn("You cannot pay a ticket of your own", page.text)
        await self.confirm(run, by=self.dana)
        async with self.nothing_changes():
            number = f"{self.settings.today().year}-001-{self.ada.id}"
            booked = {"file": ("answer.csv", f"reference\n{number}\n")}
            for page in (
                await self.browser.post(f"{here}/pay", data=paid_on),
                await self.browser.post(f"{here}/answer/save", files=booked),
            ):
                self.assertEqual(page.status_code, 403)
                self.assertIn("You cannot pay a ticket of your own", page.text)
