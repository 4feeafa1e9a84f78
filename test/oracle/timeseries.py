"""Random time series, and the temporal kernels over many of them in one call."""
import numpy as np

from psycopg import sql
from psycopg.rows import dict_row


def literal(value):
    if isinstance(value, (list, tuple)):
        return sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(map(sql.Literal, value)))
    return sql.Literal(value)


def call(db, function, argument, **params):
    """Rows of rk.function(argument, ...) as dictionaries."""
    given = [sql.SQL(", {} => {}").format(sql.Identifier(k), literal(v)) for k, v in params.items()]
    with db.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql.SQL("SELECT * FROM rk.{}({}{})").format(
            sql.Identifier(function), argument, sql.SQL("").join(given)))
        return cursor.fetchall()


def run(db, function, series, **params):
    """The rows of each of the series, all in one call."""
    db.execute("DROP TABLE IF EXISTS series")
    db.execute("CREATE TEMP TABLE series (series_id bigint, t bigint, value float8)")
    with db.cursor().copy("COPY series FROM STDIN") as copy:
        for number, values in enumerate(series):
            for t, value in enumerate(values):
                copy.write_row((number, t, None if np.isnan(value) else float(value)))
    result = [[] for _ in series]
    for row in call(db, function, sql.SQL("'TABLE series'"), **params):
        result[row["series_id"]].append(row)
    return result


def run_array(db, function, values, **params):
    """The rows of one series given as an array."""
    return call(db, function, sql.Literal(list(map(float, values))), **params)


def column(rows, name):
    return np.array([np.nan if r[name] is None else r[name] for r in rows], dtype=float)


def levels(rng, n):
    """Piecewise constant levels with noise."""
    changes = np.sort(rng.integers(1, max(n, 2), rng.integers(0, 6)))
    level = np.zeros(n)
    for c in changes:
        level[c:] += rng.normal(0, 3)
    return level + rng.normal(0, rng.choice([0.1, 1.0]), n)


def seasonal(rng, n, period):
    """Trend, season and noise."""
    t = np.arange(n)
    return (50 + rng.normal(0, 0.2) * t + rng.uniform(0, 10) * np.sin(2 * np.pi * t / period + rng.uniform(0, 6)) +
            np.tile(rng.normal(0, 2, period), n // period + 1)[:n] + rng.normal(0, 1, n))
