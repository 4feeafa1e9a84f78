"""clearing/dvp-matching against brute force and scipy's assignment, on random instructions."""
import datetime
import random
from decimal import Decimal

import pytest

import dvp

KERNEL = "clearing/dvp-matching"
COLUMNS = ("instruction_id", "security_id", "deliverer", "receiver", "side", "quantity", "amount", "currency",
           "settlement_date", "trade_date", "reference", "status")
DAY = datetime.date(2026, 3, 2)


def instruction(rng, i, ugly):
    return {
        "instruction_id": i, "security_id": rng.choice(("A", "B")), "deliverer": rng.choice(("x", "y", "z")),
        "receiver": rng.choice(("v", "w")), "side": rng.choice(("deliver", "receive")),
        "quantity": Decimal(rng.choice((100, 100, 100, 101, 99, 5)) if ugly else 100),
        "amount": Decimal(rng.choice((1000, 1000, 1001, 1005, 995, 120000, 120020, "1000.005", 0)) if ugly else 1000),
        "currency": rng.choice(("EUR", "EUR", "USD")), "settlement_date": DAY + datetime.timedelta(rng.choice((0, 0, 1))),
        "trade_date": rng.choice((None, None, DAY, DAY - datetime.timedelta(1))),
        "reference": rng.choice((None, None, "r1", "r2", "r3")),
        "status": rng.choice((None, None, None, None, "pending", "settled", "on_hold"))}


def random_rules(rng):
    return {"method": rng.choice(("best_first", "best_first", "optimal", "fifo")), "min_confidence": rng.choice((0.8, 0.99, 0.5, 0.2, 1)),
            "relative_quantity_tolerance": rng.choice((0, 0.01, 0.05, 1)), "relative_amount_tolerance": rng.choice((0, 0.005, 0.01, 1)),
            "amount_tolerance_rule": rng.choice((None, None, "t2s")), "strict_counterparty": rng.random() < 0.7,
            "strict_quantity": rng.random() < 0.3, "match_reference": rng.random() < 0.7}


@pytest.fixture(scope="module")
def table(session):
    session.execute("""CREATE TABLE instruction (instruction_id bigint, security_id text, deliverer text, receiver text, side text,
        quantity numeric, amount numeric, currency text, settlement_date date, trade_date date, reference text, status text)""")
    return "instruction"


def load(db, rows):
    db.execute("TRUNCATE instruction")
    with db.cursor().copy(f"COPY instruction ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[c] for c in COLUMNS])


def arguments(rules):
    return ", ".join(f"{k} => %({k})s" for k in rules)


@pytest.mark.parametrize("seed", range(300))
def test_random(db, table, seed):
    rng = random.Random(seed)
    rows = [instruction(rng, i, seed % 3 > 0) for i in range(rng.choice((0, 1, 8, 40, 120)))]
    rng.shuffle(rows)
    rules = random_rules(rng)
    load(db, rows)
    found = db.execute(f"SELECT * FROM rk.clearing_dvp_matching('instruction', {arguments(rules)})", rules).fetchall()
    pairs = [(f[0], f[1], f[3]) for f in found if f[2]]
    expected = dvp.match(rows, rules)
    if rules["method"] == "optimal":
        assert abs(sum(p[2] for p in pairs) - sum(e[2] for e in expected)) < 1e-12 * max(1, len(rows))
    else:
        assert sorted(pairs) == sorted(expected)
    by_id = {x["instruction_id"]: x for x in rows}
    for d, r, confidence in pairs:
        ok, expected_confidence = dvp.compare(by_id[d], by_id[r], rules)
        assert ok and confidence == expected_confidence
    # each instruction in one row, and what is said of it
    assert sorted(i for f in found for i in f[:2] if i is not None) == sorted(by_id)
    for delivery, receipt, matched, _, quantity, amount, gap, differences, status in found:
        if matched:
            d, r = by_id[delivery], by_id[receipt]
            assert (quantity, amount, gap, status) == (min(d["quantity"], r["quantity"]), d["amount"], r["amount"] - d["amount"], "matched")
            assert set(differences) == {k for k in ("deliverer", "receiver", "quantity", "amount") if d[k] != r[k]}
            continue
        x = by_id[delivery if delivery is not None else receipt]
        assert (quantity, amount, status) == (x["quantity"], x["amount"], x["status"] or "pending")
        assert bool(differences) == (status == "pending")
        if differences == ["no_counterpart"]:
            assert not any(y["side"] != x["side"] and y["status"] in (None, "pending") and all(
                y[k] == x[k] for k in ("security_id", "currency", "settlement_date")) for y in rows)
        if differences == ["taken"]:
            others = [y for y in rows if y["side"] != x["side"] and y["status"] in (None, "pending")]
            assert any(dvp.compare(*((x, y) if x["side"] == "deliver" else (y, x)), rules)[0] for y in others)
    # the order of the rows does not matter, but to fifo
    if rules["method"] == "best_first":
        again = db.execute(f"SELECT * FROM rk.clearing_dvp_matching('SELECT * FROM instruction ORDER BY instruction_id DESC',"
                           f" {arguments(rules)})", rules).fetchall()
        assert sorted(map(str, again)) == sorted(map(str, found))
    settled = db.execute(f"SELECT sum(pairs_settled), sum(instructions_settled), sum(total_securities), sum(total_payments)"
                         f" FROM rk.clearing_dvp_matching_settle('instruction', {arguments(rules)})", rules).fetchone()
    if pairs:
        assert settled == (len(pairs), 2 * len(pairs), sum(min(by_id[d]["quantity"], by_id[r]["quantity"]) for d, r, _ in pairs),
                           sum(by_id[d]["amount"] for d, _, _ in pairs))


def test_alike_with_references(db, table):
    """Many of one quantity and amount, told apart by references and trade dates alone."""
    for seed in range(8):
        rng = random.Random(seed)
        rows = []
        for i in range(150):
            rows.append(instruction(rng, i, False) | {"security_id": "A", "deliverer": "x", "receiver": "v", "currency": "EUR",
                                                      "settlement_date": DAY, "status": None,
                                                      "reference": rng.choice((None, *(f"r{k}" for k in range(20))))})
        rules = {"method": "best_first", "min_confidence": 0.8, "relative_quantity_tolerance": 0.01, "relative_amount_tolerance": 0.01,
                 "amount_tolerance_rule": None, "strict_counterparty": True, "strict_quantity": False, "match_reference": True}
        load(db, rows)
        found = db.execute(f"SELECT delivery_id, receipt_id, confidence FROM rk.clearing_dvp_matching('instruction', {arguments(rules)})"
                           " WHERE matched", rules).fetchall()
        assert sorted(found) == sorted(dvp.match(rows, rules)) and len(found) > 20
