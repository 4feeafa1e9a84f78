"""The oracle tests: kernels in the server against independent libraries.

The server is the one that psql would reach (PGHOST, PGPORT, PGUSER, ...); the
role must be a superuser, since the tests make a scratch database and install
the extension in it.
"""
import os

import psycopg
import pytest
from psycopg import sql

import graphs

SCRATCH = f"rk_oracle_{os.getpid()}"


@pytest.fixture(scope="session")
def server():
    """Makes the scratch database; returns the arguments to connect to it."""
    maintenance = os.environ.get("PGDATABASE", "postgres")
    name = sql.Identifier(SCRATCH)
    with psycopg.connect(dbname=maintenance, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(name))
    with psycopg.connect(dbname=SCRATCH, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION rustkernels")
    yield {"dbname": SCRATCH}
    with psycopg.connect(dbname=maintenance, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def session(server):
    """The connection that all tests share."""
    with psycopg.connect(autocommit=True, **server) as conn:
        graphs.prepare(conn)
        yield conn


@pytest.fixture
def db(session):
    """The connection, with the settings of a new session."""
    session.execute("RESET ALL")
    return session


@pytest.fixture(scope="session")
def kernels(session):
    """Ids of the kernels that the installed extension has."""
    return {row[0] for row in session.execute("SELECT id FROM rk.kernels")}


@pytest.fixture(autouse=True)
def kernel_present(request, kernels):
    """Skips the tests of a kernel that the installed extension does not have."""
    wanted = getattr(request.module, "KERNEL", None)
    if wanted is not None and wanted not in kernels:
        pytest.skip(f"{wanted} is not installed")
