/*
 * binding.c
 *	  The temporal kernels' door to SQL: series in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "utils/array.h"
#include "utils/fmgrprotos.h"

#include "../call/types.h"
#include "../relation/emit.h"
#include "../relation/table.h"
#include "temporal.h"

/* ---- series ---- */

/* Series as the kernels take them, and where each position came from. */
typedef struct input
{
	rk_series_output laid_out;
	rk_series	series;
	int64		total;			/* positions of all series */
	rk_table   *table;			/* NULL: an array was given */
	rk_groups  *groups;			/* NULL likewise */
	bool		calendar;		/* there are times */
} input;

/* What a kernel wants of them. */
typedef struct wants
{
	const char *value;			/* column; NULL: none has to be there */
	rk_fill		fill;
	bool		find_gaps;
} wants;

/* The frequency parameter, where the function has one. */
static rk_spacing
frequency_of(rk_call *call, bool given)
{
	Interval   *i;
	rk_spacing	s = {0};

	if (!given || rk_arg_is_null(call, "frequency"))
		return s;
	i = DatumGetIntervalP(rk_arg_datum(call, "frequency"));
	s.months = i->month;
	s.units = i->day * USECS_PER_DAY + i->time;
	if (s.months < 0 || s.units < 0 || (s.months == 0 && s.units == 0) || (s.months != 0 && s.units != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"frequency\" must be a positive number of months, or of days and less"),
				 errhint("Such as interval '1 month', interval '1 day' or interval '15 minutes'.")));
	return s;
}

/* One series from an array. */
static void
array_series(rk_call *call, const wants *w, input *in)
{
	ArrayType  *a = DatumGetArrayTypeP(call->args[0]);
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int64	   *offsets = rk_call_alloc(call, 2, int64);
	int64	   *rows;
	double	   *values;

	deconstruct_array(a, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &n);
	rows = rk_call_alloc(call, n, int64);
	values = rk_call_alloc(call, n, double);
	for (int i = 0; i < n; i++)
	{
		rows[i] = i;
		values[i] = nulls[i] ? NAN : DatumGetFloat8(elements[i]);
		if (!nulls[i] && !isfinite(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of \"%s\" is %s", i + 1, call->function->params[0].name,
							isnan(values[i]) ? "NaN" : "infinite")));
	}
	offsets[0] = 0;
	offsets[1] = n;
	call->rows_in = n;
	rk_call_check(call, rk_series_prepare(&call->ctx, &(rk_series_input) {
		.count = n > 0, .offsets = offsets, .rows = rows, .values = values, .fill = w->fill
	}, &in->laid_out));
}

/* Times in the session's time zone, as the calendar sees them. */
static int64 *
local_times(rk_call *call, const rk_table_column *ts, int64 rows)
{
	int64	   *times = rk_call_alloc(call, rows, int64);

	for (int64 i = 0; i < rows; i++)
		times[i] = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, TimestampTzGetDatum(ts->ints[i])));
	return times;
}

static void
no_column(const rk_table *t, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("relation \"%s\" has no column %s", t->argument, what),
			 errhint("A query of this form works: %s => '%s'.", t->argument, t->relation->example)));
}

static void
relation_series(rk_call *call, const wants *w, bool has_frequency, input *in)
{
	rk_table   *t = in->table;
	rk_table_column *ts = rk_table_column_named(t, "ts");
	rk_table_column *position = rk_table_column_named(t, "t");
	const double *values = NULL;
	double	   *none = NULL;

	if (!ts->there && !position->there)
		no_column(t, "\"ts\" or \"t\" that orders its rows");
	if (w->value)
	{
		if (!rk_table_column_named(t, w->value)->there)
			no_column(t, psprintf("\"%s\"", w->value));
		values = rk_table_column_named(t, w->value)->floats;
	}
	else
	{
		none = rk_call_alloc(call, t->rows, double);
		memset(none, 0, sizeof(double) * t->rows);
		values = none;
	}
	in->calendar = ts->there;
	in->groups = rk_table_group(t, "series_id", ts->there ? "ts" : "t");
	rk_call_check(call, rk_series_prepare(&call->ctx, &(rk_series_input) {
		.count = in->groups->count, .offsets = in->groups->offsets, .rows = in->groups->rows, .values = values,
		.times = ts->there ? local_times(call, ts, t->rows) : position->ints, .calendar = ts->there,
		.find_gaps = w->find_gaps, .frequency = frequency_of(call, has_frequency), .fill = w->fill
	}, &in->laid_out));
}

/* Reads the parameter "series" in either form. */
static void
read_series(rk_call *call, const wants *w, bool has_frequency, input *in)
{
	*in = (input) {0};
	if (call->array_form)
		array_series(call, w, in);
	else
	{
		in->table = rk_read_table(call, "series");
		relation_series(call, w, has_frequency, in);
	}
	in->series = in->laid_out.series;
	in->total = in->series.offsets[in->series.count];
}

/* A time in the session's time zone as timestamptz. */
static int64
global_time(int64 local)
{
	return DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(local)));
}

/* The timestamptz of a position; RK_NO_TIME without times. */
static int64
time_of(const input *in, int64 position)
{
	int64		row;

	if (!in->calendar)
		return RK_NO_TIME;
	row = in->laid_out.rows[position];
	return row >= 0 ? rk_table_column_named(in->table, "ts")->ints[row] : global_time(in->laid_out.times[position]);
}

/* The code of a series' id; RK_NO_NODE: it has none. */
static uint32
code_of(const input *in, int64 series)
{
	return in->groups && in->groups->codes ? in->groups->codes[series] : RK_NO_NODE;
}

/* The column series_id from one code a row. */
static rk_out
series_ids(const input *in, const uint32 *codes)
{
	if (in->groups == NULL || in->groups->codes == NULL)
		return RK_OUT_NULLS;
	return RK_OUT_CODES(in->groups->ids, codes);
}

/* Columns that say where a row belongs: one entry a position. */
typedef struct places
{
	uint32	   *codes;
	int64	   *t;
	int64	   *ts;
} places;

static places
places_of(rk_call *call, const input *in)
{
	places		p = {
		.codes = rk_call_alloc(call, in->total, uint32),
		.t = rk_call_alloc(call, in->total, int64),
		.ts = rk_call_alloc(call, in->total, int64)
	};

	for (int64 i = 0; i < in->total; i++)
	{
		int64		series = in->laid_out.owner[i];

		p.codes[i] = code_of(in, series);
		p.t[i] = i - in->series.offsets[series] + 1;
		p.ts[i] = time_of(in, i);
	}
	return p;
}

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
period_of_series(rk_call *call, const input *in)
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
short_notice(int64 count, const char *what)
{
	if (count > 0)
		ereport(NOTICE, (errmsg_plural("%lld series is %s", "%lld series are %s", count, (long long) count, what)));
}

static void
emit_decomposition(rk_call *call, const input *in, const rk_decomposition *d, int count)
{
	places		p = places_of(call, in);
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
		series_ids(in, p.codes), RK_OUT_INTS(p.t), RK_OUT_TIMES(p.ts), RK_OUT_DOUBLES(in->series.values),
		RK_OUT_OPTIONALS(d->trend), RK_OUT_DOUBLES(d->seasonal), RK_OUT_OPTIONALS(d->residual), RK_OUT_DOUBLES(d->weight),
		RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, d->seasonals, starts), RK_OUT_OPTIONALS(strengths),
		RK_OUT_OPTIONALS(strengths + in->total)
	}, NULL);
}

static void
seasonal_decomposition(rk_call *call)
{
	input		in;
	rk_decomposition d;
	int64		too_short = 0;
	rk_decompose_params p = {
		.method = rk_arg_choice(call, "method"),
		.multiplicative = rk_arg_choice(call, "model") == 1,
		.stl = stl_params(call),
		.count = 1
	};

	check_odd(call, "seasonal_window", 0);
	check_odd(call, "trend_window", rk_arg_int_or(call, "period", 0));
	check_odd(call, "low_pass_window", rk_arg_int_or(call, "period", 0));
	if (p.method != RK_MSTL && !rk_arg_is_null(call, "periods"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"periods\" is for method 'mstl'"),
				 errhint("Set method => 'mstl', or period instead of periods.")));
	read_series(call, &(wants) {.value = "value", .fill = rk_arg_choice(call, "fill"), .find_gaps = true}, true, &in);
	if (p.method == RK_MSTL)
		p.periods = several_periods(call, &p.count);
	else
		p.period = period_of_series(call, &in);
	rk_call_phase(call, "decomposition", in.series.count);
	rk_call_check(call, rk_temporal_decompose(&call->ctx, &in.series, &p, &d));
	for (int64 i = 0; i < in.series.count; i++)
		too_short += d.too_short[i];
	short_notice(too_short, "shorter than two periods");
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
	input		in;
	places		at;
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
	read_series(call, &(wants) {.value = "value", .fill = rk_arg_choice(call, "fill"), .find_gaps = true}, true, &in);
	results = rk_call_alloc(call, 3 * in.total, double);
	detrended = results + 2 * in.total;
	rk_call_phase(call, "trend", in.series.count);
	rk_call_check(call, rk_temporal_trend(&call->ctx, &in.series, &p, results, results + in.total));
	for (int64 i = 0; i < in.total; i++)
		detrended[i] = in.series.values[i] - results[i];
	if (p.method == RK_TREND_SMA || p.method == RK_TREND_CMA || p.method == RK_TREND_LOWESS || p.method == RK_TREND_SAVGOL)
		for (int64 i = 0; i < in.series.count; i++)
			cut += in.series.offsets[i + 1] - in.series.offsets[i] < p.window;
	short_notice(cut, "shorter than the window, which is cut there");
	at = places_of(call, &in);
	rk_emit(call, in.total, (rk_out[]) {
		series_ids(&in, at.codes), RK_OUT_INTS(at.t), RK_OUT_TIMES(at.ts), RK_OUT_DOUBLES(in.series.values),
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
	input		in;
	places		at;
	rk_anomalies a;
	int64		too_short = 0;
	rk_anomaly_params p = anomaly_params(call);

	read_series(call, &(wants) {.value = "value", .fill = RK_FILL_NONE}, false, &in);
	rk_call_phase(call, "anomalies", in.series.count);
	rk_call_check(call, rk_temporal_anomalies(&call->ctx, &in.series, &p, &a));
	for (int64 i = 0; i < in.series.count; i++)
		too_short += a.too_short[i];
	short_notice(too_short, "shorter than two periods");
	at = places_of(call, &in);
	rk_emit(call, in.total, (rk_out[]) {
		series_ids(&in, at.codes), RK_OUT_INTS(at.t), RK_OUT_TIMES(at.ts), RK_OUT_DOUBLES(in.series.values),
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
read_features(rk_call *call, const input *in, const rk_changepoint_params *p, int *dimensions)
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
emit_changepoints(rk_call *call, const input *in, const rk_changepoints *f)
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
			codes[i] = code_of(in, series);
			start[i] = i - base + 1;
			start_ts[i] = time_of(in, i);
			total_cost[i] = f->total_cost[series];
			confidence[i] = 1 - f->p_value[i];
		}
		stop[at] = i - base + 1;
		end_ts[at] = time_of(in, i);
		size[at] = i - at + 1;
	}
	rk_emit(call, in->total, (rk_out[]) {
		series_ids(in, codes), RK_OUT_INT4S(segment), RK_OUT_INTS(start), RK_OUT_INTS(stop), RK_OUT_TIMES(start_ts),
		RK_OUT_TIMES(end_ts), RK_OUT_INTS(size), RK_OUT_OPTIONALS(f->mean), RK_OUT_OPTIONALS(f->variance),
		RK_OUT_OPTIONALS(f->gain), RK_OUT_OPTIONALS(f->p_value), RK_OUT_OPTIONALS(confidence), RK_OUT_DOUBLES(total_cost)
	}, f->starts);
}

static void
changepoint_detection(rk_call *call)
{
	input		in = {0};
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
		relation_series(call, &(wants) {.value = features ? NULL : "value"}, false, &in);
		in.series = in.laid_out.series;
		in.total = in.series.offsets[in.series.count];
	}
	else
		read_series(call, &(wants) {.value = "value"}, false, &in);
	values = features ? read_features(call, &in, &p, &dimensions) : in.series.values;
	rk_call_phase(call, "change points", in.series.count);
	rk_call_check(call, rk_temporal_changepoints(&call->ctx, &in.series, values, dimensions, &p, &found));
	emit_changepoints(call, &in, &found);
}

RK_FUNCTION(rk_temporal_changepoint_detection_sql, "temporal/changepoint-detection", "");

/* ---- temporal/volatility-analysis ---- */

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
	{"temporal/volatility-analysis", "_ewma_volatility", .aggregate = &rk_temporal_ewma_volatility},
	{"temporal/volatility-analysis", "_realized_volatility", .aggregate = &rk_temporal_realized_volatility},
	{"temporal/volatility-analysis", "_parkinson_volatility", .aggregate = &rk_temporal_parkinson_volatility},
	{"temporal/volatility-analysis", "_garman_klass_volatility", .aggregate = &rk_temporal_garman_klass_volatility},
	{"temporal/volatility-analysis", "_rogers_satchell_volatility", .aggregate = &rk_temporal_rogers_satchell_volatility},
	{"temporal/volatility-analysis", "_yang_zhang_volatility", .aggregate = &rk_temporal_yang_zhang_volatility},
	{0}
};
