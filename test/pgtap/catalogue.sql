-- The SQL functions against the descriptors: names, types, forms, labels,
-- comments; and what the schema promises as a whole.
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();

-- ---- every function of the registry, in its forms ----

CREATE TEMPORARY VIEW declared AS
SELECT function, max(shape) AS shape,
	array_agg(name ORDER BY "position") FILTER (WHERE kind = 'argument') AS names,
	array_agg(type ORDER BY "position") FILTER (WHERE kind = 'argument') AS types,
	array_agg(required ORDER BY "position") FILTER (WHERE kind = 'argument') AS required,
	count(*) FILTER (WHERE kind = 'argument' AND required) AS mandatory,
	array_agg(name ORDER BY "position") FILTER (WHERE kind = 'result_column') AS result_names,
	array_agg(type ORDER BY "position") FILTER (WHERE kind = 'result_column') AS result_types,
	coalesce(bool_or(kind = 'argument' AND type LIKE 'id%'), false) AS id_values,
	coalesce(bool_or(kind = 'result_column' AND type LIKE 'id%'), false) AS id_results
FROM rk.kernel_columns GROUP BY function;

CREATE TEMPORARY VIEW existing AS
SELECT p.oid, p.oid::regprocedure::text AS signature, 'rk.' || p.proname AS function, p.provolatile, p.proparallel, p.proisstrict,
	p.proretset, p.prosecdef, p.prosupport, p.prokind, p.procost, p.prorows, p.pronargdefaults,
	obj_description(p.oid, 'pg_proc') AS comment,
	ARRAY(SELECT coalesce(p.proargnames[o], '') FROM unnest(coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::int]))) WITH ORDINALITY m(mode, o)
		WHERE mode IN ('i', 'v') ORDER BY o) AS names,
	ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, o) ORDER BY o) AS types,
	ARRAY(SELECT p.proargnames[o] FROM unnest(p.proargmodes) WITH ORDINALITY m(mode, o) WHERE mode IN ('t', 'o') ORDER BY o) AS result_names,
	ARRAY(SELECT format_type(p.proallargtypes[o], NULL) FROM unnest(p.proargmodes) WITH ORDINALITY m(mode, o) WHERE mode IN ('t', 'o') ORDER BY o) AS result_types
FROM pg_proc p WHERE p.pronamespace = 'rk'::regnamespace;

-- The SQL type of a descriptor's type, where ids are of the given type.
CREATE FUNCTION pg_temp.sql_type(type text, id text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE type WHEN 'id' THEN id WHEN 'relation' THEN 'text'
	WHEN 'id[]' THEN CASE id WHEN 'anyelement' THEN 'anyarray' WHEN 'anycompatible' THEN 'anycompatiblearray' ELSE id || '[]' END
	ELSE type END;
CREATE FUNCTION pg_temp.sql_types(types text[], id text) RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN ARRAY(SELECT pg_temp.sql_type(t, id) FROM unnest(types) WITH ORDINALITY u(t, o) ORDER BY o);

-- the forms that a relation function has by its descriptor
CREATE TEMPORARY VIEW wanted AS
SELECT function, mandatory, names, pg_temp.sql_types(types, 'anycompatible') AS types, result_names, pg_temp.sql_types(result_types, 'anycompatible') AS result_types, 'ids as values' AS form
FROM declared WHERE shape = 'relation' AND id_values
UNION ALL
SELECT function, mandatory, names, pg_temp.sql_types(types, 'bigint'), result_names, pg_temp.sql_types(result_types, 'bigint'), 'ids of the default type'
FROM declared WHERE shape = 'relation' AND NOT id_values
UNION ALL
SELECT function, mandatory, names[:mandatory] || 'id_type'::text || names[mandatory + 1:],
	pg_temp.sql_types(types[:mandatory], 'anyelement') || 'anyelement'::text || pg_temp.sql_types(types[mandatory + 1:], 'anyelement'),
	result_names, pg_temp.sql_types(result_types, 'anyelement'), 'id_type'
FROM declared WHERE shape = 'relation' AND NOT id_values AND id_results;

-- Some rooms have text as the type of ids in the form without id_type; ids of
-- the second kind are bigint in the form with the first kind's type alone.
SELECT ok(count(e.oid) = 1, format('%s has the form: %s', w.function, w.form))
FROM wanted w LEFT JOIN existing e ON e.function = w.function AND e.names = w.names
	AND e.result_names = w.result_names
	AND e.types = w.types
	AND (e.result_types = w.result_types
		OR (w.form = 'id_type' AND 'anyelement' = ANY (e.result_types || replace(e.result_types::text, 'anyarray', 'anyelement')::text[])
			AND array_replace(array_replace(e.result_types, 'bigint', 'anyelement'), 'bigint[]', 'anyarray')
				= array_replace(array_replace(w.result_types, 'bigint', 'anyelement'), 'bigint[]', 'anyarray'))
		OR (w.form = 'ids of the default type'
		AND array_replace(array_replace(e.result_types, 'text', 'bigint'), 'text[]', 'bigint[]') = array_replace(array_replace(w.result_types, 'text', 'bigint'), 'text[]', 'bigint[]')))
GROUP BY w.function, w.form ORDER BY w.function, w.form;
SELECT cmp_ok(count(*)::int, '>', 20, 'there are functions') FROM wanted;
SELECT is(count(*)::int, 0, 'every kernel has a function') FROM rk.kernels WHERE function IS NULL;

-- labels of all forms of relation functions
CREATE TEMPORARY VIEW relation_form AS
SELECT e.*, e.types[1] IN ('rk.graph', 'double precision[]') AND e.types[1] <> d.types[1] AS of_graph, d.mandatory, d.names AS declared_names
FROM existing e JOIN declared d USING (function) WHERE d.shape = 'relation'
	AND (e.proretset OR NOT EXISTS (SELECT 1 FROM declared s WHERE s.function = d.function AND s.shape <> 'relation'));
SELECT is(array_agg(signature) FILTER (WHERE provolatile <> 's'), NULL, 'relation functions are stable') FROM relation_form WHERE NOT of_graph;
SELECT is(array_agg(signature) FILTER (WHERE provolatile <> 'i' OR proparallel <> 's'), NULL, 'forms with a graph or an array are immutable and parallel safe') FROM relation_form WHERE of_graph;
SELECT is(array_agg(signature) FILTER (WHERE proparallel <> 'r'), NULL, 'relation functions run in the leader only') FROM relation_form WHERE NOT of_graph;
SELECT is(array_agg(signature) FILTER (WHERE proisstrict), NULL, 'a NULL is an error or a default, so none is strict') FROM relation_form;
SELECT is(array_agg(signature) FILTER (WHERE NOT proretset), NULL, 'they return sets') FROM relation_form;
SELECT is(array_agg(signature) FILTER (WHERE prosupport <> 'rk.relation_support'::regproc), NULL, 'they have planner support') FROM relation_form WHERE NOT of_graph;
SELECT is(array_agg(signature) FILTER (WHERE pronargdefaults <> cardinality(declared_names) - mandatory), NULL, 'every optional parameter has its default')
FROM relation_form WHERE NOT of_graph;
SELECT is(array_agg(signature) FILTER (WHERE result_names && names), NULL, 'no result column is named like a parameter') FROM relation_form;

-- scalar and aggregate functions
SELECT ok(count(e.oid) >= 1, format('%s has its %s', d.function, d.shape))
FROM declared d LEFT JOIN existing e ON e.function = d.function AND e.prokind = CASE WHEN d.shape LIKE 'aggregate%' THEN 'a' ELSE 'f' END
WHERE d.shape <> 'relation' GROUP BY d.function, d.shape ORDER BY 1;
SELECT is(array_agg(signature) FILTER (WHERE proparallel <> 's'), NULL, 'scalar and aggregate functions are parallel safe')
FROM existing e JOIN declared d USING (function) WHERE d.shape <> 'relation' AND NOT e.proretset;
SELECT is(array_agg(a.aggfnoid::text) FILTER (WHERE a.aggcombinefn = 0 OR (a.aggtranstype = 'internal'::regtype AND (a.aggserialfn = 0 OR a.aggdeserialfn = 0))), NULL,
	'aggregates combine, and their states travel')
FROM pg_aggregate a JOIN existing e ON e.oid = a.aggfnoid WHERE a.aggkind = 'n'
	AND e.function !~ 'ewma|yang_zhang';	-- what depends on the order of rows does not combine

-- ---- the registry ----

SELECT is(array_agg(id) FILTER (WHERE id !~ '^[a-z]+/[a-z0-9-]+$'), NULL, 'ids are domain/name') FROM rk.kernels;
SELECT is(count(*), count(DISTINCT id), 'ids are unique') FROM rk.kernels;
SELECT is(array_agg(id) FILTER (WHERE description IS NULL OR description ~ '\.$' OR length(description) > 200), NULL, 'descriptions are one line without a period') FROM rk.kernels;
SELECT is(array_agg(DISTINCT function || '.' || name) FILTER (WHERE meaning IS NULL OR meaning = ''), NULL, 'every parameter and column has a meaning') FROM rk.kernel_columns;
SELECT is(array_agg(DISTINCT function || '.' || name) FILTER (WHERE name !~ '^[a-z][a-z0-9_]*$'), NULL, 'names are snake_case') FROM rk.kernel_columns;
SELECT is(array_agg(DISTINCT c.name), NULL, 'no name is a reserved word')
FROM rk.kernel_columns c JOIN pg_get_keywords() k ON k.word = c.name AND k.catcode IN ('R', 'T') WHERE c.kind <> 'relation_column';
SELECT is(array_agg(function || '.' || name) FILTER (WHERE required AND default_value IS NOT NULL OR NOT required AND default_value IS NULL), NULL, 'what is optional has a default, and nothing else')
FROM rk.kernel_columns WHERE kind = 'argument' AND shape = 'relation';
SELECT is(array_agg(DISTINCT function), NULL, 'mandatory parameters come first')
FROM rk.kernel_columns a WHERE kind = 'argument' AND shape = 'relation' AND required AND EXISTS (
	SELECT 1 FROM rk.kernel_columns b WHERE b.function = a.function AND b.kind = 'argument' AND NOT b.required AND b."position" < a."position");
SELECT is(array_agg(function || '.' || name), NULL, 'seeds are bigint DEFAULT 0')
FROM rk.kernel_columns WHERE kind = 'argument' AND name = 'seed' AND (type <> 'bigint' OR default_value <> '0');
SELECT is((SELECT value FROM rk.build_info() WHERE name = 'kernels')::bigint, count(*), 'build_info counts the kernels') FROM rk.kernels;
SELECT is((SELECT value FROM rk.build_info() WHERE name = 'version'), extversion, 'library and extension are of one version') FROM pg_extension WHERE extname = 'rustkernels';
SELECT set_eq($$SELECT id FROM rk.search_kernels('')$$, $$SELECT id FROM rk.kernels$$, 'search_kernels finds all');

-- ---- the schema ----

SELECT is(array_agg(signature) FILTER (WHERE comment IS NULL OR comment = '' OR comment ~ '\.$'), NULL, 'every function has a comment, without a period') FROM existing;
SELECT is(array_agg(c.relname::text) FILTER (WHERE obj_description(c.oid, 'pg_class') IS NULL), NULL, 'so has every view and table')
FROM pg_class c WHERE relnamespace = 'rk'::regnamespace AND relkind IN ('r', 'v', 'm');
SELECT is(array_agg(t.typname::text) FILTER (WHERE obj_description(t.oid, 'pg_type') IS NULL), NULL, 'and every type')
FROM pg_type t WHERE typnamespace = 'rk'::regnamespace AND typrelid = 0 AND typelem = 0;
SELECT is(array_agg(signature), NULL, 'a function with the rights of its owner has a fixed search_path')
FROM existing e JOIN pg_proc p USING (oid) WHERE p.prosecdef AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%');
SELECT is(array_agg(signature) FILTER (WHERE procost <= 0 OR (proretset AND prorows <= 0)), NULL, 'costs and rows are positive') FROM existing;
SELECT is(array_agg(p.oid::regprocedure::text), NULL, 'everything belongs to the extension')
FROM pg_proc p WHERE pronamespace = 'rk'::regnamespace AND NOT EXISTS (
	SELECT 1 FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND x.extname = 'rustkernels');
SELECT has_type('rk', 'graph', 'rk.graph is a type');
SELECT is(format('%s %s %s', typalign, typstorage, typlen), 'd e -1', 'rk.graph: aligned, stored out of line, of variable length') FROM pg_type WHERE oid = 'rk.graph'::regtype;
SELECT ok(has_schema_privilege('public', 'rk', 'USAGE') AND NOT has_schema_privilege('public', 'rk', 'CREATE'), 'everybody may use the schema, nobody may add to it');

SELECT * FROM finish();
ROLLBACK;
