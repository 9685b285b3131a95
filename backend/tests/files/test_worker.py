"""What a hostile file cannot do to the process that reads it for us."""

import os
import unittest
from typing import Any
from unittest.mock import patch

from expenses.files.worker import TOO_LARGE, TOO_SLOW, Unreadable, read_apart


class ReadApart(unittest.TestCase):
    def read(self, what: str) -> Any:
        return read_apart("tests.files.hostile", b"Lunch", what)

    def test_what_was_read_comes_back(self) -> None:
        with patch.dict(os.environ, {"DATABASE_URL": "postgresql://app:secret@db/app"}):
            text, environment = self.read("reads")
        self.assertEqual(text, "Lunch")
        self.assertNotIn("DATABASE_URL", environment)

    def test_each_way_to_fail_has_its_word(self) -> None:
        for what, problem in (
            ("loops", TOO_SLOW),
            ("takes all memory", TOO_LARGE),
            ("crashes", TOO_LARGE),
            ("refuses", "other"),
        ):
            with self.assertRaises(Unreadable) as raised:
                self.read(what)
            self.assertEqual(raised.exception.problem, problem)

    def test_a_mistake_of_ours_is_logged(self) -> None:
        with self.assertLogs("expenses.files.worker") as logged, self.assertRaises(Unreadable):
            self.read("has a bug")
        self.assertIn("KeyError: 'nothing'", logged.output[0])
