--
-- Measures of whole graphs, and the forms that take a value of type rk.graph.
--
CREATE TABLE wire (tenant text, payer int, payee int, amount float8);
INSERT INTO wire VALUES ('a', 1, 2, 10), ('a', 2, 3, 10), ('a', 3, 1, 10), ('a', 1, 3, 2), ('a', 3, 4, 5),
	('a', 4, 5, 5), ('a', 5, 6, 5), ('a', 6, 3, 5), ('a', 2, 8, 1), ('a', 7, NULL, NULL),
	('b', 1, 2, 1), ('b', 1, 2, 4), ('b', 2, 1, 1), ('b', 2, 2, 1), ('b', 2, 2, 1);
CREATE VIEW edge AS SELECT payer AS source, payee AS target, amount AS weight FROM wire WHERE tenant = 'a' AND payee IS NOT NULL;

-- density
SELECT num_nodes, num_edges, density = 9 / 56.0::float8 AS density, self_loops, parallel_edges, reciprocity = 2 / 9.0::float8 AS reciprocity
FROM rk.graph_density('edge', nodes => 'SELECT 7 AS node');
SELECT num_nodes, num_edges, density = 2 / 7.0::float8 AS density, self_loops, parallel_edges, reciprocity
FROM rk.graph_density('edge', nodes => 'SELECT 7 AS node', directed => false);
SELECT * FROM rk.graph_density('SELECT payer AS source, payee AS target FROM wire WHERE tenant = ''b''');
SELECT * FROM rk.graph_density('SELECT payer AS source, payee AS target FROM wire WHERE tenant = ''b''', directed => false);
SELECT * FROM rk.graph_density('[]');
SELECT * FROM rk.graph_density('SELECT 1 AS source, 2 AS target WHERE false', nodes => '[{"node": 1}]');
SELECT * FROM rk.graph_density('[{"source": 1, "target": 1}]');
SELECT * FROM rk.graph_density('[{"source": 1, "target": 2}]', directed => NULL);

-- a graph in every row
SELECT tenant, d.* FROM (SELECT tenant, rk.graph_agg(payer, payee) AS g FROM wire GROUP BY tenant) t, rk.graph_density(g) d
ORDER BY tenant;
SELECT tenant, d.* FROM (SELECT tenant, rk.graph_agg(payer, payee, amount) AS g FROM wire GROUP BY tenant) t,
	rk.graph_density(g, directed => false) d
ORDER BY tenant;
CREATE TABLE store AS SELECT tenant, rk.graph_agg(payer::text, payee::text) AS g FROM wire GROUP BY tenant;
SELECT tenant, num_nodes, num_edges FROM store, rk.graph_density(store.g) ORDER BY tenant;
SELECT num_nodes FROM rk.graph_density(graph => (SELECT g FROM store WHERE tenant = 'b'), directed => true);
-- the same as from rows
SELECT a = b AS same FROM rk.graph_density('edge', nodes => 'SELECT 7 AS node') a, store, rk.graph_density(g) b WHERE tenant = 'a';
SELECT * FROM rk.graph_density(NULL::rk.graph);
-- an untyped literal holds edges
SELECT num_nodes FROM rk.graph_density('edge');
SELECT num_nodes FROM rk.graph_density('SELECT g FROM store WHERE tenant = ''b''');
SELECT num_nodes FROM rk.graph_density(NULL);
SELECT p.oid::regprocedure, provolatile, proparallel, obj_description(p.oid) IS NOT NULL AS described
FROM pg_proc p WHERE proname = 'graph_density' ORDER BY 1::text COLLATE "C";
SELECT rk.execute('graph/density', '{"edges": "edge"}') -> 'rows';

-- average path length: node 7 is isolated, node 8 reaches nothing
SELECT average_path_length = 92 / 36.0::float8 AS average, diameter, radius, round(global_efficiency::numeric, 10) AS efficiency,
	reachable_pairs, unreachable_pairs, connected, exact
FROM rk.graph_average_path_length('edge', nodes => 'SELECT 7 AS node');
SELECT average_path_length = 80 / 42.0::float8 AS average, diameter, radius, round(global_efficiency::numeric, 10) AS efficiency,
	reachable_pairs, unreachable_pairs, connected, exact
FROM rk.graph_average_path_length('edge', nodes => 'SELECT 7 AS node', directed => false);
-- with lengths there is no effective diameter
SELECT * FROM rk.graph_average_path_length('[{"source": 1, "target": 2, "weight": 2}, {"source": 2, "target": 3, "weight": 3.5}]', weighted => true);
-- a path of four: distances 1 1 1 2 2 3
SELECT round(average_path_length::numeric, 10) AS average, diameter, radius, round(effective_diameter::numeric, 10) AS effective, connected
FROM rk.graph_average_path_length('SELECT i AS source, i + 1 AS target FROM generate_series(1, 3) i', directed => false);
SELECT * FROM rk.graph_average_path_length('SELECT 1 AS source, 2 AS target WHERE false');
SELECT * FROM rk.graph_average_path_length('[{"source": 1, "target": 1}]');
SELECT * FROM rk.graph_average_path_length('[{"source": 1, "target": 2}]', samples => 1);
SELECT tenant, p.average_path_length, p.connected FROM store, rk.graph_average_path_length(g, directed => false) p ORDER BY tenant;
SELECT count(*) FROM store, rk.graph_average_path_length(g, weighted => true);
SELECT * FROM rk.graph_average_path_length('edge', samples => 0);
SELECT * FROM rk.graph_average_path_length('SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true);
SELECT * FROM rk.graph_average_path_length('SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true, directed => false);

-- all of it
\x
SELECT * FROM rk.graph_full_metrics('edge', nodes => 'SELECT 7 AS node');
SELECT * FROM rk.graph_full_metrics('edge', nodes => 'SELECT 7 AS node', directed => false, samples => 3, seed => 1);
SELECT * FROM rk.graph_full_metrics('[]');
SELECT * FROM rk.graph_full_metrics('[{"source": 1, "target": 1}, {"source": 1, "target": 1}]');
\x
SELECT tenant, m.num_edges, m.parallel_edges, m.triangles, m.num_components, m.degree_assortativity
FROM store, rk.graph_full_metrics(g, samples => 2) m ORDER BY tenant;
SELECT m.num_nodes, m.num_edges, m.triangles, round(m.average_clustering_coefficient::numeric, 10) AS clustering,
	round(m.transitivity::numeric, 10) AS transitivity, m.num_components, m.num_strong_components, round(m.reciprocity::numeric, 10) AS reciprocity
FROM rk.graph_full_metrics('SELECT (i*i*31 + i*17) % 500 AS source, (i*7919 + (i*i)%97) % 500 AS target FROM generate_series(1,4000) i') m;
SELECT m.num_edges, round(m.average_path_length::numeric, 10) AS average, m.diameter, m.degeneracy
FROM rk.graph_full_metrics('SELECT (i*i*31 + i*17) % 500 AS source, (i*7919 + (i*i)%97) % 500 AS target FROM generate_series(1,4000) i',
	directed => false) m;
SELECT * FROM rk.graph_full_metrics('edge', samples => 0);

DROP TABLE wire, store CASCADE;
