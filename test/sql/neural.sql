--
-- Graph neural networks with given weights: numbers to check by hand, errors.
--
CREATE TABLE path AS SELECT * FROM (VALUES (1, 2), (2, 3)) e(source, target);
CREATE TABLE point AS SELECT * FROM (VALUES (1, 1, 0), (2, 0, 1), (3, 1, 1)) p(id, x, y);
CREATE VIEW vector AS SELECT id AS node, ARRAY[x, y]::float4[] AS features FROM point;
CREATE FUNCTION rounded(float8[]) RETURNS numeric[] LANGUAGE sql RETURN (SELECT array_agg(round(x::numeric, 6)) FROM unnest($1) x);

-- the aggregations, with the node itself
SELECT a, node, rounded(embedding) AS embedding FROM unnest('{sum,mean,max,gcn,gin}'::text[]) a,
	rk.graph_gnn_inference('path', 'point', jsonb_build_object('aggregation', a, 'layers', '[{"weight": [[1, 0], [0, 1]]}]'::jsonb), compute_type => 'float8')
ORDER BY 1, 2;
-- mean of the others, and the node apart
SELECT node, rounded(embedding) AS embedding FROM rk.graph_gnn_inference('path', 'vector',
	'{"aggregation": "sage", "layers": [{"weight": [[1, 0], [0, 1]], "self_weight": [[10, 0], [0, 10]]}]}') ORDER BY 1;
-- one layer, and as the first of two with activation and norm
SELECT node, rounded(embedding) AS embedding, prediction, rounded(probabilities) AS probabilities FROM rk.graph_gnn_inference('path', 'point',
	'{"layers": [{"weight": [[1, 2], [-1, 1]], "bias": [0.5, -0.5]}]}') ORDER BY 1;
SELECT node, rounded(embedding) AS embedding, prediction FROM rk.graph_gnn_inference('path', 'point',
	'{"layer_norm": true, "dropout": 0.5, "layers": [{"weight": [[1, 2], [-1, 1]], "bias": [0.5, -0.5]}, {"weight": [[1, 0], [0, 1]]}]}', compute_type => 'float8') ORDER BY 1;
-- arcs, weights, output
SELECT node, rounded(embedding) AS embedding, prediction, probabilities FROM rk.graph_gnn_inference(
	'[{"source": 1, "target": 2, "weight": 3}, {"source": 3, "target": 2, "weight": 1}]', 'point',
	'{"add_self_loops": false, "layers": [{"weight": [[1], [0]]}]}', directed => true, weighted => true) ORDER BY 1;
SELECT node, rounded(probabilities) AS probabilities, prediction FROM rk.graph_gnn_inference('path', 'point', '{"output": "sigmoid", "layers": [{"weight": [[1], [-1]]}]}') ORDER BY 1;

-- attention
SELECT node, rounded(embedding) AS embedding, rounded(importance) AS importance FROM rk.graph_graph_attention('path', 'point',
	'{"heads": [{"weight": [[1, 0], [0, 1]], "attention": [1, 0, 0, 1]}]}') ORDER BY 1;
SELECT head, node, neighbor, round(attention::numeric, 8) AS attention FROM rk.graph_graph_attention_weights('path', 'point',
	'{"variant": "gatv2", "heads": [{"weight": [[1, 0], [0, 1]], "attention": [1, -1]}]}', compute_type => 'float8') ORDER BY 1, 2, 3;
SELECT node, rounded(embedding) AS embedding FROM rk.graph_graph_attention('path', 'point',
	'{"concat_heads": false, "heads": [{"query": [[1], [0]], "key": [[0], [1]], "value": [[1], [1]], "attention": [1, 1]}, {"weight": [[2], [2]], "attention": [0, 0]}], "output_weight": [[1, -1]], "bias": [0, 1], "activation": "relu"}') ORDER BY 1;

-- new models
SELECT rk.graph_gnn_inference_init(2, 2, 2, 1);
SELECT jsonb_array_length(m -> 'heads') AS heads, jsonb_array_length(m #> '{heads,0,attention}') AS attention, m #> '{heads,0,query,0,0}' AS first FROM rk.graph_graph_attention_init(3, 2, 5, 7) m;
SELECT count(*) FROM rk.graph_gnn_inference('path', 'point', rk.graph_gnn_inference_init(2, 8, 3, 3, 'sage', 5));
SELECT count(*), sum(cardinality(embedding)) FROM rk.graph_graph_attention('path', 'point', rk.graph_graph_attention_init(2));

-- other ids, nothing in, by id
SELECT node, prediction FROM rk.graph_gnn_inference('SELECT ''a'' AS source, ''b'' AS target', 'SELECT * FROM (VALUES (''b'', 1.5), (''a'', 2)) p(id, x)',
	'{"layers": [{"weight": [[1, 2]]}]}', id_type => NULL::text) ORDER BY 1;
SELECT * FROM rk.graph_gnn_inference('[]', '[]', '{"layers": [{"weight": [[1]]}]}');
SELECT node, embedding FROM rk.graph_gnn_inference('[]', 'point', '{"layers": [{"weight": [[1], [1]]}]}') ORDER BY 1;
SELECT rk.execute('graph/gnn-inference', '{"edges": "path", "points": "point", "model": {"layers": [{"weight": [[1], [1]]}]}}') -> 'rows' -> 0 AS row;

-- errors
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": []}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '[]');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1, 2]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1, 2], [1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1, "x"], [1, 2]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1, 2], [3, 4]], "bias": [1]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1, 2], [3, 4]]}, {"weight": [[1, 2]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"aggregation": "median", "layers": [{"weight": [[1], [1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1], [1]], "activation": "swish"}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1], [1]], "aggregation": "sage"}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'point', '{"layers": [{"weight": [[1e300], [1e300]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'SELECT 1 AS id, 2 AS x', '{"layers": [{"weight": [[1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'SELECT 1 AS id', '{"layers": [{"weight": [[1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'SELECT id, x FROM point UNION ALL SELECT 2, 7', '{"layers": [{"weight": [[1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'SELECT * FROM (VALUES (1, array[1]), (2, array[1, 2])) p(id, features)', '{"layers": [{"weight": [[1]]}]}');
SELECT * FROM rk.graph_gnn_inference('path', 'SELECT id, NULLIF(x, 0) AS x FROM point', '{"layers": [{"weight": [[1]]}]}');
SELECT * FROM rk.graph_graph_attention('path', 'point', '{"heads": [{"weight": [[1], [1]], "attention": [1]}]}');
SELECT * FROM rk.graph_graph_attention('path', 'point', '{"heads": [{"query": [[1], [1]], "attention": [1, 1]}]}');
SELECT * FROM rk.graph_graph_attention('path', 'point', '{"heads": [{"weight": [[1], [1]], "attention": [1, 1]}, {"weight": [[1, 2], [1, 2]], "attention": [1, 1]}]}');
SELECT * FROM rk.graph_graph_attention('path', 'point', '{"negative_slope": -1, "heads": [{"weight": [[1], [1]], "attention": [1, 1]}]}');
SELECT rk.graph_gnn_inference_init(0);
DROP TABLE path, point CASCADE;
DROP FUNCTION rounded;
