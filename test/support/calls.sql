-- How to call every function of the registry: the tests that hold for all
-- kernels get their calls here, from rk.kernel_columns, so that a new kernel is
-- tested without being named.
--
-- What the types of mandatory parameters do not tell is in calls.known; a
-- function with a parameter that neither knows is an error that says so.

CREATE SCHEMA calls;

-- value: SQL of the argument.  bounded: also given where a call must end soon
-- on a large input.
CREATE TABLE calls.known (
	function text,				-- NULL: any
	parameter text,
	value text,
	bounded boolean NOT NULL DEFAULT false
);

INSERT INTO calls.known VALUES
	(NULL, 'source', '1::bigint', false),
	('rk.graph_gnn_inference', 'model', $q$'{"layers": [{"weight": [[1, 0], [0, 1]]}]}'::jsonb$q$, false),
	('rk.graph_graph_attention', 'model', $q$'{"heads": [{"weight": [[1], [1]], "attention": [1, 1]}]}'::jsonb$q$, false),
	('rk.graph_graph_attention_weights', 'model', $q$'{"heads": [{"weight": [[1], [1]], "attention": [1, 1]}]}'::jsonb$q$, false),
	(NULL, 'target', '2::bigint', false),
	(NULL, 'b', '2::bigint', false),
	(NULL, 'c', '3::bigint', false),
	(NULL, 'samples', '2', true),
	('rk.graph_closeness_centrality', 'directed', 'false', true),	-- samples need it
	(NULL, 'pairs', '$q$SELECT 1::bigint AS node_a, 2::bigint AS node_b$q$', true);

-- names of which some are alike
INSERT INTO calls.known
SELECT 'rk.compliance_' || f, p,
	$s$$q$SELECT i AS id, initcap(translate(md5((i / 3)::text), '0123456789', 'lmnoprstuv')) || CASE i % 3 WHEN 0 THEN ' Ann' ELSE '' END AS name, date '1970-01-01' + (i % 5000)::int AS date_of_birth, 'C' || i % 7 AS country FROM generate_series(1::bigint, 400) i$q$$s$, false
FROM (VALUES ('entity_resolution', 'entities'), ('entity_resolution_clusters', 'entities'), ('sanctions_screening', 'names'),
	('sanctions_screening', 'sanctions_list'), ('sanctions_screening_summary', 'names'), ('sanctions_screening_summary', 'sanctions_list'),
	('pep_screening', 'names'), ('pep_screening', 'pep_list')) k(f, p);
INSERT INTO calls.known VALUES
	('rk.name_similarity', 'a', $q$'Ann Example'$q$, false),
	('rk.name_similarity', 'b', $q$'Anna Exampel'$q$, false);

-- orders that meet each other
INSERT INTO calls.known
SELECT 'rk.orderbook_matching' || suffix, 'events',
	$s$$q$SELECT i AS seq, 'X' AS symbol, i AS order_id, CASE i % 2 WHEN 0 THEN 'buy' ELSE 'sell' END AS side, 100 + i * 7 % 5 AS price, 1 + i % 9 AS quantity FROM generate_series(1::bigint, 1000) i$q$$s$, false
FROM unnest(ARRAY['', '_orders', '_depth', '_stats', '_snapshot']) suffix;

-- deliveries and receipts, two by two
INSERT INTO calls.known
SELECT 'rk.clearing_dvp_matching' || suffix, 'instructions',
	$s$$q$SELECT i AS instruction_id, 'X' AS security_id, 1 AS deliverer, 2 AS receiver, CASE i % 2 WHEN 0 THEN 'deliver' ELSE 'receive' END AS side, 10 AS quantity, 100 + i / 2 AS amount, 'EUR' AS currency, date '2024-01-01' + (i % 365 / 2)::int AS settlement_date FROM generate_series(1::bigint, 1000) i$q$$s$, false
FROM unnest(ARRAY['', '_settle']) suffix;

-- payments that rules have something to say about
INSERT INTO calls.known
SELECT 'rk.compliance_transaction_monitoring' || suffix, 'transactions',
	$s$$q$SELECT i % 50 AS source, (i * 7 + 3) % 50 AS target, 5000 + i % 100 AS amount, timestamptz '2024-01-01' + i * interval '1 hour' AS ts, i AS id FROM generate_series(1::bigint, 1000) i$q$$s$, false
FROM unnest(ARRAY['', '_summary']) suffix;

-- money that goes back and forth
INSERT INTO calls.known
SELECT 'rk.compliance_' || name, 'transactions',
	$s$$q$SELECT i % 2 AS source, 1 - i % 2 AS target, 9000 AS amount, timestamptz '2024-01-01' + i * interval '1 minute' AS ts FROM generate_series(1::bigint, 1000) i$q$$s$, false
FROM unnest(ARRAY['flow_reversal', 'flow_reversal_summary', 'flow_reversal_offenders', 'flow_split', 'flow_split_summary',
	'reciprocity_flow', 'reciprocity_flow_summary', 'circular_flow', 'circular_flow_entities']) name;
INSERT INTO calls.known VALUES ('rk.compliance_circular_flow_cycles', 'transactions',
	$s$$q$SELECT i % 3 AS source, (i + 1) % 3 AS target, 9000 AS amount, timestamptz '2024-01-01' + i * interval '10 days' AS ts FROM generate_series(1::bigint, 1000) i$q$$s$, false);

-- payments in circles
INSERT INTO calls.known
SELECT 'rk.compliance_aml_patterns' || suffix, 'transactions',
	$s$$q$SELECT i % 10 AS source, (i + 1) % 10 AS target, 100 AS amount, timestamptz '2024-01-01' + i * interval '1 hour' AS ts, i AS id FROM generate_series(1::bigint, 1000) i$q$$s$, false
FROM unnest(ARRAY['', '_entities', '_summary']) suffix;

-- The SQL of a value in column or parameter of this type; i is a row number.
CREATE FUNCTION calls.expression(column_name text, type text, range text, nodes bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
	WHEN type = 'id' AND column_name IN ('node', 'id', 'node_a', 'source') THEN 'i'
	WHEN type = 'id' AND column_name = 'series_id' THEN 'i / 200'	-- long enough to have a season
	WHEN type = 'id' THEN format('(i * 7 + 3) %% %s', nodes)
	WHEN range ~ '^[[(].*, .*[])]$' THEN (substring(range FROM ', (.*)[])]$')::numeric / 2)::text
	WHEN type LIKE 'number%' OR type IN ('numeric', 'bigint', 'integer') THEN '1 + i % 10'
	WHEN type LIKE 'timestamp%' AND type NOT LIKE '%[]' OR type IN ('time', 'timestamptz') THEN $e$timestamptz '2024-01-01' + i * interval '1 minute'$e$
	WHEN type = 'date' THEN $e$date '2024-01-01' + (i % 365)::int$e$
	WHEN type = 'boolean' THEN 'i % 2 = 0'
	WHEN type = 'text' AND range IS NOT NULL THEN quote_literal(split_part(range, ', ', 1))
	WHEN type = 'interval' THEN $e$i * interval '1 minute'$e$
	WHEN type = 'jsonb' THEN $e$jsonb_build_object('k', i)$e$
	WHEN type = 'double precision[]' THEN 'ARRAY[1 + i % 10, i % 7]::float8[]'
	WHEN type IN ('integer[]', 'bigint[]') THEN 'ARRAY[1 + i % 10, i % 7]'
	WHEN type = 'text[]' THEN $e$ARRAY['k' || i % 5]$e$
	WHEN type = 'text' AND column_name = 'currency' THEN $e$'EUR'$e$
	WHEN type = 'text' AND column_name = 'asset_class' THEN $e$'equity'$e$
	WHEN type = 'text' AND column_name = 'factor' THEN $e$'k' || i$e$
	WHEN type = 'text' THEN $e$'k' || i % 5$e$
END;

-- A query for a relation argument other than edges: a row for each of the nodes
-- 0 .. nodes - 1, or a tenth as many pairs.
CREATE FUNCTION calls.relation_query(wanted_function text, wanted_relation text, nodes bigint)
RETURNS text LANGUAGE sql STABLE
RETURN coalesce((
	SELECT replace(k.value, '$q$', '') FROM calls.known k
	WHERE k.function = wanted_function AND k.parameter = wanted_relation
), (
	SELECT format('SELECT %s FROM generate_series(0::bigint, %s) i',
		string_agg(format('%s AS %I', calls.expression(name, type, range, nodes), name), ', ' ORDER BY "position"),
		CASE WHEN bool_or(name = 'node_a') THEN greatest(nodes / 10, 2) ELSE nodes END - 1)
	FROM rk.kernel_columns
	WHERE function = wanted_function AND relation = wanted_relation AND kind = 'relation_column'
));

-- The value of a mandatory parameter.
CREATE FUNCTION calls.argument(wanted_function text, parameter text, type text, range text, nodes bigint)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	result text;
BEGIN
	SELECT k.value INTO result FROM calls.known k
	WHERE k.parameter = argument.parameter AND coalesce(k.function, wanted_function) = wanted_function
	ORDER BY k.function NULLS LAST LIMIT 1;
	result := coalesce(result, CASE
		WHEN type = 'relation' THEN quote_literal(calls.relation_query(wanted_function, parameter, nodes))
		WHEN type IN ('integer', 'bigint') THEN coalesce(substring(range FROM '[0-9]+'), '2') || '::' || type
		WHEN type IN ('double precision', 'numeric') THEN '0.5'
		WHEN type = 'boolean' THEN 'true'
		WHEN type = 'double precision[]' THEN 'ARRAY[1, 2]::float8[]'
		WHEN type = 'id' THEN '1::bigint'
		WHEN type = 'text' AND range IS NOT NULL THEN quote_literal(split_part(range, ', ', 1))
	END);
	IF result IS NULL THEN
		RAISE EXCEPTION '% needs "%" of type %', wanted_function, parameter, type
			USING HINT = 'Add a row to calls.known in test/support/calls.sql.';
	END IF;
	RETURN result;
END
$$;

-- Every function over relations and the SQL that calls it.  edges: SQL of that argument; the
-- graph has the nodes 0 .. nodes - 1, and other relations have as many rows.
CREATE FUNCTION calls.list(edges text, nodes bigint, bounded boolean DEFAULT false)
RETURNS TABLE (kernel text, name text, call text) LANGUAGE sql STABLE AS $$
	SELECT a.kernel, replace(a.function, 'rk.', ''), a.function || '(' || string_agg(
			a.name || ' => ' || CASE
				WHEN a.name = 'edges' THEN list.edges
				ELSE calls.argument(a.function, a.name, a.type, a.range, nodes)
			END, ', ' ORDER BY a."position") || ')'
	FROM rk.kernel_columns a
	WHERE a.shape = 'relation' AND a.kind = 'argument' AND (a.required OR (list.bounded AND EXISTS (
			SELECT 1 FROM calls.known k
			WHERE k.bounded AND k.parameter = a.name AND coalesce(k.function, a.function) = a.function)))
	GROUP BY a.kernel, a.function
	ORDER BY a.function COLLATE "C"
$$;

-- The result of a call as one value: number of rows and a digest of every bit
-- of them, in whatever order they come.
CREATE FUNCTION calls.digest(call text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' '' || coalesce(sum(hashtextextended(r::text, 0)::numeric), 0) FROM %s r', call)
	INTO result;
	RETURN result;
END
$$;

-- A call of a function on two edges, 1 to 2 and 2 to 3, with one parameter set.
-- Functions of one name are told apart by their shape.
CREATE FUNCTION calls.call_with(wanted_function text, wanted_shape text, parameter text, value text) RETURNS text
LANGUAGE sql STABLE
RETURN (
	SELECT a.function || '(' || string_agg(a.name || ' => ' || CASE
			WHEN a.name = call_with.parameter THEN call_with.value
			WHEN a.name = 'edges' THEN $q$'[{"source": 1, "target": 2}, {"source": 2, "target": 3}]'$q$
			ELSE calls.argument(a.function, a.name, a.type, a.range, 4)
		END, ', ' ORDER BY a."position") || ')'
	FROM rk.kernel_columns a
	WHERE a.kind = 'argument' AND a.function = wanted_function AND a.shape = wanted_shape AND (a.required OR a.name = call_with.parameter)
	GROUP BY a.function
);
