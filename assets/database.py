"""The records of Dagster and MLflow in a PostgreSQL database, in place of files in the data folder.

Files of SQLite are for one machine: several need a server. Each of the two has a schema of its own in the database,
because both have a table ``runs``.
"""

import json
import logging
import os
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from sepmodels.errors import UserError

VARIABLE = "SEPBENCH_DATABASE"
DAGSTER_VARIABLE = "SEPBENCH_DAGSTER_DATABASE"  # set here; Dagster's settings name it, and so hold no password
DAGSTER, MLFLOW, OWN = "sepbench_dagster", "sepbench_mlflow", "sepbench"  # schemas
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
IDENTITY = "database.json"  # in the data folder: by which its database knows it


def is_used() -> bool:
    """Whether a database was named."""
    return bool(os.environ.get(VARIABLE, "").strip())


def schema_url(schema: str = OWN) -> str:
    """The address of a schema of the database, for SQLAlchemy. Raises UserError where it is none of PostgreSQL's."""
    text = os.environ.get(VARIABLE, "").strip()
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not parts.path.strip("/"):
        raise UserError(
            f"{VARIABLE} is no address of a PostgreSQL database: write postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    query = [*parse_qsl(parts.query), ("options", f"-csearch_path={schema}")]
    whole = parts._replace(scheme="postgresql+psycopg2", query=urlencode(query, quote_via=quote))
    return urlunsplit(whole)


def knows(data: Path) -> bool:
    """Whether the records of the data folder are in the database that was named."""
    return is_used() and (data / IDENTITY).exists()


def where() -> str:
    """The database in words, without the password."""
    parts = urlsplit(os.environ.get(VARIABLE, "").strip())
    return f"the database {parts.path.strip('/')}{f' on {parts.hostname}' if parts.hostname else ''}"


def place_of(folder: Path) -> str | Path:
    """Where the records are that would else lie in a folder of the data folder, in words."""
    return where() if is_used() else folder


def use_database(data: Path) -> None:
    """Make the database ready for a data folder: its schemas, the tables that today's Dagster and MLflow want.

    Raises UserError where the server cannot be reached, a package is missing, or the database is another folder's.
    """
    os.environ[DAGSTER_VARIABLE] = schema_url(DAGSTER)
    _prepare(schema_url(), data)


@cache
def _prepare(url: str, data: Path) -> None:
    from sqlalchemy import text

    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(5361707)"))  # one machine at a time; to its end
        for schema in (OWN, DAGSTER, MLFLOW):
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {OWN}.facts (name text PRIMARY KEY, value text)"))
        facts = dict(connection.execute(text(f"SELECT name, value FROM {OWN}.facts")).all())
        mine = _identity(data)
        if facts.get("data folder", mine) != mine:
            raise UserError(
                f"{where().capitalize()} has the records of another data folder than {data}: name one of its own."
            )
        now = {"data folder": mine, **{name: version(name) for name in ("dagster", "mlflow")}}
        if facts == now:
            return
        _migrate()
        insert = f"INSERT INTO {OWN}.facts VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"
        connection.execute(text(insert), [{"name": name, "value": value} for name, value in now.items()])


def _migrate() -> None:
    """Bring the tables of both to what the installed versions want; makes them where there are none."""
    from dagster_postgres import DagsterPostgresStorage

    storage = DagsterPostgresStorage(schema_url(DAGSTER), should_autocreate_tables=True)
    for part in (storage.event_log_storage, storage.run_storage, storage.schedule_storage):
        part.upgrade()
        part.dispose()
    migrate_mlflow(schema_url(MLFLOW))


def migrate_mlflow(url: str) -> None:
    """Give the store at ``url`` (SQLAlchemy's) the tables that the installed MLflow wants."""
    from mlflow.store.db.utils import _initialize_tables, _upgrade_db
    from sqlalchemy import create_engine, inspect

    engine = create_engine(url)
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # or each table is told of
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, of SQLAlchemy
            if inspect(engine).has_table("experiments"):
                _upgrade_db(engine)
            else:
                _initialize_tables(engine)
    finally:
        engine.dispose()


def has_open_mlflow_runs() -> bool:
    """Whether MLflow has a run that is under way; to import MLflow takes seconds."""
    from sqlalchemy import text

    with _connection(schema_url(MLFLOW)) as connection:
        found = connection.execute(text(f"SELECT 1 FROM {MLFLOW}.runs WHERE status = 'RUNNING' LIMIT 1"))
        return found.first() is not None


@contextmanager
def _connection(url: str) -> Iterator:
    """A connection for the block, on which each statement counts at once."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    try:
        import dagster_postgres  # noqa: F401
        import psycopg2  # noqa: F401
    except ImportError:
        raise UserError(f"{VARIABLE} needs the package dagster-postgres: pip install 'sepbench[postgres]'.") from None
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as fault:
        reason = str(fault.orig).strip().splitlines()[-1].strip()
        raise UserError(f"{where().capitalize()} cannot be reached ({reason}): see {VARIABLE}.") from None
    finally:
        engine.dispose()


def _identity(data: Path) -> str:
    """The number that stands for the data folder, wherever it lies."""
    from sepmodels.files import replacing

    file = data / IDENTITY
    if not file.exists():
        with replacing(file) as temporary:
            temporary.write_text(json.dumps({"data folder": str(uuid.uuid4())}), encoding="utf-8")
    return str(json.loads(file.read_text(encoding="utf-8"))["data folder"])
