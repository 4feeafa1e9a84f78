/*
 * binding.c
 *	  The temporal kernels' door to SQL: series in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>


#include "../call/types.h"
#include "../device/device.h"
#include "../relation/emit.h"
#include "../relation/series_input.h"
#include "../relation/table.h"
#include "temporal.h"

/* ---- temporal/seasonal-decomposition ---- */

static void
check_odd(rk_call *call, const char *name, int64 above)
{
	int64		value;

	if (rk_arg_is_null(call, name))
		return;
	value = rk_arg_int(call, name);
	if (value % 2 == 0 || value <= above)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 above > 0 ? errmsg("parameter \"%s\" is %lld, but must be odd and above the period, %lld", name,
									(long long) value, (long long) above) :
				 errmsg("parameter \"%s\" is %lld, but must be odd", name, (long long) value)));
}

static rk_stl_params
stl_params(rk_call *call)
{
	bool		robust = rk_arg_boolean(call, "robust");

	return (rk_stl_params) {
		.seasonal = {rk_arg_int(call, "seasonal_window"), rk_arg_int(call, "seasonal_degree"), rk_arg_int(call, "seasonal_jump")},
		.trend = {rk_arg_int_or(call, "trend_window", 0), rk_arg_int(call, "trend_degree"), rk_arg_int(call, "trend_jump")},
		.low_pass = {rk_arg_int_or(call, "low_pass_window", 0), rk_arg_int(call, "low_pass_degree"),
			rk_arg_int(call, "low_pass_jump")},
		.inner = rk_arg_int_or(call, "inner_iterations", robust ? 2 : 5),
		.outer = rk_arg_int_or(call, "outer_iterations", robust ? 15 : 0)
	};
}

static int
compare_periods(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* The periods of method mstl in rising order. */
static int64 *
several_periods(rk_call *call, int *count)
{
	int64		n = 1;
	int64	   *periods;

	if (rk_arg_is_null(call, "periods"))
	{
		periods = rk_call_alloc(call, 1, int64);
		periods[0] = rk_arg_int_or(call, "period", 0);
	}
	else
	{
		const int64 *given = rk_arg_int_array(call, "periods", &n);

		periods = rk_call_alloc(call, n, int64);
		memcpy(periods, given, sizeof(int64) * n);
		qsort(periods, n, sizeof(int64), compare_periods);
	}
	if (n < 1 || n > RK_MAX_PERIODS || periods[0] < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method 'mstl' needs 1 to %d periods of at least 2 positions", RK_MAX_PERIODS),
				 errhint("Such as periods => '{24,168}'.")));
	for (int64 i = 1; i < n; i++)
		if (periods[i] == periods[i - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"periods\" has %lld twice", (long long) periods[i])));
	*count = (int) n;
	return periods;
}

/* The period of each series: as given, or what its distance stands for. */
static int64 *
period_of_series(rk_call *call, const rk_series_data *in)
{
	int64	   *period = rk_call_alloc(call, in->series.count, int64);

	for (int64 i = 0; i < in->series.count; i++)
	{
		period[i] = rk_arg_int_or(call, "period", in->calendar ? rk_spacing_period(in->laid_out.spacing[i]) : 0);
		if (period[i] == 0 && in->series.offsets[i + 1] - in->series.offsets[i] < 2)
			period[i] = 2;
		if (period[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"period\" is NULL and does not follow from the times"),
					 errhint("Set period to the number of positions in a season.")));
	}
	return period;
}

static void
emit_decomposition(rk_call *call, const rk_series_data *in, const rk_decomposition *d, int count)
{
	rk_series_places		p = rk_places_of(call, in);
	int64	   *starts = rk_call_alloc(call, in->total + 1, int64);
	double	   *strengths = rk_call_alloc(call, 2 * in->total, double);

	for (int64 i = 0; i < in->total; i++)
	{
		starts[i] = i * count;
		strengths[i] = d->trend_strength[in->laid_out.owner[i]];
		strengths[in->total + i] = d->seasonal_strength[in->laid_out.owner[i]];
	}
	starts[in->total] = in->total * count;
	rk_emit(call, in->total, (rk_out[]) {
		rk_series_ids(in, p.codes), RK_OUT_INTS(p.t), RK_OUT_TIMES(p.ts), RK_OUT_DOUBLES(in->series.values),
		RK_OUT_OPTIONALS(d->trend), RK_OUT_DOUBLES(d->seasonal), RK_OUT_OPTIONALS(d->residual), RK_OUT_DOUBLES(d->weight),
		RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, d->seasonals, starts), RK_OUT_OPTIONALS(strengths),
		RK_OUT_OPTIONALS(strengths + in->total)
	}, NULL);
}

static void
seasonal_decomposition(rk_call *call)
{
	rk_series_data		in;
	rk_decomposition d;
	int64		too_short = 0;
	int64		longest = 0;
	rk_decompose_params p = {
		.method = rk_arg_choice(call, "method"),
		.multiplicative = rk_arg_choice(call, "model") == 1,
		.stl = stl_params(call),
		.count = 1
	};

	check_odd(call, "seasonal_window", 0);
	if (p.method != RK_MSTL && !rk_arg_is_null(call, "periods"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"periods\" is for method 'mstl'"),
				 errhint("Set method => 'mstl', or period instead of periods.")));
	rk_read_series(call, &(rk_series_wants) {.value = "value", .fill = rk_arg_choice(call, "fill"), .find_gaps = true}, true, &in);
	if (p.method == RK_MSTL)
		p.periods = several_periods(call, &p.count);
	else
		p.period = period_of_series(call, &in);
	for (int64 i = 0; i < (p.method == RK_MSTL ? p.count : in.series.count); i++)
		longest = Max(longest, p.method == RK_MSTL ? p.periods[i] : p.period[i]);
	/* also of a period that follows from the times */
	check_odd(call, "trend_window", longest);
	check_odd(call, "low_pass_window", longest);
	rk_call_phase(call, "decomposition", in.series.count);
	rk_call_check(call, rk_temporal_decompose(&call->ctx, &in.series, &p, &d));
	for (int64 i = 0; i < in.series.count; i++)
		too_short += d.too_short[i];
	rk_series_notice(too_short, "shorter than two periods");
	emit_decomposition(call, &in, &d, p.count);
}

RK_FUNCTION(rk_temporal_seasonal_decomposition_sql, "temporal/seasonal-decomposition", "");

/* ---- temporal/trend-extraction ---- */

static void
check_trend_params(const rk_trend_params *p)
{
	if (p->method == RK_TREND_LOWESS && p->window < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"window_size\" is %lld, but method 'lowess' needs at least 2", (long long) p->window)));
	if (p->method == RK_TREND_SAVGOL && (p->window % 2 == 0 || p->window <= p->order))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"window_size\" is %lld, but method 'savgol' needs an odd one above \"poly_order\", %d",
						(long long) p->window, p->order)));
}

static void
trend_extraction(rk_call *call)
{
	rk_series_data		in;
	rk_series_places		at;
	double	   *results;
	double	   *detrended;
	int64		cut = 0;
	rk_trend_params p = {
		.method = rk_arg_choice(call, "method"),
		.window = rk_arg_int(call, "window_size"),
		.alpha = rk_arg_float8_or(call, "alpha", NAN),
		.beta = rk_arg_float8_or(call, "beta", NAN),
		.lambda = rk_arg_float8(call, "lambda"),
		.order = rk_arg_int(call, "poly_order"),
		.robust = rk_arg_int(call, "robust_iterations"),
		.shrink = rk_arg_choice(call, "boundary") == 0
	};

	check_trend_params(&p);
	rk_read_series(call, &(rk_series_wants) {.value = "value", .fill = rk_arg_choice(call, "fill"), .find_gaps = true}, true, &in);
	results = rk_call_alloc(call, 3 * in.total, double);
	detrended = results + 2 * in.total;
	rk_call_phase(call, "trend", in.series.count);
	rk_call_check(call, rk_temporal_trend(&call->ctx, &in.series, &p, results, results + in.total));
	for (int64 i = 0; i < in.total; i++)
		detrended[i] = in.series.values[i] - results[i];
	if (p.method == RK_TREND_SMA || p.method == RK_TREND_CMA || p.method == RK_TREND_LOWESS || p.method == RK_TREND_SAVGOL)
		for (int64 i = 0; i < in.series.count; i++)
			cut += in.series.offsets[i + 1] - in.series.offsets[i] < p.window;
	rk_series_notice(cut, "shorter than the window, which is cut there");
	at = rk_places_of(call, &in);
	rk_emit(call, in.total, (rk_out[]) {
		rk_series_ids(&in, at.codes), RK_OUT_INTS(at.t), RK_OUT_TIMES(at.ts), RK_OUT_DOUBLES(in.series.values),
		RK_OUT_OPTIONALS(results), RK_OUT_OPTIONALS(results + in.total), RK_OUT_OPTIONALS(detrended)
	}, NULL);
}

RK_FUNCTION(rk_temporal_trend_extraction_sql, "temporal/trend-extraction", "");

/* ---- temporal/anomaly-detection ---- */

static rk_anomaly_params
anomaly_params(rk_call *call)
{
	rk_anomaly_params p = {
		.method = rk_arg_choice(call, "method"),
		.period = rk_arg_int_or(call, "period", 0),
		.significance = rk_arg_float8(call, "significance_level"),
		.max_anomalies = rk_arg_float8(call, "max_anomalies"),
		.direction = rk_arg_choice(call, "direction")
	};

	if (p.method == RK_ANOMALY_ZSCORE && !rk_arg_is_null(call, "window_size"))
		p.method = RK_ANOMALY_ROLLING_ZSCORE;
	p.window = rk_arg_int_or(call, "window_size", p.method == RK_ANOMALY_MOVING_AVERAGE ? 10 : 20);
	p.threshold = rk_arg_float8_or(call, "threshold", p.method == RK_ANOMALY_IQR ? 1.5 :
								   p.method == RK_ANOMALY_MAD || p.method == RK_ANOMALY_STL ? 3.5 : 3);
	if ((p.method == RK_ANOMALY_STL || p.method == RK_ANOMALY_SEASONAL_ESD) && p.period == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method '%s' needs \"period\"", rk_arg_text(call, "method")),
				 errhint("Set period to the number of positions in a season.")));
	return p;
}

static void
anomaly_detection(rk_call *call)
{
	rk_series_data		in;
	rk_series_places		at;
	rk_anomalies a;
	int64		too_short = 0;
	rk_anomaly_params p = anomaly_params(call);

	rk_read_series(call, &(rk_series_wants) {.value = "value", .fill = RK_FILL_NONE}, false, &in);
	rk_call_phase(call, "anomalies", in.series.count);
	rk_call_check(call, rk_temporal_anomalies(&call->ctx, &in.series, &p, &a));
	for (int64 i = 0; i < in.series.count; i++)
		too_short += a.too_short[i];
	rk_series_notice(too_short, "shorter than two periods");
	at = rk_places_of(call, &in);
	rk_emit(call, in.total, (rk_out[]) {
		rk_series_ids(&in, at.codes), RK_OUT_INTS(at.t), RK_OUT_TIMES(at.ts), RK_OUT_DOUBLES(in.series.values),
		RK_OUT_OPTIONALS(a.expected), RK_OUT_OPTIONALS(a.score), RK_OUT_BOOLEANS(a.is_anomaly), RK_OUT_OPTIONALS(a.lower),
		RK_OUT_OPTIONALS(a.upper)
	}, NULL);
}

RK_FUNCTION(rk_temporal_anomaly_detection_sql, "temporal/anomaly-detection", "");

/* ---- temporal/changepoint-detection ---- */

static void
check_changepoint_params(rk_call *call, const rk_changepoint_params *p)
{
	int			least = p->cost == RK_COST_NORMAL ? 2 : p->cost == RK_COST_LINEAR ? 3 : 1;

	if (p->n_changepoints >= 0 && !isnan(p->penalty))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters \"penalty\" and \"n_changepoints\" cannot both be given"),
				 errhint("Leave one of them out.")));
	if (p->method == RK_PELT && p->n_changepoints >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method 'pelt' takes a penalty, not \"n_changepoints\""),
				 errhint("Use method => 'opt' for the exact minimum with a number of change points.")));
	if (p->method == RK_OPT && p->n_changepoints < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method 'opt' needs \"n_changepoints\""),
				 errhint("Use method => 'pelt' for the exact minimum with a penalty.")));
	if (p->min_segment < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"min_segment\" is %lld, but cost '%s' needs at least %d", (long long) p->min_segment,
						rk_arg_text(call, "cost"), least)));
}

/* The features of all positions, one behind the other; *dimensions of each. */
static double *
read_features(rk_call *call, const rk_series_data *in, const rk_changepoint_params *p, int *dimensions)
{
	const rk_table_column *c = rk_table_column_named(in->table, "features");
	int64		d = in->total > 0 ? c->offsets[1] : 1;
	double	   *values;

	if (p->cost != RK_COST_L2 && p->cost != RK_COST_NORMAL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cost '%s' takes one value a row, not \"features\"", rk_arg_text(call, "cost")),
				 errhint("Use cost => 'l2' or cost => 'normal'.")));
	if (p->method == RK_CUSUM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method 'cusum' takes one value a row, not \"features\"")));
	for (int64 i = 0; i < in->table->rows; i++)
		if (c->offsets[i + 1] - c->offsets[i] != d || d < 1 || d > 1000)
			rk_table_bad_value(in->table, c, i, psprintf("an array of %lld numbers, not of 1 to 1000, as many in all rows,",
														 (long long) (c->offsets[i + 1] - c->offsets[i])));
	values = rk_call_alloc(call, in->total * d, double);
	for (int64 i = 0; i < in->total; i++)
		memcpy(values + i * d, c->floats + c->offsets[in->laid_out.rows[i]], sizeof(double) * d);
	*dimensions = (int) d;
	return values;
}

/* Segments as rows. */
static void
emit_changepoints(rk_call *call, const rk_series_data *in, const rk_changepoints *f)
{
	uint32	   *codes = rk_call_alloc(call, in->total, uint32);
	int64	   *columns = rk_call_alloc(call, 6 * in->total, int64);
	int64	   *segment = columns;
	int64	   *start = columns + in->total;
	int64	   *stop = columns + 2 * in->total;
	int64	   *start_ts = columns + 3 * in->total;
	int64	   *end_ts = columns + 4 * in->total;
	int64	   *size = columns + 5 * in->total;
	double	   *total_cost = rk_call_alloc(call, in->total, double);
	double	   *confidence = rk_call_alloc(call, in->total, double);
	int64		at = 0;			/* where the running segment starts */

	/* a segment's row stands where the segment starts, and is kept there */
	for (int64 i = 0; i < in->total; i++)
	{
		int64		series = in->laid_out.owner[i];
		int64		base = in->series.offsets[series];

		if (f->starts[i])
		{
			segment[i] = i == base ? 1 : segment[at] + 1;
			at = i;
			codes[i] = rk_series_code(in, series);
			start[i] = i - base + 1;
			start_ts[i] = rk_series_time(in, i);
			total_cost[i] = f->total_cost[series];
			confidence[i] = 1 - f->p_value[i];
		}
		stop[at] = i - base + 1;
		end_ts[at] = rk_series_time(in, i);
		size[at] = i - at + 1;
	}
	rk_emit(call, in->total, (rk_out[]) {
		rk_series_ids(in, codes), RK_OUT_INT4S(segment), RK_OUT_INTS(start), RK_OUT_INTS(stop), RK_OUT_TIMES(start_ts),
		RK_OUT_TIMES(end_ts), RK_OUT_INTS(size), RK_OUT_OPTIONALS(f->mean), RK_OUT_OPTIONALS(f->variance),
		RK_OUT_OPTIONALS(f->gain), RK_OUT_OPTIONALS(f->p_value), RK_OUT_OPTIONALS(confidence), RK_OUT_DOUBLES(total_cost)
	}, f->starts);
}

static void
changepoint_detection(rk_call *call)
{
	rk_series_data		in = {0};
	rk_changepoints found;
	bool		features = false;
	int			dimensions = 1;
	rk_changepoint_params p = {
		.method = rk_arg_choice(call, "method"),
		.cost = rk_arg_choice(call, "cost"),
		.penalty = rk_arg_float8_or(call, "penalty", NAN),
		.n_changepoints = rk_arg_int_or(call, "n_changepoints", -1),
		.min_segment = rk_arg_int(call, "min_segment"),
		.window_size = rk_arg_int(call, "window_size"),
		.n_permutations = rk_arg_int(call, "n_permutations"),
		.seed = rk_arg_int(call, "seed")
	};
	const double *values;

	check_changepoint_params(call, &p);
	if (!call->array_form)
	{
		in.table = rk_read_table(call, "series");
		features = rk_table_column_named(in.table, "features")->there;
		rk_relation_series(call, &(rk_series_wants) {.value = features ? NULL : "value"}, false, &in);
		in.series = in.laid_out.series;
		in.total = in.series.offsets[in.series.count];
	}
	else
		rk_read_series(call, &(rk_series_wants) {.value = "value"}, false, &in);
	values = features ? read_features(call, &in, &p, &dimensions) : in.series.values;
	rk_call_phase(call, "change points", in.series.count);
	rk_call_check(call, rk_temporal_changepoints(&call->ctx, &in.series, values, dimensions, &p, &found));
	emit_changepoints(call, &in, &found);
}

RK_FUNCTION(rk_temporal_changepoint_detection_sql, "temporal/changepoint-detection", "");

/* ---- temporal/volatility-analysis ---- */

enum
{
	MODEL_GARCH, MODEL_ARCH, MODEL_GJR, MODEL_EGARCH, MODEL_EWMA, MODEL_REALIZED, MODEL_PARKINSON
};

static rk_garch_params
garch_params(rk_call *call)
{
	int			model = rk_arg_choice(call, "model");
	rk_garch_params p = {
		.egarch = model == MODEL_EGARCH,
		.p = rk_arg_int(call, "p"),
		.q = model == MODEL_ARCH ? 0 : rk_arg_int(call, "q"),
		.o = rk_arg_int_or(call, "o", model == MODEL_GJR || model == MODEL_EGARCH),
		.mean = rk_arg_choice(call, "mean"),
		.distribution = rk_arg_choice(call, "distribution"),
		.mean_backcast = rk_arg_choice(call, "backcast") == 1
	};

	if (p.p == 0 && p.o == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters \"p\" and \"o\" are 0, so that nothing moves the variance"),
				 errhint("Set p => 1.")));
	if (model == MODEL_ARCH && p.o > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"o\" is %d, but model 'arch' has no such lags", p.o),
				 errhint("Use model => 'gjr' with q => 0.")));
	return p;
}

/* Why the run has no form on devices; NULL: it has. */
static const char *
volatility_refusal(const rk_call *call)
{
	return rk_arg_choice(call, "model") < MODEL_EWMA ? NULL : "the device fits models of the GARCH family only";
}

static void
volatility_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	int			model = rk_arg_choice(call, "model");
	int64		p = rk_arg_int(call, "p");
	int64		q = model == MODEL_ARCH ? 0 : rk_arg_int(call, "q");
	int64		o = rk_arg_int_or(call, "o", model == MODEL_GJR || model == MODEL_EGARCH);
	int			estimates = 1 + p + q + o + rk_arg_choice(call, "mean") + rk_arg_choice(call, "distribution");

	*cost = rk_device_garch_cost(size->nodes, size->arcs, estimates, model == MODEL_EGARCH || p > 1 || q > 1 || o > 1);
	if (volatility_refusal(call))
		cost->host_seconds = INFINITY;
}

/* The maxima of all series on the device; false: the CPU shall find them. */
static bool
garch_on_device(rk_call *call, const rk_series *s, const rk_garch_params *p, rk_garch_batch *batch)
{
	rk_graph_size size = {.nodes = s->count,.arcs = s->offsets[s->count],.threads = call->ctx.threads};
	int64		k = rk_garch_count(p);
	rk_cuda_garch_params params = {
		.egarch = p->egarch,.p = p->p,.o = p->o,.q = p->q,.mean = p->mean,.distribution = p->distribution,
		.mean_backcast = p->mean_backcast
	};
	rk_device_run *device = rk_device_begin(call, RK_CUDA_GARCH, &size);

	if (device == NULL)
		return false;
	rk_call_check(call, rk_temporal_garch_batch(&call->ctx, s, p, batch));
	if (batch->count == 0)
		return false;
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, batch->offsets, (batch->count + 1) * sizeof(int64));
	rk_device_input(device, batch->y, batch->offsets[batch->count] * sizeof(double));
	rk_device_input(device, batch->start, 3 * batch->count * sizeof(double));
	rk_device_output(device, batch->estimates, batch->count * k * sizeof(double));
	rk_device_output(device, batch->value, batch->count * sizeof(double));
	rk_device_output(device, batch->covariance, batch->count * k * k * sizeof(double));
	rk_device_output(device, batch->converged, batch->count * sizeof(int32));
	return rk_device_finish(device, NULL);
}

/* Fits, wherever. */
static void
fit_garch(rk_call *call, const rk_series *s, const rk_garch_params *p, rk_garch *g)
{
	rk_garch_batch batch;
	bool		there = s->count > 0 && garch_on_device(call, s, p, &batch);

	rk_call_check(call, rk_temporal_garch_with(&call->ctx, s, p, there ? &batch : NULL, g));
}

/* One price of all positions; NULL where the model does without. */
static double *
prices(rk_call *call, const rk_series_data *in, const char *name, bool needed)
{
	const rk_table_column *c = rk_table_column_named(in->table, name);
	double	   *out;

	if (!needed)
		return NULL;
	if (!c->there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"%s\" has no column \"%s\", which model '%s' takes", in->table->argument, name,
						rk_arg_text(call, "model")),
				 errhint("A query of this form works: %s => 'SELECT ticker AS series_id, day AS ts, open, high, low, close FROM bar'.",
						 in->table->argument)));
	out = rk_call_alloc(call, in->total, double);
	for (int64 i = 0; i < in->total; i++)
		out[i] = c->floats[in->laid_out.rows[i]];
	return out;
}

static rk_bars
read_bars(rk_call *call, const rk_series_data *in, bool all)
{
	rk_bars		b;

	b.open = prices(call, in, "open", all);
	b.high = prices(call, in, "high", true);
	b.low = prices(call, in, "low", true);
	b.close = prices(call, in, "close", all);
	for (int64 i = 0; i < in->total; i++)
		if (!rk_is_bar(all ? b.open[i] : NAN, b.high[i], b.low[i], all ? b.close[i] : NAN))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("row %lld of \"%s\" does not hold the prices of a bar", (long long) in->laid_out.rows[i] + 1,
							in->table->argument),
					 errhint("Prices are positive, low is the lowest of them and high the highest.")));
	return b;
}

/* What the rows are made of, whatever the model. */
typedef struct volatilities
{
	const double *variance;		/* by position */
	const double *shock;		/* likewise; NULL: none */
	const double *forecast;		/* by step */
	const double *forecast_mean;	/* NULL: 0 */
	double	   *quantile;		/* of shocks, by series */
} volatilities;

static void
emit_volatilities(rk_call *call, const rk_series_data *in, int64 horizon, const volatilities *v, bool bars)
{
	rk_series_rows	e = rk_series_extend(call, in, horizon);
	double	   *variance = rk_extended_column(call, &e, v->variance, v->forecast);
	double	   *mean = rk_extended_column(call, &e, NULL, v->forecast_mean);
	double	   *volatility = rk_call_alloc(call, e.total, double);
	double	   *annual = rk_call_alloc(call, e.total, double);
	double	   *residual = rk_call_alloc(call, e.total, double);
	double	   *loss = rk_call_alloc(call, e.total, double);
	double		periods = rk_arg_float8(call, "annualization");

	for (int64 i = 0; i < e.total; i++)
	{
		int64		position = e.position[i];
		int64		series = position >= 0 ? in->laid_out.owner[position] : e.step[i] / horizon;

		volatility[i] = sqrt(variance[i]);
		annual[i] = volatility[i] * sqrt(periods);
		residual[i] = position >= 0 && v->shock ? v->shock[position] / volatility[i] : NAN;
		if (position >= 0 && v->shock)
			mean[i] = in->series.values[position] - v->shock[position];
		loss[i] = -((isnan(mean[i]) ? 0 : mean[i]) + v->quantile[series] * volatility[i]);
	}
	rk_emit(call, e.total, (rk_out[]) {
		rk_series_ids(in, e.at.codes), RK_OUT_INTS(e.at.t), RK_OUT_TIMES(e.at.ts), RK_OUT_CHOICES(e.kind, rk_row_kinds),
		RK_OUT_OPTIONALS(rk_extended_column(call, &e, bars ? NULL : in->series.values, NULL)), RK_OUT_OPTIONALS(variance),
		RK_OUT_OPTIONALS(volatility), RK_OUT_OPTIONALS(annual), RK_OUT_OPTIONALS(residual), RK_OUT_OPTIONALS(loss)
	}, NULL);
}

static void
fitted_volatility(rk_call *call, const rk_series_data *in, int64 horizon)
{
	rk_garch_params p = garch_params(call);
	rk_garch	g;
	volatilities v;

	p.horizon = horizon;
	p.seed = (uint64) rk_arg_int(call, "seed");
	fit_garch(call, &in->series, &p, &g);
	rk_status_notice(in, g.status);
	v = (volatilities) {g.variance, g.shock, g.forecast, g.forecast_mean, rk_call_alloc(call, in->series.count, double)};
	for (int64 i = 0; i < in->series.count; i++)
		v.quantile[i] = rk_garch_quantile(&p, g.estimates + i * g.count, 1 - rk_arg_float8(call, "confidence"));
	emit_volatilities(call, in, horizon, &v, false);
}

static void
plain_volatility(rk_call *call, const rk_series_data *in, int64 horizon, int model)
{
	bool		bars = model >= MODEL_PARKINSON;
	rk_volatility_params p = {
		.model = RK_VOLATILITY_EWMA + model - MODEL_EWMA,
		.lambda = rk_arg_float8(call, "lambda"),
		.window = rk_arg_int(call, "window_size")
	};
	rk_bars		b = {0};
	double	   *variance = rk_call_alloc(call, in->total, double);
	double	   *last = rk_call_alloc(call, in->series.count, double);
	double	   *forecast = rk_call_alloc(call, in->series.count * horizon, double);
	volatilities v = {variance, bars ? NULL : in->series.values, forecast, NULL, rk_call_alloc(call, in->series.count, double)};

	rk_device_skip(call, volatility_refusal(call));
	if (bars)
		b = read_bars(call, in, model > MODEL_PARKINSON);
	rk_call_check(call, rk_temporal_volatility(&call->ctx, &in->series, &b, &p, variance, last));
	for (int64 i = 0; i < in->series.count; i++)
	{
		v.quantile[i] = rk_garch_quantile(NULL, NULL, 1 - rk_arg_float8(call, "confidence"));
		for (int64 h = 0; h < horizon; h++)
			forecast[i * horizon + h] = last[i];
	}
	emit_volatilities(call, in, horizon, &v, bars);
}

static void
volatility_analysis(rk_call *call)
{
	rk_series_data		in;
	int			model = rk_arg_choice(call, "model");
	int64		horizon = rk_arg_int(call, "horizon");

	if (model < MODEL_EWMA)
		(void) garch_params(call);
	if (model >= MODEL_PARKINSON && call->array_form)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model '%s' takes the prices of bars, not an array", rk_arg_text(call, "model")),
				 errhint("Give a query with the columns ts, open, high, low and close.")));
	rk_read_series(call, &(rk_series_wants) {.value = model < MODEL_PARKINSON ? "value" : NULL}, false, &in);
	rk_call_phase(call, "volatility", in.series.count);
	if (model < MODEL_EWMA)
		fitted_volatility(call, &in, horizon);
	else
		plain_volatility(call, &in, horizon, model);
}

RK_FUNCTION(rk_temporal_volatility_analysis_sql, "temporal/volatility-analysis", "");

/* One of the estimates of each series: those from here on are count numbers. */
static rk_out
estimate_array(rk_call *call, const rk_series_data *in, const rk_garch *g, const double *from, int first, int count)
{
	int64		n = in->series.count;
	double	   *values = rk_call_alloc(call, n * count, double);
	int64	   *starts = rk_call_alloc(call, n + 1, int64);
	bool	   *nulls = rk_call_alloc(call, n, bool);
	rk_out		out;

	for (int64 i = 0; i < n; i++)
	{
		starts[i] = i * count;
		nulls[i] = false;
		memcpy(values + i * count, from + i * g->count + first, sizeof(double) * count);
		for (int k = 0; k < count; k++)
			nulls[i] = nulls[i] || isnan(values[i * count + k]);
	}
	starts[n] = n * count;
	out = RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, values, starts);
	out.nulls = nulls;
	return out;
}

/* The same as a number; none: NULL. */
static rk_out
estimate(rk_call *call, const rk_series_data *in, const rk_garch *g, int which, bool there)
{
	double	   *values;

	if (!there)
		return RK_OUT_NULLS;
	values = rk_call_alloc(call, in->series.count, double);
	for (int64 i = 0; i < in->series.count; i++)
		values[i] = g->estimates[i * g->count + which];
	return RK_OUT_OPTIONALS(values);
}

static void
garch_fit(rk_call *call)
{
	rk_series_data		in;
	rk_garch	g;
	rk_garch_params p = garch_params(call);
	int			omega = p.mean;
	int			shape = omega + 1 + p.p + p.o + p.q;
	uint32	   *codes;
	double	   *aic;
	double	   *bic;
	double	   *half_life;

	rk_read_series(call, &(rk_series_wants) {.value = "value"}, false, &in);
	rk_call_phase(call, "fits", in.series.count);
	fit_garch(call, &in.series, &p, &g);
	rk_status_notice(&in, g.status);
	codes = rk_call_alloc(call, in.series.count, uint32);
	aic = rk_call_alloc(call, in.series.count, double);
	bic = rk_call_alloc(call, in.series.count, double);
	half_life = rk_call_alloc(call, in.series.count, double);
	for (int64 i = 0; i < in.series.count; i++)
	{
		double		persistence = g.persistence[i];

		codes[i] = rk_series_code(&in, i);
		aic[i] = -2 * g.log_likelihood[i] + 2 * g.count;
		bic[i] = -2 * g.log_likelihood[i] + g.count * log((double) g.observations[i]);
		half_life[i] = persistence > 0 && persistence < 1 ? log(0.5) / log(persistence) : NAN;
	}
	rk_emit(call, in.series.count, (rk_out[]) {
		rk_series_ids(&in, codes), RK_OUT_CHOICES(g.status, rk_fit_statuses),
		estimate(call, &in, &g, 0, p.mean >= RK_MEAN_CONSTANT), estimate(call, &in, &g, 1, p.mean == RK_MEAN_AR1),
		estimate(call, &in, &g, omega, true), estimate_array(call, &in, &g, g.estimates, omega + 1, p.p),
		estimate_array(call, &in, &g, g.estimates, omega + 1 + p.p, p.o),
		estimate_array(call, &in, &g, g.estimates, omega + 1 + p.p + p.o, p.q),
		estimate(call, &in, &g, shape, p.distribution >= RK_GARCH_STUDENT),
		estimate(call, &in, &g, shape + 1, p.distribution == RK_GARCH_SKEW_STUDENT),
		estimate_array(call, &in, &g, g.std_errors, 0, g.count), RK_OUT_OPTIONALS(g.log_likelihood),
		RK_OUT_OPTIONALS(aic), RK_OUT_OPTIONALS(bic), RK_OUT_OPTIONALS(g.persistence), RK_OUT_OPTIONALS(g.long_run),
		RK_OUT_OPTIONALS(half_life), RK_OUT_INTS(g.observations)
	}, NULL);
}

RK_FUNCTION(rk_temporal_volatility_analysis_garch_fit_sql, "temporal/volatility-analysis", "_garch_fit");

RK_AGGREGATE(rk_temporal_volatility_analysis_ewma_volatility, "temporal/volatility-analysis", "_ewma_volatility");
RK_MOVING_AGGREGATE(rk_temporal_volatility_analysis_realized_volatility, "temporal/volatility-analysis", "_realized_volatility");
RK_MOVING_AGGREGATE(rk_temporal_volatility_analysis_parkinson_volatility, "temporal/volatility-analysis", "_parkinson_volatility");
RK_MOVING_AGGREGATE(rk_temporal_volatility_analysis_garman_klass_volatility, "temporal/volatility-analysis", "_garman_klass_volatility");
RK_MOVING_AGGREGATE(rk_temporal_volatility_analysis_rogers_satchell_volatility, "temporal/volatility-analysis", "_rogers_satchell_volatility");
RK_AGGREGATE(rk_temporal_volatility_analysis_yang_zhang_volatility, "temporal/volatility-analysis", "_yang_zhang_volatility");

const rk_bound_function rk_temporal_bindings[] = {
	{"temporal/seasonal-decomposition", "", seasonal_decomposition},
	{"temporal/trend-extraction", "", trend_extraction},
	{"temporal/anomaly-detection", "", anomaly_detection},
	{"temporal/changepoint-detection", "", changepoint_detection},
	{"temporal/volatility-analysis", "", volatility_analysis,.device_cost = volatility_device_cost},
	{"temporal/volatility-analysis", "_garch_fit", garch_fit,.device_cost = volatility_device_cost},
	{"temporal/volatility-analysis", "_ewma_volatility", .aggregate = &rk_temporal_ewma_volatility},
	{"temporal/volatility-analysis", "_realized_volatility", .aggregate = &rk_temporal_realized_volatility},
	{"temporal/volatility-analysis", "_parkinson_volatility", .aggregate = &rk_temporal_parkinson_volatility},
	{"temporal/volatility-analysis", "_garman_klass_volatility", .aggregate = &rk_temporal_garman_klass_volatility},
	{"temporal/volatility-analysis", "_rogers_satchell_volatility", .aggregate = &rk_temporal_rogers_satchell_volatility},
	{"temporal/volatility-analysis", "_yang_zhang_volatility", .aggregate = &rk_temporal_yang_zhang_volatility},
	{0}
};
