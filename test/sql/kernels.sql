--
-- Worked examples of every kernel, small enough to check by hand.
--
CREATE TABLE wire (payer int, payee int, amount numeric);
INSERT INTO wire VALUES (1, 2, 10), (2, 3, 20), (3, 1, 30), (3, 4, 5), (4, 4, 1), (1, 2, 7);
CREATE VIEW edge AS SELECT payer AS source, payee AS target, amount AS weight FROM wire;

-- pagerank: scores add up to 1; unweighted, the doubled edge counts once
SELECT node, round(score::numeric, 6) AS score FROM rk.graph_pagerank('edge', weighted => false) ORDER BY node;
SELECT round(sum(score)::numeric, 9) FROM rk.graph_pagerank('edge');
-- damping 0 teleports only
SELECT node, score FROM rk.graph_pagerank('edge', damping => 0) ORDER BY node;
-- restarts at node 1 only
SELECT node, round(score::numeric, 6) AS score
FROM rk.graph_pagerank('edge', personalization => 'SELECT 1 AS node, 1 AS value', tolerance => 1e-12) ORDER BY node;

-- degrees: distinct nodes, rows, strengths, counterparties
SELECT node, degree, in_degree, out_degree, in_edges, out_edges, in_strength, out_strength, neighbors
FROM rk.graph_degree_centrality('edge') ORDER BY node;
SELECT node, degree, round(score::numeric, 3) AS score, in_edges, in_strength, neighbors
FROM rk.graph_degree_centrality('edge', directed => false) ORDER BY node;
-- nodes without edges are in, and count for n - 1
SELECT node, degree, round(score::numeric, 3) AS score
FROM rk.graph_degree_centrality('edge', nodes => 'SELECT 9 AS node') ORDER BY node;

-- components: the triangle is strong, node 4 is reached but does not return
SELECT * FROM rk.graph_connected_components('edge', nodes => 'SELECT 9 AS id') ORDER BY node;
SELECT * FROM rk.graph_connected_components('edge', mode => 'strong') ORDER BY node;
SELECT * FROM rk.graph_connected_components_sizes('edge', nodes => 'SELECT 9 AS node') ORDER BY component;

-- betweenness of a path a - b - c: all runs over b
SELECT * FROM rk.graph_betweenness_centrality('SELECT * FROM (VALUES (''a'', ''b''), (''b'', ''c'')) e(source, target)',
	id_type => NULL::text, directed => false) ORDER BY node;
SELECT * FROM rk.graph_betweenness_centrality_edges('SELECT * FROM (VALUES (''a'', ''b''), (''b'', ''c'')) e(source, target)',
	id_type => NULL::text, directed => false, normalized => false) ORDER BY 1, 2;

-- shortest paths
SELECT * FROM rk.graph_shortest_path('edge', 1::bigint) ORDER BY node;
SELECT * FROM rk.graph_shortest_path('edge', 4, include_unreachable => true) ORDER BY node;
SELECT * FROM rk.graph_shortest_path_between('edge', 1, 4, k => 3, weighted => false);
SELECT * FROM rk.graph_shortest_path_pairs('edge', pairs => 'SELECT 2 AS node_a, 1 AS node_b', paths => true);
SELECT count(*) FROM rk.graph_shortest_path_pairs('edge');
SELECT * FROM rk.graph_shortest_path_eccentricity('edge', weighted => false) ORDER BY node;
-- a negative cycle is named
SELECT * FROM rk.graph_shortest_path('[{"source":1,"target":2,"weight":1},{"source":2,"target":1,"weight":-2}]', 1::bigint);

-- nothing in, nothing out
SELECT * FROM rk.graph_pagerank('[]');
SELECT * FROM rk.graph_degree_centrality('SELECT 1 AS source, 2 AS target WHERE false');
SELECT * FROM rk.graph_connected_components('[]');
SELECT * FROM rk.graph_betweenness_centrality('[]');
SELECT * FROM rk.graph_shortest_path('[]', 1::bigint);

-- the same from a prepared graph, and by id
CREATE TABLE store AS SELECT rk.graph_agg(payer, payee, amount::float8) AS g FROM wire;
SELECT rk.num_nodes(g), rk.num_edges(g) FROM store;
SELECT a.node, a.score = b.score AS same
FROM rk.graph_pagerank('edge') a JOIN rk.graph_pagerank('SELECT g FROM store') b USING (node) ORDER BY node;
SELECT jsonb_array_length(rk.execute('graph/pagerank', '{"edges": "edge"}') -> 'rows');
SELECT g FROM store;
SELECT (g::text)::rk.graph::text = g::text AS round_trip FROM store;

-- wrong parameters
SELECT * FROM rk.graph_pagerank('edge', damping => 1);
SELECT * FROM rk.graph_pagerank('edge', dangling => 'nowhere');
SELECT * FROM rk.graph_pagerank('edge', max_iterations => 0);
SELECT * FROM rk.graph_pagerank('edge', damping => NULL);
SELECT * FROM rk.graph_pagerank(NULL);
SELECT * FROM rk.graph_betweenness_centrality('edge', samples => 2, epsilon => 0.1);
SELECT * FROM rk.graph_shortest_path('edge', 77::bigint);
SELECT * FROM rk.graph_shortest_path_between('edge', 1, 4, k => 0);
SELECT rk.execute('graph/nothing');
SELECT rk.execute('graph/pagerank', '{"edge": "edge"}');

-- wrong relations
SELECT * FROM rk.graph_pagerank('nowhere');
SELECT * FROM rk.graph_pagerank('wire');
SELECT * FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target; SELECT 1');
SELECT * FROM rk.graph_pagerank('DELETE FROM wire');
SELECT * FROM rk.graph_pagerank('WITH x AS (DELETE FROM wire RETURNING *) SELECT payer AS source, payee AS target FROM x');
SELECT * FROM rk.graph_pagerank('SELECT payer AS source, payee AS target INTO t FROM wire');
SELECT * FROM rk.graph_pagerank('SET role postgres');
SELECT * FROM rk.graph_pagerank('SELECT set_config(''role'', ''postgres'', false) AS source, ''x''::text AS target', id_type => NULL::text);
SELECT * FROM rk.graph_pagerank('SELECT 1 AS source, NULL::int AS target');
SELECT * FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target, ''NaN''::float8 AS weight');
SELECT * FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target, -1 AS weight');
SELECT * FROM rk.graph_pagerank('SELECT 1 AS source, 2 AS target, true AS weight');
SELECT * FROM rk.graph_pagerank('SELECT ''a''::text AS source, ''b''::text AS target');
SELECT * FROM rk.graph_pagerank('{}');
SELECT * FROM rk.graph_pagerank('[1, 2]');
SELECT * FROM rk.graph_pagerank('  -- nothing');
SELECT * FROM rk.graph_pagerank('SELECT NULL::rk.graph AS g');
SELECT '{"nodes": []}'::rk.graph;
-- the session goes on, and nothing was changed
SELECT count(*) FROM wire;
DROP TABLE wire, store CASCADE;
