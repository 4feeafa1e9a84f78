"""A deliberately simple matcher of deliveries and receipts: all pairs, exact numbers, no index."""
from fractions import Fraction

import numpy as np
from scipy.optimize import linear_sum_assignment


def compare(d, r, rules):
    """(feasible, confidence) of a delivery and a receipt."""
    if (d["security_id"], d["currency"], d["settlement_date"]) != (r["security_id"], r["currency"], r["settlement_date"]):
        return False, 0.0
    gap = lambda x, y: 0.0 if max(x, y) == 0 else float(Fraction(abs(x - y)) / Fraction(max(x, y)))  # noqa: E731
    dq, da = gap(abs(d["quantity"]), abs(r["quantity"])), gap(d["amount"], r["amount"])
    parties = (d["deliverer"] != r["deliverer"]) + (d["receiver"] != r["receiver"])
    confidence = (1 - dq) * (1 - da) * 0.5 ** parties
    bad = parties > 0 and rules["strict_counterparty"]
    bad |= dq > 0 if rules["strict_quantity"] else dq > rules["relative_quantity_tolerance"]
    if rules["amount_tolerance_rule"] == "t2s":
        bad |= abs(d["amount"] - r["amount"]) > (2 if max(d["amount"], r["amount"]) <= 100000 else 25)
    else:
        bad |= da > rules["relative_amount_tolerance"]
    bad |= None not in (d["trade_date"], r["trade_date"]) and d["trade_date"] != r["trade_date"]
    bad |= rules["match_reference"] and None not in (d["reference"], r["reference"]) and d["reference"] != r["reference"]
    return not bad and confidence >= rules["min_confidence"], confidence


def match(rows, rules):
    """Pairs (delivery id, receipt id, confidence)."""
    pending = [x for x in rows if x["status"] in (None, "pending")]
    deliveries = [x for x in pending if x["side"] == "deliver"]
    receipts = [x for x in pending if x["side"] == "receive"]
    pairs = []
    for i, d in enumerate(deliveries):
        for r in receipts:
            ok, confidence = compare(d, r, rules)
            if ok:
                pairs.append((i if rules["method"] == "fifo" else 0, -confidence, abs(d["amount"] - r["amount"]),
                              d["instruction_id"], r["instruction_id"]))
    if rules["method"] == "optimal":
        if not deliveries or not receipts:
            return []
        w = np.zeros((len(deliveries), len(receipts)))
        di = {d["instruction_id"]: i for i, d in enumerate(deliveries)}
        ri = {r["instruction_id"]: i for i, r in enumerate(receipts)}
        for _, negative, _, d, r in pairs:
            w[di[d], ri[r]] = -negative
        rows_, columns = linear_sum_assignment(w, maximize=True)
        return [(deliveries[a]["instruction_id"], receipts[b]["instruction_id"], w[a, b])
                for a, b in zip(rows_, columns) if w[a, b] > 0]
    taken, found = set(), []
    for _, negative, _, d, r in sorted(pairs):
        if ("d", d) not in taken and ("r", r) not in taken:
            taken |= {("d", d), ("r", r)}
            found.append((d, r, -negative))
    return found
