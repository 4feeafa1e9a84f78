/*
 * row_products_tile.h
 *	  Blocks of a matrix product, for a width of vectors.
 *
 * Included once for each TILE(name): TILE_LANES doubles at a time, TILE_ROWS x
 * TILE_COLUMNS sums in registers, TILE_ADD being sum + a b and TILE_SUM all
 * lanes together, compiled for TILE_TARGET.  Vectors are cut to what a machine
 * has before clones of a function are made, so that those would all have the
 * narrowest.
 */
typedef double TILE(lanes) __attribute__((vector_size(TILE_LANES * sizeof(double)), may_alias));

/*
 * Copies depth columns of count rows into panels of so many rows: TILE_LANES
 * columns of one row, then of the next, then the next columns.  Zeros fill the
 * last rows and columns.
 */
TILE_TARGET static void
TILE(pack)(const double *x, int64_t count, int64_t lead, int64_t depth, int64_t panel, double *to)
{
	for (int64_t first = 0; first < count; first += panel)
		for (int64_t k = 0; k < depth; k += TILE_LANES)
			for (int64_t r = first; r < first + panel; r++, to += TILE_LANES)
			{
				int64_t		n = r >= count ? 0 : depth - k < TILE_LANES ? depth - k : TILE_LANES;

				if (n == TILE_LANES)
					memcpy(to, x + r * lead + k, sizeof(double) * TILE_LANES);
				else
					for (int64_t l = 0; l < TILE_LANES; l++)
						to[l] = l < n ? x[r * lead + k + l] : 0;
			}
}

/* Products of two panels, added to to[r * BLOCK + c]. */
TILE_TARGET static void
TILE(tile)(const TILE(lanes) *a, const TILE(lanes) *b, int64_t steps, double *to)
{
	TILE(lanes) sum[TILE_ROWS][TILE_COLUMNS] = {0};

	for (int64_t k = 0; k < steps; k++, a += TILE_ROWS, b += TILE_COLUMNS)
		for (int c = 0; c < TILE_COLUMNS; c++)
			for (int r = 0; r < TILE_ROWS; r++)
				sum[r][c] = TILE_ADD(sum[r][c], a[r], b[c]);
	for (int r = 0; r < TILE_ROWS; r++)
		for (int c = 0; c < TILE_COLUMNS; c++)
			to[r * BLOCK + c] += TILE_SUM(sum[r][c]);
}

/* Products of a block of rows and one of columns, upper: of those that come after a row; panels has room for both. */
TILE_TARGET static void
TILE(block)(const double *a, int64_t row_count, const double *b, int64_t column_count, int64_t lead, int64_t depth,
			bool upper, double *panels, double *to)
{
	int64_t		steps = (depth + TILE_LANES - 1) / TILE_LANES;
	double	   *left = panels;
	double	   *right = panels + BLOCK * DEPTH;

	TILE(pack)(a, row_count, lead, depth, TILE_ROWS, left);
	TILE(pack)(b, column_count, lead, depth, TILE_COLUMNS, right);
	for (int64_t r = 0; r < row_count; r += TILE_ROWS)
		for (int64_t c = upper ? r / TILE_COLUMNS * TILE_COLUMNS : 0; c < column_count; c += TILE_COLUMNS)
			TILE(tile)((const TILE(lanes) *) (left + r * steps * TILE_LANES),
					   (const TILE(lanes) *) (right + c * steps * TILE_LANES), steps, to + r * BLOCK + c);
}

#undef TILE
#undef TILE_LANES
#undef TILE_ROWS
#undef TILE_COLUMNS
#undef TILE_ADD
#undef TILE_SUM
#undef TILE_TARGET
