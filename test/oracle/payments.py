"""Random transactions for the oracle tests, and the query that gives them to a kernel."""
import datetime
import random
import uuid
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

Payment = namedtuple("Payment", "row source target amount ts id currency")

START = datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc)
RATES = {"EUR": Decimal("1.0825"), "USD": Decimal(1), "JPY": Decimal("0.00675")}
UNIT = Decimal("0.00000001")


def name(kind, number):
    """The id with a number, as Python has it; numbers and ids are in the same order."""
    if kind == "text":
        return f"n{number:05}"
    if kind == "uuid":
        return uuid.UUID(int=number * 7919 + 1)
    return number


def literal(kind, value):
    return str(value) if kind == "bigint" else f"'{value}'::{kind}"


class Payments:
    """count payments among a few entities, within some hours; some to oneself, many at one moment."""

    def __init__(self, seed, entities=None, count=None, hours=None, currencies=False, amounts=None, grain=None):
        self.rng = rng = random.Random(seed)
        self.kind = rng.choice(("bigint", "text", "uuid"))
        self.id_kind = rng.choice((None, "bigint", "text", "uuid"))
        entities = entities or rng.randint(1, 7)
        count = rng.randint(0, 30) if count is None else count
        seconds = int(3600 * (hours or rng.choice((1, 48, 1000))))
        grain = grain or rng.choice((1, 1, 600))    # a coarse grain makes equal moments
        self.currencies = currencies and rng.random() < 0.5
        self.rows = []
        for row in range(count):
            cents = amounts(rng) if amounts else rng.choice((0, 1, rng.randint(1, 10**6), rng.randint(1, 20) * 10000))
            currency = rng.choice(list(RATES)) if self.currencies else None
            amount = Decimal(cents) / 100
            self.rows.append(Payment(
                row, name(self.kind, rng.randrange(entities)), name(self.kind, rng.randrange(entities)), amount,
                START + datetime.timedelta(seconds=rng.randrange(seconds) // grain * grain),
                name(self.id_kind, 1000 - row) if self.id_kind else row + 1, currency))

    def converted(self):
        """The same with amounts in the one currency, rounded half away from zero."""
        if not self.currencies:
            return self.rows
        return [p._replace(amount=(p.amount * RATES[p.currency]).quantize(UNIT, "ROUND_HALF_UP")) for p in self.rows]

    def ordered(self):
        return sorted(self.converted(), key=lambda p: (p.ts, p.row))

    def query(self, ts=True, ids=True):
        if not self.rows:
            source, id_type = literal(self.kind, name(self.kind, 1)), literal(self.id_kind, name(self.id_kind, 1)) if self.id_kind else "1"
            columns = f"{source} AS source, {source} AS target, 1 AS amount, now() AS ts"
            columns += f", {id_type} AS id" if ids and self.id_kind else ""
            columns += ", 'USD' AS currency" if self.currencies else ""
            return f"SELECT {columns} WHERE false"
        values = ", ".join(
            f"({literal(self.kind, p.source)}, {literal(self.kind, p.target)}, {p.amount}, '{p.ts.isoformat()}'::timestamptz, "
            f"{literal(self.id_kind, p.id) if self.id_kind else 'NULL'}, '{p.currency}')" for p in self.rows)
        columns = "source, target, amount" + (", ts" if ts else "") + (", id" if ids and self.id_kind else "")
        columns += ", currency" if self.currencies else ""
        return f"SELECT {columns} FROM (VALUES {values}) v (source, target, amount, ts, id, currency)"

    def call(self, function, ts=True, ids=False, entities=True, **arguments):
        """SQL of a call; the query is to be given as its one parameter."""
        parts = ["%s"]
        if entities and self.kind != "bigint":
            parts.append(f"id_type => NULL::{self.kind}")
        if ids and self.id_kind not in (None, "bigint"):
            parts.append(f"transaction_id_type => NULL::{self.id_kind}")
        if self.currencies:
            arguments["rates"] = "'{" + ", ".join(f'"{k}": {v}' for k, v in RATES.items()) + "}'"
        parts += [f"{k} => {v}" for k, v in arguments.items()]
        return f"SELECT * FROM rk.{function}({', '.join(parts)})"


def ratio(part, whole):
    """Correctly rounded, as Python divides fractions."""
    return float(Fraction(part) / Fraction(whole)) if whole else None


def interval(seconds):
    return f"'{seconds} seconds'::interval"
