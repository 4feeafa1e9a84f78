-- Every aggregate of the risk and temporal kernels gives the same result by one
-- process and by several, with FILTER and as a moving window: to the last bit,
-- but for correlations, whose moments are merged.
SET extra_float_digits = 3;

CREATE TABLE sample AS
SELECT i, i % 5 AS g, o AS open, o * exp(0.01 * b) AS close, o * exp(0.01 * greatest(b, 0) + 0.01 * h) AS high,
	o * exp(0.01 * least(b, 0) - 0.01 * l) AS low, CASE WHEN i % 17 <> 0 THEN 0.01 * b END AS value, CASE WHEN i % 19 <> 0 THEN 1000 * b END AS pnl,
	h AS weight, 0.05 * h AS pd, l AS lgd, (100 * h)::numeric(12, 2) AS ead, ARRAY[b, h, l] AS features
FROM (SELECT i, 100 * exp(0.02 * sin(i)) AS o, sin(3.3 * i * i) AS b, abs(cos(1.7 * i)) AS h, abs(sin(7.0 * i)) AS l FROM generate_series(1, 10000) i) x;
ANALYZE sample;
CREATE TABLE few AS SELECT * FROM sample WHERE i <= 300;

-- all forms of the aggregates of risk and temporal kernels, and their arguments
CREATE VIEW form AS
SELECT p.oid::regprocedure AS aggregate, a.aggcombinefn <> 0 AS combines, a.aggmtransfn <> 0 AS moves,
	format('%s(%s', p.oid::regproc, (SELECT string_agg(CASE name WHEN 'confidence' THEN '0.9' WHEN 'lambda' THEN '0.8' ELSE format('%I', name) END, ', ' ORDER BY n)
		FROM unnest(p.proargnames) WITH ORDINALITY u (name, n))) AS call
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE a.aggkind = 'n' AND p.oid::regproc::text IN (SELECT function FROM rk.kernel_columns WHERE shape = 'aggregate' AND kernel ~ '^(risk|temporal)/');

-- Rows of one query that the other does not have, both ways.
CREATE FUNCTION differences(a text, b text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('WITH a AS MATERIALIZED (%s), b AS MATERIALIZED (%s) SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d', a, b) INTO n;
	RETURN n;
END
$$;

-- Whether the query is planned with partial aggregates by workers.
CREATE FUNCTION is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line LIKE '%Partial%Aggregate%' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;

-- by workers: what combines does so, the rest waits for ORDER BY
CREATE FUNCTION by_workers(call text, combines boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT g, (%s))::text AS r FROM sample GROUP BY g', call);
	serial text;
	parallel text;
BEGIN
	PERFORM set_config('extra_float_digits', CASE WHEN call LIKE '%correlation%' THEN '-9' ELSE '3' END, true);
	SET LOCAL max_parallel_workers_per_gather = 0;
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY g) FROM (SELECT g, (%s ORDER BY i))::text AS r FROM sample GROUP BY g) q', call) INTO serial;
	SET LOCAL max_parallel_workers_per_gather = 3;
	IF is_parallel(query) <> combines THEN
		RETURN 'planned wrongly';
	END IF;
	EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY g) FROM (SELECT g, (%s ORDER BY i))::text AS r FROM sample GROUP BY g) q', call) INTO parallel;
	IF combines THEN
		EXECUTE format('SELECT string_agg(q::text, '' '' ORDER BY g) FROM (%s) q', query) INTO parallel;
	END IF;
	RETURN CASE WHEN serial IS NOT DISTINCT FROM parallel AND serial IS NOT NULL THEN 'same' ELSE format('%s is not %s', parallel, serial) END;
END
$$;

-- how many rows differ: none of these is to be listed
SELECT * FROM (SELECT aggregate, by_workers(call, combines) AS by_workers,
	differences(format('SELECT g, (%s ORDER BY i) FILTER (WHERE i %% 3 = 0))::text AS r FROM sample GROUP BY g', call),
		format('SELECT g, (%s ORDER BY i))::text AS r FROM sample WHERE i %% 3 = 0 GROUP BY g', call)) AS with_filter,
	-- rows enter and leave: at the start, within, and by frames that look ahead
	differences(format('SELECT i, (%s) OVER (PARTITION BY g ORDER BY i ROWS 9 PRECEDING))::text AS r FROM few', call),
		format('SELECT i, (SELECT %s ORDER BY i) FROM few s WHERE s.g = few.g AND s.i BETWEEN few.i - 45 AND few.i)::text AS r FROM few', call)) AS moving,
	differences(format('SELECT i, (%s) OVER (PARTITION BY g ORDER BY i ROWS BETWEEN 3 PRECEDING AND 4 FOLLOWING))::text AS r FROM few', call),
		format('SELECT i, (SELECT %s ORDER BY i) FROM few s WHERE s.g = few.g AND s.i BETWEEN few.i - 15 AND least(few.i + 20, 300))::text AS r FROM few', call)) AS ahead,
	differences(format('SELECT i, (%s) FILTER (WHERE i %% 3 = 0) OVER (PARTITION BY g ORDER BY i ROWS 9 PRECEDING))::text AS r FROM few', call),
		format('SELECT i, (SELECT %s ORDER BY i) FROM few s WHERE s.i %% 3 = 0 AND s.g = few.g AND s.i BETWEEN few.i - 45 AND few.i)::text AS r FROM few', call)) AS moving_filter,
	-- growing, and whole partitions
	differences(format('SELECT i, (%s) OVER (PARTITION BY g ORDER BY i))::text AS r FROM few', call),
		format('SELECT i, (SELECT %s ORDER BY i) FROM few s WHERE s.g = few.g AND s.i <= few.i)::text AS r FROM few', call)) AS growing
FROM form) d WHERE by_workers <> 'same' OR with_filter + moving + ahead + moving_filter + growing > 0;

-- no aggregate is left out
SELECT count(*) >= 15 AS all_forms FROM form;
SELECT DISTINCT function FROM rk.kernel_columns WHERE shape = 'aggregate' AND kernel ~ '^(risk|temporal)/'
EXCEPT SELECT substring(aggregate::text FROM '^[^(]+') FROM form;
