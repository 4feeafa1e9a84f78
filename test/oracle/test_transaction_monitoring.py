"""compliance/transaction-monitoring: every window summed again from its definition, and SQL's window functions."""
import datetime
import json
import random
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

KERNEL = "compliance/transaction-monitoring"
getcontext().prec = 60
START = datetime.datetime(2024, 3, 8, tzinfo=datetime.timezone.utc)     # a change of the clock follows
ZONE = "America/New_York"
SEVERITIES = ["info", "low", "medium", "high", "critical", "emergency"]
WINDOWED = ("aggregate_amount", "transaction_count", "velocity", "distinct_counterparties", "just_below_threshold")
SINGLE = ("single_amount", "geographic_risk", "dormant_reactivation")
COUNTRIES = ("DE", "FR", "KY")
TYPES = ("wire", "cash_deposit", "cash_withdrawal", "card")
CURRENCIES = ("EUR", "USD", "JPY")
RATES = {"EUR": Decimal("1.0825"), "USD": Decimal(1), "JPY": Decimal("0.00675")}
UNIT = Decimal("0.00000001")


def make_transactions(rng, entities, count, hours, grain):
    rows = []
    for i in range(count):
        rows.append(dict(
            id=f"t{i}", source=f"n{rng.randrange(entities)}", target=f"n{rng.randrange(entities)}",
            amount=Decimal(rng.choice((0, 90, 95, 99, 100, 101, rng.randint(1, 20000)))) / rng.choice((1, 1, 10)),
            ts=START + datetime.timedelta(seconds=rng.randrange(int(3600 * hours)) // grain * grain),
            transaction_type=rng.choice(TYPES + (None,)), currency=rng.choice(CURRENCIES),
            source_country=rng.choice(COUNTRIES + (None,)), target_country=rng.choice(COUNTRIES + (None,)), row=i))
    return rows


def make_rules(rng, count):
    rules = []
    for i in rng.sample(range(1, 100), count):
        kind = rng.choice(WINDOWED + SINGLE + ("cash_aggregate",))
        needs = kind in WINDOWED or kind == "dormant_reactivation"
        threshold = rng.randint(0, 6) if kind in ("transaction_count", "distinct_counterparties") else rng.choice(
            (0, 100, 150, Decimal("99.5"), rng.randint(0, 3000)))
        rules.append(dict(
            id=i, name=f"rule {i}", rule_type=kind, threshold=Decimal(threshold),
            time_window=rng.choice((600, 3600, 86400, 3 * 86400)) if needs or rng.random() < 0.2 else None,
            severity=rng.choice(SEVERITIES + [None]), side=rng.choice(("source", "target", "both", None)),
            comparison=rng.choice((">=", ">", None)), currency=rng.choice((None, None, None, "USD")),
            transaction_types=rng.choice((None, None, None, ["wire", "cash_deposit"], ["no such"])),
            countries=rng.choice((None, None, None, ["KY"], ["DE", "KY"])),
            cooldown=rng.choice((None, None, 1800, 86400)), enabled=rng.choice((True, True, True, None, False))))
    return rules


def converted(amount, currency, rates):
    return (amount * RATES[currency]).quantize(UNIT, ROUND_HALF_UP) if rates else amount


class Oracle:
    """One rule and one entity; the whole past is looked through every time."""

    def __init__(self, rule, entity, events):
        self.rule, self.entity, self.events = rule, entity, events
        self.side = rule["side"] or "both"
        self.window = None if rule["time_window"] is None else datetime.timedelta(seconds=rule["time_window"])

    def counts(self, t):
        r = self.rule
        is_source, is_target = t["source"] == self.entity, t["target"] == self.entity
        if self.side == "source" and not is_source or self.side == "target" and not is_target:
            return False
        if r["currency"] and t["currency"] != r["currency"]:
            return False
        if r["transaction_types"] and t["transaction_type"] not in r["transaction_types"]:
            return False
        if r["countries"] and t["source_country"] not in r["countries"] and t["target_country"] not in r["countries"]:
            return False
        kind = r["rule_type"]
        if kind in ("single_amount", "geographic_risk"):
            if self.side == "both" and not is_source:
                return False
            return kind == "single_amount" or None not in (t["source_country"], t["target_country"]) and (
                t["source_country"] != t["target_country"])
        if kind == "distinct_counterparties":
            return t["source"] != t["target"]
        if kind == "just_below_threshold":
            return Fraction(9, 10) * Fraction(r["threshold"]) <= t["money"] < r["threshold"]
        if kind == "cash_aggregate":
            return t["transaction_type"] in ("cash_deposit", "cash_withdrawal")
        return True

    def reaches(self, value):
        return value > self.rule["threshold"] if self.rule["comparison"] == ">" else value >= self.rule["threshold"]

    def inside(self, events, now):
        return [t for t in events if now - self.window < t["ts"] <= now and self.counts(t)]

    def value(self, inside):
        kind = self.rule["rule_type"]
        if kind == "aggregate_amount":
            return sum((t["money"] for t in inside), Decimal(0))
        if kind == "velocity":
            return Fraction(sum((t["money"] for t in inside), Decimal(0))) * 3600 / self.rule["time_window"]
        if kind == "distinct_counterparties":
            return len({t["target"] if t["source"] == self.entity else t["source"] for t in inside})
        return len(inside)

    def holds(self, inside):
        return len(inside) >= 3 if self.rule["rule_type"] == "just_below_threshold" else self.reaches(self.value(inside))

    def alerts(self, as_of):
        """Pairs of time, value and transactions."""
        kind, found, active, last = self.rule["rule_type"], [], {}, None
        cooldown = self.rule["cooldown"] and datetime.timedelta(seconds=self.rule["cooldown"])
        for i, t in enumerate(self.events):
            if as_of and t["ts"] > as_of:
                break
            before, now = self.events[:i], t["ts"]
            if kind in SINGLE:
                if not self.counts(t) or not self.reaches(t["money"]):
                    continue
                if kind == "dormant_reactivation" and (not before or before[-1]["ts"] > now - self.window):
                    continue
                if as_of and self.window and now <= as_of - self.window:
                    continue
                found.append((now, t["money"], [t["id"]]))
            elif not self.counts(t) or as_of:
                continue
            elif kind == "cash_aggregate":
                day = now.astimezone(ZoneInfo(ZONE)).date()
                same = [x for x in before if self.counts(x) and x["transaction_type"] == t["transaction_type"] and
                        x["ts"].astimezone(ZoneInfo(ZONE)).date() == day]
                total = sum((x["money"] for x in same), Decimal(0))
                if total + t["money"] > self.rule["threshold"]:
                    if not total > self.rule["threshold"] or cooldown and now - last >= cooldown:
                        found.append((now, total + t["money"], [x["id"] for x in same + [t]]))
                        last = now
            else:
                if not self.holds(self.inside(before, now)):
                    active = False
                inside = self.inside(before + [t], now)
                if self.holds(inside):
                    if not active or cooldown and now - last >= cooldown:
                        found.append((now, self.value(inside), [x["id"] for x in inside]))
                        last = now
                    active = True
        if as_of and kind in WINDOWED:
            inside = self.inside(self.events, as_of)
            if self.events and self.events[0]["ts"] <= as_of and inside and self.holds(inside):
                found.append((as_of, self.value(inside), [x["id"] for x in inside]))
        if as_of and kind == "cash_aggregate":
            for cash in ("cash_withdrawal", "cash_deposit"):
                same = [x for x in self.events if x["ts"] <= as_of and self.counts(x) and x["transaction_type"] == cash and
                        x["ts"].astimezone(ZoneInfo(ZONE)).date() == as_of.astimezone(ZoneInfo(ZONE)).date()]
                total = sum((x["money"] for x in same), Decimal(0))
                if total > self.rule["threshold"] and same:
                    found.append((as_of, total, [x["id"] for x in same]))
        return found


def expected(transactions, rules, as_of, rates):
    seen = []
    for t in transactions:
        t["money"] = converted(t["amount"], t["currency"], rates)
        seen += [e for e in dict.fromkeys((t["source"], t["target"])) if e not in seen]
    ordered = sorted(transactions, key=lambda t: (t["ts"], t["row"]))
    alerts = []
    for rule in rules:
        if rule["enabled"] is False:
            continue
        for place, entity in enumerate(seen):
            events = [t for t in ordered if entity in (t["source"], t["target"])]
            for ts, value, ids in Oracle(rule, entity, events).alerts(as_of):
                severity = rule["severity"] or "medium"
                alerts.append((-SEVERITIES.index(severity), ts, rule["id"], place, severity, entity, rule, value, ids))
    alerts.sort(key=lambda a: a[:4])
    return alerts


def rounded(value):
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(value).quantize(UNIT, ROUND_HALF_UP)


def interval(seconds):
    return None if seconds is None else f"{seconds} seconds"


def load(db, transactions, rules):
    db.execute("DROP TABLE IF EXISTS tx, rules")
    db.execute("""CREATE TEMP TABLE tx (row int, id text, source text, target text, amount numeric, ts timestamptz,
        transaction_type text, currency text, source_country text, target_country text)""")
    with db.cursor().copy("COPY tx FROM STDIN") as copy:
        for t in transactions:
            copy.write_row([t[c] for c in ("row", "id", "source", "target", "amount", "ts", "transaction_type",
                                           "currency", "source_country", "target_country")])
    db.execute("""CREATE TEMP TABLE rules (id int, name text, rule_type text, threshold numeric, time_window interval, severity text,
        side text, comparison text, currency text, transaction_types text[], countries text[], cooldown interval, enabled bool)""")
    with db.cursor().copy("COPY rules FROM STDIN") as copy:
        for r in rules:
            copy.write_row([r["id"], r["name"], r["rule_type"], r["threshold"], interval(r["time_window"]), r["severity"],
                            r["side"], r["comparison"], r["currency"], r["transaction_types"], r["countries"],
                            interval(r["cooldown"]), r["enabled"]])


@pytest.mark.parametrize("batch", range(10))
def test_alerts(db, batch):
    db.execute(f"SET TimeZone = '{ZONE}'")
    for case in range(30):
        rng = random.Random(f"monitoring {batch} {case}")
        rates = rng.random() < 0.3
        transactions = make_transactions(rng, rng.randint(1, 6), rng.randint(0, 40), rng.choice((2, 30, 120)),
                                         rng.choice((1, 1800)))
        rules = make_rules(rng, rng.randint(0, 8))
        if not rates:
            for t in transactions:
                t["currency"] = "USD"
        as_of = START + datetime.timedelta(hours=rng.choice((1, 20, 50, 200))) if rng.random() < 0.3 else None
        load(db, transactions, rules)
        db.execute(f"SET rk.threads = {rng.choice((1, 2, 3))}")
        found = db.execute("""SELECT alert_id, rule_id, rule_name, rule_type, entity, ts, severity, current_value, threshold, transaction_ids
            FROM rk.compliance_transaction_monitoring('SELECT * FROM tx ORDER BY row', id_type => NULL::text,
            transaction_id_type => NULL::text, rules => 'rules', as_of => %s, rates => %s) ORDER BY alert_id""",
            (as_of, json.dumps({k: float(v) for k, v in RATES.items()}) if rates else None)).fetchall()
        wanted = expected(transactions, rules, as_of, rates)
        assert [f[1:7] for f in found] == [(a[6]["id"], a[6]["name"], a[6]["rule_type"], a[5], a[1], a[4]) for a in wanted]
        assert [f[0] for f in found] == list(range(1, len(wanted) + 1))
        assert [rounded(f[7]) for f in found] == [rounded(a[7]) for a in wanted]
        assert [f[8] for f in found] == [a[6]["threshold"] for a in wanted]
        assert [f[9] for f in found] == [a[8] for a in wanted]
        summary = db.execute("""SELECT * FROM rk.compliance_transaction_monitoring_summary('SELECT * FROM tx ORDER BY row',
            rules => 'rules', as_of => %s, rates => %s)""",
            (as_of, json.dumps({k: float(v) for k, v in RATES.items()}) if rates else None)).fetchone()
        by_rule = {str(r["id"]): 0 for r in rules if r["enabled"] is not False}
        for a in wanted:
            by_rule[str(a[6]["id"])] += 1
        assert summary == (len(wanted), len({a[5] for a in wanted}), len(transactions), by_rule)


def test_window_functions(db):
    """Sums and counts of SQL itself, with the frame RANGE of a time window; times are distinct."""
    rng = random.Random(7)
    all_found = 0
    for case in range(20):
        transactions = make_transactions(rng, 8, 300, 400, 1)
        for moment, t in zip(rng.sample(range(1, 10**6), len(transactions)), transactions):
            t["ts"] = START + datetime.timedelta(seconds=moment)
        load(db, transactions, [])
        window = rng.choice(("1 hour", "1 day", "7 days"))
        threshold = rng.randint(1, 30000)
        found = db.execute("""SELECT entity, ts, current_value FROM rk.compliance_transaction_monitoring(
            'SELECT source, target, amount, ts FROM tx ORDER BY row', id_type => NULL::text,
            rules => format($$SELECT 1 AS id, 'sum' AS name, 'aggregate_amount' AS rule_type, %%s AS threshold,
                interval %%L AS time_window, interval '1 microsecond' AS cooldown$$, %s::int, %s::text)) ORDER BY entity, ts""",
            (threshold, window)).fetchall()
        wanted = db.execute("""SELECT entity, ts, total FROM (
            SELECT entity, ts, sum(amount) OVER (PARTITION BY entity ORDER BY ts RANGE BETWEEN %s::interval PRECEDING AND CURRENT ROW)
                - coalesce(sum(amount) OVER (PARTITION BY entity ORDER BY ts RANGE BETWEEN %s::interval PRECEDING AND %s::interval PRECEDING), 0) AS total
            FROM (SELECT source AS entity, ts, amount FROM tx
                  UNION ALL SELECT target, ts, amount FROM tx WHERE source <> target) e) w
            WHERE total >= %s ORDER BY entity, ts""", (window, window, window, threshold)).fetchall()
        # the frame reaches back to the very moment that the window leaves out, hence the second sum
        assert found == wanted
        all_found += len(found)
    assert all_found > 1000
