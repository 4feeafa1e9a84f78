/*
 * binding.c
 *	  The forecasting kernels' door to SQL: series in, kernel, columns out.
 */
#include "postgres.h"

#include <math.h>

#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "../../call/types.h"
#include "../../compute/normal.h"
#include "../../device/device.h"
#include "../../relation/json_model.h"
#include "../../relation/series_input.h"
#include "forecast.h"

/* ---- temporal/arima-forecast ---- */

static void
seasonal_order(const rk_call *call, rk_arima_orders *o)
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
arima_params(const rk_call *call)
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

/* Why the run has no form on devices; NULL: it has. */
static const char *
arima_refusal(const rk_arima_params *p, int columns)
{
	if (p->automatic)
		return "orders are chosen on the CPU only";
	if (rk_arima_coefficients(&p->orders) == 0)
		return "a model without coefficients needs no search";
	if (rk_arima_state(&p->orders) > RK_ARIMA_DEVICE_STATE)
		return psprintf("the device takes states of up to %d, this model has one of %d", RK_ARIMA_DEVICE_STATE,
						rk_arima_state(&p->orders));
	if (columns > RK_ARIMA_DEVICE_COLUMNS)
		return psprintf("the device takes up to %d regressors, the constant included", RK_ARIMA_DEVICE_COLUMNS - 1);
	return NULL;
}

static void
arima_device_cost(const rk_call *call, const rk_graph_size *size, rk_device_cost *cost)
{
	rk_arima_params p = arima_params(call);
	int			columns = 1 + p.orders.constant;

	*cost = rk_device_arima_cost(size->nodes, size->arcs, rk_arima_coefficients(&p.orders), columns,
								 RK_ARIMA_STARTS, rk_arima_state(&p.orders), p.orders.period > 1, size->threads);
	if (arima_refusal(&p, columns))
		cost->host_seconds = INFINITY;
}

/* The maxima of all series on the device; false: the CPU shall find them. */
static bool
arima_on_device(rk_call *call, const rk_series *s, const rk_arima_regressors *x, const rk_arima_params *p,
				rk_arima_batch *batch)
{
	rk_graph_size size = {.nodes = s->count,.arcs = s->offsets[s->count],.threads = call->ctx.threads};
	const char *refusal = arima_refusal(p, 1 + p->orders.constant + x->count);
	rk_cuda_arima_params params = {
		.p = p->orders.p,.q = p->orders.q,.seasonal_p = p->orders.seasonal_p,.seasonal_q = p->orders.seasonal_q,
		.period = p->orders.period,.css = p->method == RK_ARIMA_CSS
	};
	rk_device_run *device;
	int64		k = rk_arima_coefficients(&p->orders);
	int64		all;

	if (refusal)
	{
		rk_device_skip(call, refusal);
		return false;
	}
	device = rk_device_begin(call, RK_CUDA_ARIMA, &size);
	if (device == NULL)
		return false;
	rk_call_check(call, rk_temporal_arima_batch(&call->ctx, s, x, p, batch));
	if (batch->there == 0)
		return false;
	all = k + batch->columns - 1;
	params.columns = batch->columns;
	params.starts = batch->starts;
	rk_device_params(device, &params, sizeof(params));
	rk_device_input(device, batch->offsets, (batch->count + 1) * sizeof(int64));
	rk_device_input(device, batch->y, batch->offsets[batch->count] * sizeof(double));
	rk_device_input(device, batch->start, batch->count * batch->starts * k * sizeof(double));
	rk_device_output(device, batch->estimates, batch->count * k * sizeof(double));
	rk_device_output(device, batch->value, batch->count * sizeof(double));
	rk_device_output(device, batch->hessian, batch->count * all * all * sizeof(double));
	rk_device_output(device, batch->converged, batch->count * sizeof(int32));
	return rk_device_finish(device, NULL);
}

static void
run_arima(rk_call *call, rk_series_data *in, rk_arima_params *p, rk_arima *a)
{
	rk_arima_regressors given;
	rk_arima_batch batch;
	bool		there;
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
	given = (rk_arima_regressors) {
		.count = x.count,.values = (const double *const *) x.values,.future = (const double *const *) x.future
	};
	there = in->series.count > 0 && arima_on_device(call, &in->series, &given, p, &batch);
	rk_call_check(call, rk_temporal_arima_with(&call->ctx, &in->series, &given, p, there ? &batch : NULL, a));
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

/* ---- temporal/prophet-decomposition ---- */

#define DAYS_TO_2000 10957		/* from 1970 */
#define MOST_ORDER 100
#define MOST_SEASONS 60

/* A seasonality that the caller asks for: auto, on, off or an order. */
static int
built_in_order(rk_call *call, const char *name, int on)
{
	char	   *text = rk_arg_text(call, name);
	char	   *end;
	long		order;

	if (strcmp(text, "auto") == 0)
		return RK_ORDER_AUTO;
	if (strcmp(text, "on") == 0)
		return on;
	if (strcmp(text, "off") == 0)
		return 0;
	order = strtol(text, &end, 10);
	if (end == text || *end != '\0' || order < 0 || order > MOST_ORDER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is \"%s\"", name, text),
				 errdetail("Permitted are auto, on, off and an order of 0 to %d.", MOST_ORDER)));
	return (int) order;
}

/* What the model is made of, and what its parts are called. */
typedef struct prophet_model
{
	rk_prophet_params p;
	rk_prophet_season seasons[MOST_SEASONS + 4];
	const char *names[MOST_SEASONS + 4];
} prophet_model;

static const char *const modes[] = {"additive", "multiplicative", NULL};

/* Adds the objects of the parameter seasonalities. */
static void
custom_seasons(rk_call *call, prophet_model *m)
{
	Jsonb	   *given;
	int			count;

	if (rk_arg_is_null(call, "seasonalities"))
		return;
	given = DatumGetJsonbP(rk_arg_datum(call, "seasonalities"));
	count = JB_ROOT_IS_ARRAY(given) && !JB_ROOT_IS_SCALAR(given) ? JB_ROOT_COUNT(given) : -1;
	if (count < 0 || count > MOST_SEASONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"seasonalities\" is not an array of up to %d objects", MOST_SEASONS),
				 errhint("Such as '[{\"name\": \"monthly\", \"period\": 30.5, \"fourier_order\": 5}]'.")));
	for (int i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&given->root, i);
		rk_prophet_season *s = &m->seasons[m->p.season_count];
		JsonbValue *name;
		rk_json_node node = {.call = call,.argument = "seasonalities",.path = psprintf("[%d]", i)};

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("[%d] of \"seasonalities\" is not an object", i)));
		node.object = element->val.binary.data;
		name = getKeyJsonValueFromContainer(node.object, "name", 4, NULL);
		if (name == NULL || name->type != jbvString)
			rk_json_wrong(&node, "name", "is missing");
		m->names[m->p.season_count++] = pnstrdup(name->val.string.val, name->val.string.len);
		*s = (rk_prophet_season) {
			.period = rk_json_number(&node, "period", NAN),
			.order = (int) fmin(rk_json_number(&node, "fourier_order", 0), 1e6),
			.prior_scale = rk_json_number(&node, "prior_scale", rk_arg_float8(call, "seasonality_prior_scale")),
			.multiplicative = rk_json_choice(&node, "mode", modes, m->p.multiplicative) == 1
		};
		if (!(s->period > 0))
			rk_json_wrong(&node, "period", "must be a number of days above 0");
		if (s->order < 1 || s->order > MOST_ORDER)
			rk_json_wrong(&node, "fourier_order", psprintf("must be 1 to %d", MOST_ORDER));
		if (!(s->prior_scale > 0))
			rk_json_wrong(&node, "prior_scale", "must be above 0");
	}
}

static void
prophet_params(rk_call *call, prophet_model *m)
{
	static const struct
	{
		const char *name;
		double		period;
		int			order;
	}			built_in[RK_BUILT_IN_SEASONS] = {{"yearly", 365.25, 10}, {"weekly", 7, 3}, {"daily", 1, 4}};
	double		prior = rk_arg_float8(call, "seasonality_prior_scale");

	*m = (prophet_model) {0};
	m->p = (rk_prophet_params) {
		.growth = rk_arg_choice(call, "growth"),
		.n_changepoints = rk_arg_int(call, "n_changepoints"),
		.changepoint_range = rk_arg_float8(call, "changepoint_range"),
		.changepoint_prior_scale = rk_arg_float8(call, "changepoint_prior_scale"),
		.seasons = m->seasons,
		.multiplicative = rk_arg_choice(call, "seasonality_mode") == 1,
		.regressor_prior_scale = rk_arg_float8(call, "holidays_prior_scale"),
		.confidence = rk_arg_float8(call, "confidence"),
		.samples = rk_arg_int(call, "uncertainty_samples"),
		.seed = (uint64) rk_arg_int(call, "seed"),
		.horizon = rk_arg_int(call, "horizon")
	};
	for (int s = 0; s < RK_BUILT_IN_SEASONS; s++)
	{
		m->names[s] = built_in[s].name;
		m->seasons[s] = (rk_prophet_season) {built_in[s].period, built_in_order(call, built_in[s].name, built_in[s].order),
		prior, m->p.multiplicative, false};
	}
	m->p.season_count = RK_BUILT_IN_SEASONS;
	custom_seasons(call, m);
	if (!rk_arg_is_null(call, "period"))
	{
		int64		period = rk_arg_int(call, "period");

		m->names[m->p.season_count] = "period";
		m->seasons[m->p.season_count++] = (rk_prophet_season) {(double) period, (int) Min(10, period / 2), prior,
		m->p.multiplicative, true};
	}
}

/* One day of one column of holidays. */
typedef struct holiday_entry
{
	rk_bytes	name;
	int64		offset;
	int64		day;
	double		prior_scale;	/* NaN: the general one */
} holiday_entry;

static int
compare_entries(const void *a, const void *b)
{
	const holiday_entry *x = a;
	const holiday_entry *y = b;
	int			order = memcmp(x->name.data, y->name.data, Min(x->name.length, y->name.length));

	if (order != 0)
		return order;
	if (x->name.length != y->name.length)
		return x->name.length < y->name.length ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->day > y->day) - (x->day < y->day);
}

/* A holiday with the days about it; how many. */
static int64
put_days(holiday_entry *to, const holiday_entry *of, int64 lower, int64 upper)
{
	for (int64 offset = lower; offset <= upper; offset++)
	{
		*to = *of;
		to->offset = offset;
		to++->day += offset;
	}
	return upper - lower + 1;
}

/* Columns of holidays: one for each name and day about it. */
static void
read_holidays(rk_call *call, rk_prophet_params *p)
{
	rk_table   *t = rk_table_read(call, "holidays");
	rk_table_column *name;
	rk_table_column *ts;
	rk_table_column *lower;
	rk_table_column *upper;
	rk_table_column *prior;
	holiday_entry *entries;
	rk_prophet_holiday *columns;
	int64	   *days;
	int64		count = 0;

	if (t == NULL)
		return;
	name = rk_table_column_named(t, "holiday");
	ts = rk_table_column_named(t, "ts");
	lower = rk_table_column_named(t, "lower_window");
	upper = rk_table_column_named(t, "upper_window");
	prior = rk_table_column_named(t, "prior_scale");
#define WINDOW(c, i) (rk_has_value((c), (i)) ? (c)->ints[i] : 0)
	for (int64 i = 0; i < t->rows; i++)
		count += WINDOW(upper, i) - WINDOW(lower, i) + 1;
	entries = rk_call_alloc(call, count, holiday_entry);
	columns = rk_call_alloc(call, count, rk_prophet_holiday);
	days = rk_call_alloc(call, count, int64);
	count = 0;
	for (int64 i = 0; i < t->rows; i++)
		count += put_days(entries + count, &(holiday_entry) {
			name->texts[i], 0, ts->ints[i] + DAYS_TO_2000, prior->there ? prior->floats[i] : NAN
		}, WINDOW(lower, i), WINDOW(upper, i));
#undef WINDOW
	qsort(entries, count, sizeof(holiday_entry), compare_entries);
	for (int64 i = 0; i < count; i++)
	{
		rk_prophet_holiday *h = &columns[p->holiday_count - 1];

		days[i] = entries[i].day;
		if (i == 0 || entries[i].offset != entries[i - 1].offset || entries[i].name.length != entries[i - 1].name.length ||
			memcmp(entries[i].name.data, entries[i - 1].name.data, entries[i].name.length) != 0)
		{
			h = &columns[p->holiday_count++];
			*h = (rk_prophet_holiday) {.days = &days[i],.prior_scale = p->regressor_prior_scale};
		}
		h->count++;
		if (!isnan(entries[i].prior_scale))
			h->prior_scale = entries[i].prior_scale;
	}
	if (p->holiday_count > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"holidays\" has %d different days about holidays, above 1000", p->holiday_count)));
	p->holidays = columns;
}

/* Times of positions and steps in days; without a calendar as they are. */
static void
prophet_times(rk_call *call, const rk_series_data *in, rk_prophet_params *p, rk_prophet_input *x)
{
	double	   *times = rk_call_alloc(call, in->total, double);
	double	   *future = rk_call_alloc(call, in->series.count * p->horizon, double);

#define DAYS(local) ((double) (local) / USECS_PER_DAY + DAYS_TO_2000)
	for (int64 s = 0; s < in->series.count; s++)
	{
		int64		base = in->series.offsets[s];
		int64		last = in->series.offsets[s + 1] - 1;
		rk_spacing	spacing = in->laid_out.spacing[s];

		for (int64 t = base; t <= last; t++)
			times[t] = in->calendar ? DAYS(in->laid_out.times[t]) : in->laid_out.times ? (double) in->laid_out.times[t] : (double) (t - base);
		for (int64 h = 0; h < p->horizon && last >= base; h++)
			future[s * p->horizon + h] = in->calendar ? DAYS(rk_spacing_add(in->laid_out.times[last], spacing, h + 1)) :
				times[last] + (double) (h + 1) * (spacing.units > 0 ? (double) spacing.units : 1);
	}
#undef DAYS
	p->calendar = in->calendar;
	x->times = times;
	x->future_times = future;
}

/* Capacities and floors of logistic growth, as columns of their own. */
static void
take_limits(rk_call *call, const rk_series_data *in, rk_regressor_columns *x, rk_prophet_input *out, const rk_prophet_params *p)
{
	for (int i = 0; i < 2 && p->growth == RK_GROWTH_LOGISTIC; i++)
	{
		const char *name = i == 0 ? "cap" : "floor";
		const rk_table_column *c = in->table ? rk_table_column_named(in->table, name) : NULL;

		if (i == 0 && (c == NULL || !c->there))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("growth 'logistic' needs a column \"cap\" in \"series\""),
					 errhint("Such as SELECT ts, value, 1000 AS cap FROM ...")));
		if (c == NULL || !c->there)
			continue;
		if (i == 0)
			out->cap = (double *) 1;
		else
			out->floor = (double *) 1;
		x->columns[x->count] = c;
		x->carried[x->count++] = true;
	}
}

static void
check_limits(const rk_series_data *in, const rk_prophet_input *x, int64 horizon)
{
	for (int64 i = 0; i < in->total && x->cap; i++)
	{
		double		low = x->floor ? x->floor[i] : 0;

		if (!isnan(in->series.values[i]) && !(x->cap[i] > low))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"cap\" is %.10g in row %lld, not above the floor, %.10g", x->cap[i],
							(long long) in->laid_out.rows[i] + 1, low)));
	}
	for (int64 i = 0; i < in->series.count * horizon && x->cap; i++)
		if (x->future_cap[i] <= (x->future_floor ? x->future_floor[i] : 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"cap\" is %.10g after the last value, not above the floor", x->future_cap[i])));
}

/* The column components: an object of each row. */
typedef struct component_rows
{
	const rk_prophet *result;
	const char **keys;			/* as JSON strings */
} component_rows;

static Datum
components_of(void *arg, int64 row, bool *is_null)
{
	const component_rows *c = arg;
	StringInfoData s;

	(void) is_null;
	initStringInfo(&s);
	appendStringInfoChar(&s, '{');
	for (int i = 0; i < c->result->parts; i++)
	{
		double		v = c->result->part[row * c->result->parts + i];

		if (isfinite(v))
			appendStringInfo(&s, "%s%s: %.17g", s.len > 1 ? ", " : "", c->keys[i], v);
	}
	appendStringInfoChar(&s, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(s.data));
}

static void
emit_prophet(rk_call *call, const rk_series_data *in, const prophet_model *m, const rk_prophet *r, component_rows *c)
{
	rk_series_rows e = rk_series_extend(call, in, m->p.horizon);
	double	   *value = rk_extended_column(call, &e, in->series.values, NULL);
	double	   *seasonal = rk_call_alloc(call, e.total, double);
	double	   *holiday = rk_call_alloc(call, e.total, double);
	double	   *residual = rk_call_alloc(call, e.total, double);

	for (int64 i = 0; i < e.total; i++)
	{
		const double *part = r->part + i * r->parts;

		seasonal[i] = isnan(r->expected[i]) ? NAN : 0;
		for (int s = 0; s < m->p.season_count; s++)
			seasonal[i] += isnan(part[s]) ? 0 : part[s];
		holiday[i] = part[m->p.season_count];
		residual[i] = value[i] - r->expected[i];
	}
	rk_emit(call, e.total, (rk_out[]) {
		rk_series_ids(in, e.at.codes), RK_OUT_INTS(e.at.t), RK_OUT_TIMES(e.at.ts), RK_OUT_CHOICES(e.kind, rk_row_kinds),
		RK_OUT_OPTIONALS(value), RK_OUT_OPTIONALS(r->expected), RK_OUT_OPTIONALS(r->lower), RK_OUT_OPTIONALS(r->upper),
		RK_OUT_OPTIONALS(r->trend), RK_OUT_OPTIONALS(r->trend_lower), RK_OUT_OPTIONALS(r->trend_upper),
		RK_OUT_OPTIONALS(seasonal), RK_OUT_CALL(components_of, c), RK_OUT_OPTIONALS(holiday), RK_OUT_OPTIONALS(residual)
	}, NULL);
}

static void
prophet_decomposition(rk_call *call)
{
	rk_series_data in;
	rk_prophet_input x = {0};
	rk_prophet	r;
	rk_regressor_columns columns;
	prophet_model *m = palloc(sizeof(prophet_model));
	component_rows c;
	int64		too_short = 0;
	int64		cut = 0;

	prophet_params(call, m);
	rk_read_series(call, &(rk_series_wants) {.value = "value", .fill = RK_FILL_MISSING}, true, &in);
	read_holidays(call, &m->p);
	rk_find_regressors(call, &in, &columns);
	x.regressors = columns.count;
	take_limits(call, &in, &columns, &x, &m->p);
	rk_cut_ends(call, &in, &columns, m->p.horizon);
	x.s = &in.series;
	x.values = (const double *const *) columns.values;
	x.future = (const double *const *) columns.future;
	if (x.floor)
	{
		x.floor = columns.values[x.regressors + 1];
		x.future_floor = columns.future[x.regressors + 1];
	}
	if (x.cap)
	{
		x.cap = columns.values[x.regressors];
		x.future_cap = columns.future[x.regressors];
	}
	check_limits(&in, &x, m->p.horizon);
	prophet_times(call, &in, &m->p, &x);
	rk_call_phase(call, "fits", in.series.count);
	rk_call_check(call, rk_temporal_prophet(&call->ctx, &x, &m->p, &r));
	for (int64 i = 0; i < in.series.count; i++)
	{
		too_short += !r.fitted[i];
		cut += r.fitted[i] && m->p.growth != RK_GROWTH_FLAT && r.changepoints[i] < m->p.n_changepoints;
	}
	rk_series_notice(too_short, "too short to be fitted");
	rk_series_notice(cut, "too short for so many changes of slope, of which there are fewer");
	c = (component_rows) {&r, palloc(sizeof(char *) * r.parts)};
	for (int i = 0; i < r.parts; i++)
	{
		StringInfoData s;

		initStringInfo(&s);
		escape_json(&s, i < m->p.season_count ? m->names[i] : i == m->p.season_count ? "holidays" :
					columns.columns[i - m->p.season_count - 1]->name);
		c.keys[i] = s.data;
	}
	emit_prophet(call, &in, m, &r, &c);
}

RK_FUNCTION(rk_temporal_prophet_decomposition_sql, "temporal/prophet-decomposition", "");

const rk_bound_function rk_temporal_forecast_bindings[] = {
	{"temporal/arima-forecast", "", arima_forecast,.device_cost = arima_device_cost},
	{"temporal/arima-forecast", "_fit", arima_fit,.device_cost = arima_device_cost},
	{"temporal/prophet-decomposition", "", prophet_decomposition},
	{0}
};
