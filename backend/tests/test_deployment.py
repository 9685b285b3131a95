"""What containers are built and started from says the same as the code."""

import re
import unittest
from pathlib import Path

import yaml

from expenses.settings import Settings
from expenses.web.security.body_limit import LARGER_BODY_SIZES

TOP = Path(__file__).parents[2]
SETTINGS = {name.upper() for name in Settings.model_fields}


def read(*parts: str) -> str:
    return TOP.joinpath(*parts).read_text(encoding="utf-8")


class EverySetting(unittest.TestCase):
    def test_has_a_row_in_the_table_of_settings(self) -> None:
        table = read("backend", "docs", "settings.md")
        rows = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
        self.assertEqual(rows, SETTINGS)

    def test_is_handed_to_the_containers(self) -> None:
        handed = set(re.findall(r"^    ([A-Z_]+): ", read("docker-compose.yml"), re.MULTILINE))
        others = {name for name in handed if name.startswith("OTEL_")} | {"PGPASSWORD"}
        self.assertEqual(handed - others, SETTINGS)

    def test_is_named_in_the_example_of_the_environment(self) -> None:
        words = r"\b[A-Z]+_[A-Z_]+\b|\b(?:COMPANY|CURRENCY|REGISTRATION|TIMEZONE)\b"
        named = set(re.findall(words, read(".env.example")))
        self.assertEqual(SETTINGS - named, set())

    def test_has_the_same_default_everywhere(self) -> None:
        compose = read("docker-compose.yml")
        for name, field in Settings.model_fields.items():
            written = re.search(rf"{name.upper()}: \$\{{{name.upper()}:-([^}}]*)\}}", compose)
            # Behind the proxy of that file, with its volume, and for whoever collects logs.
            if written and name not in {"trusted_proxies", "storage_url", "log_format"}:
                with self.subTest(setting=name):
                    given = Settings.model_validate({name: written[1]} if written[1] else {})
                    self.assertEqual(getattr(given, name), field.get_default())


class Services(unittest.TestCase):
    """What only an engine could show is left to it; what its documentation says is held here."""

    def setUp(self) -> None:
        self.services = yaml.safe_load(read("docker-compose.yml"))["services"]

    def test_one_builds_the_image_and_nobody_pulls_it(self) -> None:
        ours = {
            name: service
            for name, service in self.services.items()
            if service["image"] == "contoso-expenses"
        }
        self.assertEqual(set(ours), {"app", "migrate", "doctor", "seed"})
        self.assertEqual([name for name, service in ours.items() if "build" in service], ["app"])
        self.assertEqual({service["pull_policy"] for service in ours.values()}, {"never"})

    def test_doctor_waits_for_no_migration(self) -> None:
        self.assertEqual(set(self.services["doctor"]["depends_on"]), {"postgres"})
        self.assertEqual(self.services["doctor"]["profiles"], ["tools"])

    def test_each_is_an_ordinary_user_who_can_write_to_nothing(self) -> None:
        self.assertIn("USER 10001:10001", read("backend", "Dockerfile"))
        for name, service in self.services.items():
            with self.subTest(service=name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                if service["image"] != "contoso-expenses":
                    self.assertIn(service["user"], ("postgres", "nginx"))

    def test_nginx_listens_where_an_ordinary_user_may_and_says_that_it_is_well(self) -> None:
        nginx, conf = self.services["nginx"], read("backend", "deploy", "nginx.conf")
        [port] = re.findall(r"^ +listen (\d+);", conf, re.MULTILINE)
        self.assertGreater(int(port), 1023)
        self.assertTrue(nginx["ports"][0].endswith(f":{port}"))
        self.assertIn(f":{port}/nginx-health", " ".join(nginx["healthcheck"]["test"]))
        self.assertIn("location = /nginx-health {", conf)

    def test_nginx_takes_as_much_as_the_application(self) -> None:
        conf = read("backend", "deploy", "nginx.conf")
        [megabytes] = re.findall(r"client_max_body_size (\d+)m;", conf)
        largest = max(size for _, size in LARGER_BODY_SIZES)
        self.assertGreaterEqual(int(megabytes) * 2**20, largest)


class Receipts(unittest.TestCase):
    """All processes keep them in one volume, which the image's user may write to."""

    def setUp(self) -> None:
        self.compose = yaml.safe_load(read("docker-compose.yml"))

    def test_one_volume_is_for_all_who_run_the_image(self) -> None:
        self.assertIn("receipts", self.compose["volumes"])
        for name, service in self.compose["services"].items():
            if service["image"] == "contoso-expenses":
                with self.subTest(service=name):
                    self.assertIn("receipts:/srv/receipts", service.get("volumes", []))
                    kept_in = service["environment"]["STORAGE_URL"]
                    self.assertEqual(kept_in, "${STORAGE_URL:-file:///srv/receipts}")

    def test_a_new_volume_belongs_to_the_user_of_the_image(self) -> None:
        dockerfile = read("backend", "Dockerfile")
        made = re.search(r"^RUN install --directory (.*) /srv/receipts$", dockerfile, re.MULTILINE)
        assert made is not None
        self.assertIn("--owner=expenses --group=expenses", made[1])
        # As root, who may, and after the user is there.
        self.assertLess(dockerfile.index("useradd"), made.start())
        self.assertLess(made.start(), dockerfile.index("USER 10001"))

    def test_the_variables_of_a_service_are_handed_on_and_explained(self) -> None:
        environment = self.compose["services"]["app"]["environment"]
        handed_on = {name for name, value in environment.items() if value is None}
        settings = read("backend", "docs", "settings.md")
        self.assertEqual(handed_on, set(re.findall(r"\*\*`([A-Z_]+)`\*\*", settings)))


class Secrets(unittest.TestCase):
    def test_none_is_written_down(self) -> None:
        for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
            self.assertIn(f"\n{name}=\n", read(".env.example"))
            self.assertIn(f"${{{name}:?", read("docker-compose.yml"))
