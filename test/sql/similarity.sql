--
-- Similarity kernels: worked examples and errors.
--
CREATE TABLE wire (payer int, payee int, amount numeric);
INSERT INTO wire VALUES (1, 2, 10), (2, 3, 10), (3, 1, 10), (1, 3, 2), (3, 4, 5), (4, 5, 5), (5, 6, 5), (6, 3, 5), (2, 8, 1);
CREATE VIEW edge AS SELECT payer AS source, payee AS target, amount AS weight FROM wire;
-- a ladder: 0 1 2 above 3 4 5
CREATE TABLE ladder AS SELECT * FROM (VALUES (0, 1), (1, 2), (0, 3), (1, 4), (2, 5), (3, 4), (4, 5), (4, 4), (1, 0)) e(source, target);

-- by where the money goes: 1, 2 and 6 all pay 3
SELECT node_a, node_b, round(score::numeric, 10) AS score, common FROM rk.graph_jaccard_similarity('edge', direction => 'out') ORDER BY 1, 2;
SELECT node_a, node_b, round(score::numeric, 10) AS score, common FROM rk.graph_cosine_similarity('edge', direction => 'out') ORDER BY 1, 2;
SELECT node_a, node_b, round(score::numeric, 10) AS score, common FROM rk.graph_adamic_adar('edge', direction => 'out') ORDER BY 1, 2;
SELECT node_a, node_b, round(score::numeric, 10) AS score, common FROM rk.graph_adamic_adar('edge', direction => 'in') ORDER BY 1, 2;
SELECT * FROM rk.graph_common_neighbors('edge', direction => 'out', with_members => true) ORDER BY 1, 2;

-- the ladder: corners share one neighbour, opposite corners two
SELECT node_a, node_b, round(score::numeric, 10) AS score, common
FROM rk.graph_jaccard_similarity('ladder', pairs => 'SELECT * FROM (VALUES (0, 2), (0, 4), (0, 1), (0, 5), (3, 3)) p(node_a, node_b)');
SELECT node_a, node_b, round(score::numeric, 10) AS score, common
FROM rk.graph_cosine_similarity('ladder', pairs => 'SELECT * FROM (VALUES (0, 2), (0, 4), (0, 1), (0, 5), (3, 3)) p(node_a, node_b)');
SELECT node_a, node_b, round(score::numeric, 10) AS score, common
FROM rk.graph_adamic_adar('ladder', pairs => 'SELECT * FROM (VALUES (0, 2), (0, 4), (0, 1), (0, 5)) p(node_a, node_b)');
SELECT node_a, node_b, round(score::numeric, 10) AS score, common
FROM rk.graph_adamic_adar('ladder', weighting => 'inverse', pairs => 'SELECT * FROM (VALUES (0, 2), (0, 4), (0, 1), (0, 5)) p(node_a, node_b)');
SELECT * FROM rk.graph_common_neighbors('ladder', min_count => 0, with_members => true,
	pairs => 'SELECT * FROM (VALUES (0, 2), (0, 4), (0, 1), (0, 5), (3, 3)) p(node_a, node_b)');

-- weights: parallel edges add up; a zero strength still is a neighbour
SELECT node_a, node_b, score, common FROM rk.graph_jaccard_similarity(
	'[{"source":1,"target":9,"weight":2},{"source":1,"target":9,"weight":1},{"source":2,"target":9,"weight":1},{"source":2,"target":8,"weight":1},{"source":3,"target":8,"weight":0}]',
	direction => 'out', weighted => true) ORDER BY 1, 2;
SELECT node_a, node_b, score, common FROM rk.graph_cosine_similarity(
	'[{"source":1,"target":9,"weight":3},{"source":1,"target":8,"weight":-4},{"source":2,"target":9,"weight":-3},{"source":2,"target":8,"weight":4},{"source":3,"target":8,"weight":1}]',
	direction => 'out', weighted => true, min_score => -1) ORDER BY 1, 2;

-- the best pairs, the best of every node, candidates for an edge
SELECT * FROM rk.graph_common_neighbors('ladder', top_k => 2);
SELECT node_a, node_b, common, round(score::numeric, 4) AS score FROM rk.graph_jaccard_similarity('ladder', per_node => 1) ORDER BY 1;
SELECT node_a, node_b, common FROM rk.graph_common_neighbors('edge', exclude_connected => true) ORDER BY 1, 2;
SELECT node_a, node_b, common FROM rk.graph_jaccard_similarity('edge', min_score => 0.5) ORDER BY 1, 2;
SELECT node_a, node_b, common FROM rk.graph_common_neighbors('edge', min_count => 2) ORDER BY 1, 2;

-- ids of other types, a prepared graph, by id
SELECT * FROM rk.graph_common_neighbors('SELECT * FROM (VALUES (''a'', ''x''), (''b'', ''x''), (''b'', ''y''), (''a'', ''y'')) e(source, target)',
	id_type => NULL::text, with_members => true) ORDER BY 1, 2;
SELECT count(*) FROM rk.graph_jaccard_similarity('SELECT rk.graph_agg(payer, payee) AS g FROM wire');
SELECT rk.execute('graph/adamic-adar', '{"edges": "ladder", "top_k": 1, "weighting": "inverse"}') -> 'rows' -> 0 -> 'common' AS common;

-- nothing in, nothing out
SELECT * FROM rk.graph_jaccard_similarity('[]');
SELECT * FROM rk.graph_cosine_similarity('[]', top_k => 3);
SELECT * FROM rk.graph_adamic_adar('[]', per_node => 3);
SELECT * FROM rk.graph_common_neighbors('edge', pairs => '[]');

-- errors
SELECT * FROM rk.graph_jaccard_similarity('edge', direction => 'up');
SELECT * FROM rk.graph_jaccard_similarity('edge', min_score => 1.5);
SELECT * FROM rk.graph_jaccard_similarity('edge', top_k => 0);
SELECT * FROM rk.graph_jaccard_similarity('edge', top_k => 1, per_node => 1);
SELECT * FROM rk.graph_cosine_similarity('edge', min_score => -1.5);
SELECT * FROM rk.graph_cosine_similarity('ladder', weighted => true);
SELECT * FROM rk.graph_jaccard_similarity('SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true);
SELECT * FROM rk.graph_adamic_adar('edge', weighting => 'none');
SELECT * FROM rk.graph_adamic_adar('edge', min_score => -1);
SELECT * FROM rk.graph_common_neighbors('edge', min_count => 0);
SELECT * FROM rk.graph_common_neighbors('edge', min_count => -1);
SELECT * FROM rk.graph_common_neighbors('edge', min_count => 2, pairs => 'SELECT 1 AS node_a, 2 AS node_b');
SELECT * FROM rk.graph_adamic_adar('edge', top_k => 2, pairs => 'SELECT 1 AS node_a, 2 AS node_b');
SELECT * FROM rk.graph_jaccard_similarity('edge', pairs => 'SELECT 1 AS node_a, 99 AS node_b');
DROP TABLE wire, ladder CASCADE;
