"""compliance/entity-resolution: all pairs by rapidfuzz and jellyfish, clusters by a union-find."""
import math
import random

import pytest

import namelists as n

KERNEL = "compliance/entity-resolution"


@pytest.mark.parametrize("method", n.METHODS)
def test_similarity(db, method):
    rng = random.Random(f"similarity {method}")
    pairs = []
    for _ in range(1500):
        a = n.person(rng)
        pairs.append((a, rng.choice((n.person(rng), n.typo(rng, a), " ".join(reversed(a.split()))))))
    for order in ("as_given", "any"):
        found = db.execute("""SELECT rk.name_similarity(a, b, %s, %s), rk.name_similarity(b, a, %s, %s)
            FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY p(a, b, i) ORDER BY i""",
                           (method, order, method, order, [a for a, _ in pairs], [b for _, b in pairs])).fetchall()
        for (a, b), (value, mirrored) in zip(pairs, found):
            expected = n.similarity(n.normalise(a), n.normalise(b), method, order == "any")
            assert math.isclose(value, expected, abs_tol=1e-12), (a, b, order)
            assert value == mirrored, (a, b, order)


def test_long_names(db):
    """Longer than a word of bits, and much longer."""
    rng = random.Random("long")
    for length in (63, 64, 65, 66, 127, 128, 129, 300, 1500):
        for method in n.METHODS[:6]:
            a = "".join(rng.choice("abcdefgh ") for _ in range(length)).strip() or "a"
            b = "".join(c for c in a if rng.random() > 0.1)[:length - rng.randint(0, 3)] + "x"
            found = db.execute("SELECT rk.name_similarity(%s, %s, %s)", (a, b, method)).fetchone()[0]
            assert math.isclose(found, n.similarity(n.normalise(a), n.normalise(b), method, False), abs_tol=1e-12), (length, method)


def test_known_values(db):
    for a, b, method, order, value in (
            ("martha", "marhta", "jaro_winkler", "as_given", 0.961111), ("dwayne", "duane", "jaro_winkler", "as_given", 0.84),
            ("dixon", "dicksonx", "jaro_winkler", "as_given", 0.813333), ("abcba", "caccbccc", "jaro", "as_given", 0.547222),
            ("jon smyth", "john smith", "jaro_winkler", "as_given", 0.917037), ("jon doe", "john doe", "jaro_winkler", "as_given", 0.966667),
            ("smith john", "john smith", "jaro_winkler", "as_given", 0.533333), ("smith john", "john smith", "jaro_winkler", "any", 1),
            ("", "", "jaro_winkler", "any", 0), ("...", "", "jaro", "any", 0), ("a", "", "levenshtein", "any", 0)):
        assert db.execute("SELECT rk.name_similarity(%s, %s, %s, %s)", (a, b, method, order)).fetchone()[0] == pytest.approx(value, abs=5e-7)


def probability(name, date, country, m, u, candidates):
    """Fellegi and Sunter's, by odds."""
    odds = 1 / (max(candidates, 2) - 1)
    for agrees, mi, ui in zip((name >= 0.92, None if date is None else date >= 0.9, country), m, u):
        if agrees is not None:
            odds *= mi / ui if agrees else (1 - mi) / (1 - ui)
    return odds / (1 + odds)


def pair_score(q, e, p, candidates):
    """Score, similarity, and the candidate's name; None: never a pair."""
    if n.types_differ(q["type"], e["type"]):
        return None
    for column in p["block_on"] or ():
        a, b = ((r["date"] if column == "date_of_birth" else r["country" if column == "country" else "type"]) for r in (q, e))
        if not a or not b or (a.lower() != b.lower() if isinstance(a, str) else a != b):
            return None
    name, at = n.best_name(q, e, p["method"], p["token_order"] == "any")
    date = n.date_agreement(q["date"], e["date"])[1]
    country = n.country_agreement(q["country"], e["country"])
    if p["model"] == "fellegi_sunter":
        return probability(name, date, country, p["m_probability"], p["u_probability"], candidates), name, at
    known = [(w, x) for w, x in zip(p["weights"], (name, date, None if country is None else float(country))) if x is not None]
    weight = sum(w for w, _ in known)
    return (sum(w * x for w, x in known) / weight, name, at) if weight > 0 else None


def parameters(rng):
    return {
        "min_score": rng.choice((0.0, 0.3, 0.5, 0.7, 0.7, 0.8, 0.85, 0.95, 1.0)),
        "top_k": rng.choice((1, 2, 3, 10, 1000)),
        "method": rng.choice(n.METHODS + ("jaro_winkler",) * 4),
        "token_order": rng.choice(("any", "any", "as_given")),
        "weights": rng.choice(([0.6, 0.25, 0.15], [0.6, 0.25, 0.15], [1.0, 0.0, 0.0], [0.0, 2.0, 1.0], [1.0, 1.0, 1.0])),
        "block_on": rng.choice((None, None, ["country"], ["date_of_birth"], ["country", "entity_type"])),
        "model": rng.choice(("weighted", "weighted", "weighted", "fellegi_sunter")),
        "m_probability": [0.95, 0.9, 0.8],
        "u_probability": [0.01, 0.05, 0.3],
        "transliterate": False,
    }


def call(db, function, first, p, *names):
    arguments = ", ".join(f"{name} => %({name})s" for name in p if name in names or not names)
    casts = {"weights": "::float8[]", "block_on": "::text[]", "m_probability": "::float8[]", "u_probability": "::float8[]"}
    for name, cast in casts.items():
        arguments = arguments.replace(f"%({name})s", f"%({name})s{cast}")
    return db.execute(f"SELECT * FROM rk.compliance_{function}({first}, {arguments})", p).fetchall()


@pytest.mark.parametrize("batch", range(6))
def test_pairs(db, batch):
    for case in range(20):
        rng = random.Random(f"pairs {batch} {case}")
        p = parameters(rng)
        within = rng.random() < 0.4
        entities = n.rows(rng, rng.randint(0, 20), 0.3)
        candidates = entities if within else n.rows(rng, rng.randint(0, 25), 0.3)
        if not within and entities:
            # an exact match among them, which is never missed
            candidates.insert(rng.randint(0, len(candidates)), {**rng.choice(entities), "id": 1000})
        n.load(db, "entity", entities)
        n.load(db, "candidate", candidates)
        db.execute(f"SET rk.threads = {rng.choice((1, 2, 3))}")
        found = call(db, "entity_resolution", "'entity'" + ("" if within else ", candidates => 'candidate'"), p)
        for i, q in enumerate(entities):
            expected, details = [], {}
            for j, e in enumerate(candidates):
                pair = pair_score(q, e, p, len(candidates)) if not within or j > i else None
                if pair is not None:
                    expected.append((e["id"], pair[0]))
                    details[e["id"]] = (pair, e)
            mine = [row for row in found if row[0] == q["id"]]
            assert [row[2] for row in mine] == list(range(1, len(mine) + 1))
            assert n.same_ranking([(row[1], row[3]) for row in mine], expected, p["min_score"], p["top_k"]), (case, q)
            for row in mine:
                (score, name, at), e = details[row[1]]
                assert n.close(row[4], name)
                assert n.close(row[5], n.date_agreement(q["date"], e["date"])[1])
                assert row[6] == n.country_agreement(q["country"], e["country"])
                assert row[7] == (True if q["type"] and e["type"] else None)
                assert row[8] == ([e["name"]] + e["aliases"])[at]


@pytest.mark.parametrize("batch", range(4))
def test_clusters(db, batch):
    for case in range(20):
        rng = random.Random(f"clusters {batch} {case}")
        p = parameters(rng)
        entities = n.rows(rng, rng.randint(0, 25), 0.2)
        n.load(db, "entity", entities)
        parent = list(range(len(entities)))

        def root(x):
            while parent[x] != x:
                x = parent[x]
            return x
        doubtful = False
        for i, q in enumerate(entities):
            for j in range(i + 1, len(entities)):
                pair = pair_score(q, entities[j], p, len(entities))
                if pair and abs(pair[0] - p["min_score"]) < 1e-10 and pair[0] != p["min_score"]:
                    doubtful = True
                if pair and pair[0] >= p["min_score"]:
                    parent[max(root(i), root(j))] = min(root(i), root(j))
        found = {}
        for threads in (1, 3):
            db.execute(f"SET rk.threads = {threads}")
            found[threads] = call(db, "entity_resolution_clusters", "'entity'", {k: v for k, v in p.items() if k != "top_k"})
        assert found[1] == found[3]
        if doubtful:
            continue
        numbers = {}
        for i in range(len(entities)):
            numbers.setdefault(root(i), len(numbers) + 1)
        expected = [(q["id"], numbers[root(i)], sum(root(k) == root(i) for k in range(len(entities)))) for i, q in enumerate(entities)]
        assert found[1] == expected


def test_transliteration(db):
    """Names in other scripts meet those in Latin letters."""
    for a, b, least in (("Владимир Путин", "Vladimir Putin", 1), ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoulos", 0.97),
                        ("Łukasz Øystein", "Lukasz Oystein", 1), ("Сергей Горький", "Sergej Gorkij", 1)):
        row = db.execute("""SELECT name_score FROM rk.compliance_entity_resolution(
            format('SELECT 1 AS id, %%L AS name', %s::text), candidates => format('SELECT 1 AS id, %%L AS name', %s::text),
            transliterate => true, min_score => 0.5)""", (a, b)).fetchone()
        assert row is not None and row[0] >= least
