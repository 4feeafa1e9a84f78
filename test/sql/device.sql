-- Devices without a device: what is said, and who may do what.  What one does
-- is in test/t/device.pl.

CREATE TABLE edge AS SELECT i AS source, (i * 7) % 50 AS target FROM generate_series(0::bigint, 49) i;

SELECT device, usable FROM rk.devices WHERE device = 'cpu';
SELECT count(*) > 0 AS listed, bool_and(usable = (reason IS NULL)) AS with_reason FROM rk.devices;
SELECT device, runs, fallbacks FROM rk.stat_device;
SELECT id FROM rk.kernels WHERE 'cuda' = ANY (devices) ORDER BY id;

-- the choice
SELECT count(*) FROM rk.graph_pagerank('edge');
SELECT device, device_reason ~ '^estimated: cpu .* ms, cuda .* ms$' AS reason, fallback_reason FROM rk.last_run();
SET rk.device = cpu;
SELECT count(*) FROM rk.graph_pagerank('edge');
SELECT device, device_reason, fallback_reason FROM rk.last_run();
SELECT count(*) FROM rk.graph_density('edge');
SELECT device, device_reason, fallback_reason FROM rk.last_run();
SELECT device FROM rk.explain('graph/pagerank', '{"edges": "edge"}');

-- a kernel without a form
SET rk.device = cuda;
SELECT * FROM rk.graph_density('edge');
SELECT device FROM rk.explain('graph/pagerank', '{"edges": "edge"}');
SELECT * FROM rk.graph_connected_components('edge', mode => 'strong');
RESET rk.device;

-- breakers
SELECT * FROM rk.stat_circuit;
SELECT rk.circuit_open('graph/pagerank');
SELECT kernel, device, state, failures, retry_at > now() AS later FROM rk.stat_circuit;
SELECT rk.circuit_reset('graph/pagerank');
SELECT * FROM rk.stat_circuit;
-- one kernel with several, which others share
SELECT rk.circuit_open('graph/cosine-similarity');
SELECT kernel, state FROM rk.stat_circuit;
SELECT rk.circuit_reset('graph/adamic-adar');
SELECT * FROM rk.stat_circuit;
SELECT rk.circuit_open('graph/density');
SELECT rk.circuit_reset('nothing');
SELECT rk.circuit_reset(NULL);

-- rights
CREATE ROLE device_user;
SET ROLE device_user;
SELECT count(*) > 0 AS listed FROM rk.devices;
SELECT count(*) FROM rk.stat_circuit;
SELECT rk.circuit_open('graph/pagerank');
SELECT rk.circuit_reset('graph/pagerank');
SELECT rk.device_calibrate();
SELECT rk.device_restart();
SET rk.cuda_library = '/tmp/mine.so';
\set VERBOSITY sqlstate
SHOW rk.cuda_library;
\set VERBOSITY default
SET rk.fallback = off;
RESET rk.fallback;
RESET ROLE;
DROP ROLE device_user;
DROP TABLE edge;
