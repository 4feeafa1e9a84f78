/*
 * binding.c
 *	  The forecasting kernels' door to SQL: series in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "../../call/types.h"
#include "../../compute/normal.h"
#include "../../relation/series_input.h"
#include "forecast.h"

/* ---- temporal/arima-forecast ---- */

static void
seasonal_order(rk_call *call, rk_arima_orders *o)
{
	int64		count;
	const int64 *given;

	if (rk_arg_is_null(call, "seasonal_order"))
		return;
	given = rk_arg_int_array(call, "seasonal_order", &count);
	if (count != 4 || given[0] > RK_ARIMA_SEASONAL || given[1] > 1 || given[2] > RK_ARIMA_SEASONAL || given[3] < 2 ||
		given[3] > RK_ARIMA_PERIOD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"seasonal_order\" must be P, D, Q and s"),
				 errdetail("P and Q are 0 to %d, D is 0 or 1, s is 2 to %d.", RK_ARIMA_SEASONAL, RK_ARIMA_PERIOD),
				 errhint("Such as seasonal_order => '{0,1,1,12}'.")));
	o->seasonal_p = (int) given[0];
	o->seasonal_d = (int) given[1];
	o->seasonal_q = (int) given[2];
	o->period = (int) given[3];
}

static rk_arima_params
arima_params(rk_call *call)
{
	rk_arima_params p = {
		.orders = {.p = rk_arg_int(call, "p"),.d = rk_arg_int(call, "d"),.q = rk_arg_int(call, "q")},
		.method = rk_arg_choice(call, "method"),
		.automatic = rk_arg_boolean(call, "auto"),
		.criterion = rk_arg_choice(call, "information_criterion"),
		.max_p = rk_arg_int(call, "max_p"),
		.max_q = rk_arg_int(call, "max_q"),
		.box_cox = rk_arg_float8_or(call, "box_cox", NAN)
	};
	int			trend = rk_arg_choice(call, "trend");
	int			differences;

	seasonal_order(call, &p.orders);
	differences = p.orders.d + p.orders.seasonal_d;
	p.constant_allowed = trend != 1;
	if (p.automatic)
	{
		p.orders = (rk_arima_orders) {.period = p.orders.period};
		return p;
	}
	if ((trend == 2 && differences != 0) || (trend == 3 && differences != 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trend '%s' needs d + D to be %d, not %d", rk_arg_text(call, "trend"), trend - 2, differences),
				 errhint("Use trend => 'auto'.")));
	p.orders.constant = trend >= 2 || (trend == 0 && differences == 0);
	return p;
}

static void
check_positive(const rk_series_data *in, double lambda)
{
	if (isnan(lambda))
		return;
	for (int64 i = 0; i < in->total; i++)
		if (in->series.values[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"box_cox\" needs positive values, but row %lld of \"series\" has %.10g",
							(long long) in->laid_out.rows[i] + 1, in->series.values[i])));
}

static void
run_arima(rk_call *call, rk_series_data *in, rk_arima_params *p, rk_arima *a)
{
	rk_regressor_columns x;
	int64	   *periods;

	rk_read_series(call, &(rk_series_wants) {.value = "value", .fill = RK_FILL_MISSING, .find_gaps = true}, true, in);
	rk_find_regressors(call, in, &x);
	rk_cut_ends(call, in, &x, p->horizon);
	check_positive(in, p->box_cox);
	if (p->automatic && p->orders.period == 0 && in->calendar)
	{
		periods = rk_call_alloc(call, in->series.count, int64);
		for (int64 i = 0; i < in->series.count; i++)
			periods[i] = rk_spacing_period(in->laid_out.spacing[i]);
		p->periods = periods;
	}
	rk_call_phase(call, "fits", in->series.count);
	rk_call_check(call, rk_temporal_arima(&call->ctx, &in->series, &(rk_arima_regressors) {
		.count = x.count, .values = (const double *const *) x.values, .future = (const double *const *) x.future
	}, p, a));
	rk_status_notice(in, a->status);
}

static void
arima_forecast(rk_call *call)
{
	rk_series_data in;
	rk_arima	a;
	rk_arima_params p = arima_params(call);
	rk_series_rows e;
	double		z = rk_normal_quantile(0.5 + 0.5 * rk_arg_float8(call, "confidence"));
	double	   *expected;
	double	   *error;
	double	   *level;
	double	   *lower;
	double	   *upper;
	double	   *residual;
	double	   *value;

	p.horizon = rk_arg_int(call, "horizon");
	run_arima(call, &in, &p, &a);
	e = rk_series_extend(call, &in, p.horizon);
	value = rk_extended_column(call, &e, in.series.values, NULL);
	expected = rk_extended_column(call, &e, a.expected, a.forecast);
	level = rk_extended_column(call, &e, a.expected, a.forecast_level);
	error = rk_extended_column(call, &e, a.std_error, a.forecast_error);
	lower = rk_call_alloc(call, e.total, double);
	upper = rk_call_alloc(call, e.total, double);
	residual = rk_call_alloc(call, e.total, double);
	for (int64 i = 0; i < e.total; i++)
	{
		bool		transformed = !isnan(p.box_cox);

		if (transformed && e.position[i] >= 0)
			level[i] = rk_box_cox(level[i], p.box_cox);
		lower[i] = level[i] - z * error[i];
		upper[i] = level[i] + z * error[i];
		if (transformed)
		{
			lower[i] = isnan(lower[i]) ? NAN : rk_box_cox_back(lower[i], p.box_cox);
			upper[i] = isnan(upper[i]) ? NAN : rk_box_cox_back(upper[i], p.box_cox);
		}
		residual[i] = value[i] - expected[i];
	}
	rk_emit(call, e.total, (rk_out[]) {
		rk_series_ids(&in, e.at.codes), RK_OUT_INTS(e.at.t), RK_OUT_TIMES(e.at.ts), RK_OUT_CHOICES(e.kind, rk_row_kinds),
		RK_OUT_OPTIONALS(value), RK_OUT_OPTIONALS(expected), RK_OUT_OPTIONALS(error), RK_OUT_OPTIONALS(lower),
		RK_OUT_OPTIONALS(upper), RK_OUT_OPTIONALS(residual)
	}, NULL);
}

RK_FUNCTION(rk_temporal_arima_forecast_sql, "temporal/arima-forecast", "");

/* Arrays of different lengths, one a series; NULL where a number is NaN. */
typedef struct arrays
{
	double	   *values;
	int64	   *starts;
	bool	   *nulls;
} arrays;

static arrays
make_arrays(rk_call *call, int64 rows, int64 most)
{
	arrays		a = {rk_call_alloc(call, rows * most, double), rk_call_alloc(call, rows + 1, int64),
	rk_call_alloc(call, rows, bool)};

	a.starts[0] = 0;
	return a;
}

/* The array of the next row. */
static void
put_array(arrays *a, int64 row, const double *from, int count, bool there)
{
	a->nulls[row] = !there;
	for (int i = 0; i < count; i++)
	{
		a->values[a->starts[row] + i] = from[i];
		a->nulls[row] = a->nulls[row] || isnan(from[i]);
	}
	a->starts[row + 1] = a->starts[row] + count;
}

static rk_out
out_arrays(const arrays *a)
{
	rk_out		out = RK_OUT_ARRAYS(RK_OUT_FLOAT8_ARRAY, a->values, a->starts);

	out.nulls = a->nulls;
	return out;
}

static void
arima_fit(rk_call *call)
{
	rk_series_data in;
	rk_arima	a;
	rk_arima_params p = arima_params(call);
	int64		n;
	uint32	   *codes;
	int64	   *orders;
	int64	   *order_starts;
	double	   *intercept;
	arrays		parts[6];		/* ar, ma, seasonal ar and ma, regressors, standard errors */

	run_arima(call, &in, &p, &a);
	n = in.series.count;
	codes = rk_call_alloc(call, n, uint32);
	orders = rk_call_alloc(call, 7 * n, int64);
	order_starts = rk_call_alloc(call, n + 1, int64);
	intercept = rk_call_alloc(call, n, double);
	for (int k = 0; k < 6; k++)
		parts[k] = make_arrays(call, n, a.stride);
	order_starts[0] = 0;
	for (int64 i = 0; i < n; i++)
	{
		const rk_arima_orders *o = &a.orders[i];
		const double *at = a.estimates + i * a.stride;
		int			sizes[4] = {o->p, o->q, o->seasonal_p, o->seasonal_q};
		bool		fitted = !isnan(a.log_likelihood[i]);
		int			all = o->constant;

		codes[i] = rk_series_code(&in, i);
		order_starts[i + 1] = 7 * (i + 1);
		orders[7 * i] = o->p;
		orders[7 * i + 1] = o->d;
		orders[7 * i + 2] = o->q;
		orders[7 * i + 3] = o->seasonal_p;
		orders[7 * i + 4] = o->seasonal_d;
		orders[7 * i + 5] = o->seasonal_q;
		orders[7 * i + 6] = o->period;
		for (int k = 0; k < 4; k++)
		{
			put_array(&parts[k], i, at, sizes[k], fitted);
			at += sizes[k];
			all += sizes[k];
		}
		all += a.regressors;
		intercept[i] = o->constant && fitted ? *at : NAN;
		put_array(&parts[4], i, at + o->constant, a.regressors, fitted);
		put_array(&parts[5], i, a.std_errors + i * a.stride, all, fitted);
	}
	rk_emit(call, n, (rk_out[]) {
		rk_series_ids(&in, codes), RK_OUT_CHOICES(a.status, rk_fit_statuses), RK_OUT_ARRAYS(RK_OUT_INT4_ARRAY, orders, order_starts),
		out_arrays(&parts[0]), out_arrays(&parts[1]), out_arrays(&parts[2]), out_arrays(&parts[3]),
		RK_OUT_OPTIONALS(intercept), out_arrays(&parts[4]), out_arrays(&parts[5]), RK_OUT_OPTIONALS(a.sigma2),
		RK_OUT_OPTIONALS(a.log_likelihood), RK_OUT_OPTIONALS(a.aic), RK_OUT_OPTIONALS(a.aicc), RK_OUT_OPTIONALS(a.bic),
		RK_OUT_OPTIONALS(a.ljung_box), RK_OUT_INTS(a.observations)
	}, NULL);
}

RK_FUNCTION(rk_temporal_arima_forecast_fit_sql, "temporal/arima-forecast", "_fit");

const rk_bound_function rk_temporal_forecast_bindings[] = {
	{"temporal/arima-forecast", "", arima_forecast},
	{"temporal/arima-forecast", "_fit", arima_fit},
	{0}
};
