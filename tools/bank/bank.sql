--
-- bank.sql
--   A made-up bank: 50,000 accounts, 1,000,000 wires of one year, and money
--   laundering planted in it.
--
-- Creates the tables account, wire and planted in the first schema of the
-- search path, which must not have them yet:
--
--   psql -c 'CREATE SCHEMA bank'
--   PGOPTIONS='-c search_path=bank' psql -f tools/bank/bank.sql
--
-- The same seed gives the same rows; -c bank.seed=7 in PGOPTIONS takes
-- another than 1.  Nothing but PostgreSQL is needed.  Numbers are drawn by a
-- hash of the seed, of what is drawn and of its number, never by random().
--
-- The ordinary bank: 240 communities (towns, trades) of falling size; inside
-- one, a few members do most of the business; everybody has a handful of
-- partners that are paid again and again, the busy ones a hundred or more; 40
-- accounts (utilities, payroll offices, notaries) deal with all communities.
-- Amounts are between cents and some 6,000, with 600 wires between 8,000 and
-- 9,999, 3,000 up to 50,000 and 1,500 above.  42 accounts lie idle.
--
-- What is planted, how often, and which kernel finds it.  The table planted
-- says who is in it: pattern, instance, role, account.  Below, "edges" are
-- SELECT payer AS source, payee AS target FROM wire; "weighted" adds amount AS
-- weight; "structured" keeps wires of 8,000 to 9,999.99, just under a
-- reporting limit; "large" those of 50,000 and more.
--
-- fan-in (8): 400 mules pay a collector structured amounts; the collector
--	 passes the sum on in ten large wires to one of two exits.
--	 graph_degree_centrality on edges: the collectors are the accounts with
--	 in_degree 400 and out_degree 1; an ordinary account that hundreds pay
--	 itself pays dozens.
--	 graph_pagerank, weighted: most of a mule's money goes one way, so the
--	 two exits, each paid by four accounts only, rank first, and the
--	 collectors are among the next dozen.
-- fan-out (6): a distributor, funded by two large wires, pays 300 mules.
--	 graph_degree_centrality on edges: out_degree 300, in_degree 2.
-- cycle (40): three to six firms pass 60,000 to 900,000 round, less a fee.
--	 graph_connected_components on large wires, mode => 'strong': the
--	 components of more than one account are the rings.
-- scatter-gather (12): a source pays 30 mules structured amounts, and all of
--	 them pay one sink.
--	 graph_connected_components on structured wires: components of 32
--	 accounts, some with a bystander or two.
-- gather-scatter (12): 25 accounts pay a centre structured amounts, the
--	 centre pays 25 others.
--	 graph_connected_components on structured wires: components of 51, some
--	 with a few bystanders; graph_betweenness_centrality on the same wires
--	 ranks the centre of each above the rest of it.
-- carousel (3): 24 firms sell to each other in all directions, for 11,000 to
--	 40,000.
--	 graph_triangle_counting on wires of 10,000 and more: ten to two hundred
--	 triangles a member, and at most one anywhere else.
--	 graph_louvain_community, weighted: each lies in one small community.
-- island (1): 40 accounts that deal with each other only.
--	 graph_connected_components on edges: the one component beside the bank.
--	 graph_triangle_counting on edges: the highest clustering_coefficient,
--	 0.75, of all accounts with more than a few partners.
-- layering (1): 2,500 shells abroad; whatever goes in or out passes two
--	 gateways in a row.
--	 graph_betweenness_centrality on edges, sampled: both gateways are among
--	 the first, beside accounts with hundreds of partners, with some 30.
--	 graph_louvain_community on edges: shells and inner gateway are one
--	 community.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;

BEGIN;

-- u(stream, n): uniform in [0, 1), the n-th number of a stream.
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

-- a normal number, cut at 3.46: the sum of four uniform ones
CREATE FUNCTION pg_temp.z(stream bigint, n bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (pg_temp.u($1, 4 * $2) + pg_temp.u($1, 4 * $2 + 1) + pg_temp.u($1, 4 * $2 + 2) + pg_temp.u($1, 4 * $2 + 3) - 2) * 1.7320508075688772';

CREATE FUNCTION pg_temp.pick(list text[], x float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT $1[1 + floor($2 * cardinality($1))::int]';

--
-- Accounts.  number tells what an account is for; its id does not show it.
--   0 .. 39              deal with all communities
--   40 .. 47,399         ordinary
--   47,400 .. 49,899     shells of layering
--   49,900 .. 49,939     the island
--   49,940 ..            gateways, collectors, exits, distributors; the rest
--                        has no business this year
--
CREATE TEMP TABLE community ON COMMIT DROP AS
SELECT c,
	   40 + floor(47360 * (w - own) / total)::int AS first,
	   floor(47360 * w / total)::int - floor(47360 * (w - own) / total)::int AS size
FROM (SELECT c, own, sum(own) OVER (ORDER BY c) AS w, sum(own) OVER () AS total
	  FROM (SELECT c, 1.0::float8 / (c + 25) AS own FROM generate_series(0, 239) c) s) t;

CREATE TEMP TABLE person ON COMMIT DROP AS
SELECT number,
	   c AS community,
	   CASE WHEN c IS NULL THEN 0 ELSE number - first END AS place,
	   CASE WHEN number < 40 THEN 400
			WHEN c IS NOT NULL THEN 5 + 150 / (1 + (number - first) / 4)
			ELSE 8 END AS partners,
	   CASE WHEN number BETWEEN 47400 AND 49899 OR number BETWEEN 49940 AND 49949
			THEN pg_temp.pick('{KY,PA,VG,SC}', pg_temp.u(1, number))
			ELSE pg_temp.pick('{DE,DE,DE,DE,DE,DE,AT,AT,CH,FR,FR,NL,NL,BE,IT,IT,ES,PL,CZ,GB}',
							  CASE WHEN c IS NULL THEN pg_temp.u(1, number)
								   WHEN pg_temp.u(2, number) < 0.9 THEN pg_temp.u(3, c)
								   ELSE pg_temp.u(1, number) END) END AS country,
	   row_number() OVER (ORDER BY pg_temp.u(4, number), number) AS serial
FROM generate_series(0, 49999) number
LEFT JOIN community ON number BETWEEN first AND first + size - 1;

CREATE TABLE account (
	id			text PRIMARY KEY,
	name		text NOT NULL,
	kind		text NOT NULL,
	country		text NOT NULL,
	opened		date NOT NULL
);

ALTER TABLE person ADD id text, ADD firm boolean;
UPDATE person SET
	id = country || lpad(serial::text, 6, '0'),
	firm = number < 40 OR number >= 47400 AND number < 49940 OR place < 12 OR pg_temp.u(5, number) < 0.12;
ANALYZE community, person;

INSERT INTO account
SELECT id,
	   CASE WHEN firm
			THEN pg_temp.pick('{Adler,Alpen,Atlas,Baltic,Berg,Delta,Donau,Falken,Fjord,Hansa,Helios,Juno,Kepler,Linden,Merkur,Nord,Orion,Polar,Rhein,Sankt Anna,Sirius,Sonnen,Terra,Union,Vesta,Zenit}', pg_temp.u(6, number))
				 || ' ' || pg_temp.pick('{Bau,Energie,Foods,Handel,Holding,Immobilien,Invest,Logistik,Medizin,Metall,Motoren,Optik,Reisen,Textil,Trading,Verlag}', pg_temp.u(7, number))
				 || ' ' || CASE country WHEN 'GB' THEN 'Ltd' WHEN 'FR' THEN 'SA' WHEN 'NL' THEN 'BV' WHEN 'BE' THEN 'BV'
								WHEN 'IT' THEN 'SpA' WHEN 'ES' THEN 'SL' WHEN 'CH' THEN 'AG' WHEN 'PL' THEN 'SA'
								WHEN 'CZ' THEN 'as' WHEN 'DE' THEN 'GmbH' WHEN 'AT' THEN 'GmbH' ELSE 'Inc' END
			ELSE pg_temp.pick('{Ada,Agnes,Anna,Anton,Bela,Bruno,Carla,Clara,David,Elena,Emil,Eva,Felix,Greta,Hanna,Henri,Ida,Ivan,Jakob,Jana,Jonas,Julia,Karl,Lea,Lena,Leo,Louis,Lucia,Luka,Maja,Marie,Marko,Marta,Max,Mila,Nina,Noah,Nora,Olga,Oskar,Otto,Paul,Petra,Rosa,Simon,Sofia,Theo,Tomas,Vera,Viktor}', pg_temp.u(6, number))
				 || ' ' || pg_temp.pick('{Albers,Bauer,Becker,Bianchi,Braun,Claes,Costa,Dubois,Dvorak,Fischer,Fuchs,Garcia,Gruber,Haas,Hofer,Horak,Huber,Jansen,Kaiser,Keller,Klein,Koch,Kowalski,Kraus,Lang,Lefevre,Lopez,Maier,Martin,Meyer,Moreau,Moser,Neumann,Novak,Peeters,Petit,Pichler,Richter,Rossi,Roth,Sanchez,Schmid,Schulz,Simon,Smith,Svoboda,Visser,Vogel,Weber,Wolf}', pg_temp.u(7, number))
	   END,
	   CASE WHEN firm THEN 'firm' ELSE 'person' END,
	   country,
	   CASE WHEN number >= 47400 THEN date '2023-06-01' + floor(200 * pg_temp.u(8, number))::int
			ELSE date '2004-01-01' + floor(7200 * pg_temp.u(8, number))::int END
FROM person
ORDER BY serial;

--
-- Planted wires, on account numbers.  Ordinary accounts that are drawn into a
-- pattern are drawn once, and from the quieter part of their community, so
-- that two patterns share nobody.
--
CREATE TEMP TABLE recruit ON COMMIT DROP AS
SELECT (row_number() OVER (ORDER BY pg_temp.u(10, number), number) - 1)::int AS r, number
FROM person
WHERE community IS NOT NULL AND place > 30;
CREATE UNIQUE INDEX ON recruit (r);
ANALYZE recruit;

-- who: recruits in blocks, one after the other, and accounts made for it
CREATE TEMP TABLE cast_list ON COMMIT DROP AS
	SELECT 'fan-in' AS pattern, i AS instance, 'mule' AS role, k, number
	FROM generate_series(0, 7) i, generate_series(0, 399) k JOIN recruit ON true WHERE r = 400 * i + k
UNION ALL SELECT 'fan-in', i, 'collector', 0, 49950 + i FROM generate_series(0, 7) i
UNION ALL SELECT 'fan-in', i, 'exit', 0, 49940 + i FROM generate_series(0, 1) i
UNION ALL
	SELECT 'fan-out', i, 'mule', k, number
	FROM generate_series(0, 5) i, generate_series(0, 299) k JOIN recruit ON true WHERE r = 3200 + 300 * i + k
UNION ALL SELECT 'fan-out', i, 'distributor', 0, 49960 + i FROM generate_series(0, 5) i
UNION ALL SELECT 'fan-out', i, 'funder', k, number
	FROM generate_series(0, 5) i, generate_series(0, 1) k JOIN recruit ON true WHERE r = 5000 + 2 * i + k
UNION ALL
	SELECT 'cycle', i, 'member', k, number
	FROM generate_series(0, 39) i, generate_series(0, 2 + i % 4) k JOIN recruit ON true WHERE r = 5100 + 6 * i + k
UNION ALL
	SELECT 'scatter-gather', i, CASE k WHEN 0 THEN 'source' WHEN 1 THEN 'sink' ELSE 'mule' END, k, number
	FROM generate_series(0, 11) i, generate_series(0, 31) k JOIN recruit ON true WHERE r = 5400 + 32 * i + k
UNION ALL
	SELECT 'gather-scatter', i, CASE WHEN k = 0 THEN 'centre' WHEN k <= 25 THEN 'source' ELSE 'beneficiary' END, k, number
	FROM generate_series(0, 11) i, generate_series(0, 50) k JOIN recruit ON true WHERE r = 5800 + 51 * i + k
UNION ALL
	SELECT 'carousel', i, 'member', k, number
	FROM generate_series(0, 2) i, generate_series(0, 23) k JOIN recruit ON true WHERE r = 6500 + 24 * i + k
UNION ALL SELECT 'island', 0, 'member', k, 49900 + k FROM generate_series(0, 39) k
UNION ALL SELECT 'layering', 0, 'shell', k, 47400 + k FROM generate_series(0, 2499) k
UNION ALL SELECT 'layering', 0, 'gateway', k, 49945 + k FROM generate_series(0, 1) k;
ANALYZE cast_list;

CREATE TABLE planted (
	pattern		text NOT NULL,
	instance	int NOT NULL,
	role		text NOT NULL,
	account		text NOT NULL REFERENCES account,
	PRIMARY KEY (pattern, instance, account)
);
INSERT INTO planted
SELECT pattern, instance + 1, role, id FROM cast_list JOIN person USING (number)
ORDER BY pattern, instance, role, k;

-- day: of the year, with the time of day as fraction
CREATE TEMP TABLE deal (payer int, payee int, amount numeric, day float8) ON COMMIT DROP;

-- fan-in: two payments of every mule, ten transfers of every collector
INSERT INTO deal
SELECT m.number, c.number, 8100 + 1880 * pg_temp.u(20, 2 * m.number + n), 40 * m.instance + 10 + 20 * pg_temp.u(21, 2 * m.number + n)
FROM cast_list m JOIN cast_list c USING (pattern, instance), generate_series(0, 1) n
WHERE m.pattern = 'fan-in' AND m.role = 'mule' AND c.role = 'collector'
UNION ALL
SELECT c.number, e.number, 650000 + 60000 * pg_temp.u(22, 10 * c.number + n), 40 * c.instance + 14 + 2 * n + pg_temp.u(18, c.number + 100000 * n)
FROM cast_list c JOIN cast_list e ON e.instance = c.instance % 2, generate_series(0, 9) n
WHERE c.role = 'collector' AND e.role = 'exit';

-- fan-out
INSERT INTO deal
SELECT f.number, d.number, 600000 + 200000 * pg_temp.u(23, f.number), 50 * f.instance + 20 + pg_temp.u(19, f.number)
FROM cast_list f JOIN cast_list d USING (pattern, instance)
WHERE f.role = 'funder' AND d.role = 'distributor'
UNION ALL
SELECT d.number, m.number, 2500 + 2000 * pg_temp.u(24, m.number), 50 * d.instance + 22 + 10 * pg_temp.u(25, m.number)
FROM cast_list d JOIN cast_list m USING (pattern, instance)
WHERE m.pattern = 'fan-out' AND d.role = 'distributor' AND m.role = 'mule';

-- cycle: three rounds, 1 % kept at every step
INSERT INTO deal
SELECT a.number, b.number,
	   (60000 + 840000 * pg_temp.u(26, a.instance)) * 0.99 ^ (n * size + a.k),
	   8 * a.instance + 10 * n + a.k + pg_temp.u(27, a.number)
FROM (SELECT *, count(*) OVER (PARTITION BY instance) AS size FROM cast_list WHERE pattern = 'cycle') a
JOIN cast_list b ON b.pattern = 'cycle' AND b.instance = a.instance AND b.k = (a.k + 1) % size,
	 generate_series(0, 2) n;

-- scatter-gather and gather-scatter
INSERT INTO deal
SELECT s.number, m.number, 8600 + 1300 * pg_temp.u(28, m.number), 28 * s.instance + 5 + pg_temp.u(29, m.number)
FROM cast_list s JOIN cast_list m USING (pattern, instance)
WHERE s.pattern = 'scatter-gather' AND s.role = 'source' AND m.role = 'mule'
UNION ALL
SELECT m.number, s.number, (8600 + 1300 * pg_temp.u(28, m.number)) * 0.97, 28 * s.instance + 7 + pg_temp.u(30, m.number)
FROM cast_list s JOIN cast_list m USING (pattern, instance)
WHERE s.pattern = 'scatter-gather' AND s.role = 'sink' AND m.role = 'mule'
UNION ALL
SELECT m.number, c.number, 8600 + 1300 * pg_temp.u(31, m.number), 28 * c.instance + 15 + pg_temp.u(29, m.number)
FROM cast_list c JOIN cast_list m USING (pattern, instance)
WHERE c.pattern = 'gather-scatter' AND c.role = 'centre' AND m.role = 'source'
UNION ALL
SELECT c.number, m.number, 8400 + 1300 * pg_temp.u(31, m.number), 28 * c.instance + 18 + pg_temp.u(30, m.number)
FROM cast_list c JOIN cast_list m USING (pattern, instance)
WHERE c.pattern = 'gather-scatter' AND c.role = 'centre' AND m.role = 'beneficiary';

-- carousel: half of all ordered pairs, twice
INSERT INTO deal
SELECT a.number, b.number, 11000 + 29000 * pg_temp.u(32, a.number * 100000::bigint + b.number * 2 + n),
	   100 * a.instance + 10 + 80 * pg_temp.u(33, a.number * 100000::bigint + b.number * 2 + n)
FROM cast_list a JOIN cast_list b USING (pattern, instance), generate_series(0, 1) n
WHERE pattern = 'carousel' AND a.k <> b.k AND pg_temp.u(34, a.number * 100000::bigint + b.number) < 0.5;

-- island: half of all ordered pairs, five times
INSERT INTO deal
SELECT a.number, b.number, 500 + 4000 * pg_temp.u(35, (a.number * 100000::bigint + b.number) * 5 + n),
	   360 * pg_temp.u(36, (a.number * 100000::bigint + b.number) * 5 + n)
FROM cast_list a JOIN cast_list b USING (pattern, instance), generate_series(0, 4) n
WHERE pattern = 'island' AND a.k <> b.k AND pg_temp.u(37, a.number * 100000::bigint + b.number) < 0.5;

-- layering: 15 wires of every shell to five others.  The inner gateway deals
-- with shells, the outer one with 30 firms, and both with each other.
INSERT INTO deal
SELECT s.number, 47400 + floor(2500 * pg_temp.u(38, s.number * 15 + n / 3) ^ 1.3)::int,
	   1000 + 6500 * pg_temp.u(39, s.number * 15 + n), 365 * pg_temp.u(40, s.number * 15 + n)
FROM cast_list s, generate_series(0, 14) n
WHERE s.pattern = 'layering' AND s.role = 'shell'
UNION ALL
SELECT CASE WHEN r.r < 6615 THEN r.number ELSE outer_gate END,
	   CASE WHEN r.r < 6615 THEN outer_gate ELSE r.number END,
	   20000 + 20000 * pg_temp.u(41, r.number * 8 + n), 5 + 44 * n + 30 * pg_temp.u(42, r.number * 8 + n)
FROM (VALUES (49945)) g (outer_gate), recruit r, generate_series(0, 7) n
WHERE r.r BETWEEN 6600 AND 6629
UNION ALL
SELECT CASE n % 2 WHEN 0 THEN 49945 ELSE 49946 END, CASE n % 2 WHEN 0 THEN 49946 ELSE 49945 END,
	   25000 + 24000 * pg_temp.u(43, n), 8 + 8 * n + pg_temp.u(44, n)
FROM generate_series(0, 39) n
UNION ALL
SELECT CASE WHEN n % 3 < 2 THEN 49946 ELSE shell END, CASE WHEN n % 3 < 2 THEN shell ELSE 49946 END,
	   20000 + 20000 * pg_temp.u(45, n), 10 + 3 * n + pg_temp.u(46, n)
FROM (SELECT n, 47400 + 83 * (n % 30) AS shell FROM generate_series(0, 89) n) s;

DELETE FROM deal WHERE payer = payee;

--
-- Ordinary wires, as many as are missing from a million.  The partner number
-- k of a payer is always the same account.
--
CREATE TEMP TABLE partner_of_community ON COMMIT DROP AS
SELECT a.c, k, b.first, b.size
FROM community a, generate_series(0, 3) k, community b
WHERE b.c = CASE WHEN k = 0 THEN a.c ELSE (a.c + 1 + floor(238 * pg_temp.u(50, 4 * a.c + k))::int) % 240 END;
ANALYZE partner_of_community;

INSERT INTO deal
SELECT payer,
	   CASE WHEN b < 0.05 THEN floor(40 * pg_temp.u(56, chosen) ^ 1.3)::int
			ELSE p.first + floor(p.size * pg_temp.u(57, chosen) ^ 2)::int END,
	   exp(4.6 + 1.2 * pg_temp.z(58, n)),
	   floor(365 * pg_temp.u(59, n)) + (7 + 13 * pg_temp.u(60, n)) / 24
FROM (SELECT n, payer, community, chosen, pg_temp.u(55, chosen) AS b
	  FROM (SELECT n, number AS payer, community,
				   number * 1000::bigint + floor(partners * pg_temp.u(54, n) ^ 1.5)::int AS chosen
			FROM (SELECT n,
						 CASE WHEN pg_temp.u(51, n) < 0.03 THEN floor(40 * pg_temp.u(52, n) ^ 1.3)::int
							  ELSE place END AS number
				  FROM (SELECT n, first + floor(size * pg_temp.u(53, n) ^ 2)::int AS place
						FROM (SELECT n, 40 + floor(47360 * pg_temp.u(61, n))::int AS any_number
							  FROM generate_series(1, 1000000 - 5100 - (SELECT count(*)::int FROM deal)) n) s
						JOIN person o ON o.number = any_number
						JOIN community c ON c.c = o.community) s) s
			JOIN person USING (number)) s) s
LEFT JOIN partner_of_community p
	   ON p.c = coalesce(community, floor(240 * pg_temp.u(62, chosen))::int)
	  AND p.k = CASE WHEN b < 0.8 THEN 0 ELSE 1 + floor(15 * (b - 0.8))::int END;

-- the rare large ones: 600 below 10,000, 3,000 purchases, 1,500 houses
INSERT INTO deal
SELECT 40 + floor(47360 * pg_temp.u(70, n))::int,
	   CASE WHEN n <= 600 THEN 40 + floor(47360 * pg_temp.u(71, n))::int
			ELSE floor(40 * pg_temp.u(71, n))::int END,
	   CASE WHEN n <= 600 THEN 8000 + 1999 * pg_temp.u(72, n)
			WHEN n <= 3600 THEN 10000 + 40000 * pg_temp.u(72, n) ^ 2
			ELSE 50000 + 700000 * pg_temp.u(72, n) ^ 2 END,
	   floor(365 * pg_temp.u(73, n)) + (8 + 10 * pg_temp.u(74, n)) / 24
FROM generate_series(1, 5100) n;

-- nobody pays himself: the money goes to the one next to him
UPDATE deal SET payee = CASE WHEN payee > 40 THEN payee - 1 ELSE payee + 1 END WHERE payer = payee;

CREATE TABLE wire (
	id			bigint NOT NULL,
	ts			timestamptz NOT NULL,
	payer		text NOT NULL,
	payee		text NOT NULL,
	amount		numeric(18,2) NOT NULL,
	currency	text NOT NULL
);
INSERT INTO wire
SELECT row_number() OVER (ORDER BY day, payer, payee, deal.amount),
	   timestamptz '2024-01-01 00:00+00' + make_interval(secs => floor(86400 * day)),
	   a.id, b.id, deal.amount,
	   CASE WHEN a.country = b.country AND a.country = 'CH' THEN 'CHF'
			WHEN a.country = b.country AND a.country = 'GB' THEN 'GBP'
			WHEN a.number >= 47400 AND b.number >= 47400 AND a.country <> 'DE' THEN 'USD'
			ELSE 'EUR' END
FROM deal JOIN person a ON a.number = payer JOIN person b ON b.number = payee;

ALTER TABLE wire ADD PRIMARY KEY (id),
	ADD FOREIGN KEY (payer) REFERENCES account,
	ADD FOREIGN KEY (payee) REFERENCES account;
COMMIT;

VACUUM (FREEZE, ANALYZE) account, wire, planted;
