/*
 * gap_moments_step.h
 *	  Moments over the places where two rows have a value, for one kind of
 *	  machine: included once for each MOMENTS(name), compiled for MOMENTS_TARGET.
 *	  Vectors are cut to what a machine has before clones of a function are made,
 *	  so that those would all have the narrowest.
 */
MOMENTS_TARGET static int64_t
MOMENTS(moments)(const double *x, const double *y, int64_t n, double *xx, double *yy, double *xy)
{
	lanes		sums[2] = {{0}, {0}};
	lanes		products[3] = {{0}, {0}, {0}};
	flags		counts = {0};
	flags		differ[2] = {{0}, {0}};
	double		tail[2][LANES];
	int64_t		first = 0;
	int64_t		whole;
	int64_t		count = 0;
	bool		varies[2] = {false, false};
	double		total[2] = {0, 0};
	double		mean[2];

	*xx = *yy = *xy = 0;
	while (first < n && (isnan(x[first]) || isnan(y[first])))
		first++;
	if (first == n)
		return 0;
	/* NaN behind the last */
	whole = (n - first) / LANES * LANES;
	for (int l = 0; l < LANES; l++)
	{
		tail[0][l] = first + whole + l < n ? x[first + whole + l] : NAN;
		tail[1][l] = first + whole + l < n ? y[first + whole + l] : NAN;
	}
	for (int64_t k = 0; k <= whole; k += LANES)
	{
		lanes		a = *(const lanes *) (k < whole ? x + first + k : tail[0]);
		lanes		b = *(const lanes *) (k < whole ? y + first + k : tail[1]);
		flags		both = (a == a) & (b == b);

		counts -= both;
		sums[0] += (lanes) ((flags) a & both);
		sums[1] += (lanes) ((flags) b & both);
		differ[0] |= both & (a != x[first]);
		differ[1] |= both & (b != y[first]);
	}
	for (int l = 0; l < LANES; l++)
	{
		count += counts[l];
		total[0] += sums[0][l];
		total[1] += sums[1][l];
		varies[0] = varies[0] || differ[0][l] != 0;
		varies[1] = varies[1] || differ[1][l] != 0;
	}
	mean[0] = varies[0] ? total[0] / (double) count : x[first];
	mean[1] = varies[1] ? total[1] / (double) count : y[first];
	for (int64_t k = 0; k <= whole; k += LANES)
	{
		lanes		a = *(const lanes *) (k < whole ? x + first + k : tail[0]) - mean[0];
		lanes		b = *(const lanes *) (k < whole ? y + first + k : tail[1]) - mean[1];
		flags		both = (a == a) & (b == b);

		a = (lanes) ((flags) a & both);
		b = (lanes) ((flags) b & both);
		products[0] += a * a;
		products[1] += b * b;
		products[2] += a * b;
	}
	for (int l = 0; l < LANES; l++)
	{
		*xx += products[0][l];
		*yy += products[1][l];
		*xy += products[2][l];
	}
	return count;
}

#undef MOMENTS
#undef MOMENTS_TARGET
