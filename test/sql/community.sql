--
-- The community kernels on graphs small enough to check by hand.
--
-- two triangles joined by a bridge
CREATE TABLE bridge (source int, target int, weight float8);
INSERT INTO bridge VALUES (0, 1, 1), (0, 2, 1), (1, 2, 1), (3, 4, 1), (3, 5, 1), (4, 5, 1), (2, 3, 1);

-- louvain-community: the two triangles, by both methods; node 9 is alone
SELECT * FROM rk.graph_louvain_community('bridge', nodes => 'SELECT 9 AS node') ORDER BY node;
SELECT node, community FROM rk.graph_louvain_community('bridge', algorithm => 'leiden', seed => 5) ORDER BY node;
SELECT round((details ->> 'modularity')::numeric, 10) AS modularity, details ->> 'communities' AS communities
FROM rk.last_run();
-- a low resolution makes one community, a high one many
SELECT count(DISTINCT community) FROM rk.graph_louvain_community('bridge', resolution => 0.01);
SELECT count(DISTINCT community) FROM rk.graph_louvain_community('bridge', resolution => 10);
-- as arcs
SELECT node, community FROM rk.graph_louvain_community('bridge', directed => true) ORDER BY node;
-- a heavy bridge binds more than the triangles do
SELECT node, community FROM rk.graph_louvain_community(
	'SELECT source, target, CASE WHEN source = 2 THEN 20 ELSE weight END AS weight FROM bridge') ORDER BY node;
-- ids of another type, the rows in another order
SELECT * FROM rk.graph_louvain_community(
	'SELECT chr(97 + target) AS source, chr(97 + source) AS target FROM bridge ORDER BY 1 DESC', id_type => NULL::text)
ORDER BY node;
-- one level, one pass
SELECT bool_and(cardinality(levels) = 1) FROM rk.graph_louvain_community('bridge', max_levels => 1);
SELECT count(*) FROM rk.graph_louvain_community('bridge', max_iterations => 1);
-- rows and prepared graph
SELECT bool_and(a.community = b.community AND a.levels = b.levels)
FROM rk.graph_louvain_community('bridge') a
JOIN rk.graph_louvain_community('SELECT rk.graph_agg(source, target, weight) FROM bridge') b USING (node);
-- nothing in, nothing out; nothing but a loop
SELECT * FROM rk.graph_louvain_community('[]');
SELECT * FROM rk.graph_louvain_community('[{"source": 1, "target": 1}]');
SELECT * FROM rk.graph_louvain_community('[{"source": 1, "target": 2, "weight": 0}]');
-- what is refused
SELECT * FROM rk.graph_louvain_community('bridge', resolution => 0);
SELECT * FROM rk.graph_louvain_community('bridge', resolution => 'NaN');
SELECT * FROM rk.graph_louvain_community('bridge', algorithm => 'Leiden');
SELECT * FROM rk.graph_louvain_community('bridge', min_gain => -1);
SELECT * FROM rk.graph_louvain_community('bridge', max_levels => 0);
SELECT * FROM rk.graph_louvain_community('bridge', max_iterations => 0);
SELECT * FROM rk.graph_louvain_community('SELECT 1 AS source, 2 AS target, -1 AS weight');
SELECT * FROM rk.graph_louvain_community('SELECT s AS source, s + 1 AS target, 1e308::float8 AS weight FROM generate_series(1, 5) s');

-- modularity-score: of the triangles 6/7 - 1/2, of one community 0
CREATE TABLE side AS SELECT v AS node, CASE WHEN v < 3 THEN 'left' ELSE 'right' END AS community FROM generate_series(0, 5) v;
SELECT round(modularity::numeric, 10) AS modularity, num_communities, round(coverage::numeric, 10) AS coverage,
	round(performance::numeric, 10) AS performance
FROM rk.graph_modularity_score('bridge', 'side');
SELECT * FROM rk.graph_modularity_score('bridge', 'SELECT node, 1 AS community FROM side');
SELECT round(modularity::numeric, 10) FROM rk.graph_modularity_score('bridge', 'SELECT node, node AS community FROM side');
SELECT round(modularity::numeric, 10) FROM rk.graph_modularity_score('bridge', 'side', resolution => 2);
SELECT round(modularity::numeric, 10) AS modularity, performance
FROM rk.graph_modularity_score('bridge', 'side', directed => true);
-- a node without edges is a node all the same
SELECT num_communities, round(performance::numeric, 10) AS performance
FROM rk.graph_modularity_score('bridge', 'TABLE side UNION ALL SELECT 9, ''none''');
SELECT community, num_nodes, internal_weight, boundary_weight, strength,
	round(contribution::numeric, 10) AS contribution, round(conductance::numeric, 10) AS conductance
FROM rk.graph_modularity_score_communities('bridge', 'TABLE side UNION ALL SELECT 9, ''none''') ORDER BY community;
SELECT * FROM rk.graph_modularity_score('[]', 'SELECT node, community FROM side WHERE false');
SELECT * FROM rk.graph_modularity_score_communities('[]', 'SELECT node, community FROM side WHERE false');
-- no weight at all
SELECT * FROM rk.graph_modularity_score('SELECT source, target, 0 AS weight FROM bridge', 'side');
SELECT * FROM rk.graph_modularity_score('bridge', 'SELECT * FROM side WHERE node <> 4');
SELECT * FROM rk.graph_modularity_score('bridge', 'TABLE side UNION ALL SELECT 2, ''left''');
SELECT * FROM rk.graph_modularity_score('bridge', 'SELECT node::text, community FROM side');
SELECT * FROM rk.graph_modularity_score('bridge', 'SELECT node, NULL::text AS community FROM side');
SELECT * FROM rk.graph_modularity_score('bridge', 'SELECT node FROM side');
SELECT * FROM rk.graph_modularity_score('bridge', 'side', resolution => -1);
SELECT * FROM rk.graph_modularity_score('bridge', NULL);

-- label-propagation: ties are broken by the seed
SELECT s AS seed, array_agg(community ORDER BY node) FROM generate_series(0, 2) s, rk.graph_label_propagation('bridge', seed => s)
GROUP BY s ORDER BY s;
SELECT r AS rounds, array_agg(community ORDER BY node)
FROM generate_series(1, 3) r, rk.graph_label_propagation('bridge', variant => 'cdlp', max_iterations => r) GROUP BY r ORDER BY r;
-- from labels: one is fixed, one node is never reached
SELECT * FROM rk.graph_label_propagation('bridge', nodes => 'SELECT 9 AS node',
	initial => 'SELECT 0 AS node, 70 AS label, true AS fixed UNION ALL SELECT 5, 90, false') ORDER BY node;
SELECT details ->> 'communities' AS communities, iterations, converged FROM rk.last_run();
SELECT * FROM rk.graph_label_propagation('bridge', max_iterations => 1, seed => 1) ORDER BY node;
SELECT * FROM rk.graph_label_propagation('[]');
SELECT * FROM rk.graph_label_propagation('bridge', variant => 'CDLP');
SELECT * FROM rk.graph_label_propagation('bridge', max_iterations => 0);
SELECT * FROM rk.graph_label_propagation('bridge', initial => 'SELECT 0 AS node, -1 AS label');
SELECT * FROM rk.graph_label_propagation('bridge', initial => 'SELECT 0 AS node, NULL::int AS label');
SELECT * FROM rk.graph_label_propagation('bridge', initial => 'SELECT 0 AS node, 1 AS label UNION ALL SELECT 0, 2');
SELECT * FROM rk.graph_label_propagation('bridge', initial => 'SELECT 8 AS node, 1 AS label');
SELECT * FROM rk.graph_label_propagation('bridge', initial => 'SELECT ''0'' AS node, 1 AS label');

-- k-clique: four nodes joined all to all, and a triangle that hangs on one of them
CREATE TABLE knot AS SELECT a AS source, b AS target FROM generate_series(1, 4) a, generate_series(1, 4) b WHERE a <> b
	UNION ALL VALUES (4, 5), (5, 6), (6, 4), (8, 8);
SELECT size, members FROM rk.graph_k_clique('knot') ORDER BY members;
SELECT size, members FROM rk.graph_k_clique('knot', maximal => true, k => 1) ORDER BY members;
SELECT size, members FROM rk.graph_k_clique('knot', maximal => true, k => 4) ORDER BY members;
SELECT k, rk.graph_k_clique_count('knot', nodes => 'SELECT 9 AS node', k => k) FROM generate_series(1, 5) k;
SELECT * FROM rk.graph_k_clique_nodes('knot', k => 3) ORDER BY node;
-- node 4 is in two communities of triangles; edges hang together
SELECT community, array_agg(node ORDER BY node) FROM rk.graph_k_clique_communities('knot') GROUP BY community ORDER BY community;
SELECT community, array_agg(node ORDER BY node) FROM rk.graph_k_clique_communities('knot', k => 2) GROUP BY community ORDER BY community;
SELECT members FROM rk.graph_k_clique('SELECT source::text, target::text FROM knot', id_type => NULL::text, k => 4);
-- far more cliques than could be listed
SELECT rk.graph_k_clique_count('SELECT a AS source, b AS target FROM generate_series(1, 100) a, generate_series(1, a - 1) b', k => 50);
SELECT DISTINCT cliques FROM rk.graph_k_clique_nodes(
	'SELECT a AS source, b AS target FROM generate_series(1, 100) a, generate_series(1, a - 1) b', k => 50);
SELECT rk.graph_k_clique_count('SELECT a AS source, b AS target FROM generate_series(1, 300) a, generate_series(1, a - 1) b', k => 150);
SELECT * FROM rk.graph_k_clique('[]');
SELECT * FROM rk.graph_k_clique_count('[]');
SELECT * FROM rk.graph_k_clique_nodes('[]');
SELECT * FROM rk.graph_k_clique_communities('[]');
SELECT * FROM rk.graph_k_clique('knot', k => 0);
SELECT * FROM rk.graph_k_clique('knot', k => 65);
SELECT * FROM rk.graph_k_clique_count('knot', k => 0);
SELECT * FROM rk.graph_k_clique_communities('knot', k => 1);

DROP TABLE bridge, side, knot;
