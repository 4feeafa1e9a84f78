/*
 * ring_book.c
 *	  A book of correlated positions that changes one by one.
 *
 * Compiled without contraction of products and sums, so that all machines and
 * vector widths give the same bits.
 */
#include "ring_book.h"

#include "../../compute/clones.h"
#include "../../compute/random.h"
#include "portfolio.h"

/* Per addition; 2^-104 is what arithmetic of two doubles promises. */
#define NOISE 0x1p-100

/* ---- numbers of two doubles ---- */

static inline rk_twofold
quick_sum(double a, double b)
{
	double		s = a + b;

	return (rk_twofold) {s, b - (s - a)};
}

static inline rk_twofold
two_sum(double a, double b)
{
	double		s = a + b;
	double		t = s - a;

	return (rk_twofold) {s, (a - (s - t)) + (b - t)};
}

static inline rk_twofold
two_product(double a, double b)
{
	double		p = a * b;

	return (rk_twofold) {p, fma(a, b, -p)};
}

static inline rk_twofold
add(rk_twofold a, rk_twofold b)
{
	rk_twofold	s = two_sum(a.high, b.high);
	rk_twofold	t = two_sum(a.low, b.low);

	s = quick_sum(s.high, s.low + t.high);
	return quick_sum(s.high, s.low + t.low);
}

static inline rk_twofold
multiply(rk_twofold a, rk_twofold b)
{
	rk_twofold	p = two_product(a.high, b.high);

	return quick_sum(p.high, fma(a.low, b.high, fma(a.high, b.low, p.low)));
}

static inline rk_twofold
negated(rk_twofold a)
{
	return (rk_twofold) {-a.high, -a.low};
}

static void
accumulate(rk_long_sum *s, rk_twofold term)
{
	s->noise += (fabs(s->sum.high) + fabs(term.high)) * NOISE;
	s->sum = add(s->sum, term);
}

/* sum_j += r_j d */
RK_CLONES static void
add_row(double *restrict high, double *restrict low, const double *restrict r, rk_twofold d, int64_t n)
{
	for (int64_t j = 0; j < n; j++)
	{
		rk_twofold	p = multiply((rk_twofold) {r[j], 0}, d);
		rk_twofold	s = add((rk_twofold) {high[j], low[j]}, p);

		high[j] = s.high;
		low[j] = s.low;
	}
}

/* ---- positions ---- */

rk_status
rk_book_reserve(rk_ctx *ctx, rk_ring_book *b, uint32_t more)
{
	rk_status	status = rk_names_reserve_more(ctx, &b->names, more);
	int64_t		capacity = b->names.capacity;
	double	   *block;
	double	   *to;

	if (status != RK_OK || capacity == b->capacity)
		return status;
	block = rk_alloc(ctx, capacity * (capacity + 6), sizeof(double));
	if (block == NULL)
		return RK_ERR_MEMORY;
	to = block;
#define MOVE(member) \
	do { \
		if (b->names.count > 0) \
			memcpy(to, b->member, b->names.count * sizeof(double)); \
		b->member = (void *) to; \
		to += capacity; \
	} while (0)
	/* R comes first in the block: its start is what is freed */
	for (int64_t i = 0; i < b->names.count; i++)
		memcpy(to + i * capacity, b->r + i * b->capacity, b->names.count * sizeof(double));
	to += capacity * capacity;
	MOVE(value);
	MOVE(volatility);
	MOVE(expected_return);
	MOVE(x);
	MOVE(rx_high);
	MOVE(rx_low);
#undef MOVE
	rk_free(ctx, b->r);
	b->r = block;
	b->capacity = capacity;
	return RK_OK;
}

/* A position of nothing; there is room for it. */
static uint32_t
add_position(rk_ring_book *b, const char *asset)
{
	uint32_t	i = rk_names_add(&b->names, asset);
	int64_t		capacity = b->capacity;

	b->value[i] = 0;
	b->volatility[i] = b->expected_return[i] = b->x[i] = b->rx_high[i] = b->rx_low[i] = 0;
	for (int64_t j = 0; j < i; j++)
		b->r[i * capacity + j] = b->r[j * capacity + i] = 0;
	b->r[i * capacity + i] = 1;
	return i;
}

static void
change_position(rk_ring_book *b, uint32_t k, int64_t value, double volatility, double expected_return)
{
	double		before = b->x[k];
	double		after = rk_fixed_value(value) * volatility;
	rk_twofold	d = two_sum(after, -before);

	if (after != before)
	{
		rk_twofold	twice = {2 * b->rx_high[k], 2 * b->rx_low[k]};

		/* (x + d)' R (x + d) - x' R x = d (2 (R x)_k + d) */
		accumulate(&b->variance, multiply(d, add(twice, d)));
		accumulate(&b->gross, two_sum(fabs(after), -fabs(before)));
		add_row(b->rx_high, b->rx_low, b->r + (int64_t) k * b->capacity, d, b->names.count);
		b->active += (after != 0) - (before != 0);
	}
	accumulate(&b->mean, two_product(rk_fixed_value(value), expected_return));
	accumulate(&b->mean, negated(two_product(rk_fixed_value(b->value[k]), b->expected_return[k])));
	b->total += (__int128) value - b->value[k];
	b->value[k] = value;
	b->volatility[k] = volatility;
	b->expected_return[k] = expected_return;
	b->x[k] = after;
	/* nothing is left: no trace either */
	if (b->active == 0)
	{
		b->variance = b->gross = (rk_long_sum) {{0, 0}, 0};
		memset(b->rx_high, 0, b->names.count * sizeof(double));
		memset(b->rx_low, 0, b->names.count * sizeof(double));
	}
	b->changes++;
}

rk_status
rk_book_check_position(rk_ctx *ctx, const char *asset, double volatility, double expected_return)
{
	rk_status	status = rk_name_check(ctx, "asset", asset);

	if (status != RK_OK)
		return status;
	if (!(volatility >= 0) || isinf(volatility))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"volatility\" must be a finite number of 0 or more");
	if (!isfinite(expected_return))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"expected_return\" must be a finite number");
	return RK_OK;
}

rk_status
rk_book_set(rk_ctx *ctx, rk_ring_book *b, const char *asset, int64_t value, double volatility, double expected_return)
{
	uint32_t	k = rk_names_find(&b->names, asset);
	rk_status	status = rk_book_check_position(ctx, asset, volatility, expected_return);

	if (status != RK_OK)
		return status;
	if (k == RK_NO_NAME)
	{
		if ((status = rk_book_reserve(ctx, b, 1)) != RK_OK)
			return status;
		k = add_position(b, asset);
	}
	change_position(b, k, value, volatility, expected_return);
	return RK_OK;
}

bool
rk_book_remove(rk_ring_book *b, const char *asset)
{
	uint32_t	k = rk_names_find(&b->names, asset);
	uint32_t	last = b->names.count - 1;
	int64_t		capacity = b->capacity;

	if (k == RK_NO_NAME)
		return false;
	change_position(b, k, 0, 0, 0);
	rk_names_remove(&b->names, k);
	if (k == last)
		return true;
	b->value[k] = b->value[last];
	b->volatility[k] = b->volatility[last];
	b->expected_return[k] = b->expected_return[last];
	b->x[k] = b->x[last];
	b->rx_high[k] = b->rx_high[last];
	b->rx_low[k] = b->rx_low[last];
	for (int64_t j = 0; j < last; j++)
		b->r[k * capacity + j] = b->r[j * capacity + k] = b->r[last * capacity + j];
	b->r[k * capacity + k] = 1;
	return true;
}

/* ---- correlations ---- */

static rk_status
find_asset(rk_ctx *ctx, const rk_ring_book *b, const char *asset, uint32_t *i)
{
	*i = rk_names_find(&b->names, asset);
	if (*i == RK_NO_NAME)
		return rk_fail(ctx, RK_ERR_DATA, "\"%.*s\" is no position", RK_NAME_BYTES, asset);
	return RK_OK;
}

rk_status
rk_book_correlate(rk_ctx *ctx, rk_ring_book *b, const rk_correlation_request *q)
{
	uint32_t	i;
	uint32_t	j;
	double	   *r;
	rk_twofold	d;
	rk_twofold	term;
	rk_status	status;

	if ((status = find_asset(ctx, b, q->asset_i, &i)) != RK_OK ||
		(status = find_asset(ctx, b, q->asset_j, &j)) != RK_OK)
		return status;
	if (!(fabs(q->correlation) <= 1))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"correlation\" must be from -1 to 1");
	if (i == j)
	{
		if (fabs(q->correlation - 1) > 1e-9)
			return rk_fail(ctx, RK_ERR_DATA, "correlation of \"%.*s\" with itself is 1, not %.10g",
						   RK_NAME_BYTES, q->asset_i, q->correlation);
		return RK_OK;
	}
	r = &b->r[(int64_t) i * b->capacity + j];
	if (*r == q->correlation)
		return RK_OK;
	d = two_sum(q->correlation, -*r);
	term = multiply(two_product(b->x[i], b->x[j]), d);
	accumulate(&b->variance, (rk_twofold) {2 * term.high, 2 * term.low});
	add_row(b->rx_high + i, b->rx_low + i, &b->x[j], d, 1);
	add_row(b->rx_high + j, b->rx_low + j, &b->x[i], d, 1);
	*r = b->r[(int64_t) j * b->capacity + i] = q->correlation;
	b->unchecked = true;
	b->changes++;
	return RK_OK;
}

double
rk_book_sigma(const rk_ring_book *b)
{
	double		variance = rk_long_sum_value(&b->variance);

	return variance < 0 ? NAN : sqrt(variance);
}

double *
rk_book_matrix(rk_ctx *ctx, const rk_ring_book *b)
{
	int64_t		n = b->names.count;
	double	   *m = rk_alloc(ctx, n * n, sizeof(double));

	for (int64_t i = 0; m && i < n; i++)
		memcpy(m + i * n, b->r + i * b->capacity, n * sizeof(double));
	return m;
}

rk_status
rk_book_check(rk_ctx *ctx, rk_ring_book *b)
{
	double	   *m;
	rk_status	status;

	if (!b->unchecked)
		return RK_OK;
	m = rk_book_matrix(ctx, b);
	if (m == NULL)
		return RK_ERR_MEMORY;
	status = rk_correlation_factor(ctx, m, b->names.count, NULL);
	rk_free(ctx, m);
	if (status == RK_ERR_DATA)
		rk_fail_hint(ctx, "Set the correlations that are missing, or correct them.");
	if (status == RK_OK)
		b->unchecked = false;
	return status;
}

/* ---- snapshots ---- */

typedef struct stored_head
{
	int64_t		count;
	int64_t		unchecked;
	rk_long_sum variance;
	rk_long_sum gross;
	rk_long_sum mean;
} stored_head;

typedef struct stored_position
{
	rk_name		asset;
	int64_t		value;
	double		volatility;
	double		expected_return;
	double		rx_high;
	double		rx_low;
} stored_position;

rk_status
rk_book_write(rk_ctx *ctx, const rk_ring_book *b, rk_writer *writer)
{
	uint32_t	n = b->names.count;
	stored_head h = {n, b->unchecked, b->variance, b->gross, b->mean};
	rk_status	status = rk_write(ctx, writer, &h, sizeof(h));

	for (uint32_t i = 0; i < n && status == RK_OK; i++)
	{
		stored_position p = {b->names.name[i], b->value[i], b->volatility[i], b->expected_return[i],
		b->rx_high[i], b->rx_low[i]};

		status = rk_write(ctx, writer, &p, sizeof(p));
	}
	/* below the diagonal */
	for (uint32_t i = 1; i < n && status == RK_OK; i++)
		status = rk_write(ctx, writer, b->r + (int64_t) i * b->capacity, i * sizeof(double));
	return status;
}

rk_status
rk_book_read(rk_ctx *ctx, rk_ring_book *b, rk_reader *reader)
{
	stored_head h;
	rk_status	status = rk_read_bytes(ctx, reader, &h, sizeof(h));

	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < h.count; i++)
	{
		stored_position p;

		if ((status = rk_read_bytes(ctx, reader, &p, sizeof(p))) != RK_OK ||
			(status = rk_book_reserve(ctx, b, 1)) != RK_OK)
			return status;
		if (rk_names_find(&b->names, p.asset.text) != RK_NO_NAME)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an asset twice");
		(void) add_position(b, p.asset.text);
		b->value[i] = p.value;
		b->volatility[i] = p.volatility;
		b->expected_return[i] = p.expected_return;
		b->x[i] = rk_fixed_value(p.value) * p.volatility;
		b->rx_high[i] = p.rx_high;
		b->rx_low[i] = p.rx_low;
		b->total += p.value;
		b->active += b->x[i] != 0;
	}
	for (int64_t i = 1; i < h.count; i++)
	{
		double	   *row = b->r + i * b->capacity;

		if ((status = rk_read_bytes(ctx, reader, row, i * sizeof(double))) != RK_OK)
			return status;
		for (int64_t j = 0; j < i; j++)
			b->r[j * b->capacity + i] = row[j];
	}
	b->unchecked = h.unchecked != 0;
	b->variance = h.variance;
	b->gross = h.gross;
	b->mean = h.mean;
	return RK_OK;
}

uint64_t
rk_book_checksum(const rk_ring_book *b)
{
	uint64_t	sum = 0;

	/* sums: the order of the positions does not matter */
	for (uint32_t i = 0; i < b->names.count; i++)
	{
		uint64_t	name = rk_name_hash(b->names.name[i].text);
		uint64_t	h = rk_hash_fold(name, (uint64_t) b->value[i]);

		h = rk_hash_fold(h, rk_number_bits(b->volatility[i]));
		sum += rk_hash_fold(h, rk_number_bits(b->expected_return[i]));
		for (uint32_t j = 0; j < i; j++)
		{
			double		r = b->r[(int64_t) i * b->capacity + j];

			if (r != 0)
				sum += rk_hash2(name + rk_name_hash(b->names.name[j].text), rk_number_bits(r));
		}
	}
	return sum;
}

/* ---- questions ---- */

rk_risk_question
rk_question_init(const rk_options *options)
{
	return (rk_risk_question) {
		.confidence = rk_option_find(options, "confidence")->number,
		.horizon = rk_option_find(options, "horizon")->number,
		.days_per_year = rk_option_find(options, "days_per_year")->number
	};
}

rk_status
rk_question_of(rk_ctx *ctx, const rk_risk_question *initial, double confidence, double horizon, rk_risk_question *q)
{
	*q = *initial;
	if (!isnan(confidence))
		q->confidence = confidence;
	if (!isnan(horizon))
		q->horizon = horizon;
	if (!(q->confidence > 0.5 && q->confidence < 1))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"confidence\" must be in the range (0.5, 1)");
	if (!(q->horizon > 0) || isinf(q->horizon))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"horizon\" must be above 0");
	return RK_OK;
}

rk_status
rk_book_question(rk_ctx *ctx, rk_ring_book *b, const rk_risk_question *initial, const rk_question_request *q,
				 rk_risk_question *at, double *sigma)
{
	rk_status	status;

	if ((status = rk_question_of(ctx, initial, q->confidence, q->horizon, at)) != RK_OK ||
		(status = rk_book_check(ctx, b)) != RK_OK)
		return status;
	*sigma = sqrt(fmax(rk_long_sum_value(&b->variance), 0));
	return RK_OK;
}
