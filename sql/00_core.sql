/* Core: the catalogue of kernels, runs by id, what is going on. */

CREATE FUNCTION rk.library_version() RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'rk_library_version';
COMMENT ON FUNCTION rk.library_version() IS 'version of the loaded library';

/* The library of another version may lack what this script declares. */
DO $$
BEGIN
	IF rk.library_version() <> '@EXTVERSION@' THEN
		RAISE EXCEPTION 'library rustkernels has version %, the extension script @EXTVERSION@', rk.library_version()
			USING HINT = 'Install the library of the same version, restart the server if it is preloaded.';
	END IF;
END
$$;

CREATE FUNCTION rk.relation_support(internal) RETURNS internal
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_relation_support';
COMMENT ON FUNCTION rk.relation_support(internal) IS
'planner support of relation kernels: rows and cost from the statistics of the input';

/* ---- the catalogue ---- */

CREATE FUNCTION rk.kernel_list(
	OUT id text, OUT domain text, OUT domain_key text, OUT function_name text, OUT mode text,
	OUT shape text, OUT description text, OUT devices text[], OUT license_feature text,
	OUT expected_throughput double precision, OUT target_latency_us double precision,
	OUT iterative boolean, OUT details text, OUT "position" integer
) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 106
AS 'MODULE_PATHNAME', 'rk_kernel_list';
COMMENT ON FUNCTION rk.kernel_list() IS 'rows of the view rk.kernels, from the descriptors in the library';

CREATE VIEW rk.kernels AS
SELECT id, domain, domain_key,
	(SELECT min(p.oid)::regprocedure FROM pg_catalog.pg_proc p
	 WHERE p.pronamespace = 'rk'::regnamespace AND p.proname = function_name) AS function,
	mode, shape, description, devices, license_feature, expected_throughput, target_latency_us,
	iterative, details
FROM rk.kernel_list() ORDER BY "position";
COMMENT ON VIEW rk.kernels IS 'every kernel of the library';

CREATE FUNCTION rk.kernel_column_list(
	OUT kernel text, OUT function_name text, OUT shape text, OUT kind text, OUT relation text, OUT "position" integer,
	OUT name text, OUT type text, OUT required boolean, OUT default_value text, OUT range text,
	OUT meaning text
) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 1000
AS 'MODULE_PATHNAME', 'rk_kernel_column_list';
COMMENT ON FUNCTION rk.kernel_column_list() IS 'rows of the view rk.kernel_columns, from the descriptors in the library';

CREATE VIEW rk.kernel_columns AS
SELECT kernel, 'rk.' || function_name AS function, shape, kind, relation, "position", name, type, required,
	default_value, range, meaning
FROM rk.kernel_column_list();
COMMENT ON VIEW rk.kernel_columns IS
'parameters (argument), columns of relation arguments (relation_column) and result columns (result_column) of every kernel';

CREATE FUNCTION rk.search_kernels(pattern text) RETURNS SETOF rk.kernels
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT k.* FROM rk.kernels k
	WHERE k.id ILIKE '%' || pattern || '%' OR k.description ILIKE '%' || pattern || '%'
		OR k.function::text ILIKE '%' || pattern || '%';
END;
COMMENT ON FUNCTION rk.search_kernels(text) IS 'kernels whose id, function or description contains the pattern';

/* ---- runs by id ---- */

CREATE FUNCTION rk.execute(kernel text, input jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'rk_execute';
COMMENT ON FUNCTION rk.execute(text, jsonb) IS
'runs a kernel by its id: keys are parameter names, the answer has rows and run';

CREATE FUNCTION rk.explain(
	kernel text, input jsonb DEFAULT '{}',
	OUT rows bigint, OUT bytes_in bigint, OUT memory bigint, OUT device text, OUT threads integer,
	OUT phases jsonb, OUT estimated_ms double precision, OUT warnings text[]
) RETURNS record
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'rk_explain';
COMMENT ON FUNCTION rk.explain(text, jsonb) IS
'what a run would take: rows read, memory, device and time, from the statistics of the input';

CREATE FUNCTION rk.last_run(
	OUT run_id bigint, OUT kernel text, OUT started timestamptz, OUT elapsed_us bigint,
	OUT read_us bigint, OUT compute_us bigint, OUT write_us bigint, OUT device text,
	OUT threads integer, OUT rows_in bigint, OUT rows_out bigint, OUT memory_peak bigint,
	OUT iterations integer, OUT residual double precision, OUT converged boolean,
	OUT reached_max boolean, OUT phases jsonb, OUT details jsonb,
	OUT device_reason text, OUT fallback_reason text
) RETURNS record
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_last_run';
COMMENT ON FUNCTION rk.last_run() IS
'the last kernel run of this session: rows, time of each phase in microseconds, convergence, details, device and why it was chosen';

/* ---- what is going on ---- */

CREATE FUNCTION rk.progress_list(
	OUT pid integer, OUT role oid, OUT kernel text, OUT run_id bigint, OUT phase text,
	OUT iteration bigint, OUT max_iterations bigint, OUT residual double precision,
	OUT work_done bigint, OUT work_total bigint, OUT fraction double precision,
	OUT started timestamptz, OUT elapsed_ms bigint, OUT device text, OUT threads integer,
	OUT memory bigint
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 10
AS 'MODULE_PATHNAME', 'rk_stat_progress';
COMMENT ON FUNCTION rk.progress_list() IS 'rows of the view rk.stat_progress';

CREATE VIEW rk.stat_progress AS
SELECT pid, role::regrole AS role, kernel, run_id, phase, iteration, max_iterations, residual,
	work_done, work_total, fraction, started, elapsed_ms, device, threads, memory
FROM rk.progress_list();
COMMENT ON VIEW rk.stat_progress IS
'kernel runs under way in this database: your own, or all for members of pg_read_all_stats; needs the library in shared_preload_libraries';

CREATE FUNCTION rk.build_info(OUT name text, OUT value text) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'rk_build_info';
COMMENT ON FUNCTION rk.build_info() IS 'version, compiler, libraries and devices the library was built with';

CREATE FUNCTION rk.trim() RETURNS bigint
LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_trim';
COMMENT ON FUNCTION rk.trim() IS
'gives memory kept between runs (rk.pool_retain) back to the system, returns the number of bytes';

GRANT USAGE ON SCHEMA rk TO PUBLIC;
GRANT SELECT ON rk.kernels, rk.kernel_columns, rk.stat_progress TO PUBLIC;
