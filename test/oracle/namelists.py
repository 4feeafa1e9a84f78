"""Names for the matching kernels, and all pairs of them compared by rapidfuzz and jellyfish."""
import datetime
import math
import random
import unicodedata

import jellyfish
from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein, Jaro, JaroWinkler, Levenshtein

METHODS = ("jaro_winkler", "jaro", "levenshtein", "damerau", "token_sort_ratio", "token_set_ratio", "phonetic")
FIRST = ("John Jon Johnny Maria Mary José Zoë Müller Björn Øystein Łukasz Vladimir Vladmir Владимир Сергей Ἀλέξανδρος Γιώργος "
         "محمد أحمد 习近平 李明 김정은 יוסף राम İlker Straße O'Brien Jean-Luc d’Arc Al Bo X").split()
LAST = ("Smith Smyth Smithson Doe Dough Putin Путин Иванов Παπαδόπουλος حسن 王 박 כהן शर्मा Ångström Nuñez Peña de la Cruz van der "
        "Berg Thompson Tomson Catherine Katherine Wright Knight ﬁnch Ⅷ").split()


def normalise(text):
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = "".join(" " if unicodedata.category(c).startswith("P") else c for c in text)
    return " ".join(text.split())


def typo(rng, name):
    name = list(name)
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(name) + 1)
        kind = rng.random()
        if kind < 0.3:
            name.insert(at, rng.choice("abcdeio -.'é́и"))
        elif kind < 0.6 and len(name) > 1:
            del name[at - 1]
        elif at + 1 < len(name):
            name[at], name[at + 1] = name[at + 1], name[at]
    return "".join(name)


def person(rng):
    """A name: of a person, or of a few letters so that many are alike, or long."""
    kind = rng.random()
    if kind < 0.15:
        return "".join(rng.choice("abcab ") for _ in range(rng.randint(1, 12)))
    if kind < 0.2:
        return " ".join(rng.choice(FIRST + LAST) for _ in range(rng.randint(8, 40)))
    words = [rng.choice(FIRST) for _ in range(rng.randint(1, 2))] + [rng.choice(LAST) for _ in range(rng.randint(0, 2))]
    rng.shuffle(words)
    name = rng.choice((" ", " ", "  ", ", ", "-")).join(words)
    if rng.random() < 0.4:
        name = typo(rng, name)
    if rng.random() < 0.3:
        name = unicodedata.normalize(rng.choice(("NFC", "NFD", "NFKD")), rng.choice((name.upper(), name.lower(), name.title())))
    return name


def named(rng):
    """A name that is not empty."""
    while True:
        name = person(rng)
        if normalise(name):
            return name


def code(word, of):
    if word and all("a" <= c <= "z" for c in word) and of(word):
        return of(word)
    return "=" + word


def sounds_alike(a, b, any_order):
    for of in (jellyfish.soundex, jellyfish.metaphone):
        x, y = ([code(word, of) for word in name.split()] for name in (a, b))
        if any_order:
            x.sort()
            y.sort()
        if x == y:
            return 1.0
    return 0.0


def similarity(a, b, method, any_order):
    """Of two normalised names."""
    if not a or not b:
        return 0.0
    if method == "phonetic":
        return sounds_alike(a, b, any_order)
    if method in ("token_sort_ratio", "token_set_ratio"):
        return getattr(fuzz, method)(a, b) / 100
    measure = {"jaro_winkler": JaroWinkler.similarity, "jaro": Jaro.similarity, "levenshtein": Levenshtein.normalized_similarity,
               "damerau": DamerauLevenshtein.normalized_similarity}[method]
    best = measure(a, b)
    if any_order:
        best = max(best, measure(" ".join(sorted(a.split())), " ".join(sorted(b.split()))))
    return best


def all_names(row):
    return [normalise(name) for name in [row["name"]] + row["aliases"]]


def best_name(query, entry, method, any_order):
    """The largest similarity, and which of the entry's names has it first."""
    best, at = -1.0, 0
    for q in all_names(query):
        for k, e in enumerate(all_names(entry)):
            found = similarity(q, e, method, any_order)
            if found > best + 1e-12 or (abs(found - best) <= 1e-12 and k < at):
                best, at = max(found, best), k
    return best, at


def date_agreement(a, b):
    """Name and score of how two dates agree."""
    if a is None or b is None:
        return "unknown", None
    if a == b:
        return "exact", 1.0
    if (a.year, a.month) == (b.year, b.month):
        return "month", 0.9
    if a.year == b.year:
        return ("month", 0.9) if (a.month, a.day) == (b.day, b.month) else ("year", 0.7)
    apart = abs(a.year - b.year)
    return ("near", 0.5) if apart <= 2 else ("mismatch", 0.3 if apart <= 5 else 0.0)


def rows(rng, count, alias_share, name=person):
    """Rows with names, some near to one another, and what else is known."""
    made = []
    for i in range(count):
        if made and rng.random() < 0.4:
            base = rng.choice(made)["name"]
            own = rng.choice((base, typo(rng, base), " ".join(reversed(base.split()))))
            if name is not person and not normalise(own):
                own = base
        else:
            own = name(rng)
        made.append({
            "id": i * 7 + 3,
            "name": own,
            "aliases": [person(rng) for _ in range(rng.randint(1, 3))] if rng.random() < alias_share else [],
            "date": None if rng.random() < 0.3 else datetime.date(rng.randint(1968, 1976), rng.randint(1, 12), rng.choice((1, 2, 3, 4, 12))),
            "country": rng.choice((None, "US", "us", "FR", "")),
            "type": rng.choice((None, None, "person", "person", "company")),
        })
    return made


def load(db, table, made):
    db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(f"CREATE TEMP TABLE {table} (id bigint, name text, aliases text[], date_of_birth date, country text, entity_type text)")
    with db.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for r in made:
            copy.write_row((r["id"], r["name"], r["aliases"] or None, r["date"], r["country"], r["type"]))


def close(a, b):
    return a == b or (a is not None and b is not None and math.isclose(a, b, abs_tol=1e-12))


def country_agreement(a, b):
    return None if not a or not b else a.lower() == b.lower()


def types_differ(a, b):
    return a is not None and b is not None and a != b


def same_ranking(found, expected, min_score, top_k):
    """Whether rows (key, score) are the best top_k of the expected pairs, equal scores in the order given.

    Scores within 1e-11 of min_score, or of the last place, may be there or not.
    """
    scores = dict(expected)
    place = {key: at for at, (key, _) in enumerate(expected)}
    keys = [key for key, _ in found]
    if len(found) > top_k or len(set(keys)) < len(keys) or not all(close(score, scores[key]) for key, score in found):
        return False
    if any(score < min_score for _, score in found) or found != sorted(found, key=lambda row: (-row[1], place[row[0]])):
        return False
    limit = min_score if len(found) < top_k else found[-1][1]
    return all(key in keys for key, score in expected if score > limit + 1e-11 or (score == limit == min_score and len(found) < top_k))
