"""The line of migrations, as far as it can be seen without a database."""

import unittest

from alembic.script import ScriptDirectory

from expenses.database import migrations


class Newest(unittest.TestCase):
    def test_it_is_the_end_of_the_one_line(self) -> None:
        heads = ScriptDirectory(str(migrations.FOLDER)).get_heads()
        self.assertEqual(heads, [migrations.NEWEST], "Set NEWEST in database/migrations.")
