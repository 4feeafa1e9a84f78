--
-- Closeness, eigenvector and Katz centrality: worked examples and errors.
--
CREATE TABLE wire (source int, target int, weight float8);
INSERT INTO wire VALUES (1, 2, 10), (2, 3, 10), (3, 1, 10), (1, 3, 2), (3, 4, 5), (4, 5, 5), (5, 6, 5), (6, 3, 5), (2, 8, 1);

-- closeness: node 7 is isolated, node 8 reaches nothing
SELECT node, round(f.score::numeric, 10) AS faust, round(c.score::numeric, 10) AS classic, f.reachable, f.distance_sum
FROM rk.graph_closeness_centrality('wire', nodes => 'SELECT 7 AS node') f
JOIN rk.graph_closeness_centrality('wire', nodes => 'SELECT 7 AS node', variant => 'classic') c USING (node) ORDER BY node;
SELECT node, round(i.score::numeric, 10) AS faust_in, round(h.score::numeric, 10) AS harmonic
FROM rk.graph_closeness_centrality('wire', nodes => 'SELECT 7 AS node', direction => 'in') i
JOIN rk.graph_closeness_centrality('wire', nodes => 'SELECT 7 AS node', variant => 'harmonic', normalized => false) h USING (node)
ORDER BY node;
SELECT node, round(score::numeric, 10) AS score, reachable, distance_sum
FROM rk.graph_closeness_centrality('wire', nodes => 'SELECT 7 AS node', weighted => true) WHERE node = 1;
SELECT node, round(score::numeric, 10) AS score
FROM rk.graph_closeness_centrality('wire', variant => 'sum', normalized => false, directed => false) ORDER BY node;
-- pivots: node 7 needs none, nodes 9 and 10 have none
SELECT node, score IS NULL AS unknown, reachable
FROM rk.graph_closeness_centrality('TABLE wire UNION ALL VALUES (9, 10, 1)', nodes => 'SELECT 7 AS node', directed => false, samples => 2)
ORDER BY node;
SELECT count(*), bool_and(a.score = b.score) AS all_are_pivots
FROM rk.graph_closeness_centrality('wire', directed => false) a
JOIN rk.graph_closeness_centrality('wire', directed => false, samples => 100) b USING (node);
SELECT * FROM rk.graph_closeness_centrality('[]');
SELECT * FROM rk.graph_closeness_centrality('wire', variant => 'nearest');
SELECT * FROM rk.graph_closeness_centrality('wire', direction => 'both');
SELECT * FROM rk.graph_closeness_centrality('wire', samples => 3);
SELECT * FROM rk.graph_closeness_centrality('wire', samples => 0, directed => false);
SELECT * FROM rk.graph_closeness_centrality('SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true);
SELECT * FROM rk.graph_closeness_centrality('SELECT ''a'' AS source, ''b'' AS target, 0 AS weight', id_type => NULL::text,
	weighted => true, variant => 'harmonic');
SELECT * FROM rk.graph_closeness_centrality('SELECT 1 AS source, generate_series(2, 3) AS target, 0 AS weight', weighted => true)
ORDER BY node;

-- eigenvector: along in-edges, and without directions
SELECT node, round(d.score::numeric, 10) AS directed, round(u.score::numeric, 10) AS undirected, round(m.score::numeric, 10) AS of_the_largest
FROM rk.graph_eigenvector_centrality('wire', nodes => 'SELECT 7 AS node', weighted => false, tolerance => 1e-13) d
JOIN rk.graph_eigenvector_centrality('wire', nodes => 'SELECT 7 AS node', weighted => false, tolerance => 1e-13, directed => false) u USING (node)
JOIN rk.graph_eigenvector_centrality('wire', nodes => 'SELECT 7 AS node', weighted => false, tolerance => 1e-13, norm => 'max') m USING (node)
ORDER BY node;
SELECT count(*) FROM rk.graph_eigenvector_centrality('wire', weighted => false, tolerance => 1e-13);
SELECT round((details ->> 'eigenvalue')::numeric, 10) AS eigenvalue, converged FROM rk.last_run();
-- a star has eigenvalues 2 and -2
SELECT node, round(score::numeric, 10) AS score
FROM rk.graph_eigenvector_centrality('SELECT 0 AS source, generate_series(1, 4) AS target', directed => false, tolerance => 1e-12) ORDER BY node;
SELECT round(sum(score)::numeric, 12) FROM rk.graph_eigenvector_centrality('wire', norm => 'sum');
-- without cycles there is nothing to find
SELECT * FROM rk.graph_eigenvector_centrality('[{"source": 1, "target": 2}]') ORDER BY node;
SELECT * FROM rk.graph_eigenvector_centrality('[{"source": 1, "target": 2, "weight": 0}]', directed => false) ORDER BY node;
SELECT * FROM rk.graph_eigenvector_centrality('[]');
SELECT count(*) FROM rk.graph_eigenvector_centrality('wire', max_iterations => 1);
SELECT * FROM rk.graph_eigenvector_centrality('wire', tolerance => 0);
SELECT * FROM rk.graph_eigenvector_centrality('wire', max_iterations => 0);
SELECT * FROM rk.graph_eigenvector_centrality('wire', norm => 'l1');

-- katz: alpha of 0.1, and the largest that is always right
SELECT node, round(a.score::numeric, 10) AS tenth, round(b.score::numeric, 10) AS by_default
FROM rk.graph_katz_centrality('wire', nodes => 'SELECT 7 AS node', weighted => false, alpha => 0.1, norm => 'none', tolerance => 1e-14) a
JOIN rk.graph_katz_centrality('wire', nodes => 'SELECT 7 AS node', weighted => false, tolerance => 1e-14) b USING (node) ORDER BY node;
SELECT details FROM rk.last_run();
SELECT node, round(score::numeric, 10) AS score FROM rk.graph_katz_centrality('SELECT 0 AS source, generate_series(1, 4) AS target',
	directed => false, alpha => 0.1, norm => 'none', tolerance => 1e-14) ORDER BY node;
-- beta of single nodes; NULL is as the parameter says
SELECT node, score FROM rk.graph_katz_centrality('[{"source": 1, "target": 2}]', alpha => 0.5, beta => 4, norm => 'none',
	nodes => 'SELECT * FROM (VALUES (1, 8), (2, NULL), (3, -1), (3, -1), (4, NULL)) n (node, beta)') ORDER BY node;
SELECT node, score FROM rk.graph_katz_centrality('[{"source": 1, "target": 2}]', alpha => 0.5, norm => 'max', beta => -2) ORDER BY node;
SELECT * FROM rk.graph_katz_centrality('wire', nodes => 'SELECT * FROM (VALUES (3, 1), (3, 2)) n (node, beta)');
SELECT * FROM rk.graph_katz_centrality('wire', nodes => 'SELECT 3 AS node, ''Infinity''::float8 AS beta');
SELECT * FROM rk.graph_katz_centrality('wire', nodes => 'SELECT 3 AS node, ''much'' AS beta');
-- alpha too large, or given time
SELECT * FROM rk.graph_katz_centrality('wire', weighted => false, alpha => 0.7);
SELECT * FROM rk.graph_katz_centrality('wire', weighted => false, alpha => 1000);
SELECT count(*) FROM rk.graph_katz_centrality('wire', weighted => false, alpha => 0.68, max_iterations => 200);
SELECT * FROM rk.graph_katz_centrality('[]');
SELECT * FROM rk.graph_katz_centrality('wire', alpha => 0);
SELECT * FROM rk.graph_katz_centrality('wire', beta => 'NaN');
SELECT * FROM rk.graph_katz_centrality('wire', norm => 'sum');

DROP TABLE wire;
