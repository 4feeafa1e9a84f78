/*
 * binding.c
 *	  The door to SQL of correlations: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "../../call/types.h"
#include "../../device/device.h"
#include "../../relation/emit.h"
#include "../../relation/table.h"
#include "correlation.h"

/* ---- risk/realtime-correlation ---- */

/* Series of the assets in the order in which they are first seen. */
typedef struct series
{
	rk_observations o;
	int64	   *begin;
	int64	   *end;
	int64	   *time;
	int64	   *start;
	double	   *value;
	uint32	   *codes;
} series;

static int
compare_first_rows(const void *a, const void *b)
{
	const int64 *x = a;
	const int64 *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* The return over one step, or an error that names the row of the price. */
static double
price_return(rk_table *t, const rk_table_column *value, int64 before, int64 row, bool log_return)
{
	double		p = value->floats[before];
	double		q = value->floats[row];

	if (log_return && !(p > 0 && q > 0))
		rk_table_bad_value(t, value, p > 0 ? row : before, "not above 0, so it has no log return,");
	if (!log_return && p == 0)
		rk_table_bad_value(t, value, before, "0, so nothing has a return over it,");
	return log_return ? log(q / p) : q / p - 1;
}

static void
read_series(rk_call *call, series *s, rk_ids **ids)
{
	rk_table   *t = rk_read_table(call, "observations");
	const rk_table_column *ts = rk_table_column_named(t, "ts");
	const rk_table_column *value = rk_table_column_named(t, "value");
	rk_groups  *g = rk_table_group(t, "asset", "ts");
	bool		prices = !rk_arg_is_null(call, "as_returns");
	bool		log_return = prices && rk_arg_choice(call, "as_returns") == 0;
	int64	   *order = rk_call_alloc(call, g->count * 2, int64);
	int64		at = 0;

	*ids = g->ids;
	for (int64 i = 0; i < g->count; i++)
	{
		order[2 * i] = t->rows;
		order[2 * i + 1] = i;
		for (int64 k = g->offsets[i]; k < g->offsets[i + 1]; k++)
			order[2 * i] = Min(order[2 * i], g->rows[k]);
	}
	qsort(order, g->count, 2 * sizeof(int64), compare_first_rows);
	s->begin = rk_call_alloc(call, g->count, int64);
	s->end = rk_call_alloc(call, g->count, int64);
	s->codes = rk_call_alloc(call, g->count, uint32);
	s->time = rk_call_alloc(call, t->rows, int64);
	s->start = rk_call_alloc(call, t->rows, int64);
	s->value = rk_call_alloc(call, t->rows, double);
	for (int64 i = 0; i < g->count; i++)
	{
		int64		group = order[2 * i + 1];

		s->codes[i] = g->codes[group];
		s->begin[i] = at;
		for (int64 k = g->offsets[group]; k < g->offsets[group + 1]; k++)
		{
			int64		row = g->rows[k];
			bool		first = k == g->offsets[group];
			int64		before = first ? row : g->rows[k - 1];

			if (!first && ts->ints[before] == ts->ints[row])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("asset \"%s\" has two observations at the same time", rk_ids_text(g->ids, s->codes[i])),
						 errdetail("They are in rows %lld and %lld of \"observations\".", (long long) (before + 1),
								   (long long) (row + 1))));
			if (prices && first)
				continue;
			s->time[at] = ts->ints[row];
			s->start[at] = first ? PG_INT64_MIN : ts->ints[before];
			s->value[at++] = prices ? price_return(t, value, before, row, log_return) : value->floats[row];
		}
		s->end[i] = at;
	}
	s->o = (rk_observations) {g->count, s->begin, s->end, s->time, s->start, s->value};
}

static void
correlation_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	*cost = rk_device_correlation_cost(size->nodes, size->arcs / Max(size->nodes, 1), size->threads);
	if (rk_arg_choice(call, "estimator") == RK_HAYASHI_YOSHIDA)
		cost->host_seconds = INFINITY;
}

/*
 * The products of all pairs by the device, into correlation; false: the CPU
 * shall do it.
 */
static bool
correlate_on_device(rk_call *call, const rk_observations *o, const rk_correlation_params *p, double *correlation,
					double *covariance, int64 *count)
{
	rk_graph_size size = {.nodes = o->assets,.threads = call->ctx.threads};
	rk_device_run *device;
	rk_correlation_rows r;
	rk_cuda_correlation_params params;

	if (p->estimator == RK_HAYASHI_YOSHIDA)
	{
		rk_device_skip(call, "overlaps of intervals are found on the CPU only");
		return false;
	}
	for (int64 i = 0; i < o->assets; i++)
		size.arcs += o->end[i] - o->begin[i];
	if (o->assets < 2 || (device = rk_device_begin(call, RK_CUDA_CORRELATION, &size)) == NULL)
		return false;
	rk_call_check(call, rk_risk_correlation_rows(&call->ctx, o, p, &r));
	if (r.x == NULL)
	{
		rk_device_skip(call, "the series have gaps, so that each pair has times of its own");
		return false;
	}
	params = (rk_cuda_correlation_params) {r.assets, r.times};
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, r.x, mul_size(mul_size(r.assets, r.times), sizeof(double)));
	rk_device_output(device, correlation, rk_pairs_of(r.assets) * sizeof(double));
	if (!rk_device_finish(device, NULL))
		return false;
	rk_call_check(call, rk_risk_correlations_of_products(&call->ctx, &r, correlation, correlation, covariance, count));
	return true;
}

/* Correlations of all pairs, wherever. */
static void
correlate(rk_call *call, const rk_observations *o, const rk_correlation_params *p, double *correlation,
		  double *covariance, int64 *count)
{
	if (!correlate_on_device(call, o, p, correlation, covariance, count))
		rk_call_check(call, rk_risk_correlations(&call->ctx, o, p, correlation, covariance, count));
}

static void
realtime_correlation(rk_call *call)
{
	series		s = {0};
	rk_ids	   *ids;
	rk_correlation_params p = {
		.estimator = rk_arg_choice(call, "estimator"),
		.lambda = rk_arg_float8(call, "lambda"),
		.previous_tick = rk_arg_choice(call, "sync") == 1
	};
	int64		least = rk_arg_int(call, "min_observations");
	double		threshold = rk_arg_float8_or(call, "change_threshold", 0);
	bool		compare = !rk_arg_is_null(call, "as_of_previous");
	int64		pairs;
	uint32	   *asset_i;
	uint32	   *asset_j;
	double	   *correlation;
	double	   *covariance;
	double	   *previous;
	double	   *change;
	int64	   *count;
	bool	   *keep = NULL;

	if (!rk_arg_is_null(call, "change_threshold") && !compare)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"change_threshold\" needs \"as_of_previous\""),
				 errhint("Say since when a change counts: as_of_previous => now() - interval '1 day'.")));
	read_series(call, &s, &ids);
	pairs = rk_pairs_of(s.o.assets);
	asset_i = rk_call_alloc(call, pairs, uint32);
	asset_j = rk_call_alloc(call, pairs, uint32);
	correlation = rk_call_alloc(call, pairs, double);
	covariance = rk_call_alloc(call, pairs, double);
	previous = rk_call_alloc(call, pairs, double);
	change = rk_call_alloc(call, pairs, double);
	count = rk_call_alloc(call, pairs, int64);
	rk_list_pairs(s.codes, s.o.assets, asset_i, asset_j);
	for (int64 k = 0; k < pairs; k++)
		previous[k] = change[k] = NAN;
	if (compare)
	{
		int64	   *ends = rk_call_alloc(call, s.o.assets, int64);

		rk_observations_until(&s.o, rk_arg_timestamptz(call, "as_of_previous"), ends);
		s.o.end = ends;
		correlate(call, &s.o, &p, previous, covariance, count);
		for (int64 k = 0; k < pairs; k++)
			if (count[k] < least)
				previous[k] = NAN;
		s.o.end = s.end;
	}
	correlate(call, &s.o, &p, correlation, covariance, count);
	if (!rk_arg_is_null(call, "change_threshold"))
		keep = rk_call_alloc(call, pairs, bool);
	for (int64 k = 0; k < pairs; k++)
	{
		if (count[k] < least)
			correlation[k] = NAN;
		if (compare)
			change[k] = correlation[k] - previous[k];
		if (keep)
			keep[k] = fabs(change[k]) >= threshold;
	}
	rk_emit(call, pairs, (rk_out[]) {
		RK_OUT_CODES(ids, asset_i), RK_OUT_CODES(ids, asset_j), RK_OUT_OPTIONALS(correlation),
		RK_OUT_OPTIONALS(covariance), RK_OUT_INTS(count), RK_OUT_OPTIONALS(previous), RK_OUT_OPTIONALS(change)
	}, keep);
}

RK_FUNCTION(rk_risk_realtime_correlation_sql, "risk/realtime-correlation", "");
RK_AGGREGATE(rk_risk_realtime_correlation_matrix, "risk/realtime-correlation", "_matrix");

const rk_bound_function rk_risk_correlation_bindings[] = {
	{"risk/realtime-correlation", "", realtime_correlation,.device_cost = correlation_device_cost},
	{"risk/realtime-correlation", "_matrix", .aggregate = &rk_correlation_matrix},
	{0}
};
