--
-- laundering.sql
--   The eight typologies of the AMLworld data sets, planted with labels among
--   the ordinary wires of the made-up bank.
--
-- Needs the tables of bank.sql in the first schema of the search path, and
-- creates labelled_wire there:
--
--   PGOPTIONS='-c search_path=bank' psql -f tools/bank/laundering.sql
--
-- It has the wires between accounts that bank.sql has not planted anything
-- with, and 25 instances of each typology between such accounts, each account
-- in one instance at most.  typology and instance are NULL for ordinary wires.
-- The same seed (bank.seed) gives the same rows.
--
-- Of an instance k is from 5 to 15; what is spread over a day lies within 20
-- hours; what is passed on is at least 0.9 of what came, within two days.
--
-- fan-out, fan-in: one account and k others, within a day.
-- cycle: 3 to 8 accounts, 2 to 18 hours from hop to hop.
-- scatter-gather: one account, k between, one account; a day for each side.
-- gather-scatter: k accounts, one, k accounts; a day for each side.
-- bipartite: 2 to 4 payers pay 3 to 6 payees each, within a day.
-- stack: 2 or 3 payers pay 2 to 5 accounts each, which pay 2 to 4 payees each;
--	 a day for each side.
-- random: a walk of 4 to 11 hops that does not come back, 2 to 18 hours each.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;

BEGIN;

-- as in bank.sql: uniform in [0, 1), the n-th number of a stream
DO $$
BEGIN
	EXECUTE format(
		'CREATE FUNCTION pg_temp.u(stream bigint, n bigint) RETURNS float8
		 LANGUAGE sql IMMUTABLE PARALLEL SAFE
		 AS ''SELECT ((hashint8extended($2, %s + $1) >> 11) & 9007199254740991)
			* 1.1102230246251565e-16::float8''',
		1000 * coalesce(nullif(current_setting('bank.seed', true), ''), '1')::bigint);
END
$$;

CREATE TEMP TABLE ordinary ON COMMIT DROP AS
SELECT w.* FROM wire w
WHERE NOT EXISTS (SELECT FROM planted p WHERE p.account = w.payer)
  AND NOT EXISTS (SELECT FROM planted p WHERE p.account = w.payee);

-- accounts in blocks of 40, one an instance
CREATE TEMP TABLE pool ON COMMIT DROP AS
SELECT id, row_number() OVER (ORDER BY pg_temp.u(500, hashtext(id)), id) - 1 AS place
FROM (SELECT payer AS id FROM ordinary INTERSECT SELECT payee FROM ordinary) s;
CREATE UNIQUE INDEX ON pool (place);
ANALYZE ordinary, pool;

CREATE TEMP TABLE instance ON COMMIT DROP AS
SELECT typology, i AS instance, n, 5 + floor(11 * pg_temp.u(501, n))::int AS k,
	   timestamptz '2024-01-03 00:00+00' + make_interval(secs => floor(350 * 86400 * pg_temp.u(502, n))) AS start,
	   exp(7 + 2 * pg_temp.u(503, n)) AS amount
FROM (SELECT typology, i, (no - 1) * 25 + i - 1 AS n
	  FROM unnest('{fan-out,fan-in,cycle,scatter-gather,gather-scatter,bipartite,stack,random}'::text[])
		   WITH ORDINALITY t (typology, no), generate_series(1, 25) i) s;

-- a, b: places in the block; share: of the amount; hour: from the start
CREATE TEMP TABLE hop ON COMMIT DROP AS
	SELECT n, 0 AS a, j AS b, 0.5 + pg_temp.u(510, n * 100 + j) AS share, 20 * pg_temp.u(511, n * 100 + j) AS hour
	FROM instance, generate_series(1, k) j WHERE typology = 'fan-out'
UNION ALL
	SELECT n, j, 0, 0.5 + pg_temp.u(512, n * 100 + j), 20 * pg_temp.u(513, n * 100 + j)
	FROM instance, generate_series(1, k) j WHERE typology = 'fan-in'
UNION ALL
	SELECT n, j, (j + 1) % (3 + k % 6), 0.97 ^ j * (1 - 0.02 * pg_temp.u(514, n * 100 + j)), 10 * j + 8 * pg_temp.u(515, n * 100 + j)
	FROM instance, generate_series(0, 2 + k % 6) j WHERE typology = 'cycle'
UNION ALL
	SELECT n, 0, j, 0.5 + pg_temp.u(516, n * 100 + j), 20 * pg_temp.u(517, n * 100 + j)
	FROM instance, generate_series(1, k) j WHERE typology = 'scatter-gather'
UNION ALL
	SELECT n, j, k + 1, (0.5 + pg_temp.u(516, n * 100 + j)) * (0.9 + 0.08 * pg_temp.u(518, n * 100 + j)), 24 + 20 * pg_temp.u(519, n * 100 + j)
	FROM instance, generate_series(1, k) j WHERE typology = 'scatter-gather'
UNION ALL
	SELECT n, j, 0, 0.5 + pg_temp.u(520, n * 100 + j), 20 * pg_temp.u(521, n * 100 + j)
	FROM instance, generate_series(1, k) j WHERE typology = 'gather-scatter'
UNION ALL
	SELECT n, 0, k + j, (0.5 + pg_temp.u(520, n * 100 + j)) * (0.9 + 0.08 * pg_temp.u(522, n * 100 + j)), 24 + 20 * pg_temp.u(523, n * 100 + j)
	FROM instance, generate_series(1, k) j WHERE typology = 'gather-scatter'
UNION ALL
	SELECT n, s, 10 + t, 0.5 + pg_temp.u(524, n * 100 + s * 10 + t), 20 * pg_temp.u(525, n * 100 + s * 10 + t)
	FROM instance, generate_series(0, 1 + k % 3) s, generate_series(0, 2 + k % 4) t WHERE typology = 'bipartite'
UNION ALL
	SELECT n, s, 10 + m, 0.95 + 0.05 * pg_temp.u(526, n * 100 + s * 10 + m), 20 * pg_temp.u(527, n * 100 + s * 10 + m)
	FROM instance, generate_series(0, 1 + k % 2) s, generate_series(0, 1 + k % 4) m WHERE typology = 'stack'
UNION ALL
	SELECT n, 10 + m, 20 + t, 0.9 + 0.05 * pg_temp.u(528, n * 100 + m * 10 + t), 24 + 20 * pg_temp.u(529, n * 100 + m * 10 + t)
	FROM instance, generate_series(0, 1 + k % 4) m, generate_series(0, 1 + k % 3) t WHERE typology = 'stack'
UNION ALL
	SELECT n, j, j + 1, 0.97 ^ j * (1 - 0.02 * pg_temp.u(530, n * 100 + j)), 10 * j + 8 * pg_temp.u(531, n * 100 + j)
	FROM instance, generate_series(0, 3 + k % 8) j WHERE typology = 'random';

CREATE TABLE labelled_wire AS
SELECT row_number() OVER (ORDER BY ts, payer, payee, amount) AS id, *
FROM (SELECT ts, payer, payee, amount, NULL::text AS typology, NULL::int AS instance FROM ordinary
	  UNION ALL
	  SELECT start + make_interval(secs => floor(3600 * hour)), a.id, b.id, (i.amount * share)::numeric(18, 2), typology, instance
	  FROM hop JOIN instance i USING (n) JOIN pool a ON a.place = n * 40 + hop.a JOIN pool b ON b.place = n * 40 + hop.b) w;
ALTER TABLE labelled_wire ADD PRIMARY KEY (id);
COMMIT;

VACUUM (FREEZE, ANALYZE) labelled_wire;
