"""A ring of clearing/dvp-matching after random messages: a model of lists, by the rules of the batch oracle."""
import datetime
import random
from decimal import Decimal

import pytest

import dvp

KERNEL = "clearing/dvp-matching"
DAY = datetime.date(2026, 3, 2)
RULES = {"method": "fifo", "min_confidence": 0.8, "relative_quantity_tolerance": 0.01, "relative_amount_tolerance": 0.01,
         "amount_tolerance_rule": None, "strict_counterparty": True, "strict_quantity": False, "match_reference": True}
OTHERS = [{}, {"strict_counterparty": False, "min_confidence": 0.4}, {"amount_tolerance_rule": "t2s"},
          {"strict_quantity": True, "match_reference": False}]


class Model:
    def __init__(self, rules):
        self.rules, self.all, self.pairs = rules, {}, []

    def waiting(self, side):
        return [x for x in self.all.values() if x["side"] == side and x["status"] == "pending" and not x["held"]]

    def match(self, x):
        found = []
        for y in self.waiting("receive" if x["side"] == "deliver" else "deliver"):
            ok, confidence = dvp.compare(*((x, y) if x["side"] == "deliver" else (y, x)), self.rules)
            if ok:
                found.append((-confidence, abs(x["amount"] - y["amount"]), y["instruction_id"]))
        if found:
            confidence, _, other = min(found)
            y = self.all[other]
            d, r = (x, y) if x["side"] == "deliver" else (y, x)
            self.pairs.append((d["instruction_id"], r["instruction_id"], -confidence))
            x["status"] = y["status"] = "matched"
            x["match"] = y["match"] = len(self.pairs)

    def shown(self, x):
        return "on_hold" if x["held"] and x["status"] in ("pending", "matched") else x["status"]


def random_instruction(rng, i):
    return {"instruction_id": i, "security_id": rng.choice(("DE0007164600", "FR0000131104")), "deliverer": rng.choice((7, 8)), "receiver": rng.choice((1, 2)),
            "side": rng.choice(("deliver", "receive")), "quantity": Decimal(rng.choice((100, 100, 101, 5))),
            "amount": Decimal(rng.choice(("1000", "1000", "1001.5", "1009", "120000", "120020"))), "currency": rng.choice(("EUR", "USD")),
            "settlement_date": DAY, "trade_date": None, "reference": rng.choice((None, "ref one", "r2", "sixteen bytes 16")),
            "status": "pending", "held": False, "match": None}


@pytest.fixture(scope="module", autouse=True)
def preloaded(session):
    if session.execute("SHOW shared_preload_libraries").fetchone()[0].find("rustkernels") < 0:
        pytest.skip("the library is not preloaded")


def send(db, function, x):
    return db.execute(f"SELECT * FROM rk.ring_clearing_{function}('dvp', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                      [x[k] for k in ("instruction_id", "side", "security_id", "deliverer", "receiver", "quantity", "amount",
                                      "currency", "settlement_date", "reference")]).fetchone()


@pytest.mark.parametrize("seed", range(8))
def test_messages(db, seed):
    rng = random.Random(seed)
    rules = RULES | OTHERS[seed % len(OTHERS)]
    options = {k: v for k, v in rules.items() if k != "method" and v is not None}
    db.execute("CALL rk.ring_up('clearing/dvp-matching', 'dvp', %s)", (str(options).replace("'", '"').replace("True", "true").replace("False", "false"),))
    model = Model(rules)
    for i in range(1, 251):
        kind = rng.random()
        ids = list(model.all)
        if kind < 0.6 or not ids:
            x = model.all[i] = random_instruction(rng, i)
            model.match(x)
            reply = send(db, "dvp_submit", x)
            assert reply[:2] == (model.shown(x), x["match"])
            if x["match"]:
                d, r, confidence = model.pairs[x["match"] - 1]
                assert abs(float(reply[2]) - confidence) < 1e-8 and reply[3] == (r if x["side"] == "deliver" else d)
            continue
        x = model.all[rng.choice(ids)]
        if kind < 0.7:
            done = x["status"] == "pending"
            if done:
                x["status"] = "cancelled"
            elif x["status"] == "matched":
                x["wants"] = True
                d, r, _ = model.pairs[x["match"] - 1]
                done = all(model.all[k].get("wants") for k in (d, r))
                if done:
                    model.all[d]["status"] = model.all[r]["status"] = "cancelled"
            assert db.execute("SELECT * FROM rk.ring_clearing_dvp_cancel('dvp', %s)", (x["instruction_id"],)).fetchone() == (done, model.shown(x))
        elif kind < 0.85:
            hold, done = rng.random() < 0.5, x["status"] in ("pending", "matched")
            if done and x["held"] != hold:
                x["held"] = hold
                if not hold and x["status"] == "pending":
                    model.match(x)
            assert db.execute("SELECT * FROM rk.ring_clearing_dvp_hold('dvp', %s, %s)", (x["instruction_id"], hold)).fetchone() == (done, model.shown(x))
        elif kind < 0.93 and x["status"] == "pending":
            new = random_instruction(rng, x["instruction_id"]) | {"held": x["held"]}
            model.all[x["instruction_id"]] = new
            if not new["held"]:
                model.match(new)
            assert send(db, "dvp_amend", new)[:2] == (model.shown(new), new["match"])
        elif model.pairs:
            number = rng.randrange(len(model.pairs)) + 1
            d, r = (model.all[k] for k in model.pairs[number - 1][:2])
            if d["status"] == "matched" and not d["held"] and not r["held"]:
                d["status"] = r["status"] = "settled"
            expected = model.shown(r) if r["held"] else model.shown(d)
            assert db.execute("SELECT rk.ring_clearing_dvp_settle('dvp', %s)", (number,)).fetchone() == (expected,)
    if seed % 2:
        # the same after a checkpoint
        db.execute("CALL rk.ring_down('dvp')")
        db.execute("CALL rk.ring_up('clearing/dvp-matching', 'dvp')")
    found = db.execute("SELECT i, status, match_id FROM unnest(%s::bigint[]) i, rk.ring_clearing_dvp_query('dvp', i) ORDER BY i",
                       (sorted(model.all),)).fetchall()
    assert found == [(i, model.shown(x), x["match"]) for i, x in sorted(model.all.items())]
    waiting = sorted(x["instruction_id"] for side in ("deliver", "receive") for x in model.waiting(side))
    rows = db.execute("SELECT total_count, instruction_id, reference FROM rk.ring_clearing_dvp_unmatched('dvp')").fetchall()
    assert sorted(r[1] for r in rows) == waiting and all(r[0] == len(waiting) for r in rows)
    assert all((r[2] or None) == model.all[r[1]]["reference"] for r in rows)
    assert len(model.pairs) > 10
    db.execute("CALL rk.ring_down('dvp')")
    db.execute("SELECT rk.ring_drop('dvp')")


def test_the_batch_form_agrees(db):
    """Instructions that come in order of their ids, deliveries last, each taking its best: method fifo."""
    rng = random.Random(5)
    rows = sorted((random_instruction(rng, i) for i in range(1, 400)), key=lambda x: x["side"] == "deliver")
    db.execute("CREATE TABLE legs (instruction_id bigint, security_id text, deliverer int, receiver int, side text, quantity numeric,"
               " amount numeric, currency text, settlement_date date, reference text)")
    with db.cursor().copy("COPY legs FROM STDIN") as copy:
        for x in rows:
            copy.write_row([x[k] for k in ("instruction_id", "security_id", "deliverer", "receiver", "side", "quantity", "amount",
                                           "currency", "settlement_date", "reference")])
    db.execute("CALL rk.ring_up('clearing/dvp-matching', 'dvp')")
    db.execute("SELECT rk.ring_load('dvp', 'legs')")
    assert db.execute("""
        SELECT count(*), count(*) FILTER (WHERE q.counter_instruction_id IS NOT DISTINCT FROM b.receipt_id)
        FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id, deliverer, receiver, side, quantity, amount, currency,
            settlement_date, reference FROM legs', method => 'fifo') b, rk.ring_clearing_dvp_query('dvp', b.delivery_id) q
        WHERE b.delivery_id IS NOT NULL""").fetchone() == (len([x for x in rows if x["side"] == "deliver"]),) * 2
    db.execute("CALL rk.ring_down('dvp')")
    db.execute("SELECT rk.ring_drop('dvp')")
