-- rk.graph: making, printing, reading back, using as edges, and what is not one.

CREATE TABLE wires (payer bigint, payee bigint, amount float8);
INSERT INTO wires VALUES (7, 9, 0.1), (9, 7, 1e-300), (7, 9, 0.1), (9, 9, 3), (12, 7, 123456789.125);

-- ---- the aggregate ----

SELECT rk.graph_agg(payer, payee) FROM wires;
SELECT rk.graph_agg(payer, payee, amount) FROM wires;
-- nodes without edges, NULL, nothing
SELECT rk.graph_agg(s, t) FROM (VALUES (1, 2), (3, NULL), (NULL, NULL)) e(s, t);
SELECT rk.graph_agg(s, t) FROM (VALUES (NULL::int, NULL::int)) e(s, t);
SELECT rk.graph_agg(s, t, w) FROM (VALUES (1, NULL::int, NULL::float8)) e(s, t, w);
SELECT rk.graph_agg(payer, payee) IS NULL AS of_nothing FROM wires WHERE false;
SELECT rk.graph_agg(s, t) FROM (VALUES (1, 2), (NULL, 3)) e(s, t);
SELECT rk.graph_agg(s, t, w) FROM (VALUES (1, 2, NULL::float8)) e(s, t, w);
SELECT rk.graph_agg(s, t, w) FROM (VALUES (1, 2, 'NaN'::float8)) e(s, t, w);
SELECT rk.graph_agg(s, t, w) FROM (VALUES (1, 2, '-Infinity'::float8)) e(s, t, w);
SELECT rk.graph_agg(json '{}', json '{}');
-- ids of many types, as they were
SELECT rk.graph_agg(s, t) FROM (VALUES ('b'::text, 'a'::text), ('é"\', '')) e(s, t);
SELECT rk.graph_agg(s::varchar, t::varchar) FROM (VALUES ('b', 'a')) e(s, t);
SELECT rk.graph_agg(s::smallint, t::smallint) FROM (VALUES (2, 1)) e(s, t);
SELECT rk.graph_agg(uuid '00000000-0000-0000-0000-000000000001', uuid '00000000-0000-0000-0000-000000000000');
SELECT rk.graph_agg(date '2024-02-29', date 'infinity');
SELECT rk.graph_agg(timestamptz '2024-02-29 12:00 UTC', timestamptz '-infinity');
SELECT rk.graph_agg(1.50, numeric 'NaN');
SELECT rk.graph_agg(float8 '0.1', float8 'NaN');
SELECT rk.graph_agg(true, false);
SELECT rk.graph_agg(ARRAY[1, 2], ARRAY[NULL]::int[]);
SELECT rk.graph_agg('a'::name, 'b'::name);
SELECT rk.graph_agg('a'::char(5), 'b'::char(5));
SELECT rk.graph_agg('\x00ff'::bytea, '\x'::bytea);
-- by group, with FILTER, as window
SELECT payee, rk.num_edges(rk.graph_agg(payer, payee)) FROM wires GROUP BY payee ORDER BY payee;
SELECT rk.num_nodes(rk.graph_agg(payer, payee) FILTER (WHERE amount > 1)) FROM wires;
SELECT payer, rk.num_edges(rk.graph_agg(payer, payee) OVER (ORDER BY payer)) FROM wires ORDER BY 1;
-- partial aggregates of parallel workers give the same graph
CREATE TABLE many AS SELECT i % 1000 AS s, (i * 7919) % 1000 AS t, i / 3.0::float8 AS w FROM generate_series(1, 20000) i;
CREATE TABLE made (how text, plain rk.graph, weighted rk.graph, words rk.graph);
INSERT INTO made SELECT 'serial', rk.graph_agg(s, t), rk.graph_agg(s, t, w), rk.graph_agg('node ' || s, 'node number ' || t) FROM many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT rk.graph_agg(s, t) FROM many;
CREATE TABLE made_parallel AS SELECT rk.graph_agg(s, t) AS plain, rk.graph_agg(s, t, w) AS weighted, rk.graph_agg('node ' || s, 'node number ' || t) AS words FROM many;
INSERT INTO made SELECT 'parallel', * FROM made_parallel;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT rk.num_nodes(plain), rk.num_edges(plain), rk.num_nodes(words), count(DISTINCT plain::text) AS plain, count(DISTINCT words::text) AS words, count(*)
FROM made GROUP BY 1, 2, 3;
SELECT count(DISTINCT d) FROM made, LATERAL (SELECT array_agg(k.* ORDER BY node) AS d
	FROM rk.graph_degree_centrality(format('SELECT weighted FROM made WHERE how = %L', how)) k) r;

-- ---- as edges ----

CREATE TABLE store (name text, g rk.graph);
INSERT INTO store SELECT 'plain', rk.graph_agg(payer, payee) FROM wires;
INSERT INTO store SELECT 'weighted', rk.graph_agg(payer, payee, amount) FROM wires;
INSERT INTO store SELECT 'text', rk.graph_agg(payer::text, payee::text) FROM wires;
INSERT INTO store SELECT 'null', NULL;
INSERT INTO store SELECT 'negative', rk.graph_agg(1, 2, -1);
SELECT node, in_edges, out_edges, in_strength FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''weighted''') ORDER BY node;
SELECT node, in_edges, in_strength FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''weighted''', weighted => false) ORDER BY node;
SELECT node, in_edges, in_strength FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''plain''') ORDER BY node;
SELECT node, in_edges FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''text''', id_type => NULL::text) ORDER BY node;
SELECT node FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''plain''', nodes => 'SELECT 1 AS node') ORDER BY node;
SELECT jsonb_array_length(rk.execute('graph/pagerank', '{"edges": "SELECT g FROM store WHERE name = ''text''"}') -> 'rows');
CREATE VIEW one_graph AS SELECT g FROM store WHERE name = 'plain';
SELECT count(*) FROM rk.graph_degree_centrality('one_graph');
SELECT count(*) FROM rk.graph_degree_centrality('SELECT rk.graph_agg(payer, payee) FROM wires');
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''plain''', weighted => true);
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''text''');
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store');
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store WHERE false');
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''null''');
SELECT * FROM rk.graph_degree_centrality('SELECT g FROM store WHERE name = ''negative''');
SELECT count(*) FROM rk.graph_shortest_path('SELECT g FROM store WHERE name = ''negative''', 1::bigint);
SELECT * FROM rk.graph_degree_centrality('SELECT name, g FROM store WHERE name = ''plain''');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target', nodes => 'SELECT g FROM store WHERE name = ''plain''');
SELECT rk.num_nodes(NULL), rk.num_edges(NULL);

-- ---- text form ----

SELECT (g::text)::rk.graph::text = g::text AS same, name FROM store WHERE g IS NOT NULL ORDER BY name;
SELECT '{"id_type": "bigint", "weighted": false, "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [3, "1", "2"], "edges": [[0, 1], [0, 1], [2, 2]]}'::rk.graph;
SELECT '{"id_type": "text", "weighted": true, "nodes": ["b", "a"], "edges": [[0, 1, 2.5e-3]]}'::rk.graph;
SELECT ' {"id_type":"pg_catalog.date","weighted":false,"nodes":["2024-02-29"],"edges":[]} '::rk.graph;
-- a repeated node is one node
SELECT '{"id_type": "bigint", "nodes": ["1", "01"], "edges": [[0, 1]]}'::rk.graph;
SELECT ''::rk.graph;
SELECT 'null'::rk.graph;
SELECT '[]'::rk.graph;
SELECT '{}'::rk.graph;
SELECT '{"id_type": "bigint"}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0, 1]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0, -1]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0, 0.5]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0, 1e300]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "edges": [[0, 0, 1]]}'::rk.graph;
SELECT '{"id_type": "bigint", "weighted": true, "nodes": ["1"], "edges": [[0, 0]]}'::rk.graph;
SELECT '{"id_type": "bigint", "weighted": true, "nodes": ["1"], "edges": [[0, 0, 1e999]]}'::rk.graph;
SELECT '{"id_type": "bigint", "weighted": true, "nodes": ["1"], "edges": [[0, 0, "1"]]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["x"], "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [null], "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [["1"]], "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [{"a": 1}], "edges": []}'::rk.graph;
SELECT '{"id_type": "integer", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "json", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "no_such_type", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "record", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "anyarray", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint; DROP TABLE wires", "nodes": [], "edges": []}'::rk.graph;
SELECT '{"id_type": 20, "nodes": [], "edges": []}'::rk.graph;
SELECT '{"nodes": [], "id_type": "bigint", "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [], "weighted": true, "edges": []}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [], "edges": [], "more": 1}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [], "edges": []'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": [], "edges": []} x'::rk.graph;
-- the type of the ids cannot change in the middle
SELECT '{"id_type": "text", "nodes": ["a"], "id_type": "bigint", "edges": [], "nodes": ["1"]}'::rk.graph;
SELECT '{"id_type": "bigint", "nodes": ["1"], "id_type": "text", "edges": [], "nodes": ["a"]}'::rk.graph;

-- ---- bytes that are no graph ----

-- Only a superuser can put them into a value, by a function that does not look
-- at what it copies.
CREATE FUNCTION graph_of(bytea) RETURNS rk.graph LANGUAGE internal STRICT AS 'byteasend';
CREATE FUNCTION bytes_of(rk.graph) RETURNS bytea LANGUAGE internal STRICT AS 'byteasend';
CREATE FUNCTION try(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	what text;
	more text;
BEGIN
	RETURN 'nodes: ' || left(graph_of(bytes)::text, 40);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS what = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL;
	RETURN format('%s: %s %s', SQLSTATE, what, more);
END
$$;
CREATE TABLE bytes AS SELECT bytes_of(rk.graph_agg(s, t, w)) AS b FROM (VALUES (1, 2, 0.5::float8), (2, 1, 1), (3, NULL, NULL)) e(s, t, w);
CREATE TABLE word_bytes AS SELECT bytes_of(rk.graph_agg(s, t)) AS b FROM (VALUES ('a', 'bb'), ('a', 'ccc')) e(s, t);
SELECT try(b) FROM bytes;
SELECT try(''), try('\x00'), try(decode(repeat('00', 200), 'hex')), try(decode(repeat('ff', 200), 'hex'));
SELECT try(substr(b, 1, length(b) - 8)) AS shorter, try(b || '\x0000000000000000') AS longer FROM bytes;
-- every byte in turn, set to 255: an error of class XX001, or a graph still
SELECT DISTINCT regexp_replace(regexp_replace(try(set_byte(b, i, 255)), '^nodes: .*', 'a graph'), 'OID \d+', 'OID n') AS outcome
FROM bytes, generate_series(0, length(b) - 1) i ORDER BY 1;
SELECT DISTINCT regexp_replace(regexp_replace(try(set_byte(b, i, 255)), '^nodes: .*', 'a graph'), 'OID \d+', 'OID n') AS outcome
FROM word_bytes, generate_series(0, length(b) - 1) i ORDER BY 1;
CREATE TABLE bad_graph AS SELECT graph_of(set_byte(b, 0, 0)) AS g FROM bytes;
SELECT * FROM rk.graph_pagerank('bad_graph');
SELECT rk.num_nodes(g) FROM bad_graph;
SELECT rk.num_edges(graph_of(''));
SELECT length(g::text) FROM bad_graph;
-- a graph whose type of ids is gone
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE coloured AS SELECT rk.graph_agg('red'::colour, 'blue'::colour) AS g;
SELECT g FROM coloured;
SELECT node FROM rk.graph_connected_components('coloured', id_type => NULL::colour) ORDER BY 1;
ALTER TYPE colour RENAME TO color;
SELECT g FROM coloured;
DROP TYPE color;
\set VERBOSITY sqlstate
SELECT g FROM coloured;
SELECT * FROM rk.graph_connected_components('coloured', id_type => NULL::text);
\set VERBOSITY default
DROP TABLE coloured;
DROP FUNCTION try, graph_of, bytes_of;
DROP TABLE bytes, word_bytes, bad_graph, store, made, made_parallel, many, wires CASCADE;
