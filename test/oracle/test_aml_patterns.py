"""compliance/aml-patterns: each typology searched for by its definition, in the slowest way, on random payments."""
import datetime
import functools
import itertools
import operator
import random
from decimal import Decimal
from fractions import Fraction

import networkx as nx
import pytest

KERNEL = "compliance/aml-patterns"
START = datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc)
KINDS = ("structuring layering rapid_movement round_tripping funnel_account fan_out fan_in scatter_gather gather_scatter "
         "bipartite stack unusual_volume geographic_anomaly timing_anomaly counterparty_risk").split()
POINTS = dict(zip(KINDS, (25, 15, 15, 25, 20, 15, 15, 25, 20, 20, 25, 10, 10, 5, 15)))
HOUR = datetime.timedelta(hours=1)


class Tx:
    def __init__(self, row, source, target, amount, ts, countries):
        self.row, self.source, self.target, self.amount, self.ts = row, source, target, amount, ts
        self.countries = countries
        self.p = None


class Search:
    """transactions in order of time, entities in order of appearance."""

    def __init__(self, rows, q, plus=operator.add):
        self.q, self.plus = q, plus
        self.tx = sorted(rows, key=lambda t: (t.ts, t.row))
        for p, t in enumerate(self.tx):
            t.p = p
        self.entities = list(dict.fromkeys(e for t in rows for e in (t.source, t.target)))
        self.moving = [t for t in self.tx if t.source != t.target]
        self.found = []

    def out(self, v):
        return [t for t in self.moving if t.source == v]

    def into(self, v):
        return [t for t in self.moving if t.target == v]

    def all(self, v):
        return [t for t in self.tx if v in (t.source, t.target)]

    def linked(self, e, f):
        if not (e.p < f.p and e.target == f.source and f.ts < self.plus(e.ts, self.q["max_dwell"])):
            return False
        share = Fraction(self.q["min_forwarded"]).limit_denominator(1000)
        if share == 0:
            return True
        if e.amount == 0 or f.amount == 0:
            return False
        ratio = Fraction(f.amount) / Fraction(e.amount)
        return share <= ratio <= 1 / share

    def note(self, kind, hub, transactions, confidence, members):
        transactions = sorted(set(transactions), key=lambda t: t.p)
        self.found.append(dict(kind=kind, hub=hub, tx=transactions, confidence=confidence, members=members))

    def windows(self, items, width, good):
        """leftmost first"""
        i = 0
        while i < len(items):
            window = [t for t in items[i:] if t.ts < self.plus(items[i].ts, width)]
            if good(window):
                yield window
                i += len(window)
            else:
                i += 1

    def fifo(self, incoming, outgoing, dwell):
        money = {t.p: t.amount for t in incoming}
        used_in, used_out, matched = set(), set(), Decimal(0)
        for f in outgoing:
            wanted = f.amount
            for e in incoming:
                if e.p < f.p and (dwell is None or f.ts < self.plus(e.ts, dwell)):
                    part = min(wanted, money[e.p])
                    if part > 0:
                        money[e.p] -= part
                        wanted -= part
                        matched += part
                        used_in.add(e)
                        used_out.add(f)
        return matched, used_in, used_out

    def forwarded(self):
        return self.q["min_forwarded"] or 0.8

    def structuring(self):
        limit = self.q["reporting_threshold"]
        low = Decimal(str(self.q["structuring_low"])) * limit
        for v in self.entities:
            items = [t for t in self.out(v) if low <= t.amount < limit]
            for w in self.windows(items, self.q["time_window"], lambda w: len(w) >= self.q["structuring_min_count"] and
                                  sum(t.amount for t in w) > limit):
                self.note("structuring", v, w, min(1, len(w) / 10), {v} | {t.target for t in w})

    def fans(self):
        n = self.q["min_fan"]
        for v in self.entities:
            for w in self.windows(self.out(v), self.q["time_window"], lambda w: len({t.target for t in w}) >= n):
                targets = {t.target for t in w}
                self.note("fan_out", v, w, min(1, len(targets) / 20), {v} | targets)
            for w in self.windows(self.into(v), self.q["time_window"], lambda w: len({t.source for t in w}) >= n):
                sources, inflow = {t.source for t in w}, sum(t.amount for t in w)
                self.note("fan_in", v, w, min(1, len(sources) / 20), {v} | sources)
                later = [t for t in self.out(v) if t.p > w[0].p and t.ts < self.plus(w[-1].ts, self.q["max_dwell"])]
                matched, _, used = self.fifo(w, later, None)
                if inflow > 0 and float(Fraction(matched) / Fraction(inflow)) >= self.forwarded():
                    self.note("funnel_account", v, w + list(used), min(1, len(sources) / 20),
                              {v} | sources | {t.target for t in used})
                later = [t for t in self.out(v) if w[0].ts <= t.ts < self.plus(w[-1].ts, self.q["max_dwell"])]
                targets, outflow = {t.target for t in later}, sum(t.amount for t in later)
                share = self.q["min_forwarded"]
                if len(targets) >= n and (share == 0 or inflow > 0 and float(Fraction(outflow) / Fraction(inflow)) >= share):
                    self.note("gather_scatter", v, w + later, min(1, (len(sources) + len(targets)) / 40), {v} | sources | targets)

    def scatter_gather(self):
        for a, b in itertools.permutations(self.entities, 2):
            legs = [e for e in self.out(a) if e.target not in (a, b) and any(self.linked(e, f) and f.target == b for f in self.tx)]
            for w in self.windows(legs, self.q["time_window"], lambda w: len({e.target for e in w}) >= self.q["min_fan"]):
                chosen = {}
                for e in w:
                    if e.target not in chosen:
                        chosen[e.target] = (e, next(f for f in self.tx if self.linked(e, f) and f.target == b))
                self.note("scatter_gather", a, [t for pair in chosen.values() for t in pair], min(1, len(chosen) / 10),
                          {a, b} | set(chosen))

    def half(self, k):
        """k half windows after the first transaction"""
        width = self.q["time_window"]
        if isinstance(width, datetime.timedelta):
            return self.tx[0].ts + k * width / 2
        whole = self.plus(self.tx[0].ts, f"{width} * {k // 2}")
        return self.plus(whole, f"{width} / 2") if k % 2 else whole

    def bipartite(self):
        if not self.tx:
            return
        found, k = [], 0
        while self.half(k) <= self.tx[-1].ts:
            rows = [t for t in self.moving if self.half(k) <= t.ts < self.half(k + 2)]
            while True:
                payees, payers = {}, {}
                for t in rows:
                    payees.setdefault(t.source, set()).add(t.target)
                    payers.setdefault(t.target, set()).add(t.source)
                keep = [t for t in rows if len(payees[t.source]) >= 2 and len(payers[t.target]) >= 2]
                if len(keep) == len(rows):
                    both = set(payees) & set(payers)
                    keep = [t for t in rows if t.source not in both and t.target not in both]
                    if len(keep) == len(rows):
                        break
                rows = keep
            for part in nx.connected_components(nx.Graph((t.source, t.target) for t in rows)):
                mine = [t for t in rows if t.source in part]
                sources, targets = {t.source for t in mine}, {t.target for t in mine}
                if len(sources) >= 2 and len(targets) >= 2 and len(part) >= 5:
                    found.append((k, mine, len({(t.source, t.target) for t in mine}) / (len(sources) * len(targets)), part))
            k += 1
        for i, (k, mine, confidence, part) in enumerate(found):
            contained = any(abs(k - c[0]) == 1 and set(mine) <= set(c[1]) and (len(c[1]) > len(mine) or c[0] < k) for c in found)
            if not contained:
                self.note("bipartite", None, mine, confidence, set(part))

    def stack(self):
        g, ends = nx.Graph(), {}
        for m in self.entities:
            pairs = [(e, f) for e in self.into(m) for f in self.out(m) if self.linked(e, f)]
            payers, payees = {e.source for e, _ in pairs}, {f.target for _, f in pairs}
            payers, payees = payers - payees, payees - payers
            if len(payers) >= 2 and len(payees) >= 2:
                ends[m] = (payers, payees, [(e, f) for e, f in pairs if e.source in payers and f.target in payees])
        for x, y in itertools.combinations(ends, 2):
            if ends[x][0] & ends[y][0] and ends[x][1] & ends[y][1]:
                g.add_edge(x, y)
        for part in nx.connected_components(g):
            transactions = [t for m in part for pair in ends[m][2] for t in pair]
            self.note("stack", None, transactions, min(1, len(part) / 5),
                      set(part) | {e for t in transactions for e in (t.source, t.target)})

    def cycles(self):
        self.consumed = set()
        for root in self.moving:
            best = None
            if root in self.consumed:
                continue
            paths = [[root]]
            for length in range(2, self.q["max_cycle_length"] + 1):
                longer = []
                for path in paths:
                    seen = {t.source for t in path} | {path[-1].target}
                    for f in self.moving:
                        if f in self.consumed or not self.linked(path[-1], f) or f.ts >= self.plus(root.ts, self.q["cycle_window"]):
                            continue
                        if f.target == root.source:
                            if best is None or f.p < best[-1].p:
                                best = path + [f]
                        elif f.target not in seen:
                            longer.append(path + [f])
                if best:
                    break
                paths = longer
            if best:
                # other paths of the length to the same end are as good
                self.note("round_tripping", root.source, best, None, {t.source for t in best})
                self.found[-1]["cycle"] = best
                self.consumed |= set(best)

    def layers(self):
        used = set(self.consumed)
        for root in self.moving:
            if root in used or any(self.linked(e, root) for e in self.moving):
                continue
            chain, seen = [root], {root.source, root.target}
            while True:
                following = [f for f in self.moving if self.linked(chain[-1], f) and f not in used and f.target not in seen]
                if not following:
                    break
                chain.append(min(following, key=lambda f: (f.ts, -f.amount, f.p)))
                seen.add(chain[-1].target)
            if len(chain) >= self.q["min_layers"]:
                self.note("layering", root.source, chain, min(1, len(chain) / 10), seen)
                used |= set(chain)

    def rapid(self):
        for v in self.entities:
            incoming = sum((t.amount for t in self.tx if t.target == v), Decimal(0))
            matched, used_in, used_out = self.fifo(self.into(v), self.out(v), self.q["max_dwell"])
            if incoming > 0 and matched > 0:
                ratio = float(Fraction(matched) / Fraction(incoming))
                if ratio >= self.forwarded() and matched >= self.q["reporting_threshold"]:
                    used = used_in | used_out
                    self.note("rapid_movement", v, used, ratio, {e for t in used for e in (t.source, t.target)})

    def unusual_volume(self):
        for v in self.entities:
            days = {}
            for t in self.all(v):
                days.setdefault(t.ts.date(), []).append(t)
            amounts = [float(sum(t.amount for t in d)) for d in days.values()]
            for i, d in enumerate(days.values()):
                past = amounts[max(0, i - 30):i]
                if len(past) >= 10:
                    mean = sum(past) / len(past)
                    sd = (sum((x - mean)**2 for x in past) / (len(past) - 1))**0.5
                    if amounts[i] > mean + 3 * sd:
                        self.note("unusual_volume", v, d, 0.5, {v})

    def geographic(self):
        risky = set(self.q["high_risk_countries"] or ())
        for v in self.entities:
            pairs, rows = set(), 0
            for t in self.all(v):
                at_risk = t.source == v and risky & set(t.countries)
                if at_risk:
                    self.note("geographic_anomaly", v, [t], 0.5, {t.source, t.target})
                if None in t.countries or t.countries[0] == t.countries[1]:
                    continue
                if t.countries not in pairs and rows >= 20 and not at_risk:
                    self.note("geographic_anomaly", v, [t], 0.5, {v, t.source, t.target})
                pairs.add(t.countries)
                rows += 1

    def timing(self):
        for v in self.entities:
            for w in self.windows(self.all(v), datetime.timedelta(seconds=60), lambda w: len(w) >= self.q["min_fan"]):
                self.note("timing_anomaly", v, w, 0.5, {v})

    def counterparties(self):
        members = set().union(*(f["members"] for f in self.found if KINDS.index(f["kind"]) <= 10))
        for v in self.entities:
            dealt = [t for t in self.all(v) if v not in members and {t.source, t.target} & members]
            if dealt:
                self.note("counterparty_risk", v, dealt, 0.5, {e for t in dealt for e in (t.source, t.target)})

    def run(self):
        for step in (self.structuring, self.fans, self.scatter_gather, self.bipartite, self.stack, self.cycles, self.layers, self.rapid,
                     self.unusual_volume, self.geographic, self.timing, self.counterparties):
            step()
        wanted = set(self.q["patterns"] or KINDS[:11])
        found = [f for f in self.found if f["kind"] in wanted]
        if self.q["suppress_contained"]:
            large = [set(f["tx"]) for f in found if f["kind"] in ("scatter_gather", "gather_scatter", "bipartite", "stack", "round_tripping")]
            small = ("fan_in", "fan_out", "layering", "funnel_account")
            found = [f for f in found if f["kind"] not in small or not any(set(f["tx"]) < x for x in large)]
        for f in found:
            if f["kind"] == "round_tripping":
                amounts = [t.amount for t in f["cycle"]]
                f["confidence"] = float(Fraction(min(amounts)) / Fraction(max(amounts))) if max(amounts) > 0 else 0
        return found


def make_layers(rng):
    """Payers, those between, payees; few pay back."""
    sides = [[f"n{10 * k + i}" for i in range(rng.randint(2, 5))] for k in range(rng.choice((2, 3)))]
    rows = []
    for i in range(rng.randint(10, 50)):
        k = rng.randrange(len(sides) - 1)
        ends = [rng.choice(sides[k]), rng.choice(sides[k + 1])]
        if rng.random() < 0.05:
            ends.reverse()
        rows.append(Tx(i, *ends, Decimal(rng.choice((95, 100))), START + datetime.timedelta(seconds=rng.randrange(60 * 3600) + 90000 * k), ("A", "B")))
    return rows


def make_days(rng):
    """Some payments on most days of two months, now and then a large one."""
    return [Tx(i, f"n{rng.randrange(3)}", f"n{rng.randrange(3)}", Decimal(rng.choice((80, 90, 100, 110)) if rng.random() < 0.95 else 3000),
               START + datetime.timedelta(hours=rng.randrange(60 * 24)), ("A", rng.choice("ABC"))) for i in range(rng.randint(50, 120))]


def make(rng):
    shape = rng.random()
    if shape < 0.25:
        return make_layers(rng)
    if shape < 0.32:
        return make_days(rng)
    entities, count, hours = rng.randint(2, 12), rng.randint(0, 60), rng.choice((3, 24, 200))
    levels = [rng.choice((0, 50, 95, 100, 110, 1000, rng.randint(1, 2000))) for _ in range(rng.randint(1, 4))]
    grain = rng.choice((1, 20, 3600))
    return [Tx(i, f"n{rng.randrange(entities)}", f"n{rng.randrange(entities)}", Decimal(rng.choice(levels)),
               START + datetime.timedelta(seconds=rng.randrange(hours * 3600) // grain * grain),
               (rng.choice("AB") if rng.random() < 0.9 else None, rng.choice("ABC"))) for i in range(count)]


def parameters(rng):
    return dict(patterns=rng.choice((None, KINDS, KINDS, rng.sample(KINDS, rng.randint(1, 6)))),
                time_window=rng.choice((0.5, 4, 24)) * HOUR, max_dwell=rng.choice((1, 12, 72)) * HOUR,
                cycle_window=rng.choice((2, 30, 400)) * HOUR, min_fan=rng.randint(2, 4), min_layers=rng.randint(2, 4),
                max_cycle_length=rng.randint(2, 5), min_forwarded=rng.choice((0, 0.5, 0.8, 0.9, 1)),
                reporting_threshold=Decimal(rng.choice((0, 100, 101, 1000))), structuring_low=rng.choice((0.5, 0.7, 0.95)),
                structuring_min_count=rng.randint(1, 4), high_risk_countries=rng.choice((None, ["C"])),
                suppress_contained=rng.choice((True, False)))


def month_ends(rng, year):
    """A moment near the end of January or February, most often, where a month later may be earlier for the later of two."""
    day = rng.choice((datetime.date(year, 1, 28), datetime.date(year, 1, 29), datetime.date(year, 2, 27), datetime.date(year, 3, 30)))
    return datetime.datetime.combine(day, datetime.time(tzinfo=datetime.timezone.utc)) + datetime.timedelta(hours=rng.randrange(72))


def make_months(rng):
    entities, year = rng.randint(2, 7), rng.choice((2023, 2024))
    levels = [rng.choice((95, 100, 110, 1000)) for _ in range(rng.randint(1, 3))]
    return [Tx(i, f"n{rng.randrange(entities)}", f"n{rng.randrange(entities)}", Decimal(rng.choice(levels)),
               month_ends(rng, year) if rng.random() < 0.8 else
               datetime.datetime(year, 1, 20, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=rng.randrange(3000)),
               ("A", rng.choice("ABC"))) for i in range(rng.randint(5, 45))]


def adding(db):
    """Times and intervals as the server adds them, the latter as text of an expression."""
    @functools.lru_cache(None)
    def later(ts, interval):
        return db.execute(f"SELECT %s::timestamptz + {interval}", (ts,)).fetchone()[0]

    return lambda ts, interval: ts + interval if isinstance(interval, datetime.timedelta) else later(ts, interval)


def load(db, rows):
    db.execute("DROP TABLE IF EXISTS tx")
    db.execute("""CREATE TEMP TABLE tx (row int, id text, source text, target text, amount numeric, ts timestamptz,
        source_country text, target_country text)""")
    with db.cursor().copy("COPY tx FROM STDIN") as copy:
        for t in rows:
            copy.write_row([t.row, f"t{t.row}", t.source, t.target, t.amount, t.ts, *t.countries])


def call(db, suffix, q, extra=""):
    arguments = ", ".join(f"{k} => {v if str(v).startswith('interval') else f'%({k})s'}" for k, v in q.items())
    return f"FROM rk.compliance_aml_patterns{suffix}('SELECT * FROM tx ORDER BY row', {extra}{arguments})"


def cycles_agree(found, wanted):
    """The found cycles, one after the other, are as short and end as early as the wanted ones."""
    return [(len(f), f[0], f[-1]) for f in found] == [(len(w["cycle"]), f"t{w['cycle'][0].row}", f"t{w['cycle'][-1].row}") for w in wanted]


@pytest.mark.parametrize("zone", ("UTC", "Europe/Berlin", "America/New_York"))
def test_months(db, zone):
    """Windows of calendar months, each on its own or beside others of a fixed length."""
    db.execute(f"SET TimeZone = '{zone}'")
    db.execute("SET rk.threads = 2")
    seen = set()
    for case in range(40):
        rng = random.Random(f"months {zone} {case}")
        rows, q = make_months(rng), parameters(rng)
        q["patterns"] = rng.choice((None, KINDS[:11]))
        for name in rng.sample(("time_window", "max_dwell", "cycle_window"), rng.randint(1, 3)):
            q[name] = rng.choice(("interval '1 month'", "interval '1 month'", "interval '1 month 1 day 05:30'", "interval '2 months'"))
        load(db, rows)
        found = db.execute("SELECT pattern, hub, transaction_ids, entities, confidence "
                           + call(db, "", q, "id_type => NULL::text, transaction_id_type => NULL::text, ") + " ORDER BY pattern_id", q).fetchall()
        wanted = Search(rows, q, adding(db)).run()
        mine = sorted((f[0], f[1] or "", tuple(f[2]), tuple(sorted(f[3])), round(float(f[4]), 12)) for f in found)
        theirs = sorted((w["kind"], w["hub"] or "", tuple(f"t{t.row}" for t in w["tx"]), tuple(sorted(w["members"])),
                         round(float(w["confidence"]), 12)) for w in wanted)
        assert mine == theirs, q
        seen |= {f[0] for f in found}
    db.execute("RESET rk.threads")
    assert len(seen) >= 9


@pytest.mark.parametrize("batch", range(10))
def test_patterns(db, batch):
    db.execute("SET TimeZone = 'UTC'")
    seen = set()
    for case in range(30):
        rng = random.Random(f"aml {batch} {case}")
        rows, q = make(rng), parameters(rng)
        load(db, rows)
        db.execute(f"SET rk.threads = {case % 3 + 1}")
        found = db.execute("""SELECT pattern_id, pattern, hub, entities, roles, transaction_ids, transaction_count, amount, confidence, points,
            first_ts, last_ts """ + call(db, "", q, "id_type => NULL::text, transaction_id_type => NULL::text, ") + " ORDER BY pattern_id",
            q).fetchall()
        search = Search(rows, q)
        wanted = search.run()
        by_id = {f"t{t.row}": t for t in rows}
        assert [f[0] for f in found] == list(range(1, len(found) + 1))
        order = [(KINDS.index(f[1]), by_id[f[5][0]].p) for f in found]
        assert order == sorted(order)

        def key(kind, hub, ids, members, confidence):
            return kind, hub or "", tuple(ids), tuple(sorted(members)), round(float(confidence), 12)

        mine = sorted(key(f[1], f[2], f[5], f[3], f[8]) for f in found)
        theirs = sorted(key(w["kind"], w["hub"], [f"t{t.row}" for t in w["tx"]], w["members"], w["confidence"]) for w in wanted)
        assert mine == theirs, q
        for f in found:
            ts = [by_id[i].ts for i in f[5]]
            assert f[6] == len(f[5]) and f[7] == sum(by_id[i].amount for i in f[5])
            assert f[9] == POINTS[f[1]] and (f[10], f[11]) == (ts[0], ts[-1]) and len(f[3]) == len(f[4])
        seen |= {f[1] for f in found}

        scores = db.execute("SELECT entity, matched_patterns, pattern_count, transaction_count, risk_score, risk_tier "
                            + call(db, "_entities", q, "id_type => NULL::text, "), q).fetchall()
        assert {s[0] for s in scores} == set().union(*(w["members"] for w in wanted)) if wanted else not scores
        for entity, kinds, count, transactions, score, tier in scores:
            own = [w for w in wanted if entity in w["members"]]
            assert kinds == [k for k in KINDS if k in {w["kind"] for w in own}] and count == len(own)
            assert transactions == len({t for w in own for t in w["tx"] if entity in (t.source, t.target)})
            assert score == pytest.approx(min(100, sum(POINTS[w["kind"]] * w["confidence"] for w in own)), abs=1e-9)
            assert tier == ("low" if score < 25 else "medium" if score < 50 else "high" if score < 75 else "very_high")
        score, count, counts = db.execute("SELECT * " + call(db, "_summary", q), q).fetchone()
        assert count == len(wanted) and sum(counts.values()) == count
        assert score == pytest.approx(min(100, sum(POINTS[w["kind"]] * w["confidence"] for w in wanted)), abs=1e-9)
    assert len(seen) >= 12


def test_relabelling(db):
    """Other names and another epoch change nothing."""
    for case in range(20):
        rng = random.Random(f"relabel {case}")
        rows, q = make(rng), parameters(rng)
        q["patterns"] = KINDS[:11]
        results = []
        for shift, names in ((0, lambda e: e), (1001, lambda e: f"x{97 - int(e[1:])}")):
            load(db, [Tx(t.row, names(t.source), names(t.target), t.amount, t.ts + datetime.timedelta(days=shift), t.countries) for t in rows])
            results.append(db.execute("SELECT pattern, transaction_ids, roles, confidence "
                                      + call(db, "", q, "id_type => NULL::text, transaction_id_type => NULL::text, ")
                                      + " ORDER BY pattern_id", q).fetchall())
        assert results[0] == results[1]
