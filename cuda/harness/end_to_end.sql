--
-- end_to_end.sql: calls of SQL on tables, with rk.device = cpu and auto in turns; auto
-- must not be slower.  "edges" says how large the graph is.
--
-- Lines that begin with # or "bar" are for a summary.
--
\set QUIET on
SET client_min_messages = warning;
CREATE TEMP TABLE wire AS
	SELECT (power(random(), 3) * :edges / 12)::bigint AS source, (power(random(), 2) * :edges / 12)::bigint AS target
	FROM generate_series(1, :edges);
CREATE TEMP TABLE position AS
	SELECT i AS id, (1000 * (i % 37 + 1))::numeric AS value, 0.05 + 0.001 * (i % 200) AS volatility FROM generate_series(1, 100) i;
ANALYZE wire;

CREATE TEMP TABLE calls (what text, query text);
INSERT INTO calls VALUES
	('graph_pagerank', $$rk.graph_pagerank('SELECT * FROM wire')$$),
	('graph_connected_components', $$rk.graph_connected_components('SELECT * FROM wire')$$),
	('graph_triangle_counting', $$rk.graph_triangle_counting('SELECT * FROM wire')$$),
	('graph_katz_centrality', $$rk.graph_katz_centrality('SELECT * FROM wire')$$),
	('graph_label_propagation', $$rk.graph_label_propagation('SELECT * FROM wire')$$),
	('graph_louvain_community', $$rk.graph_louvain_community('SELECT * FROM wire')$$),
	('graph_shortest_path', $$rk.graph_shortest_path('SELECT * FROM wire', 0)$$),
	('graph_betweenness_centrality, 64 sources', $$rk.graph_betweenness_centrality('SELECT * FROM wire', samples => 64)$$),
	('risk_monte_carlo_var', format($$rk.risk_monte_carlo_var('SELECT * FROM position', simulations => %s)$$, :simulations)),
	('graph_pagerank, a small graph', $$rk.graph_pagerank('SELECT * FROM wire LIMIT 1000')$$);

CREATE FUNCTION pg_temp.measure(rounds integer) RETURNS TABLE (what text, cpu_ms double precision, auto_ms double precision, device text, reason text)
LANGUAGE plpgsql AS $$
DECLARE
	c record;
	mode text;
	begun timestamptz;
	ms double precision;
BEGIN
	FOR c IN SELECT * FROM calls LOOP
		what := c.what;
		cpu_ms := 'infinity';
		auto_ms := 'infinity';
		FOR i IN 1 .. rounds LOOP
			FOREACH mode IN ARRAY '{cpu,auto}'::text[] LOOP
				PERFORM set_config('rk.device', mode, false);
				begun := clock_timestamp();
				EXECUTE 'SELECT count(*) FROM ' || c.query || ' q';
				ms := 1000 * extract(epoch FROM clock_timestamp() - begun);
				IF mode = 'cpu' THEN
					cpu_ms := least(cpu_ms, ms);
				ELSE
					auto_ms := least(auto_ms, ms);
					SELECT r.device, coalesce(r.fallback_reason, r.device_reason) INTO device, reason FROM rk.last_run() r;
				END IF;
			END LOOP;
		END LOOP;
		RETURN NEXT;
	END LOOP;
END
$$;

CREATE TEMP TABLE measured AS SELECT * FROM pg_temp.measure(3);
\pset tuples_only on
\pset format unaligned
SELECT format('# %s: cpu %s ms, auto %s ms on %s (%s)', what, round(cpu_ms::numeric, 1), round(auto_ms::numeric, 1), device, reason) FROM measured;
-- elsewhere the two are the same; what takes next to no time differs by more than a tenth by itself
SELECT coalesce((SELECT format('bar - %s: auto end to end, slowest beside the CPU: %s, %s times its time, at most 1.1 is wanted',
							   CASE WHEN worst <= 1.1 THEN 'met' ELSE format('missed by a factor of %s', round((worst / 1.1)::numeric, 2)) END,
							   what, round(worst::numeric, 2))
				 FROM (SELECT what, (auto_ms - 2) / cpu_ms AS worst FROM measured WHERE device = 'cuda' ORDER BY 2 DESC LIMIT 1) m),
				'# auto gave no call to the device');
