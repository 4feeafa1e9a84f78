-- What every kernel refuses, and how: state, message, detail and hint.  The
-- first part runs every function of the registry through the same mistakes.

\getenv abs_srcdir PG_ABS_SRCDIR
\set calls :abs_srcdir '/support/calls.sql'
\set ECHO none
\i :calls
\set ECHO all

-- Runs a query and returns what came of it.
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text;
	what text;
	n bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM ' || query INTO n;
	RETURN n || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, what = MESSAGE_TEXT;
	RETURN state || ' ' || what;
END
$$;
CREATE TABLE mistake (edges text, expected text);
INSERT INTO mistake VALUES
	('SELECT 1 AS source', '42703 column "target" of "edges" is missing'),
	('SELECT 1 AS source, ''{}''::json AS target', '42804 column "target" of "edges" has type json'),
	('SELECT 1 AS source, ''b'' AS target', '42804 column "target" of "edges" has type text, but the ids before it are of type bigint'),
	('SELECT 1 AS source, NULL::int AS target', '22004 column "target" of "edges" is NULL in row 1'),
	('SELECT 1 AS source, 2 AS target, ''x''::text AS weight', '42804 column "weight" of "edges" has type text'),
	('SELECT i AS source, 2 AS target, CASE WHEN i < 1500 THEN 1 ELSE ''NaN''::float8 END AS weight FROM generate_series(1, 2000) i', '22023 column "weight" of "edges" is not a number in row 1500'),
	('SELECT 1 AS source, 2 AS target, ''Infinity''::float4 AS weight', '22023 column "weight" of "edges" is infinite in row 1'),
	('SELECT 1 AS source, 2 AS target; SELECT 1', '22023 query given as "edges" has more than one statement'),
	('INSERT INTO mistake VALUES (1)', '22023 query given as "edges" is not a SELECT'),
	('WITH x AS (DELETE FROM mistake RETURNING 1) SELECT 1 AS source, 2 AS target FROM x', '22023 query given as "edges" is not a SELECT'),
	('SELECT 1 AS source 2 AS target', '42601 syntax error at or near "2"'),
	('SELECT nothing AS source, 2 AS target', '42703 column "nothing" does not exist'),
	('SELECT source, target FROM nowhere', '42P01 relation "nowhere" does not exist'),
	('SELECT $1 AS source, 2 AS target', '42P02 there is no parameter $1'),
	('SELECT 1 / 0 AS source, 2 AS target', '22012 division by zero'),
	('nowhere', '42P01 relation "nowhere" named in "edges" does not exist'),
	('no table', '42601 value of "edges" is neither a query, nor the name of a relation, nor a JSON array'),
	('', '22023 value of "edges" is empty'),
	('{"source": 1}', '22023 JSON value of "edges" is not an array of objects'),
	('[1]', '22023 JSON value of "edges" is not an array of objects'),
	('[{"source": 1, "target": "a"}]', '42804 column "target" of "edges" has type text, but the ids before it are of type bigint'),
	('[{', '22P02 invalid input syntax for type json'),
	('SELECT NULL::rk.graph', '22004 graph given as "edges" is NULL'),
	('SELECT rk.graph_agg(1, 2) FROM generate_series(1, 0) WHERE false GROUP BY 1 = 1', '21000 query given as "edges" returned 0 graphs instead of one');
-- a mistake in edges is the same error in every function that reads them; a
-- weight that the function does not use is not looked at
SELECT f.name, m.edges, o
FROM mistake m, calls.list('$EDGES$', 10) f,
	outcome(replace(f.call, '$EDGES$', quote_literal(m.edges))) o
WHERE f.call LIKE '%$EDGES$%' AND o <> m.expected AND o NOT IN ('22023 node 10 named in "edges" has no row in "points"', '22023 node 3 named in "c" is not in the graph')
	AND NOT (m.edges LIKE '%AS weight%' AND o LIKE '% rows' AND NOT EXISTS (
		SELECT 1 FROM rk.kernel_columns c
		WHERE c.function = 'rk.' || f.name AND c.name = 'weighted' AND c.default_value IS DISTINCT FROM 'false'))
ORDER BY 1, 2;
SELECT count(*) > 200 AS tried FROM mistake m, calls.list('$EDGES$', 10) f WHERE f.call LIKE '%$EDGES$%';
-- a mandatory parameter must not be NULL
SELECT c.function, c.name, o
FROM rk.kernel_columns c, outcome(format('%s(%s)', c.function, (
	SELECT string_agg(CASE WHEN a.name = c.name THEN 'NULL' || CASE WHEN a.type = 'id' THEN '::bigint' ELSE '' END
			WHEN a.name = 'edges' THEN quote_literal('[{"source": 1, "target": 2}]')
			ELSE calls.argument(a.function, a.name, a.type, a.range, 10) END, ', ' ORDER BY a."position")
	FROM rk.kernel_columns a WHERE a.function = c.function AND a.shape = c.shape AND a.kind = 'argument' AND a.required))) o
WHERE c.shape = 'relation' AND c.kind = 'argument' AND c.required
	AND (c.function, c.name) <> ('rk.risk_reverse_stress', 'sensitivities') -- NULL: those of the asset class
	AND o <> format('22004 parameter "%s" must not be NULL', c.name);
-- numbers are finite and within their range, texts in their set
CREATE VIEW out_of_range AS
SELECT c.function, c.name, v.value, o.outcome
FROM rk.kernel_columns c
CROSS JOIN LATERAL (
	SELECT '''NaN''::float8' AS value WHERE c.type = 'double precision'
	UNION ALL SELECT '''Infinity''::float8' WHERE c.type = 'double precision'
	UNION ALL SELECT (substring(c.range FROM '^at least (.*)$')::numeric - 1)::text WHERE c.range LIKE 'at least %'
	UNION ALL SELECT substring(c.range FROM '^greater than (.*)$') WHERE c.range LIKE 'greater than %'
	UNION ALL SELECT CASE c.type WHEN 'double precision' THEN '1e30' ELSE (substring(c.range FROM ', (.*)[])]$')::numeric + 1)::text END WHERE c.range ~ '^[[(].*, .*[])]$'
	UNION ALL SELECT substring(c.range FROM '^\[.*, (.*)\)$') WHERE c.range ~ '^\[.*\)$'
	UNION ALL SELECT '''no such choice''' WHERE c.type = 'text' AND c.range IS NOT NULL) v
CROSS JOIN LATERAL (SELECT calls.call_with(c.function, c.shape, c.name, v.value) AS call) q
CROSS JOIN LATERAL outcome(q.call) o(outcome)
WHERE c.shape = 'relation' AND c.kind = 'argument';
SELECT function, name, value, outcome FROM out_of_range
WHERE outcome NOT LIKE format('22023 parameter "%s" is out of range: %%', name)
	AND outcome <> format('22023 invalid value for parameter "%s": "no such choice"', name)
ORDER BY 1, 2, 3;
SELECT count(*) > 20 AS tried FROM out_of_range;
-- a node that is given as a value and is not there
SELECT c.function, c.name, o FROM rk.kernel_columns c,
	outcome(calls.call_with(c.function, c.shape, c.name, '987654321::bigint')) o
WHERE c.kind = 'argument' AND c.type = 'id'
	AND o <> format('22023 node 987654321 named in "%s" is not in the graph', c.name);
-- ids of another type than the call returns, and the hint that works
SELECT f.name, o FROM calls.list('$EDGES$', 10) f,
	outcome(replace(f.call, '$EDGES$', quote_literal('SELECT ''a''::text AS source, ''b''::text AS target'))) o
WHERE o <> '42804 ids are of type text, but the call returns bigint'
	AND EXISTS (SELECT 1 FROM rk.kernel_columns c WHERE c.function = 'rk.' || f.name AND c.kind = 'result_column' AND c.type LIKE 'id%')
	AND f.call LIKE '%$EDGES$%';
-- edges of nothing: no error, and no row but that of a kernel with one row;
-- communities name nodes of their own
SELECT f.name, o FROM calls.list('$EDGES$', 10) f,
	outcome(replace(f.call, '$EDGES$', quote_literal('SELECT 1 AS source, 2 AS target WHERE false'))) o
WHERE f.call LIKE '%$EDGES$%' AND f.call NOT LIKE '% points =>%' AND o NOT IN ('0 rows', '1 rows')
	AND f.name <> 'graph_modularity_score_communities'
	AND o !~ 'named in "\w+" is not in the graph';

-- ---- rk.execute, rk.explain ----

CREATE TABLE wire (source bigint, target bigint, weight float8);
INSERT INTO wire VALUES (1, 2, 0.5), (2, 3, 0.25);
ANALYZE wire;
-- every function gives the same rows by its id as by its name; that the graph
-- has no cycle is worth a warning to some, and leaves nothing for some to list
SET client_min_messages = error;
SELECT f.name, e.rows, s.rows FROM calls.list('''wire''', 4) f,
	LATERAL (SELECT jsonb_array_length(rk.execute(CASE WHEN starts_with(f.name, translate(f.kernel, '/-', '__'))
			THEN f.kernel || substr(f.name, length(f.kernel) + 1) ELSE f.name END, (
		SELECT jsonb_object_agg(c.name, CASE c.type WHEN 'relation' THEN to_jsonb(CASE c.name WHEN 'edges' THEN 'wire' ELSE calls.relation_query(c.function, c.name, 4) END)
			WHEN 'id' THEN CASE c.name WHEN 'target' THEN '2' WHEN 'b' THEN '2' WHEN 'c' THEN '3' ELSE '1' END::jsonb
			WHEN 'text' THEN to_jsonb(btrim(calls.argument(c.function, c.name, c.type, c.range, 4), ''''))
			WHEN 'jsonb' THEN btrim(regexp_replace(calls.argument(c.function, c.name, c.type, c.range, 4), '::.*', ''), '''')::jsonb
			ELSE to_jsonb(regexp_replace(calls.argument(c.function, c.name, c.type, c.range, 4), '::.*', '')::numeric) END)
		FROM rk.kernel_columns c WHERE c.function = 'rk.' || f.name AND c.shape = 'relation' AND c.kind = 'argument' AND c.required)) -> 'rows') AS rows) e,
	LATERAL (SELECT replace(outcome(f.call), ' rows', '')::int AS rows) s
WHERE e.rows <> s.rows OR (s.rows = 0 AND f.name NOT IN
	('graph_cycle_participation_cycles', 'graph_k_clique', 'graph_k_clique_communities'));
RESET client_min_messages;
-- and those that take one series as an array: the same rows, or the same error, from a JSON array
CREATE TABLE one_series AS SELECT array_agg((10 + i / 5.0 + sin(i) * 3 + (i * 7919 % 13) / 4.0)::float8 ORDER BY i) AS a FROM generate_series(1, 60) i;
CREATE FUNCTION rows_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb;
BEGIN
	EXECUTE query INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN
	RETURN to_jsonb(sqlerrm);
END
$$;
SET client_min_messages = error;
SELECT f.proname, jsonb_typeof(a.by_id) AS type, a.by_id = b.by_name AS same
FROM (SELECT DISTINCT p.proname, c.kernel FROM pg_proc p JOIN rk.kernel_columns c ON c.function = 'rk.' || p.proname AND c.kind = 'argument' AND c.name = 'series'
	WHERE p.pronamespace = 'rk'::regnamespace AND p.proargtypes[0] = 'float8[]'::regtype) f,
	LATERAL (SELECT CASE WHEN f.proname = 'temporal_seasonal_decomposition' THEN '{"period": 7}' ELSE '{}' END::jsonb AS more) m,
	LATERAL (SELECT rows_of(format('SELECT rk.execute(%L, jsonb_build_object(''series'', to_jsonb(a)) || %L) -> ''rows'' FROM one_series',
		CASE WHEN starts_with(f.proname, translate(f.kernel, '/-', '__')) THEN f.kernel || substr(f.proname, length(f.kernel) + 1) ELSE f.proname END,
		m.more)) AS by_id) a,
	LATERAL (SELECT rows_of(format('SELECT jsonb_agg(to_jsonb(one)) FROM rk.%I((SELECT a FROM one_series) %s) one', f.proname,
		(SELECT string_agg(format(', %I => %s', key, value), '') FROM jsonb_each_text(m.more)))) AS by_name) b
ORDER BY f.proname;
RESET client_min_messages;
DROP FUNCTION rows_of(text);
DROP TABLE one_series;
SELECT rk.execute('temporal/trend-extraction', '{"series": [1, 2, "three"]}');
SELECT rk.execute('temporal/trend-extraction', '{"series": [1, {"value": 2}]}');
SELECT rk.execute('temporal/trend-extraction', '{"series": ["one"]}');
SELECT rk.execute('temporal/trend-extraction', '{"series": [1, null]}');
SELECT rk.execute('temporal/trend-extraction', '{"series": []}') -> 'rows';
SELECT rk.execute('temporal/trend-extraction', '{"series": null}');
SELECT rk.execute('temporal/volatility-analysis', '{"series": [1, 2], "model": "parkinson"}');
SELECT rows, bytes_in, memory > 0 AS memory, warnings FROM rk.explain('temporal/trend-extraction', '{"series": [1, null, 3]}');
SELECT rk.execute('graph/pagerank', '{"edges": [1, 2]}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire"}') #- '{run,run_id}' #- '{run,threads}' #- '{rows}';
SELECT rk.execute('graph/connected-components', '{"edges": [{"source": "a", "target": "b"}], "nodes": [{"node": "c"}]}') -> 'rows';
SELECT rk.execute('graph/shortest-path_between', '{"edges": "wire", "source": 1, "target": "3", "k": 1}') -> 'rows';
SELECT rk.execute(NULL, '{}'), rk.execute('graph/pagerank', NULL);
SELECT rk.execute('pagerank');
SELECT rk.execute('graph/pagerank_nothing', '{}');
SELECT rk.execute('', '{}');
SELECT rk.execute('graph/pagerank');
SELECT rk.execute('graph/pagerank', '[]');
SELECT rk.execute('graph/pagerank', '"wire"');
SELECT rk.execute('graph/pagerank', '{"edges": 1}');
SELECT rk.execute('graph/pagerank', '{"edges": null}');
SELECT rk.execute('graph/pagerank', '{"edges": true}');
SELECT rk.execute('graph/pagerank', '{"edges": {"source": 1}}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "damping": "0.5"}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "damping": 2}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "damping": null}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "max_iterations": 1.5}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "max_iterations": 1e20}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "max_iterations": 2147483648}');
SELECT jsonb_array_length(rk.execute('graph/pagerank', '{"edges": "wire", "max_iterations": 50.0}') -> 'rows');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "directed": 1}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "dangling": 1}');
SELECT rk.execute('graph/pagerank', '{"edges": "wire", "Damping": 0.5}');
SELECT rk.execute('graph/shortest-path', '{"edges": "wire", "source": "a"}');
SELECT rk.execute('graph/shortest-path', '{"edges": "wire", "source": [1]}');
SELECT rk.execute('graph/shortest-path', '{"edges": "wire", "source": 9}');
SELECT rows, bytes_in > 0 AS bytes, memory > 0 AS memory, device, threads > 0 AS threads, jsonb_object_keys(phases) AS phase, estimated_ms > 0 AS ms, warnings
FROM rk.explain('graph/pagerank', '{"edges": "wire"}') ORDER BY phase;
SELECT * FROM rk.explain('graph/pagerank', '{"edges": "nowhere"}');
SELECT * FROM rk.explain('graph/nothing', '{}');
SELECT * FROM rk.explain('graph/pagerank', '{}');
-- every kernel can be explained
SELECT f.name FROM calls.list('''wire''', 2) f WHERE f.name = replace(replace(f.kernel, '/', '_'), '-', '_') AND outcome(format('rk.explain(%L, %L)', f.kernel, (
		SELECT jsonb_object_agg(c.name, CASE c.type WHEN 'relation' THEN to_jsonb(CASE c.name WHEN 'edges' THEN 'wire' ELSE calls.relation_query(c.function, c.name, 4) END)
			WHEN 'id' THEN '1'::jsonb
			WHEN 'text' THEN to_jsonb(btrim(calls.argument(c.function, c.name, c.type, c.range, 2), ''''))
			WHEN 'jsonb' THEN btrim(regexp_replace(calls.argument(c.function, c.name, c.type, c.range, 2), '::.*', ''), '''')::jsonb
			ELSE to_jsonb(regexp_replace(calls.argument(c.function, c.name, c.type, c.range, 2), '::.*', '')::numeric) END)
		FROM rk.kernel_columns c WHERE c.function = 'rk.' || f.name AND c.shape = 'relation' AND c.kind = 'argument' AND c.required))) <> '1 rows';

-- ---- settings ----

SET rk.nothing = 1;
SET rk.device = 'gpu';
SET rk.threads = -1;
\set VERBOSITY sqlstate
SET rk.memory_limit = '1kB';
\set VERBOSITY default
SET rk.memory_limit = '1MB';
SELECT count(*) FROM rk.graph_pagerank('SELECT i AS source, i + 1 AS target FROM generate_series(1, 200000) i');
CREATE TABLE big AS SELECT i::bigint AS source, i + 1::bigint AS target FROM generate_series(1, 100000) i;
ANALYZE big;
\set VERBOSITY terse
SELECT count(*) FROM rk.graph_pagerank('big');
\set VERBOSITY default
RESET rk.memory_limit;
SET rk.device = cuda;
SELECT outcome('rk.graph_pagerank(''wire'')');
SELECT outcome('rk.graph_density(''wire'')');
SELECT outcome('rk.explain(''graph/pagerank'', ''{"edges": "wire"}'')');
RESET rk.device;

-- the session goes on
SELECT count(*) FROM rk.graph_pagerank('wire');
SET client_min_messages = warning;
DROP VIEW out_of_range;
DROP TABLE mistake, wire, big;
DROP FUNCTION outcome;
DROP SCHEMA calls CASCADE;
