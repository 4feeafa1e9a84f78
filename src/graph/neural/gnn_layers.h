/*
 * gnn_layers.h
 *	  The layers of gnn_inference.c for one type of numbers; REAL and NAME as
 *	  layer_steps.h wants them, which is included before.
 */

/* What the sum over the neighbours of a node is made with. */
typedef struct NAME(gather)
{
	rk_ctx	   *ctx;
	const rk_adjacency *in;
	const double *weights;		/* of the entries; NULL: 1 */
	const double *scale;		/* of a neighbour; NULL: 1 */
	const double *row_scale;	/* of the sum; NULL: 1 */
	const double *self;			/* of the node itself; NULL: not in the sum */
	bool		largest;		/* the largest instead of the sum */
	const REAL *x;
	REAL	   *z;
	int64_t		stride;			/* of both */
} NAME(gather);

/* Columns [from, from + count vectors) of row v; false when to stop. */
static inline __attribute__((always_inline)) bool
NAME(gather_columns)(const NAME(gather) *p, int64_t v, int64_t from, int count, int thread)
{
	enum
	{
		LANES = 32 / sizeof(REAL)
	};
	const uint32_t *neighbors = p->in->neighbors;
	int64_t		begin = p->in->offsets[v];
	int64_t		end = p->in->offsets[v + 1];
	double		row_scale = p->row_scale ? p->row_scale[v] : 1;
	REAL	   *z = p->z + v * p->stride + from;
	double		total[4 * LANES];
	NAME(vector) sum[4];

	for (int c = 0; c < count * LANES; c++)
		total[c] = p->self ? p->self[v] * p->x[v * p->stride + from + c] : 0;
	for (int64_t tile = begin; tile < end; tile += RK_TERMS)
	{
		int64_t		last = tile + RK_TERMS < end ? tile + RK_TERMS : end;

		if (((tile - begin) & 0xffff) == 0xff00 && rk_chunk_should_stop(p->ctx, thread))
			return false;
		memset(sum, 0, sizeof(sum));
		for (int64_t i = tile; i < last; i++)
		{
			const REAL *x = p->x + neighbors[i] * p->stride + from;
			REAL		w = (REAL) ((p->weights ? p->weights[i] : 1) * (p->scale ? p->scale[neighbors[i]] : 1));

			for (int c = 0; c < count; c++)
			{
				NAME(vector) part;

				memcpy(&part, x + c * LANES, sizeof(part));
				sum[c] += w * part;
			}
		}
		for (int c = 0; c < count * LANES; c++)
			total[c] += sum[c / LANES][c % LANES];
	}
	for (int c = 0; c < count * LANES; c++)
		z[c] = (REAL) (total[c] * row_scale);
	return true;
}

WIDE static bool
NAME(gather_row)(const NAME(gather) *p, int64_t v, int thread)
{
	const int64_t lanes = 32 / sizeof(REAL);
	int64_t		c = 0;

	for (; c + 4 * lanes <= p->stride; c += 4 * lanes)
		if (!NAME(gather_columns)(p, v, c, 4, thread))
			return false;
	return c == p->stride || NAME(gather_columns)(p, v, c, 2, thread);
}

static void
NAME(gather_largest)(const NAME(gather) *p, int64_t v)
{
	REAL	   *z = p->z + v * p->stride;
	int64_t		begin = p->in->offsets[v];
	int64_t		end = p->in->offsets[v + 1];

	if (p->self)
		memcpy(z, p->x + v * p->stride, sizeof(REAL) * p->stride);
	else if (begin < end)
		memcpy(z, p->x + p->in->neighbors[begin] * p->stride, sizeof(REAL) * p->stride);
	else
		memset(z, 0, sizeof(REAL) * p->stride);
	for (int64_t i = begin; i < end; i++)
	{
		const REAL *x = p->x + p->in->neighbors[i] * p->stride;

		for (int64_t c = 0; c < p->stride; c++)
			z[c] = x[c] > z[c] ? x[c] : z[c];
	}
}

static void
NAME(gather_chunk)(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	NAME(gather) * p = arg;

	(void) chunk;
	for (int64_t v = begin; v < end; v++)
	{
		if (p->largest)
			NAME(gather_largest)(p, v);
		else if (!NAME(gather_row)(p, v, thread))
			return;
	}
}

/* Bias, activation and norm. */
typedef struct NAME(finish)
{
	const rk_gnn_layer *l;
	REAL	   *z;
	int64_t		stride;
} NAME(finish);

static void
NAME(finish_chunk)(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const NAME(finish) *p = arg;
	const rk_gnn_layer *l = p->l;

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		REAL	   *z = p->z + v * p->stride;
		double		mean = 0;
		double		variance = 0;

		for (int64_t c = 0; l->bias && c < l->out; c++)
			z[c] += (REAL) l->bias[c];
		if (l->activation == RK_ACTIVATION_RELU)
			for (int64_t c = 0; c < l->out; c++)
				z[c] = z[c] > 0 ? z[c] : 0;
		else if (l->activation != RK_ACTIVATION_NONE)
			for (int64_t c = 0; c < l->out; c++)
				z[c] = NAME(activate)(l->activation, z[c]);
		if (!l->normalize)
			continue;
		for (int64_t c = 0; c < l->out; c++)
			mean += z[c];
		mean /= l->out;
		for (int64_t c = 0; c < l->out; c++)
			variance += (z[c] - mean) * (z[c] - mean);
		variance = 1 / sqrt(variance / l->out + l->eps);
		for (int64_t c = 0; c < l->out; c++)
			z[c] = (REAL) ((z[c] - mean) * variance * (l->gamma ? l->gamma[c] : 1) + (l->beta ? l->beta[c] : 0));
	}
}

/* One layer: *x, of l->in columns, becomes of l->out. */
static rk_status
NAME(layer)(const gnn_run *run, const rk_gnn_layer *l, REAL **x)
{
	rk_ctx	   *ctx = run->ctx;
	int64_t		n = run->g->nodes;
	int64_t		in = NAME(padded)(l->in);
	int64_t		out = NAME(padded)(l->out);
	bool		shorter = out < in && l->aggregation != RK_AGGREGATE_MAX;
	REAL	   *packed = NAME(pack)(ctx, l->weight, l->in, l->out);
	REAL	   *packed_self = l->self_weight ? NAME(pack)(ctx, l->self_weight, l->in, l->out) : NULL;
	REAL	   *middle = rk_alloc(ctx, n * (shorter ? out : in), sizeof(REAL));
	REAL	   *z = rk_alloc(ctx, n * out, sizeof(REAL));
	NAME(product) product = {.in = l->in,.x_stride = in,.packed = packed,.out = out,.z_stride = out};
	NAME(gather) gather = {.ctx = ctx,.in = &run->g->in};
	NAME(finish) finish = {.l = l,.z = z,.stride = out};
	rk_status	status;

	if (!packed || !middle || !z || (l->self_weight && !packed_self))
		return RK_ERR_MEMORY;
	choose_scales(run, l, &gather.weights, &gather.scale, &gather.row_scale, &gather.self);
	gather.largest = l->aggregation == RK_AGGREGATE_MAX;
	gather.x = shorter ? middle : *x;
	gather.z = shorter ? z : middle;
	gather.stride = shorter ? out : in;
	product.x = shorter ? *x : middle;
	product.z = shorter ? middle : z;
	if (shorter && (status = NAME(run_product)(ctx, n, &product)) != RK_OK)
		return status;
	if ((status = rk_parallel_ranges(ctx, run->bounds, run->chunks, NAME(gather_chunk), &gather)) != RK_OK)
		return status;
	if (!shorter && (status = NAME(run_product)(ctx, n, &product)) != RK_OK)
		return status;
	if (packed_self)
	{
		product.x = *x;
		product.packed = packed_self;
		product.z = z;
		product.add = true;
		if ((status = NAME(run_product)(ctx, n, &product)) != RK_OK)
			return status;
	}
	if ((status = rk_parallel_for(ctx, n, 20000 / out + 1, NAME(finish_chunk), &finish)) != RK_OK)
		return status;
	rk_free(ctx, packed);
	rk_free(ctx, packed_self);
	rk_free(ctx, middle);
	rk_free(ctx, *x);
	*x = z;
	return RK_OK;
}

/* All layers; embedding gets the last one's vectors. */
static rk_status
NAME(run)(const gnn_run *run, const double *features, double *embedding)
{
	const rk_gnn_model *model = run->model;
	int64_t		n = run->g->nodes;
	int64_t		out = model->layer[model->layers - 1].out;
	REAL	   *x = NAME(spread)(run->ctx, features, n, model->layer[0].in);
	rk_status	status;

	if (x == NULL)
		return RK_ERR_MEMORY;
	for (int l = 0; l < model->layers; l++)
	{
		rk_progress(run->ctx, l);
		if ((status = NAME(layer)(run, &model->layer[l], &x)) != RK_OK)
			return status;
	}
	for (int64_t v = 0; v < n; v++)
		for (int64_t c = 0; c < out; c++)
			embedding[v * out + c] = x[v * NAME(padded)(out) + c];
	rk_free(run->ctx, x);
	return RK_OK;
}
