/*
 * series_input.c
 *	  Time series from a relation or an array, and rows about them.
 */
#include "postgres.h"

#include <math.h>

#include "utils/array.h"
#include "utils/fmgrprotos.h"

#include "../call/types.h"
#include "../temporal/temporal.h"
#include "series_input.h"

/* ---- series ---- */

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
array_series(rk_call *call, const rk_series_wants *w, rk_series_data *in)
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

void
rk_no_series_column(const rk_table *t, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("relation \"%s\" has no column %s", t->argument, what),
			 errhint("A query of this form works: %s => '%s'.", t->argument, t->relation->example)));
}

void
rk_relation_series(rk_call *call, const rk_series_wants *w, bool has_frequency, rk_series_data *in)
{
	rk_table   *t = in->table;
	rk_table_column *ts = rk_table_column_named(t, "ts");
	rk_table_column *position = rk_table_column_named(t, "t");
	const double *values = NULL;
	double	   *none = NULL;

	if (!ts->there && !position->there)
		rk_no_series_column(t, "\"ts\" or \"t\" that orders its rows");
	if (w->value)
	{
		if (!rk_table_column_named(t, w->value)->there)
			rk_no_series_column(t, psprintf("\"%s\"", w->value));
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
void
rk_read_series(rk_call *call, const rk_series_wants *w, bool has_frequency, rk_series_data *in)
{
	*in = (rk_series_data) {0};
	if (call->array_form)
		array_series(call, w, in);
	else
	{
		in->table = rk_read_table(call, "series");
		rk_relation_series(call, w, has_frequency, in);
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
int64
rk_series_time(const rk_series_data *in, int64 position)
{
	int64		row;

	if (!in->calendar)
		return RK_NO_TIME;
	row = in->laid_out.rows[position];
	return row >= 0 ? rk_table_column_named(in->table, "ts")->ints[row] : global_time(in->laid_out.times[position]);
}

/* The code of a series' id; RK_NO_NODE: it has none. */
uint32
rk_series_code(const rk_series_data *in, int64 series)
{
	return in->groups && in->groups->codes ? in->groups->codes[series] : RK_NO_NODE;
}

/* The column series_id from one code a row. */
rk_out
rk_series_ids(const rk_series_data *in, const uint32 *codes)
{
	if (in->groups == NULL || in->groups->codes == NULL)
		return RK_OUT_NULLS;
	return RK_OUT_CODES(in->groups->ids, codes);
}

rk_series_places
rk_places_of(rk_call *call, const rk_series_data *in)
{
	rk_series_places		p = {
		.codes = rk_call_alloc(call, in->total, uint32),
		.t = rk_call_alloc(call, in->total, int64),
		.ts = rk_call_alloc(call, in->total, int64)
	};

	for (int64 i = 0; i < in->total; i++)
	{
		int64		series = in->laid_out.owner[i];

		p.codes[i] = rk_series_code(in, series);
		p.t[i] = i - in->series.offsets[series] + 1;
		p.ts[i] = rk_series_time(in, i);
	}
	return p;
}

void
rk_series_notice(int64 count, const char *what)
{
	if (count > 0)
		ereport(NOTICE, (errmsg_plural("%lld series is %s", "%lld series are %s", count, (long long) count, what)));
}

/* ---- what models of series share ---- */

const char *const rk_fit_statuses[] = {"ok", "too_short", "constant", "not_converged", NULL};
const char *const rk_row_kinds[] = {"fitted", "forecast", NULL};

/* A notice of series without a proper fit. */
void
rk_status_notice(const rk_series_data *in, const int64 *status)
{
	static const char *const meanings[] = {NULL, "too short to be fitted", "constant", "not fitted well: the maximum was not found"};
	int64		counts[4] = {0};

	for (int64 i = 0; i < in->series.count; i++)
		counts[status[i]]++;
	for (int k = RK_FIT_TOO_SHORT; k <= RK_FIT_NOT_CONVERGED; k++)
		rk_series_notice(counts[k], meanings[k]);
}

/* The time so many steps after the last position of a series. */
static int64
future_time(const rk_series_data *in, int64 series, int64 steps)
{
	int64		last = in->series.offsets[series + 1] - 1;
	rk_spacing	s = in->laid_out.spacing[series];
	int64		units;

	if (!in->calendar || last < in->series.offsets[series] || (s.months == 0 && s.units == 0))
		return RK_NO_TIME;
	/* a month has at most 31 days */
	if (__builtin_mul_overflow(s.months * 31 * USECS_PER_DAY + s.units, steps, &units) ||
		__builtin_add_overflow(units, in->laid_out.times[last], &units) || s.months > INT64CONST(10000000))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return global_time(rk_spacing_add(in->laid_out.times[last], s, steps));
}

rk_series_rows
rk_series_extend(rk_call *call, const rk_series_data *in, int64 horizon)
{
	int64		rows = in->total + in->series.count * horizon;
	int64		k = 0;
	rk_series_rows	e = {
		.at = {rk_call_alloc(call, rows, uint32), rk_call_alloc(call, rows, int64), rk_call_alloc(call, rows, int64)},
		.total = rows,
		.kind = rk_call_alloc(call, rows, int64),
		.position = rk_call_alloc(call, rows, int64),
		.step = rk_call_alloc(call, rows, int64)
	};

	for (int64 i = 0; i < in->series.count; i++)
	{
		int64		n = in->series.offsets[i + 1] - in->series.offsets[i];

		for (int64 t = 0; t < n + horizon; t++, k++)
		{
			bool		future = t >= n;

			e.at.codes[k] = rk_series_code(in, i);
			e.at.t[k] = t + 1;
			e.at.ts[k] = future ? future_time(in, i, t - n + 1) : rk_series_time(in, in->series.offsets[i] + t);
			e.kind[k] = future;
			e.position[k] = future ? -1 : in->series.offsets[i] + t;
			e.step[k] = future ? i * horizon + t - n : -1;
		}
	}
	return e;
}

/* A column from what stands by position and by step; NULL: none there. */
double *
rk_extended_column(rk_call *call, const rk_series_rows *e, const double *fitted, const double *forecast)
{
	double	   *column = rk_call_alloc(call, e->total, double);

	for (int64 i = 0; i < e->total; i++)
		column[i] = e->step[i] < 0 ? (fitted ? fitted[e->position[i]] : NAN) : (forecast ? forecast[e->step[i]] : NAN);
	return column;
}

/* ---- what is to be forecast ---- */

/* Regressors among the columns of an open relation. */
void
rk_find_regressors(rk_call *call, const rk_series_data *in, rk_regressor_columns *x)
{
	*x = (rk_regressor_columns) {0};
	if (in->table == NULL)
		return;
	x->columns = rk_call_alloc(call, in->table->count, const rk_table_column *);
	x->carried = rk_call_alloc(call, in->table->count, bool);
	for (int i = in->table->described; i < in->table->count; i++)
		if (strncmp(in->table->columns[i].name, "x_", 2) == 0)
		{
			x->carried[x->count] = false;
			x->columns[x->count++] = &in->table->columns[i];
		}
}

/*
 * Cuts missing values off the end of each series: they are to be forecast, and
 * their rows say what explains them.
 */
void
rk_cut_ends(rk_call *call, rk_series_data *in, rk_regressor_columns *x, int64 horizon)
{
	rk_series_output *o = &in->laid_out;
	int64		kept = 0;
	int64		begin = 0;

	x->values = rk_call_alloc(call, x->count, double *);
	x->future = rk_call_alloc(call, x->count, double *);
	for (int i = 0; i < x->count; i++)
	{
		x->values[i] = rk_call_alloc(call, in->total, double);
		x->future[i] = rk_call_alloc(call, in->series.count * horizon, double);
	}
	for (int64 s = 0; s < in->series.count; s++)
	{
		int64		end = o->offsets[s + 1];
		int64		last = end;

		while (last > begin && isnan(o->values[last - 1]))
			last--;
		for (int i = 0; i < x->count; i++)
			for (int64 h = 0; h < horizon; h++)
			{
				int64		row = last + h < end ? o->rows[last + h] : -1;

				if (x->carried[i] && last > begin && (row < 0 || isnan(x->columns[i]->floats[row])))
					row = h > 0 && row < 0 ? -2 : o->rows[last - 1];
				if (row == -2)
				{
					x->future[i][s * horizon + h] = x->future[i][s * horizon + h - 1];
					continue;
				}
				if (row < 0 || isnan(x->columns[i]->floats[row]))
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("column \"%s\" is not known for %lld positions after the last value", x->columns[i]->name,
									(long long) horizon),
							 errhint("Add rows with value NULL at the end of each series, or set a smaller horizon.")));
				x->future[i][s * horizon + h] = x->columns[i]->floats[row];
			}
		for (int64 t = begin; t < last; t++, kept++)
		{
			for (int i = 0; i < x->count; i++)
			{
				int64		row = o->rows[t];

				x->values[i][kept] = row < 0 ? NAN : x->columns[i]->floats[row];
				if (isnan(x->values[i][kept]) && !isnan(o->values[t]))
					rk_table_bad_value(in->table, x->columns[i], row, "NULL");
			}
			o->values[kept] = o->values[t];
			o->rows[kept] = o->rows[t];
			o->owner[kept] = s;
			if (o->times)
				o->times[kept] = o->times[t];
		}
		begin = end;
		o->offsets[s + 1] = kept;
	}
	in->total = kept;
}
