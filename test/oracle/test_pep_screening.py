"""compliance/pep-screening: every name against every entry by rapidfuzz, tiers by a table."""
import datetime
import random

import pytest
from dateutil.relativedelta import relativedelta

import namelists as n

KERNEL = "compliance/pep-screening"
TIERS = {(1, True): "very_high", (2, True): "high", (1, False): "high", (3, True): "medium", (2, False): "medium"}


def listed(rng, count):
    made = n.rows(rng, count, 0.4)
    for r in made:
        r["position"] = rng.choice((None, "mayor", "minister"))
        r["level"] = rng.choice((None, 1, 2, 3))
        r["active"] = rng.choice((None, True, False))
        r["left_on"] = None if rng.random() < 0.4 else datetime.date(rng.randint(2015, 2025), rng.randint(1, 12), rng.randint(1, 28))
    return made


def load(db, made):
    db.execute("""DROP TABLE IF EXISTS listed; CREATE TEMP TABLE listed (id bigint, name text, aliases text[], country text, "position" text,
        level int, active boolean, left_on date)""")
    with db.cursor().copy("COPY listed FROM STDIN") as copy:
        for r in made:
            copy.write_row((r["id"], r["name"], r["aliases"] or None, r["country"], r["position"], r["level"], r["active"], r["left_on"]))


@pytest.mark.parametrize("batch", range(4))
def test_matches(db, batch):
    for case in range(25):
        rng = random.Random(f"pep {batch} {case}")
        low, high = sorted(rng.choice((0.0, 0.7, 0.7, 0.85, 0.9, 1.0)) for _ in range(2))
        method, order, top_k = rng.choice(n.METHODS), rng.choice(("any", "as_given")), rng.choice((1, 2, 5, 100))
        months = rng.choice((None, 0, 12, 18, 60))
        as_of = datetime.date(2024, rng.randint(1, 12), rng.randint(1, 28))
        names, entries = n.rows(rng, rng.randint(0, 15), 0.2, n.named), listed(rng, rng.randint(1, 25))
        # the same name several times: ties
        for _ in range(rng.randint(0, 4)):
            entries.append({**rng.choice(listed(rng, 3)), "name": entries[0]["name"], "aliases": [], "id": 5000 + len(entries)})
        n.load(db, "screened", names)
        load(db, entries)
        found = db.execute("""SELECT * FROM rk.compliance_pep_screening('screened', 'listed', min_score => %s, hit_score => %s, top_k => %s,
            method => %s, token_order => %s, cooling_off => make_interval(months => %s), as_of => %s)""",
                           (low, high, top_k, method, order, months, as_of)).fetchall()
        for e in entries:
            e["serves"] = e["active"] if e["active"] is not None else e["left_on"] is None or e["left_on"] > as_of
        # the order of equal scores
        entries.sort(key=lambda e: (e["level"] or 9, not e["serves"]))
        for q in names:
            pairs = {e["id"]: (n.best_name(q, e, method, order == "any"), e) for e in entries}
            mine = [row for row in found if row[0] == q["id"]]
            assert [row[3] for row in mine] == list(range(1, len(mine) + 1))
            assert n.same_ranking([(row[2], row[4]) for row in mine], [(key, pair[0]) for key, (pair, _) in pairs.items()], low, top_k)
            for row in mine:
                (_, at), e = pairs[row[2]]
                left = e["left_on"]
                former = not e["serves"]
                cooled = former and months is not None and left is not None and left + relativedelta(months=months) < as_of
                assert row[1] == q["name"]
                assert row[5] == ([e["name"]] + e["aliases"])[at]
                assert row[6:10] == (e["position"], e["country"], e["level"], e["serves"])
                years = (as_of - left).days / 365.25 if former and left and left <= as_of else None
                assert n.close(row[10], years)
                assert row[11] == TIERS.get((e["level"], e["serves"]), "low")
                assert row[12] == (row[4] >= high and not cooled)
