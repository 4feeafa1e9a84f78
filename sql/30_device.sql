/* Devices: what was found, what runs there, what has failed. */

CREATE FUNCTION rk.device_list(
	OUT device text, OUT name text, OUT state text, OUT usable boolean, OUT reason text,
	OUT capability text, OUT memory bigint, OUT multiprocessors integer, OUT library text
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 2
AS 'MODULE_PATHNAME', 'rk_device_list';
COMMENT ON FUNCTION rk.device_list() IS 'rows of the view rk.devices';

CREATE VIEW rk.devices AS
SELECT device, name, state, usable, reason, capability, memory, multiprocessors, library
FROM rk.device_list();
COMMENT ON VIEW rk.devices IS
'the CPU and the CUDA devices: which can be used, and why not; a CUDA device is looked for when a run first wants one';

CREATE FUNCTION rk.device_statistics(
	OUT device text, OUT supervisor_pid integer, OUT worker_pid integer, OUT starts bigint,
	OUT runs bigint, OUT fallbacks bigint, OUT resident bigint, OUT bytes_to bigint,
	OUT bytes_from bigint, OUT memory_used bigint, OUT graphs integer, OUT measured_on text,
	OUT transfer_rate double precision, OUT memory_rate double precision,
	OUT flop_rate double precision, OUT launch_us double precision, OUT cpu_factor double precision
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 1
AS 'MODULE_PATHNAME', 'rk_device_statistics';
COMMENT ON FUNCTION rk.device_statistics() IS 'the row of the view rk.stat_device';

CREATE VIEW rk.stat_device AS
SELECT device, supervisor_pid, worker_pid, starts, runs, fallbacks, resident, bytes_to, bytes_from,
	memory_used, graphs, measured_on, transfer_rate, memory_rate, flop_rate, launch_us, cpu_factor
FROM rk.device_statistics();
COMMENT ON VIEW rk.stat_device IS
'runs on the CUDA device since the server started, fallbacks to the CPU, graphs kept there, and the constants that rk.device = auto decides by; needs the library in shared_preload_libraries';

CREATE FUNCTION rk.circuit_list(
	OUT kernel text, OUT device text, OUT state text, OUT failures integer, OUT successes integer,
	OUT opened_at timestamptz, OUT retry_at timestamptz, OUT total_requests bigint,
	OUT failures_total bigint, OUT rejections bigint
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 10
AS 'MODULE_PATHNAME', 'rk_circuit_list';
COMMENT ON FUNCTION rk.circuit_list() IS 'rows of the view rk.stat_circuit';

CREATE VIEW rk.stat_circuit AS
SELECT kernel, device, state, failures, successes, opened_at, retry_at, total_requests,
	failures_total, rejections
FROM rk.circuit_list();
COMMENT ON VIEW rk.stat_circuit IS
'circuit breakers of kernels on the device: closed, open, half_open';

CREATE FUNCTION rk.circuit_reset(kernel text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_circuit_reset';
COMMENT ON FUNCTION rk.circuit_reset(text) IS 'closes the circuit breaker of a kernel';

CREATE FUNCTION rk.circuit_open(kernel text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_circuit_open';
COMMENT ON FUNCTION rk.circuit_open(text) IS
'opens the circuit breaker of a kernel, so that it runs on the CPU for rk.circuit_reset_timeout';

CREATE FUNCTION rk.device_calibrate(
	OUT device text, OUT transfer_rate double precision, OUT memory_rate double precision,
	OUT flop_rate double precision, OUT launch_us double precision, OUT copy_rate double precision, OUT cpu_factor double precision
) RETURNS record
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', 'rk_device_calibrate';
COMMENT ON FUNCTION rk.device_calibrate() IS
'measures the CUDA device and the CPU and keeps what rk.device = auto decides by: bytes and float8 operations a second, microseconds';

CREATE FUNCTION rk.device_restart() RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_device_restart';
COMMENT ON FUNCTION rk.device_restart() IS
'starts the device worker anew, which reads its settings; runs under way end on the CPU';

REVOKE ALL ON FUNCTION rk.circuit_reset(text), rk.circuit_open(text), rk.device_calibrate(),
	rk.device_restart() FROM PUBLIC;
GRANT SELECT ON rk.devices, rk.stat_device, rk.stat_circuit TO PUBLIC;
