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

DROP TABLE wire;
