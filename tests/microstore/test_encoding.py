"""The encoding of a database."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg2

from stack.places import ROOT

NAME = "armchairs_in_ascii"
CREATE = f"CREATE DATABASE {NAME} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"


def test_a_database_of_another_encoding_is_refused_before_it_has_a_table() -> None:
    server = psycopg2.connect(os.environ["LISTINGS_DATABASE_URL"])
    server.autocommit = True
    try:
        with server.cursor() as cursor:
            cursor.execute(CREATE)
            try:
                url = urlsplit(os.environ["LISTINGS_DATABASE_URL"])._replace(path=f"/{NAME}").geturl()
                migrated = subprocess.run(
                    [sys.executable, "manage.py", "migrate"],
                    cwd=ROOT,
                    env={**os.environ, "DEBUG": "1", "DATABASE_URL": url},
                    capture_output=True,
                    text=True,
                    check=False,
                )
            finally:
                cursor.execute(f"DROP DATABASE {NAME}")
    finally:
        server.close()
    assert migrated.returncode == 1
    assert migrated.stderr == (
        "CommandError: The database has the encoding SQL_ASCII: "
        "create it with ENCODING 'UTF8' TEMPLATE template0.\n"
    )
