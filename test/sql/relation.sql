-- Relation arguments: what may be given, and what comes back.  The kernel is
-- connected-components or degree-centrality throughout: their results show
-- every id and every edge.

\pset null '(null)'

-- ---- types of ids ----

CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN account AS text;
CREATE TYPE place AS (country text, city text);
CREATE TABLE by_type (
	i2 smallint, i4 int, i8 bigint, t text, vc varchar(10), c char(6), n name, u uuid, d date,
	ts timestamp, tz timestamptz, num numeric, f8 float8, o oid, b bytea, m mood, a int[], dom account,
	p place, iv interval, ip inet, bo boolean, i2_to smallint, i4_to int, i8_to bigint, t_to text);
INSERT INTO by_type VALUES
	(-1, -1, -1, 'é', 'x', 'x', 'x', '00000000-0000-0000-0000-000000000001', '2024-02-29', '2024-01-01', '2024-01-01 UTC', 1.50, 0.5, 1, '\x00', 'calm', '{1,2}', 'acc', ('NL', 'Breda'), '1 day', '10.0.0.1', true, 1, 1, 1, 'f'),
	(32767, 2147483647, 9223372036854775807, '', '', '', 'y', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'infinity', '-infinity', 'infinity', 'NaN', 'NaN', 4294967295, '\xff00', 'angry', '{}', '', ('NL', NULL), '-1 month', '::1', false, 1, 1, 1, 'f'),
	(-32768, -2147483648, -9223372036854775808, 'e', 'Z', 'Z', 'Z', '80000000-0000-0000-0000-000000000000', '0001-01-01 BC', '0001-01-01', '0001-01-01 UTC', -1e30, '-Infinity', 2147483648, '\x', 'calm', '{NULL}', 'Z', (NULL, NULL), '24 hours', '10.0.0.1/32', NULL, 1, 1, 1, 'f');
-- two smallint and int columns are one kind of id: bigint
SELECT node FROM rk.graph_connected_components('SELECT i2 AS source, i2_to AS target FROM by_type') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('SELECT i4 AS source, i2_to AS target FROM by_type') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('SELECT i8 AS source, i4_to AS target FROM by_type') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('SELECT i4 AS source, i4_to AS target FROM by_type', id_type => NULL::int) ORDER BY 1;
-- text and its relatives are one kind of id, sorted by bytes
SELECT quote_literal(node) FROM rk.graph_connected_components('SELECT t AS source, t_to AS target FROM by_type', id_type => NULL::text) ORDER BY node COLLATE "C";
SELECT quote_literal(node) FROM rk.graph_connected_components('SELECT vc AS source, c AS target FROM by_type', id_type => NULL::varchar) ORDER BY node COLLATE "C";
SELECT quote_literal(node) FROM rk.graph_connected_components('SELECT n AS source, dom AS target FROM by_type', id_type => NULL::name) ORDER BY node COLLATE "C";
SELECT quote_literal(node), pg_typeof(node) FROM rk.graph_connected_components('SELECT dom AS source, t_to AS target FROM by_type', id_type => NULL::account) ORDER BY node COLLATE "C";
-- the others through their own operators
SELECT format('SELECT %L AS type, array_agg(node::text ORDER BY node) AS nodes FROM rk.graph_connected_components(%L, id_type => NULL::%s)',
	format_type(atttypid, NULL), format('SELECT %1$I AS source, %1$I AS target FROM by_type WHERE %1$I IS NOT NULL', attname), format_type(atttypid, NULL))
FROM pg_attribute WHERE attrelid = 'by_type'::regclass AND attname = ANY ('{u,d,ts,tz,num,f8,o,b,m,a,p,iv,ip,bo}')
ORDER BY attnum \gexec
-- equal values are one node, however they are written
SELECT node, degree, in_edges FROM rk.graph_degree_centrality(
	'SELECT * FROM (VALUES (1.0, 2.50), (1.000, 2.5), (1, 2.5000)) e(source, target)', id_type => NULL::numeric) ORDER BY node;
SELECT node, in_edges FROM rk.graph_degree_centrality(
	'SELECT * FROM (VALUES (float8 ''0'', float8 ''NaN''), (''-0'', ''NaN'')) e(source, target)', id_type => NULL::float8) ORDER BY node;
SELECT node, in_edges FROM rk.graph_degree_centrality(
	'SELECT * FROM (VALUES (interval ''24 hours'', interval ''0''), (''1 day'', ''0'')) e(source, target)', id_type => NULL::interval) ORDER BY node;
SELECT node, in_edges FROM rk.graph_degree_centrality(
	'SELECT * FROM (VALUES (interval ''1 day'', interval ''0''), (''24 hours'', ''0'')) e(source, target)', id_type => NULL::interval) ORDER BY node;
-- a long id is one of many that begin alike
SELECT count(*), sum(length(node)) FROM rk.graph_connected_components(
	$$SELECT repeat('x', i) AS source, repeat('x', 40) || i AS target FROM generate_series(1, 40) i$$, id_type => NULL::text);
-- id types that cannot be sorted or hashed, and types that do not agree
SELECT * FROM rk.graph_connected_components('SELECT ''{}''::json AS source, ''{}''::json AS target');
SELECT * FROM rk.graph_connected_components('SELECT point(1, 2) AS source, point(1, 2) AS target');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, ''b'' AS target');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT ''c''::text AS node');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', id_type => NULL::text);
SELECT * FROM rk.graph_connected_components('SELECT date ''2024-01-01'' AS source, date ''2024-01-02'' AS target');
-- the hint of the error above works
SELECT node FROM rk.graph_connected_components('SELECT date ''2024-01-01'' AS source, date ''2024-01-02'' AS target', id_type => NULL::date) ORDER BY 1;
-- id_type: its value, its place
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', id_type => 7);
SELECT * FROM rk.graph_connected_components('SELECT ''a'' AS source, ''b'' AS target', mode => 'weak', id_type => NULL::text);
-- after an argument of another type PostgreSQL takes the type of that
SELECT node FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target', damping => 0.9, id_type => NULL::bigint) ORDER BY node;
SELECT p.node, q.node FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target', id_type => NULL::bigint, damping => 0.9) p,
	rk.graph_pagerank('SELECT ''a'' AS source, ''b'' AS target', id_type => NULL::text) q ORDER BY 1, 2 LIMIT 1;
SELECT count(*) FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target', damping => 0.9, id_type => NULL::bigint);
SELECT * FROM rk.graph_connected_components('SELECT 3000000000 AS source, 2 AS target', id_type => NULL::int);
SELECT * FROM rk.graph_connected_components('SELECT 70000 AS source, 2 AS target', id_type => NULL::smallint);
-- ids given as values: of the ids' type, of another one, not there
SELECT node, distance FROM rk.graph_shortest_path('SELECT i4 AS source, i4_to AS target FROM by_type', 2147483647::bigint) ORDER BY node;
SELECT node, distance FROM rk.graph_shortest_path('SELECT u AS source, ''00000000-0000-0000-0000-000000000007''::uuid AS target FROM by_type', uuid '80000000-0000-0000-0000-000000000000') ORDER BY node;
SELECT node, distance FROM rk.graph_shortest_path('SELECT num AS source, 7.0 AS target FROM by_type', 1.5000) ORDER BY node;
SELECT node, distance FROM rk.graph_shortest_path('SELECT t AS source, t_to AS target FROM by_type', 'é') ORDER BY node;
SELECT * FROM rk.graph_shortest_path('SELECT u AS source, u AS target FROM by_type', 1::bigint);
SELECT * FROM rk.graph_shortest_path('SELECT u AS source, u AS target FROM by_type', uuid '00000000-0000-0000-0000-000000000009');
SELECT * FROM rk.graph_shortest_path('SELECT 1 AS source, 2 AS target', NULL::bigint);
-- an id of blanks is quoted in a message
SELECT * FROM rk.graph_shortest_path('[{"source": "  ", "target": "b", "weight": -2}, {"source": "b", "target": "  ", "weight": 1}]', '  '::text);

-- ---- types of numbers ----

SELECT format('SELECT %L AS type, node, in_strength FROM rk.graph_degree_centrality(%L) WHERE node = 2', type,
	format('SELECT 1 AS source, 2 AS target, %s::%s AS weight', value, type))
FROM (VALUES ('smallint', '32767'), ('integer', '2147483647'), ('bigint', '9007199254740993'), ('real', '0.1'),
	('double precision', '1e-320'), ('numeric', '0.1'), ('numeric', '123456789012345678901234567890.5'),
	('numeric', '0'), ('numeric', '0.000000000000000000000000000001'), ('numeric(10,2)', '99999999.99')) v(type, value) \gexec
-- numeric becomes the nearest double
SELECT count(*) FILTER (WHERE d.in_strength IS DISTINCT FROM w.n::float8) AS wrong, count(*)
FROM (SELECT i, ((hashint8extended(i, 1)::numeric + 9223372036854775808) / power(10::numeric, i % 40))::numeric AS n FROM generate_series(1, 2000) i) w
JOIN rk.graph_degree_centrality($$SELECT -i AS source, i AS target,
	((hashint8extended(i, 1)::numeric + 9223372036854775808) / power(10::numeric, i % 40))::numeric AS weight FROM generate_series(1, 2000) i$$) d ON d.node = w.i;
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, 1e400 AS weight');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, ''Infinity''::numeric AS weight');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, ''NaN''::numeric AS weight');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, ''-Infinity''::real AS weight');
SELECT * FROM rk.graph_degree_centrality('SELECT i AS source, i + 1 AS target, 5 - i AS weight FROM generate_series(1, 10) i');
SELECT * FROM rk.graph_degree_centrality('SELECT ''a''::text AS source, ''b'' AS target, -0.5 AS weight', id_type => NULL::text);
SELECT * FROM rk.graph_degree_centrality('SELECT i AS source, i + 1 AS target, nullif(i, 3000) AS weight FROM generate_series(1, 4000) i');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, ''3'' AS weight');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target, money ''3'' AS weight');

-- ---- queries ----

SELECT count(*) FROM rk.graph_connected_components('  /* a /* nested */ comment */ -- and another
	WITH RECURSIVE r(source, target) AS (VALUES (1, 2) UNION ALL SELECT source + 1, target + 1 FROM r WHERE source < 5) SELECT * FROM r');
SELECT count(*) FROM rk.graph_connected_components('(SELECT 1 AS source, 2 AS target) UNION ALL (SELECT 3, 4)');
SELECT count(*) FROM rk.graph_connected_components('VALUES (1, 2)');
SELECT count(*) FROM rk.graph_connected_components('SELECT target, 5 AS weight, source, ''x'' AS note FROM (VALUES (1, 2)) e(source, target);');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target, 3 AS target');
SELECT * FROM rk.graph_connected_components('SELECT');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS "Source", 2 AS target');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT 3 AS id');
SELECT count(*) FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT 3 AS id, 4 AS node');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT 3 AS nodes');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT NULL::int AS node');
-- a plan with parameters and a query of the caller for every row
SELECT k, n FROM generate_series(1, 3) k, LATERAL (SELECT count(*) AS n FROM rk.graph_connected_components(
	format('SELECT i AS source, i + 1 AS target FROM generate_series(1, %s) i', k))) c ORDER BY k;
PREPARE by_name(text) AS SELECT count(*) FROM rk.graph_connected_components($1);
EXECUTE by_name('SELECT 1 AS source, 2 AS target');
EXECUTE by_name('[]');
EXECUTE by_name(NULL);
DEALLOCATE by_name;
-- a run inside the query of a run
SELECT * FROM rk.graph_connected_components($$SELECT a.node AS source, b.node AS target
	FROM rk.graph_connected_components('VALUES (1, 2)') a, rk.graph_connected_components('SELECT 1 AS source, 2 AS target') b$$);
SELECT count(*) FROM rk.graph_connected_components($$SELECT a.node AS source, b.node AS target
	FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target') a, rk.graph_connected_components('SELECT 3 AS source, 4 AS target') b$$);

-- an error in the query says which argument it was; one in the data does not need to
SELECT * FROM rk.graph_connected_components('SELECT 1 / (i - 5) AS source, 2 AS target FROM generate_series(1, 9) i');
SELECT * FROM rk.graph_connected_components('SELECT 1 AS source, 2 AS target', nodes => 'SELECT 1/0 AS node');

-- ---- names ----

CREATE SCHEMA "odd Schema";
CREATE TABLE "odd Schema"."odd ""Table" (source int, target int, weight numeric, "my weight" int);
INSERT INTO "odd Schema"."odd ""Table" VALUES (1, 2, 3, 4);
SELECT count(*) FROM rk.graph_connected_components('"odd Schema"."odd ""Table"');
SELECT count(*) FROM rk.graph_connected_components(format('%I.%I', 'odd Schema', 'odd "Table'));
SELECT * FROM rk.graph_connected_components('odd Schema.odd Table');
SELECT * FROM rk.graph_connected_components('"odd Schema"."nothing"');
SELECT * FROM rk.graph_connected_components('nowhere.edges');
SELECT * FROM rk.graph_connected_components('otherdb.public.edges');
SELECT * FROM rk.graph_connected_components('a.b.c.d');
SELECT * FROM rk.graph_connected_components('ééééééééééééééééééééééééééééééééééééééééééééééééééééééé ééééé');
CREATE TABLE edges_parent (source int, target int, weight float8);
CREATE TABLE edges_child (note text) INHERITS (edges_parent);
INSERT INTO edges_parent VALUES (1, 2, 1);
INSERT INTO edges_child VALUES (3, 4, 1, 'x');
SELECT node FROM rk.graph_connected_components('edges_parent') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('SELECT * FROM ONLY edges_parent') ORDER BY 1;
CREATE TABLE edges_parts (weight float8, target bigint, source bigint) PARTITION BY RANGE (source);
CREATE TABLE edges_part1 PARTITION OF edges_parts FOR VALUES FROM (0) TO (10);
CREATE TABLE edges_part2 (source bigint, junk text, target bigint, weight float8);
ALTER TABLE edges_part2 DROP COLUMN junk;
ALTER TABLE edges_parts ATTACH PARTITION edges_part2 FOR VALUES FROM (10) TO (20);
INSERT INTO edges_parts VALUES (1, 2, 1), (1, 12, 11);
SELECT node FROM rk.graph_connected_components('edges_parts') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('edges_part2') ORDER BY 1;
CREATE VIEW edges_view AS SELECT * FROM edges_parent;
CREATE MATERIALIZED VIEW edges_kept AS SELECT * FROM edges_parent;
SELECT node FROM rk.graph_connected_components('edges_view') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('edges_kept') ORDER BY 1;
CREATE TEMPORARY TABLE edges_temp (source text, target text);
INSERT INTO edges_temp VALUES ('a', 'b');
SELECT node FROM rk.graph_connected_components('edges_temp', id_type => NULL::text) ORDER BY 1;
SELECT node FROM rk.graph_connected_components('pg_temp.edges_temp', id_type => NULL::text) ORDER BY 1;
SELECT * FROM rk.graph_connected_components('by_type_seq');
CREATE SEQUENCE by_type_seq;
CREATE INDEX by_type_index ON by_type (i8);
SELECT * FROM rk.graph_connected_components('by_type_seq');
SELECT * FROM rk.graph_connected_components('by_type_index');
SELECT * FROM rk.graph_connected_components('by_type');
-- words of SQL that are names of tables as well
CREATE TABLE "select" (source int, target int);
CREATE TABLE update_log (source int, target int);
CREATE TABLE "set" (source int, target int);
SELECT count(*) FROM rk.graph_connected_components('"select"');
SELECT count(*) FROM rk.graph_connected_components('update_log');
SELECT count(*) FROM rk.graph_connected_components('set');

-- ---- JSON ----

SELECT node, in_strength FROM rk.graph_degree_centrality('[{"source": 1, "target": 2, "weight": 1.5, "note": [1, {"source": 3}]}, {"target": 2, "source": 3, "weight": 1}]') ORDER BY 1;
SELECT node FROM rk.graph_connected_components(' [{"source": "a", "target": "b\u00e9\n"}]', id_type => NULL::text) ORDER BY 1;
SELECT node FROM rk.graph_connected_components('[{"source": "12", "target": "7"}]') ORDER BY 1;
SELECT node FROM rk.graph_connected_components('[{"source": "2024-02-29", "target": "2024-03-01"}]', id_type => NULL::date) ORDER BY 1;
SELECT node FROM rk.graph_connected_components('[{"source": 1.5, "target": 2}]', id_type => NULL::numeric) ORDER BY 1;
SELECT node FROM rk.graph_connected_components('[{"source": "00000000-0000-0000-0000-000000000001", "target": "00000000-0000-0000-0000-000000000002"}]', id_type => NULL::uuid) ORDER BY 1;
SELECT count(*) FROM rk.graph_connected_components('[]', nodes => '[{"node": 5}]');
SELECT count(*) FROM rk.graph_connected_components('[]', id_type => NULL::text);
SELECT node FROM rk.graph_connected_components('[{"source": 1, "target": 2, "source": 3}]') ORDER BY 1;
SELECT * FROM rk.graph_connected_components('[{"source": 1, "target": null}]');
SELECT * FROM rk.graph_connected_components('[{"source": 1}, {"target": 2}]');
SELECT * FROM rk.graph_connected_components('[{"source": 1, "target": 2}, {"source": "a", "target": 2}]');
SELECT * FROM rk.graph_connected_components('[{"source": [1], "target": 2}]');
SELECT * FROM rk.graph_connected_components('[{"source": {"a": 1}, "target": 2}]');
SELECT * FROM rk.graph_connected_components('[{"source": "a", "target": "b"}]');
SELECT * FROM rk.graph_connected_components('[{"source": 99999999999999999999, "target": 1}]');
SELECT * FROM rk.graph_connected_components('[{"source": "99999999999999999999", "target": "1"}]');
SELECT * FROM rk.graph_connected_components('[{"source": "x", "target": "y"}]', id_type => NULL::uuid);
SELECT * FROM rk.graph_degree_centrality('[{"source": 1, "target": 2, "weight": "heavy"}]');
SELECT * FROM rk.graph_degree_centrality('[{"source": 1, "target": 2, "weight": true}]');
SELECT * FROM rk.graph_connected_components('[{}]');
SELECT * FROM rk.graph_connected_components('[{"from": 1, "to": 2}]');
SELECT * FROM rk.graph_connected_components('[[]]');
SELECT * FROM rk.graph_connected_components('[[{"source": 1, "target": 2}]]');
SELECT * FROM rk.graph_connected_components('[null]');
SELECT * FROM rk.graph_connected_components('{"source": 1, "target": 2}');
SELECT * FROM rk.graph_connected_components('[{"source": 1, "target": 2}');
SELECT * FROM rk.graph_connected_components('[{"source": 1, "target": 2}] x');
SELECT * FROM rk.graph_connected_components('[{"source": "\u0000", "target": "b"}]', id_type => NULL::text);

SET client_min_messages = warning;
DROP SCHEMA "odd Schema" CASCADE;
DROP TABLE by_type, edges_parent, edges_parts, "select", update_log, "set" CASCADE;
DROP SEQUENCE by_type_seq;
DROP DOMAIN account;
DROP TYPE mood, place;
