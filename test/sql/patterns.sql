--
-- Worked examples of the pattern kernels, small enough to check by hand.
--
-- eight accounts: 7 has no edge, 8 pays nobody
CREATE VIEW w8 AS SELECT * FROM (VALUES
	(1, 2, 10), (2, 3, 10), (3, 1, 10), (1, 3, 2), (3, 4, 5), (4, 5, 5), (5, 6, 5), (6, 3, 5), (2, 8, 1)
) e(source, target, weight);
CREATE VIEW w8_nodes AS SELECT generate_series(1, 8) AS node;
-- 500 nodes, 4000 rows with self-loops and parallel edges
CREATE VIEW g500 AS SELECT (i * i * 31 + i * 17) % 500 AS source, (i * 7919 + (i * i) % 97) % 500 AS target
FROM generate_series(1, 4000) i;
-- complete graph on four nodes, each edge given both ways, and a self-loop
CREATE VIEW k4 AS SELECT a AS source, b AS target FROM generate_series(1, 4) a, generate_series(1, 4) b
WHERE a <> b OR a = 1;

-- triangle counting: 1-2-3 is the only triangle
SELECT node, triangles, round(clustering_coefficient::numeric, 6) AS clustering
FROM rk.graph_triangle_counting('w8', 'w8_nodes') ORDER BY node;
SELECT triangles, wedges, round(transitivity::numeric, 6) AS transitivity FROM rk.graph_triangle_counting_total('w8');
SELECT * FROM rk.graph_triangle_counting_edges('w8') ORDER BY source, target;
SELECT * FROM rk.graph_triangle_counting('k4') ORDER BY node;
SELECT * FROM rk.graph_triangle_counting_total('k4');
SELECT triangles, round(transitivity::numeric, 10) AS transitivity FROM rk.graph_triangle_counting_total('g500');
SELECT sum(triangles) / 3 AS triangles, round(avg(clustering_coefficient)::numeric, 10) AS average
FROM rk.graph_triangle_counting('g500');
-- the same with text ids, from a prepared graph, and by id
SELECT * FROM rk.graph_triangle_counting('SELECT ''n'' || source AS source, ''n'' || target AS target FROM k4',
	id_type => NULL::text) ORDER BY node;
SELECT count(*), sum(triangles) FROM rk.graph_triangle_counting_edges('SELECT rk.graph_agg(source, target) AS g FROM g500');
SELECT rk.execute('graph/triangle-counting_total', '{"edges": "k4"}') -> 'rows' AS total;
SELECT details FROM rk.last_run();
-- nothing in, nothing out; one node; a path
SELECT * FROM rk.graph_triangle_counting('[]');
SELECT * FROM rk.graph_triangle_counting_total('[]');
SELECT * FROM rk.graph_triangle_counting_edges('[]');
SELECT * FROM rk.graph_triangle_counting('[]', nodes => 'SELECT 5 AS node');
SELECT * FROM rk.graph_triangle_counting_total('[{"source": 1, "target": 1}]');
-- what is wrong is said
SELECT * FROM rk.graph_triangle_counting('SELECT 1 AS source, NULL::int AS target');
SELECT * FROM rk.graph_triangle_counting('SELECT ''a''::text AS source, ''b''::text AS target');

-- clustering coefficient
SELECT a.node, a.degree, a.triangles, round(a.clustering_coefficient::numeric, 6) AS watts_strogatz,
	round(o.clustering_coefficient::numeric, 10) AS onnela, round(f.clustering_coefficient::numeric, 6) AS fagiolo
FROM rk.graph_clustering_coefficient('w8', 'w8_nodes') a
JOIN rk.graph_clustering_coefficient('w8', variant => 'onnela') o USING (node)
JOIN rk.graph_clustering_coefficient('w8', variant => 'fagiolo') f USING (node) ORDER BY node;
-- barrat: node 3 has strength 12 + 10 + 5 + 5, its triangle the edges of 12 and 10: 22 / 2 * 2 / (32 * 3)
SELECT node, round(clustering_coefficient::numeric, 6) AS barrat, round((22 / 96.0)::numeric, 6) AS by_hand
FROM rk.graph_clustering_coefficient('w8', variant => 'barrat') WHERE node = 3;
-- graphalytics: of the 12 arcs that the neighbours 1, 2, 4, 6 of node 3 could have there is 1-2
SELECT node, round(clustering_coefficient::numeric, 6) AS graphalytics, round(1 / 12.0, 6) AS by_hand
FROM rk.graph_clustering_coefficient('w8', variant => 'graphalytics') WHERE node = 3;
SELECT average_clustering_coefficient, round(transitivity::numeric, 6) AS transitivity, triangles, wedges
FROM rk.graph_clustering_coefficient_global('w8', 'w8_nodes');
SELECT round(average_clustering_coefficient::numeric, 10) AS average, round(transitivity::numeric, 10) AS transitivity,
	triangles FROM rk.graph_clustering_coefficient_global('g500');
-- per prepared graph
SELECT t.triangles, c.average_clustering_coefficient FROM (SELECT rk.graph_agg(source, target) AS g FROM k4) s,
	rk.graph_triangle_counting_total(g) t, rk.graph_clustering_coefficient_global(g) c;
SELECT * FROM rk.graph_clustering_coefficient('[]', variant => 'barrat');
SELECT * FROM rk.graph_clustering_coefficient_global('[]');
SELECT * FROM rk.graph_clustering_coefficient_global('[{"source": 1, "target": 2}]');
SELECT * FROM rk.graph_clustering_coefficient('k4', variant => 'onnela');
SELECT * FROM rk.graph_clustering_coefficient('k4', variant => 'local');
SELECT * FROM rk.graph_clustering_coefficient('SELECT 1 AS source, 2 AS target, 0 AS weight', variant => 'barrat');
SELECT * FROM rk.graph_clustering_coefficient('SELECT 1 AS source, 2 AS target, -5 AS weight', variant => 'barrat');

-- degree ratio
SELECT node, in_degree, out_degree, ratio, neighbor_degree_variance AS variance, classification, in_strength, out_strength
FROM rk.graph_degree_ratio('w8', 'w8_nodes') ORDER BY node;
SELECT node, ratio, round(strength_ratio::numeric, 6) AS strength_ratio, classification
FROM rk.graph_degree_ratio('w8', source_threshold => 0.6, sink_threshold => 1.2, basis => 'weight') ORDER BY node;
-- parallel rows count for 'edges' only, self-loops for nothing
SELECT d.node, d.in_degree, d.out_degree, d.ratio AS by_degree, e.ratio AS by_rows
FROM rk.graph_degree_ratio('SELECT * FROM (VALUES (1, 2), (1, 2), (2, 1), (3, 3)) e(source, target)') d
JOIN rk.graph_degree_ratio('SELECT * FROM (VALUES (1, 2), (1, 2), (2, 1), (3, 3)) e(source, target)', basis => 'edges') e
USING (node) ORDER BY node;
SELECT * FROM rk.graph_degree_ratio('[]', basis => 'weight');
SELECT * FROM rk.graph_degree_ratio('k4', basis => 'weight');
SELECT * FROM rk.graph_degree_ratio('k4', source_threshold => 3, sink_threshold => 2);
SELECT * FROM rk.graph_degree_ratio('k4', source_threshold => -1);
SELECT * FROM rk.graph_degree_ratio('k4', basis => 'rows');

-- star topology: 3 collects and pays, 2 is a small star
SELECT node, round(star_score::numeric, 6) AS score, star_type AS type, spoke_count AS spokes, inter_spoke_edges AS joined,
	in_degree AS in, out_degree AS out, in_strength AS enters, out_strength AS leaves, round(pass_through::numeric, 6) AS pass
FROM rk.graph_star_topology('w8', 'w8_nodes') ORDER BY node;
-- a pure collector and a pure distributor
SELECT node, star_score, star_type FROM rk.graph_star_topology(
	'SELECT i AS source, 100 AS target FROM generate_series(1, 5) i UNION ALL SELECT 200, i FROM generate_series(11, 14) i')
WHERE node >= 100 ORDER BY node;
SELECT node, star_score, star_type, pass_through FROM rk.graph_star_topology('k4', min_degree => 1) ORDER BY node;
SELECT * FROM rk.graph_star_topology('[]');
SELECT * FROM rk.graph_star_topology('k4', min_degree => 0);
SELECT * FROM rk.graph_star_topology('k4', dominance => 1);

-- cycle participation: the simple cycles are 1-3, 1-2-3 and 3-4-5-6
SELECT node, cycles_2, cycles_3, cycles_4, cycle_weight, round(cycle_ratio::numeric, 6) AS cycle_ratio, risk_level
FROM rk.graph_cycle_participation('w8', 'w8_nodes') ORDER BY node;
SELECT * FROM rk.graph_cycle_participation_cycles('w8') ORDER BY path;
SELECT * FROM rk.graph_cycle_participation_cycles('w8', max_cycle_length => 2, weighted => false);
-- undirected, 1-3 is one edge of weight 12
SELECT node, cycles_2, cycles_3, cycles_4, cycle_weight, round(cycle_ratio::numeric, 6) AS cycle_ratio
FROM rk.graph_cycle_participation('w8', directed => false) ORDER BY node;
SELECT * FROM rk.graph_cycle_participation_cycles('w8', directed => false) ORDER BY path;
-- a complete graph on four nodes has 6, 8 and 6 directed cycles
SELECT length, count(*) FROM rk.graph_cycle_participation_cycles('k4') GROUP BY length ORDER BY length;
SELECT * FROM rk.graph_cycle_participation('k4') ORDER BY node;
SELECT * FROM rk.graph_cycle_participation_cycles('SELECT ''n'' || source AS source, ''n'' || target AS target FROM k4',
	id_type => NULL::text, max_cycle_length => 3) WHERE length = 3 ORDER BY path LIMIT 2;
SELECT * FROM rk.graph_cycle_participation('[]');
SELECT * FROM rk.graph_cycle_participation_cycles('[]');
SELECT * FROM rk.graph_cycle_participation_cycles('k4', max_cycle_length => 13);

-- motifs: three nodes of eight
SELECT motif, num_edges, connected, count, expected, z_score FROM rk.graph_motif_detection('w8', 'w8_nodes');
SELECT motif, num_edges, connected, count FROM rk.graph_motif_detection('w8', 'w8_nodes', directed => true);
SELECT motif, count FROM rk.graph_motif_detection('g500', directed => true);
SELECT motif, num_edges, connected, count FROM rk.graph_motif_detection('w8', 'w8_nodes', size => 4);
SELECT size, (SELECT sum(count) FROM rk.graph_motif_detection('g500', size => size)) AS subsets
FROM unnest(ARRAY[3, 4]) size;
-- beside random graphs: the same for the same seed; one has no deviation
SELECT a.motif, a.expected = b.expected AS same, a.z_score = b.z_score AS same_score
FROM rk.graph_motif_detection('w8', randomizations => 5, seed => 3) a
JOIN rk.graph_motif_detection('w8', randomizations => 5, seed => 3) b USING (motif) ORDER BY motif;
SELECT motif, expected IS NULL AS no_mean, z_score FROM rk.graph_motif_detection('w8', directed => true, randomizations => 1)
WHERE num_edges = 6;
SELECT * FROM rk.graph_motif_detection('[]');
-- more sets of nodes than bigint holds
SELECT motif, count FROM rk.graph_motif_detection('SELECT 1 AS source, 2 AS target', 'SELECT generate_series(1, 200000) AS node',
	size => 4);
SELECT * FROM rk.graph_motif_detection('k4', size => 5);
SELECT * FROM rk.graph_motif_detection('k4', size => 4, directed => true);
SELECT * FROM rk.graph_motif_detection('k4', randomizations => -1);

DROP VIEW w8, w8_nodes, g500, k4;
