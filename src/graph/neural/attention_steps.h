/*
 * attention_steps.h
 *	  The heads of graph_attention.c for one type of numbers; REAL and NAME as
 *	  layer_steps.h wants them, which is included before.
 */

/* One head at work. */
typedef struct NAME(head)
{
	const attention_run *run;
	const rk_attention_head *what;
	int64_t		stride;			/* of q, k and v */
	const REAL *q;
	const REAL *k;
	const REAL *v;
	REAL	   *own;			/* n: a q_i and */
	REAL	   *other;			/* n: a k_j, of gat */
	REAL	   *vector;			/* stride: a, of gatv2, padded */
	double	   *attention;		/* entries of the run */
	REAL	   *z;				/* result: o_i is added to it, times share */
	int64_t		z_stride;
	REAL		share;
} NAME(head);

/* The parts of e_ij that one node brings. */
static void
NAME(part_chunk)(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	NAME(head) * h = arg;
	int64_t		width = h->run->model->width;

	(void) chunk;
	(void) thread;
	for (int64_t i = begin; i < end; i++)
	{
		double		own = 0;
		double		other = 0;

		for (int64_t c = 0; c < width; c++)
		{
			own += h->what->attention[c] * h->q[i * h->stride + c];
			other += h->what->attention[width + c] * h->k[i * h->stride + c];
		}
		h->own[i] = (REAL) own;
		h->other[i] = (REAL) other;
	}
}

/* a leaky_relu(q + k), in lanes that are added at the end. */
static inline REAL
NAME(score)(const REAL *q, const REAL *k, const REAL *a, int64_t stride, REAL slope)
{
	enum
	{
		LANES = 32 / sizeof(REAL)
	};
	REAL		sum[LANES] = {0};
	double		total = 0;

	for (int64_t c = 0; c < stride; c += LANES)
		for (int l = 0; l < LANES; l++)
		{
			REAL		x = q[c + l] + k[c + l];

			sum[l] += a[c + l] * (x > 0 ? x : x * slope);
		}
	for (int l = 0; l < LANES; l++)
		total += sum[l];
	return (REAL) total;
}

/* Attention of node i, and the sum of the values it looks at. */
WIDE static bool
NAME(attend)(const NAME(head) *h, int64_t i, int thread)
{
	const attention_run *run = h->run;
	const uint32_t *neighbors = run->neighbors;
	int64_t		begin = run->offsets[i];
	int64_t		end = run->offsets[i + 1];
	REAL		slope = (REAL) run->model->negative_slope;
	REAL	   *z = h->z + i * h->z_stride;
	double		largest = -INFINITY;
	double		sum = 0;

	for (int64_t e = begin; e < end; e++)
	{
		uint32_t	j = neighbors[e];
		REAL		x;

		if (((e - begin) & 0xffff) == 0xffff && rk_chunk_should_stop(run->ctx, thread))
			return false;
		if (run->model->second)
			x = NAME(score)(h->q + i * h->stride, h->k + j * h->stride, h->vector, h->stride, slope);
		else
		{
			x = h->own[i] + h->other[j];
			x = x > 0 ? x : x * slope;
		}
		h->attention[e] = x;
		largest = x > largest ? x : largest;
	}
	for (int64_t e = begin; e < end; e++)
		sum += h->attention[e] = exp(h->attention[e] - largest);
	for (int64_t e = begin; e < end; e++)
	{
		const REAL *v = h->v + neighbors[e] * h->stride;
		REAL		share;

		if (((e - begin) & 0xffff) == 0xffff && rk_chunk_should_stop(run->ctx, thread))
			return false;
		h->attention[e] /= sum;
		share = h->share * (REAL) h->attention[e];
		for (int64_t c = 0; c < run->model->width; c++)
			z[c] += share * v[c];
	}
	return true;
}

static void
NAME(attend_chunk)(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	(void) chunk;
	for (int64_t i = begin; i < end; i++)
		if (!NAME(attend)(arg, i, thread))
			return;
}

/* x times a matrix of the head; the one of before where it is the same. */
static rk_status
NAME(project)(const attention_run *run, const REAL *x, const double *matrix, const REAL **result)
{
	const rk_attention_model *model = run->model;
	int64_t		out = NAME(padded)(model->width);
	REAL	   *packed = NAME(pack)(run->ctx, matrix, model->in, model->width);
	REAL	   *z = rk_alloc(run->ctx, run->nodes * out, sizeof(REAL));
	NAME(product) product = {.x = x,.in = model->in,.x_stride = NAME(padded)(model->in),.packed = packed,
		.out = out,.z = z,.z_stride = out};
	rk_status	status;

	if (!packed || !z)
		return RK_ERR_MEMORY;
	status = NAME(run_product)(run->ctx, run->nodes, &product);
	rk_free(run->ctx, packed);
	*result = z;
	return status;
}

/* Adds the result of one head to z. */
static rk_status
NAME(run_head)(const attention_run *run, int number, const REAL *x, double *attention, REAL *z,
			   int64_t z_stride)
{
	const rk_attention_model *model = run->model;
	rk_ctx	   *ctx = run->ctx;
	NAME(head) h = {.run = run,.what = &model->head[number],.stride = NAME(padded)(model->width),
		.attention = attention,.z = z + (model->concat ? number * model->width : 0),.z_stride = z_stride,
		.share = model->concat ? 1 : (REAL) 1 / (REAL) model->heads};
	rk_status	status = NAME(project)(run, x, h.what->query, &h.q);

	h.k = h.v = h.q;
	if (status == RK_OK && h.what->key != h.what->query)
		status = NAME(project)(run, x, h.what->key, &h.k);
	if (status == RK_OK && h.what->value == h.what->key)
		h.v = h.k;
	else if (status == RK_OK && h.what->value != h.what->query)
		status = NAME(project)(run, x, h.what->value, &h.v);
	if (status != RK_OK)
		return status;
	if (model->second)
	{
		if ((h.vector = rk_alloc0(ctx, h.stride, sizeof(REAL))) == NULL)
			return RK_ERR_MEMORY;
		for (int64_t c = 0; c < model->width; c++)
			h.vector[c] = (REAL) h.what->attention[c];
	}
	else
	{
		h.own = rk_alloc(ctx, run->nodes, sizeof(REAL));
		h.other = rk_alloc(ctx, run->nodes, sizeof(REAL));
		if (!h.own || !h.other)
			return RK_ERR_MEMORY;
		if ((status = rk_parallel_for(ctx, run->nodes, 20000 / h.stride + 1, NAME(part_chunk), &h)) != RK_OK)
			return status;
	}
	if ((status = rk_parallel_ranges(ctx, run->bounds, run->chunks, NAME(attend_chunk), &h)) != RK_OK)
		return status;
	if (h.v != h.k && h.v != h.q)
		rk_free(ctx, (void *) h.v);
	if (h.k != h.q)
		rk_free(ctx, (void *) h.k);
	rk_free(ctx, (void *) h.q);
	rk_free(ctx, h.vector);
	rk_free(ctx, h.own);
	rk_free(ctx, h.other);
	return RK_OK;
}

/* All heads, and what comes after them. */
static rk_status
NAME(run)(const attention_run *run, const double *features, rk_attention_result *result)
{
	const rk_attention_model *model = run->model;
	rk_ctx	   *ctx = run->ctx;
	int64_t		n = run->nodes;
	int64_t		columns = model->concat ? model->heads * model->width : model->width;
	int64_t		stride = NAME(padded)(columns);
	int64_t		arcs = run->offsets[n];
	REAL	   *x = NAME(spread)(ctx, features, n, model->in);
	REAL	   *z = rk_alloc0(ctx, n * stride, sizeof(REAL));
	double	   *attention = result->attention ? NULL : rk_alloc(ctx, arcs, sizeof(double));
	rk_status	status;

	if (!x || !z || (!attention && !result->attention))
		return RK_ERR_MEMORY;
	for (int h = 0; h < model->heads; h++)
	{
		double	   *mine = result->attention ? result->attention + h * arcs : attention;

		rk_progress(ctx, h);
		if ((status = NAME(run_head)(run, h, x, mine, z, stride)) != RK_OK ||
			(status = add_importance(run, h, mine, result->importance)) != RK_OK)
			return status;
	}
	rk_free(ctx, x);
	rk_free(ctx, attention);
	if (model->output_weight)
	{
		int64_t		out = NAME(padded)(model->out);
		REAL	   *packed = NAME(pack)(ctx, model->output_weight, columns, model->out);
		REAL	   *y = rk_alloc(ctx, n * out, sizeof(REAL));
		NAME(product) product = {.x = z,.in = columns,.x_stride = stride,.packed = packed,.out = out,.z = y,.z_stride = out};

		if (!packed || !y)
			return RK_ERR_MEMORY;
		if ((status = NAME(run_product)(ctx, n, &product)) != RK_OK)
			return status;
		rk_free(ctx, packed);
		rk_free(ctx, z);
		z = y;
		stride = out;
	}
	for (int64_t v = 0; v < n; v++)
	{
		if ((v & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t c = 0; c < result->out; c++)
			result->embedding[v * result->out + c] = NAME(activate)(model->activation, z[v * stride + c] +
																	 (model->bias ? (REAL) model->bias[c] : 0));
	}
	rk_free(ctx, z);
	return RK_OK;
}
