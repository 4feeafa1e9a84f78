/*
 * value_distances.c
 *	  Distances of distributions, one pair at a time.
 *
 * The Jensen-Shannon divergence is a difference of entropies.  Where that is
 * small the root of the score would turn an error of 1e-16 into one of 1e-8,
 * so it is summed once more, bin by bin, as s g(x), s half the sum of the two
 * shares and x their difference by their sum: g(x) = (1 - x) ln(1 - x) + (1 +
 * x) ln(1 + x) takes no difference of nearly equal numbers.
 */
#include "value_distances.h"

#include <math.h>
#include <string.h>

/*
 * Wider registers where the machine has them.  Without fused multiplication,
 * so that the bits are the same.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

#define NEARLY_EQUAL 1e-3

#define LN2_HIGH 6.93147180369123816490e-01 /* ln 2 with 20 zero bits */
#define LN2_LOW 1.90821492927058770002e-10

/* half of the lanes: the widest that GCC breaks up well */
#define HALF (RK_LANES / 2)
typedef double lanes __attribute__((vector_size(HALF * sizeof(double))));
typedef int64_t bits __attribute__((vector_size(HALF * sizeof(double))));
typedef uint64_t words __attribute__((vector_size(HALF * sizeof(double))));

#define EACH(x) ((lanes) {x, x, x, x})
#define CHOOSE(mask, yes, no) ((lanes) (((mask) & (bits) (yes)) | (~(mask) & (bits) (no))))

/*
 * out = ln z for normal z > 0, within 1 ulp or so: z = 2^k m with m around 1,
 * ln m = 2 atanh((m - 1) / (m + 1)) as a series.
 */
#define LOGARITHM(out, z) \
	do { \
		bits		word = (bits) (z) - INT64_C(0x3fe6a09e667f3bcd); \
		bits		power = (bits) (((words) word + (UINT64_C(1) << 63)) >> 52); \
		lanes		k = (lanes) (power | INT64_C(0x4330000000000000)) - (0x1p52 + 2048); \
		lanes		m = (lanes) ((bits) (z) - ((power - 2048) << 52)); \
		lanes		f = (m - 1) / (m + 1); \
		lanes		y = f * f; \
		lanes		y2 = y * y; \
		lanes		y4 = y2 * y2; \
		lanes		series = ((1.0 / 3 + y * (1.0 / 5)) + (1.0 / 7 + y * (1.0 / 9)) * y2) + \
			((1.0 / 11 + y * (1.0 / 13)) + (1.0 / 15 + y * (1.0 / 17)) * y2) * y4 + \
			(1.0 / 19 + y * (1.0 / 21)) * (y4 * y4); \
		\
		(out) = k * LN2_HIGH + (2 * f + (2 * f * y * series + k * LN2_LOW)); \
	} while (0)

static inline double
add_lanes(const double *sum)
{
	return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* Sum of p ln p over a histogram. */
double
rk_histogram_entropy(int64_t padded, const double *p)
{
	double		sum = 0;

	for (int64_t i = 0; i < padded; i++)
		sum += p[i] > 0 ? p[i] * log(p[i]) : 0;
	return sum;
}

/*
 * From the entropies: half of those of p and q, less that of their mean.  One
 * logarithm a bin; the error is absolute, some 1e-16.
 */
WIDE static void
entropy_distances(int64_t padded, const double *p, double in_p, const double *q,
				  const double *in_q, int64_t count, double *distance)
{
	lanes		least = EACH(1e-290);

	for (int64_t j = 0; j < count; j++, q += padded)
	{
		lanes		low = EACH(0);
		lanes		high = EACH(0);
		double		sum[RK_LANES];

		for (int64_t i = 0; i < padded; i += RK_LANES)
		{
			lanes		a;
			lanes		b;
			lanes		both;
			lanes		positive;
			lanes		logarithm;

			memcpy(&a, p + i, sizeof(a));
			memcpy(&b, q + i, sizeof(b));
			both = a + b;
			positive = CHOOSE(both > least, both, least);
			LOGARITHM(logarithm, positive);
			low += both * logarithm;
			memcpy(&a, p + i + HALF, sizeof(a));
			memcpy(&b, q + i + HALF, sizeof(b));
			both = a + b;
			positive = CHOOSE(both > least, both, least);
			LOGARITHM(logarithm, positive);
			high += both * logarithm;
		}
		memcpy(sum, &low, sizeof(low));
		memcpy(sum + HALF, &high, sizeof(high));
		distance[j] = 0.5 * (in_p + in_q[j] - add_lanes(sum)) + M_LN2;
	}
}

/* Bin by bin, for distributions that are nearly equal. */
WIDE static void
jensen_shannon(int64_t padded, const double *p, const double *q, int64_t count, double *distance)
{
	lanes		one = EACH(1);
	lanes		least = EACH(1e-290);

	for (int64_t j = 0; j < count; j++, q += padded)
	{
		lanes		halves[2] = {EACH(0), EACH(0)};
		double		sum[RK_LANES];

		for (int64_t i = 0; i < padded; i += HALF)
		{
			lanes		a;
			lanes		b;
			lanes		both;
			lanes		some;
			lanes		x;
			lanes		y;
			lanes		near = EACH(1.0 / (14 * 27));
			lanes		less;
			lanes		more;
			lanes		log_less;
			lanes		log_more;
			lanes		far;

			memcpy(&a, p + i, sizeof(a));
			memcpy(&b, q + i, sizeof(b));
			both = a + b;
			/* two empty bins are equal */
			some = CHOOSE(both > 0, both, one);
			x = (a - b) / some;
			y = x * x;

			/* g(x) = sum of y^k / (k (2k - 1)), for |x| up to a quarter */
			near = near * y + 1.0 / (13 * 25);
			near = near * y + 1.0 / (12 * 23);
			near = near * y + 1.0 / (11 * 21);
			near = near * y + 1.0 / (10 * 19);
			near = near * y + 1.0 / (9 * 17);
			near = near * y + 1.0 / (8 * 15);
			near = near * y + 1.0 / (7 * 13);
			near = near * y + 1.0 / (6 * 11);
			near = near * y + 1.0 / (5 * 9);
			near = near * y + 1.0 / (4 * 7);
			near = near * y + 1.0 / (3 * 5);
			near = near * y + 1.0 / (2 * 3);
			near = near * y * y + y;

			/* 0 ln 0 = 0 */
			less = CHOOSE(a < b, a, b) * 2 / some;
			more = 2 - less;
			less = CHOOSE(less > least, less, least);
			LOGARITHM(log_less, less);
			LOGARITHM(log_more, more);
			far = less * log_less + more * log_more;
			halves[i / HALF & 1] += both * CHOOSE(y < 0.0625, near, far);
		}
		memcpy(sum, halves, sizeof(sum));
		distance[j] = 0.25 * add_lanes(sum);
	}
}

/* Half the squared distance of the roots is 1 - sum sqrt(pq). */
WIDE static void
hellinger(int64_t padded, const double *p, const double *q, int64_t count, double *distance)
{
	for (int64_t j = 0; j < count; j++, q += padded)
	{
		double		sum[RK_LANES] = {0};

		for (int64_t i = 0; i < padded; i += RK_LANES)
			for (int l = 0; l < RK_LANES; l++)
				sum[l] += (p[i + l] - q[i + l]) * (p[i + l] - q[i + l]);
		distance[j] = sqrt(0.5 * add_lanes(sum));
	}
}

WIDE static void
wasserstein_binned(int64_t padded, const double *p, const double *q, int64_t count,
				   double *distance)
{
	for (int64_t j = 0; j < count; j++, q += padded)
	{
		double		sum[RK_LANES] = {0};

		for (int64_t i = 0; i < padded; i += RK_LANES)
			for (int l = 0; l < RK_LANES; l++)
				sum[l] += fabs(p[i + l] - q[i + l]);
		distance[j] = add_lanes(sum);
	}
}

void
rk_histogram_distances(rk_value_metric metric, int64_t padded, const double *p, const double *q,
					   int64_t count, double in_p, const double *in_q, double *distance)
{
	if (metric == RK_VALUE_JSD)
	{
		entropy_distances(padded, p, in_p, q, in_q, count, distance);
		for (int64_t j = 0; j < count; j++)
			if (distance[j] < NEARLY_EQUAL)
				jensen_shannon(padded, p, q + j * padded, 1, &distance[j]);
	}
	else if (metric == RK_VALUE_HELLINGER)
		hellinger(padded, p, q, count, distance);
	else
		wasserstein_binned(padded, p, q, count, distance);
}

bool
rk_histogram_prepare(rk_value_metric metric, int64_t bins, double *p)
{
	double		sum = 0;
	double		running = 0;

	for (int64_t i = 0; i < bins; i++)
		sum += p[i];
	for (int64_t i = 0; i < bins; i++)
	{
		double		share = p[i] / sum;

		running += p[i];
		p[i] = metric == RK_VALUE_JSD ? share : metric == RK_VALUE_HELLINGER ? sqrt(share) : running / sum;
	}
	for (int64_t i = bins; i < rk_padded_bins(bins); i++)
		p[i] = 0;
	return sum > 0;
}

/* ---- samples ---- */

double
rk_sample_wasserstein(const double *a, int64_t in_a, const double *b, int64_t in_b)
{
	double		step_a = 1.0 / in_a;
	double		step_b = 1.0 / in_b;
	double		before = a[0] < b[0] ? a[0] : b[0];
	double		distance = 0;
	int64_t		i = 0;
	int64_t		j = 0;

	/* between two neighbouring values both functions are constant */
	while (i < in_a && j < in_b)
	{
		double		x = a[i] < b[j] ? a[i] : b[j];

		distance += fabs(i * step_a - j * step_b) * (x - before);
		before = x;
		i += a[i] == x;
		j += b[j] == x;
	}
	for (; i < in_a; before = a[i++])
		distance += fabs(i * step_a - 1) * (a[i] - before);
	for (; j < in_b; before = b[j++])
		distance += fabs(1 - j * step_b) * (b[j] - before);
	return distance;
}

double
rk_sample_ks(const double *a, int64_t in_a, const double *b, int64_t in_b)
{
	double		greatest = 0;
	int64_t		i = 0;
	int64_t		j = 0;

	while (i < in_a && j < in_b)
	{
		double		x = a[i] < b[j] ? a[i] : b[j];
		double		difference;

		while (i < in_a && a[i] == x)
			i++;
		while (j < in_b && b[j] == x)
			j++;
		difference = fabs((double) i / in_a - (double) j / in_b);
		greatest = difference > greatest ? difference : greatest;
	}
	return greatest;
}

double
rk_value_score(rk_value_metric metric, double distance, double unit)
{
	double		score = 0;

	switch (metric)
	{
		case RK_VALUE_JSD:
			score = 1 - sqrt(distance / M_LN2);
			break;
		case RK_VALUE_WASSERSTEIN:
			score = unit > 0 ? 1 / (1 + distance / unit) : 1;
			break;
		case RK_VALUE_WASSERSTEIN_BINNED:
			score = 1 / (1 + distance);
			break;
		case RK_VALUE_HELLINGER:
		case RK_VALUE_KS:
			score = 1 - distance;
			break;
	}
	/* rounding, for distributions that have nothing in common */
	return score < 0 ? 0 : score;
}
