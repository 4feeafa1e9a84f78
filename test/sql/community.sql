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

DROP TABLE bridge;
