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

-- distributions: two histograms
SELECT round(rk.graph_value_similarity('{.5,.3,.2,0}'::float8[], '{.1,.3,.4,.2}'::float8[])::numeric, 10) AS jsd,
	rk.graph_value_similarity('{.5,.3,.2,0}'::float8[], '{.1,.3,.4,.2}'::float8[], 'wasserstein-binned') AS binned,
	rk.graph_value_similarity('{1,2}'::float8[], '{10,20}'::float8[], 'hellinger') AS scaled,
	rk.graph_value_similarity(NULL, '{1}'::float8[]) AS nothing;
-- samples 1 2 3 4 and 2 3 4 9, in four bins
CREATE TABLE observed AS SELECT 1 AS node, unnest('{1,2,3,4}'::int[]) AS value UNION ALL SELECT 2, unnest('{2,3,4,9}'::int[]);
SELECT m, node_a, node_b, round(score::numeric, 10) AS score, round(distance::numeric, 10) AS distance
FROM unnest('{jsd,wasserstein,wasserstein-binned,hellinger,ks}'::text[]) m, rk.graph_value_similarity('observed', m, bins => 4);
SELECT node_a, node_b, round(score::numeric, 10) AS score
FROM rk.graph_value_similarity('SELECT * FROM (VALUES (''p'', ''{.5,.3,.2,0}''::numeric[]), (''q'', ''{.1,.3,.4,.2}'')) o(node, distribution)', id_type => NULL::text);
SELECT * FROM rk.graph_value_similarity('SELECT 1 AS node, 5 AS value UNION ALL SELECT 2, 5', binning => 'quantile');
SELECT * FROM rk.graph_value_similarity('observed', pairs => 'SELECT 2 AS node_a, 2 AS node_b');
SELECT node_a, node_b FROM rk.graph_value_similarity('observed', per_node => 5) ORDER BY 1;
SELECT * FROM rk.graph_value_similarity('[]');
SELECT rk.execute('graph/value-similarity_histograms', '{"p": [1, 2], "q": [1, 2]}') -> 'rows' AS rows;
-- errors
SELECT rk.graph_value_similarity('{1,2}'::float8[], '{1}'::float8[]);
SELECT rk.graph_value_similarity('{1,-2}'::float8[], '{1,2}'::float8[]);
SELECT rk.graph_value_similarity('{0,0}'::float8[], '{1,2}'::float8[]);
SELECT rk.graph_value_similarity('{1,2}'::float8[], '{1,2}'::float8[], 'ks');
SELECT * FROM rk.graph_value_similarity('observed', bins => 0);
SELECT * FROM rk.graph_value_similarity('observed', metric => 'emd');
SELECT * FROM rk.graph_value_similarity('SELECT node, value - 1 AS value FROM observed', binning => 'logarithmic');
SELECT * FROM rk.graph_value_similarity('SELECT node FROM observed');
SELECT * FROM rk.graph_value_similarity('SELECT node, NULL::int AS value FROM observed');
SELECT * FROM rk.graph_value_similarity('SELECT node, array[1, 2] AS distribution FROM observed', 'ks');
SELECT * FROM rk.graph_value_similarity('SELECT * FROM (VALUES (1, array[1, 2]), (2, array[1])) o(node, distribution)');
SELECT * FROM rk.graph_value_similarity('SELECT * FROM (VALUES (1, array[1, 2]), (2, array[0, 0])) o(node, distribution)');
SELECT * FROM rk.graph_value_similarity('observed', pairs => 'SELECT 1 AS node_a, 7 AS node_b');
SELECT * FROM rk.graph_value_similarity('observed', top_k => 1, pairs => 'SELECT 1 AS node_a, 2 AS node_b');
DROP TABLE observed;
