/*
 * series.c
 *	  Laying out time series: order, duplicates, spacing, gaps.
 */
#include "series.h"

#include <math.h>
#include <string.h>

#define DAY INT64_C(86400000000)
#define HOUR INT64_C(3600000000)
#define MINUTE INT64_C(60000000)
#define POLL_MASK 0xfff

/* ---- sorting and selecting ---- */

static void
sift_down(double *x, int64_t n, int64_t i)
{
	double		v = x[i];

	for (int64_t child; (child = 2 * i + 1) < n; i = child)
	{
		if (child + 1 < n && x[child + 1] > x[child])
			child++;
		if (x[child] <= v)
			break;
		x[i] = x[child];
	}
	x[i] = v;
}

static void
heap_sort(double *x, int64_t n)
{
	for (int64_t i = n / 2; i-- > 0;)
		sift_down(x, n, i);
	for (int64_t i = n - 1; i > 0; i--)
	{
		double		v = x[i];

		x[i] = x[0];
		x[0] = v;
		sift_down(x, i, 0);
	}
}

/* Hoare's partition about the median of three; returns where the right begins. */
static int64_t
split(double *x, int64_t n)
{
	double		a = x[0];
	double		b = x[n / 2];
	double		c = x[n - 1];
	double		pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
	int64_t		i = 0;
	int64_t		j = n - 1;

	for (;;)
	{
		while (x[i] < pivot)
			i++;
		while (x[j] > pivot)
			j--;
		if (i >= j)
			return j + 1 < n ? j + 1 : n - 1;
		double		v = x[i];

		x[i++] = x[j];
		x[j--] = v;
	}
}

static void
sort_range(double *x, int64_t n, int depth)
{
	while (n > 24)
	{
		int64_t		at;

		if (depth-- == 0)
		{
			heap_sort(x, n);
			return;
		}
		at = split(x, n);
		sort_range(x + at, n - at, depth);
		n = at;
	}
	for (int64_t i = 1; i < n; i++)
	{
		double		v = x[i];
		int64_t		j = i;

		for (; j > 0 && x[j - 1] > v; j--)
			x[j] = x[j - 1];
		x[j] = v;
	}
}

void
rk_sort_doubles(double *x, int64_t n)
{
	sort_range(x, n, 64);
}

double
rk_select_double(double *x, int64_t n, int64_t rank)
{
	double	   *base = x;
	int64_t		wanted = rank;
	int			depth = 64;

	while (n > 24 && depth-- > 0)
	{
		int64_t		at = split(base, n);

		if (rank < at)
			n = at;
		else
		{
			base += at;
			n -= at;
			rank -= at;
		}
	}
	rk_sort_doubles(base, n);
	return x[wanted];
}

double
rk_median(double *x, int64_t n)
{
	double		high = rk_select_double(x, n, n / 2);
	double		low = -INFINITY;

	if (n % 2 == 1)
		return high;
	for (int64_t i = 0; i < n / 2; i++)
		low = x[i] > low ? x[i] : low;
	return 0.5 * (low + high);
}

double
rk_quantile_sorted(const double *x, int64_t n, double p)
{
	double		h = (n - 1) * p;
	int64_t		i = (int64_t) h;

	return i + 1 < n ? x[i] + (h - i) * (x[i + 1] - x[i]) : x[n - 1];
}

double
rk_mean(const double *x, int64_t n)
{
	double		sum = 0;
	double		rest = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	sum /= n;
	/* once more about the first guess: what the long sum lost */
	for (int64_t i = 0; i < n; i++)
		rest += x[i] - sum;
	return sum + rest / n;
}

double
rk_sum_squares(const double *x, int64_t n, double mean)
{
	double		sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sum;
}

int64_t
rk_series_longest(const rk_series *s)
{
	int64_t		longest = 0;

	for (int64_t i = 0; i < s->count; i++)
		if (s->offsets[i + 1] - s->offsets[i] > longest)
			longest = s->offsets[i + 1] - s->offsets[i];
	return longest;
}

double *
rk_nans(rk_ctx *ctx, int64_t n)
{
	double	   *x = rk_alloc(ctx, n, sizeof(double));

	/* when the call is to end, the loop over series says so */
	for (int64_t i = 0; x && i < n && ((i & 0xffff) != 0 || !rk_ctx_poll(ctx)); i++)
		x[i] = NAN;
	return x;
}

/* ---- the calendar (proleptic Gregorian, days since 2000-01-01) ---- */

/* Months since 2000-01 and the day of the month, from 1. */
static int64_t
month_of(int64_t days, int *day)
{
	/* Hinnant's algorithm: eras of 400 years that begin in March */
	int64_t		z = days + 730425;
	int64_t		era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t		doe = z - era * 146097;
	int64_t		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t		mp = (5 * doy + 2) / 153;

	*day = (int) (doy - (153 * mp + 2) / 5 + 1);
	return (yoe + era * 400) * 12 + mp + 2 - 24000;
}

/* Days since 2000-01-01 of the first of a month. */
static int64_t
first_of_month(int64_t months)
{
	int64_t		m = months + 24000 - 2;
	int64_t		y = m >= 0 ? m / 12 : -((11 - m) / 12);
	int64_t		mp = m - y * 12;
	int64_t		era = (y >= 0 ? y : y - 399) / 400;
	int64_t		yoe = y - era * 400;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5 - 730425;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t
rk_spacing_add(int64_t time, rk_spacing spacing, int64_t steps)
{
	int64_t		days;
	int64_t		month;
	int64_t		last;
	int			day;

	if (spacing.months == 0)
		return time + spacing.units * steps;
	days = floor_div(time, DAY);
	month = month_of(days, &day);
	/* the last day of a month stays one */
	last = first_of_month(month + 1) - first_of_month(month);
	bool		at_end = day == last && day >= 28;

	month += spacing.months * steps;
	last = first_of_month(month + 1) - first_of_month(month);
	if (at_end || day > last)
		day = (int) last;
	return (first_of_month(month) + day - 1) * DAY + (time - days * DAY) + spacing.units * steps;
}

int64_t
rk_spacing_period(rk_spacing s)
{
	if (s.months == 1 && s.units == 0)
		return 12;
	if (s.months == 3 && s.units == 0)
		return 4;
	if (s.months != 0)
		return 0;
	if (s.units == DAY)
		return 7;
	if (s.units == HOUR)
		return 24;
	if (s.units == MINUTE)
		return 60;
	return 0;
}

/* ---- spacing ---- */

static int64_t
most_frequent(double *differences, int64_t n)
{
	int64_t		best = 0;
	int64_t		best_count = 0;

	rk_sort_doubles(differences, n);
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i;

		while (j < n && differences[j] == differences[i])
			j++;
		if (j - i > best_count)
		{
			best_count = j - i;
			best = (int64_t) differences[i];
		}
		i = j;
	}
	return best;
}

/* Whether all times are the same day of months (or last days), at one time of day. */
static bool
are_months(const int64_t *times, int64_t n)
{
	bool		same_day = true;
	bool		last_day = true;
	int			first = 0;

	for (int64_t i = 0; i < n; i++)
	{
		int64_t		days = floor_div(times[i], DAY);
		int			day;
		int64_t		month = month_of(days, &day);

		if (times[i] - days * DAY != times[0] - floor_div(times[0], DAY) * DAY)
			return false;
		if (i == 0)
			first = day;
		same_day = same_day && day == first;
		last_day = last_day && first_of_month(month) + day == first_of_month(month + 1);
		if (!same_day && !last_day)
			return false;
	}
	return n > 1;
}

static int64_t
month_number(int64_t time)
{
	int			day;

	return month_of(floor_div(time, DAY), &day);
}

static rk_spacing
infer_spacing(const int64_t *times, int64_t n, bool calendar, double *work)
{
	rk_spacing	s = {0};

	if (n < 2)
		return s;
	if (calendar && are_months(times, n))
	{
		for (int64_t i = 1; i < n; i++)
			work[i - 1] = (double) (month_number(times[i]) - month_number(times[i - 1]));
		s.months = most_frequent(work, n - 1);
		return s;
	}
	for (int64_t i = 1; i < n; i++)
		work[i - 1] = (double) (times[i] - times[i - 1]);
	s.units = most_frequent(work, n - 1);
	return s;
}

/* Steps from one time to another; -1: not a whole number. */
static int64_t
steps_between(int64_t from, int64_t to, rk_spacing s)
{
	int64_t		steps;

	if (s.months == 0 && s.units <= 0)
		return -1;
	if (s.months == 0)
		steps = (to - from) / s.units;
	else
		steps = (month_number(to) - month_number(from)) / s.months;
	for (int64_t k = steps > 0 ? steps - 1 : 0; k <= steps + 1; k++)
		if (rk_spacing_add(from, s, k) == to)
			return k;
	return -1;
}

/* ---- layout ---- */

/* Fills NaN in one series in place; false when there is nothing to fill with. */
static bool
fill_in(double *x, int64_t n, rk_fill fill)
{
	for (int64_t i = 0; i < n; i++)
	{
		int64_t		next = i;

		if (!isnan(x[i]))
			continue;
		while (next < n && isnan(x[next]))
			next++;
		if (i == 0 || (fill == RK_FILL_LINEAR && next == n))
			return false;
		for (int64_t j = i; j < next; j++)
			x[j] = fill == RK_FILL_LOCF ? x[i - 1] :
				x[i - 1] + (x[next] - x[i - 1]) * (j - i + 1) / (next - i + 1);
		i = next;
	}
	return true;
}

static rk_status
gap_error(rk_ctx *ctx, int64_t row, int64_t missing)
{
	if (missing < 0)
		rk_fail(ctx, RK_ERR_DATA, "time of row %lld is not a whole number of steps after the one before", (long long) row + 1);
	else
		rk_fail(ctx, RK_ERR_DATA, "series has a gap of %lld positions before row %lld", (long long) missing, (long long) row + 1);
	rk_fail_hint(ctx, "Set fill to 'linear' or 'locf' to fill positions in, to 'none' to take rows as they follow each other, "
				 "or frequency to the right spacing.");
	return RK_ERR_DATA;
}

/* Whether row i of the input begins a position; counts positions into *steps. */
static rk_status
steps_to(rk_ctx *ctx, const rk_series_input *in, rk_spacing s, int64_t before, int64_t row, int64_t *steps)
{
	*steps = 1;
	if (in->times == NULL || !in->find_gaps || in->fill == RK_FILL_NONE || (s.months == 0 && s.units == 0))
		return RK_OK;
	*steps = steps_between(in->times[before], in->times[row], s);
	if (*steps < 0)
		return gap_error(ctx, row, -1);
	if (*steps > 1 && in->fill == RK_FILL_ERROR)
		return gap_error(ctx, row, *steps - 1);
	if (*steps > INT64_C(10000000))
		return rk_fail(ctx, RK_ERR_LIMIT, "series has a gap of %lld positions before row %lld", (long long) *steps - 1,
					   (long long) row + 1);
	return RK_OK;
}

/* One series: its spacing and number of positions; duplicates are found here. */
static rk_status
measure(rk_ctx *ctx, const rk_series_input *in, int64_t i, double *work, int64_t *times, rk_spacing *spacing,
		int64_t *positions)
{
	const int64_t *rows = in->rows + in->offsets[i];
	int64_t		n = in->offsets[i + 1] - in->offsets[i];

	*positions = 0;
	*spacing = in->frequency;
	if (in->times)
	{
		for (int64_t j = 0; j < n; j++)
			times[j] = in->times[rows[j]];
		for (int64_t j = 1; j < n; j++)
		{
			if (times[j] != times[j - 1])
				continue;
			rk_fail(ctx, RK_ERR_DATA, "rows %lld and %lld of a series have the same time",
					(long long) (rows[j - 1] < rows[j] ? rows[j - 1] : rows[j]) + 1,
					(long long) (rows[j - 1] < rows[j] ? rows[j] : rows[j - 1]) + 1);
			rk_fail_hint(ctx, "Aggregate them, or tell series apart by series_id.");
			return RK_ERR_DATA;
		}
		if (spacing->months == 0 && spacing->units == 0)
			*spacing = infer_spacing(times, n, in->calendar, work);
	}
	for (int64_t j = 0; j < n; j++)
	{
		int64_t		steps = 1;
		rk_status	status;

		if ((j & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (in->fill == RK_FILL_ERROR && isnan(in->values[rows[j]]))
		{
			rk_fail(ctx, RK_ERR_DATA, "column \"value\" is NULL in row %lld", (long long) rows[j] + 1);
			rk_fail_hint(ctx, "Leave such rows out, or fill them in before.");
			return RK_ERR_DATA;
		}
		if (in->fill == RK_FILL_NONE && isnan(in->values[rows[j]]))
			continue;
		if (j > 0 && (status = steps_to(ctx, in, *spacing, rows[j - 1], rows[j], &steps)) != RK_OK)
			return status;
		*positions += steps;
	}
	return RK_OK;
}

/* Writes the positions of one series. */
static rk_status
place(rk_ctx *ctx, const rk_series_input *in, int64_t i, rk_series_output *out)
{
	const int64_t *rows = in->rows + in->offsets[i];
	int64_t		n = in->offsets[i + 1] - in->offsets[i];
	int64_t		begin = out->offsets[i];
	int64_t		at = begin;

	for (int64_t j = 0; j < n; j++)
	{
		int64_t		steps = 1;
		rk_status	status;

		if ((j & POLL_MASK) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (in->fill == RK_FILL_NONE && isnan(in->values[rows[j]]))
			continue;
		if (j > 0 && (status = steps_to(ctx, in, out->spacing[i], rows[j - 1], rows[j], &steps)) != RK_OK)
			return status;
		for (int64_t k = 1; k <= steps; k++, at++)
		{
			out->owner[at] = i;
			out->rows[at] = k == steps ? rows[j] : -1;
			out->values[at] = k == steps ? in->values[rows[j]] : NAN;
			if (in->times)
				out->times[at] = k == steps ? in->times[rows[j]] :
					rk_spacing_add(in->times[rows[j - 1]], out->spacing[i], k);
		}
	}
	if ((in->fill == RK_FILL_LINEAR || in->fill == RK_FILL_LOCF) && !fill_in(out->values + begin, at - begin, in->fill))
	{
		rk_fail(ctx, RK_ERR_DATA, "series that row %lld belongs to has no value to fill in from", (long long) rows[0] + 1);
		rk_fail_hint(ctx, "Leave out rows without a value at the start (linear: at the end, too).");
		return RK_ERR_DATA;
	}
	return RK_OK;
}

rk_status
rk_series_prepare(rk_ctx *ctx, const rk_series_input *in, rk_series_output *out)
{
	int64_t		longest = 0;
	int64_t		total;
	int64_t    *times;
	double	   *work;
	rk_status	status = RK_OK;

	for (int64_t i = 0; i < in->count; i++)
		if (in->offsets[i + 1] - in->offsets[i] > longest)
			longest = in->offsets[i + 1] - in->offsets[i];
	memset(out, 0, sizeof(*out));
	work = rk_alloc(ctx, longest, sizeof(double));
	times = rk_alloc(ctx, longest, sizeof(int64_t));
	out->offsets = rk_alloc(ctx, in->count + 1, sizeof(int64_t));
	out->spacing = rk_alloc(ctx, in->count, sizeof(rk_spacing));
	if (!work || !times || !out->offsets || !out->spacing)
		return RK_ERR_MEMORY;
	out->offsets[0] = 0;
	for (int64_t i = 0; i < in->count; i++)
	{
		int64_t		positions;

		status = measure(ctx, in, i, work, times, &out->spacing[i], &positions);
		if (status != RK_OK)
			return status;
		out->offsets[i + 1] = out->offsets[i] + positions;
	}
	rk_free(ctx, work);
	rk_free(ctx, times);
	total = out->offsets[in->count];
	out->values = rk_alloc(ctx, total, sizeof(double));
	out->rows = rk_alloc(ctx, total, sizeof(int64_t));
	out->owner = rk_alloc(ctx, total, sizeof(int64_t));
	out->times = in->times ? rk_alloc(ctx, total, sizeof(int64_t)) : NULL;
	if (!out->values || !out->rows || !out->owner || (in->times && !out->times))
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < in->count && status == RK_OK; i++)
		status = place(ctx, in, i, out);
	out->series = (rk_series) {in->count, out->offsets, out->values};
	return status;
}
