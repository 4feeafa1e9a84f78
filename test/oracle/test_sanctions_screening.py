"""compliance/sanctions-screening: every name against every entry by rapidfuzz and jellyfish."""
import random

import psycopg
import pytest

import namelists as n

KERNEL = "compliance/sanctions-screening"


def pair_score(q, e, p):
    """Score, similarity, and the entry's name; None: never a pair."""
    if p["use_secondary"] and n.types_differ(q["type"], e["type"]):
        return None
    name, at = n.best_name(q, e, p["method"], p["token_order"] == "any")
    score = name
    if p["use_secondary"]:
        date, points = n.date_agreement(q["date"], e["date"])
        if date in ("exact", "month") or n.country_agreement(q["country"], e["country"]):
            score += 0.05
        if date == "mismatch":
            score -= 0.10
        score = min(max(score, 0), 1)
    return score, name, at


def match_type(q, e, at, p):
    words = [name.split() for name in n.all_names(q)]
    mine = n.all_names(e)[at].split()
    if at > 0:
        return "weak_alias" if len(set(mine) if p["method"] == "token_set_ratio" else mine) <= 1 else "alias"
    if p["method"] == "token_set_ratio":
        same = any(set(mine) == set(w) for w in words)
    elif p["method"] == "token_sort_ratio" or (p["token_order"] == "any" and p["method"] != "phonetic"):
        same = any(sorted(mine) == sorted(w) for w in words)
    elif p["token_order"] == "any":
        same = any(sorted(mine) == sorted(w) for w in words)
    else:
        same = any(mine == w for w in words)
    return "exact" if same and mine else "phonetic" if p["method"] == "phonetic" else "fuzzy"


def parameters(rng):
    low, high = sorted(rng.choice((0.0, 0.4, 0.7, 0.7, 0.8, 0.85, 0.9, 1.0)) for _ in range(2))
    return {
        "min_score": low,
        "hit_score": high,
        "top_k": rng.choice((1, 2, 3, 10, 1000)),
        "method": rng.choice(n.METHODS + ("jaro_winkler",) * 4),
        "token_order": rng.choice(("any", "any", "as_given")),
        "use_secondary": rng.random() < 0.5,
    }


ARGUMENTS = ", ".join(f"{name} => %({name})s" for name in parameters(random.Random(0)))


@pytest.mark.parametrize("batch", range(8))
def test_matches(db, batch):
    for case in range(25):
        rng = random.Random(f"sanctions {batch} {case}")
        p = parameters(rng)
        names = n.rows(rng, rng.randint(0, 20), 0.2, n.named)
        entries = n.rows(rng, rng.randint(1, 30), 0.5)
        if names:
            # an exact match is never missed
            entries.insert(rng.randint(0, len(entries)), {**rng.choice(names), "id": 1000})
        n.load(db, "screened", names)
        n.load(db, "listed", entries)
        db.execute(f"SET rk.threads = {rng.choice((1, 2, 3))}")
        found = db.execute(f"""SELECT * FROM rk.compliance_sanctions_screening('screened',
            'SELECT *, ''list '' || id AS source, ''p'' AS program FROM listed', {ARGUMENTS})""", p).fetchall()
        hits, doubtful = 0, 0
        for q in names:
            pairs = {e["id"]: (pair_score(q, e, p), e) for e in entries}
            expected = [(key, pair[0]) for key, (pair, _) in pairs.items() if pair]
            mine = [row for row in found if row[0] == q["id"]]
            assert [row[3] for row in mine] == list(range(1, len(mine) + 1))
            assert n.same_ranking([(row[2], row[4]) for row in mine], expected, p["min_score"], p["top_k"]), (case, q)
            best = max((score for _, score in expected), default=-1)
            hits += best > p["hit_score"] + 1e-11
            doubtful += abs(best - p["hit_score"]) <= 1e-11
            for row in mine:
                (score, name, at), e = pairs[row[2]]
                assert row[1] == q["name"]
                assert n.close(row[5], name)
                assert row[6] == ([e["name"]] + e["aliases"])[at]
                assert row[7] == match_type(q, e, at, p)
                assert row[8:10] == (f"list {e['id']}", "p")
                assert row[10] == n.country_agreement(q["country"], e["country"])
                assert row[11] == n.date_agreement(q["date"], e["date"])[0]
                assert row[12] == (row[4] >= p["hit_score"])
                assert row[13].startswith("alias" if at else "name")
        summary = db.execute(f"SELECT * FROM rk.compliance_sanctions_screening_summary('screened', 'listed', {ARGUMENTS})", p).fetchone()
        assert summary[::2] == (len(names), len(entries))
        assert hits <= summary[1] <= hits + doubtful


def test_exact_names_are_never_missed(db):
    """Whatever the alphabet, length and number of equal letters, an entry finds itself first."""
    rng = random.Random("exact")
    alphabets = ["ab", "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмн", "".join(map(chr, range(0x4E00, 0x5600))), "aаαא王 "]
    names = set()
    while len(names) < 1500:
        letters = rng.choice(alphabets)
        name = n.normalise("".join(rng.choice(letters) for _ in range(rng.choice((1, 2, 3, 8, 15, 40, 64, 65, 200)))))
        if name:
            names.add(name)
    db.execute("DROP TABLE IF EXISTS own; CREATE TEMP TABLE own (id bigint, name text)")
    with db.cursor().copy("COPY own FROM STDIN") as copy:
        for i, name in enumerate(sorted(names)):
            copy.write_row((i, name))
    for method in n.METHODS:
        rows = db.execute("""SELECT count(*) FROM rk.compliance_sanctions_screening('own', 'own', method => %s, top_k => 1, min_score => 1,
            hit_score => 1, token_order => 'as_given') WHERE is_hit AND score = 1 AND (id = entry_id OR %s)""",
                          (method, method in ("token_sort_ratio", "token_set_ratio", "phonetic"))).fetchone()
        assert rows[0] == len(names), method


def test_empty_names(db):
    for name in ("", "...", " - "):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match='column "name" of "names" is empty in row 2'):
            db.execute("""SELECT * FROM rk.compliance_sanctions_screening(
                format('VALUES (1, ''a''), (2, %%L)', %s::text)::text || ' ', 'SELECT 1 AS id, ''a'' AS name')""".replace(
                    "'VALUES (1, ''a''), (2, %%L)'", "'SELECT * FROM (VALUES (1, ''a''), (2, %%L)) v(id, name)'"), (name,))
