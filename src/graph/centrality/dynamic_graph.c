/*
 * dynamic_graph.c
 *	  A directed graph that changes edge by edge.
 *
 * Nodes, pairs and rows are arrays with free lists; three hash tables find
 * them by id, by (source, target) and by (pair, weight).  A change first makes
 * room for all that it may add, which can fail, then changes, which cannot.
 */
#include "dynamic_graph.h"

/* ---- tables ---- */

static rk_status
table_init(rk_ctx *ctx, rk_index_table *t, uint32_t size)
{
	t->slots = rk_alloc(ctx, size, sizeof(uint32_t));
	if (t->slots == NULL)
		return RK_ERR_MEMORY;
	memset(t->slots, 0xFF, size * sizeof(uint32_t));
	t->mask = size - 1;
	t->count = 0;
	return RK_OK;
}

/* Makes room for more entries: at most half full. */
static rk_status
table_reserve(rk_ctx *ctx, rk_dynamic_graph *g, rk_index_table *t, uint32_t more, rk_index_hash hash)
{
	rk_index_table larger;
	uint32_t	size = t->mask + 1;

	while ((t->count + more) * 2 > size - 1)
		size *= 2;
	if (size == t->mask + 1)
		return RK_OK;
	if (table_init(ctx, &larger, size) != RK_OK)
		return RK_ERR_MEMORY;
	for (uint32_t i = 0; i <= t->mask; i++)
		if (t->slots[i] != RK_NO_INDEX)
			rk_index_add(&larger, hash(g, t->slots[i]), t->slots[i]);
	rk_free(ctx, t->slots);
	*t = larger;
	return RK_OK;
}

int64_t
rk_dynamic_pair_index(const rk_dynamic_graph *g, uint32_t source, uint32_t target)
{
	uint32_t	p = rk_dynamic_find_pair(g, source, target);

	return p == RK_NO_INDEX ? -1 : (int64_t) p;
}

/* ---- room ---- */

rk_status
rk_dynamic_graph_init(rk_ctx *ctx, const rk_options *options, rk_dynamic_graph *g, bool undirected)
{
	memset(g, 0, sizeof(*g));
	g->undirected = undirected;
	g->free_node = g->free_pair = g->free_row = RK_NO_INDEX;
	if (table_init(ctx, &g->node_table, 64) != RK_OK || table_init(ctx, &g->pair_table, 64) != RK_OK ||
		table_init(ctx, &g->row_table, 64) != RK_OK)
		return RK_ERR_MEMORY;
	return rk_keys_init(ctx, options, &g->keys);
}

static rk_status
array_reserve(rk_ctx *ctx, void **array, uint32_t *capacity, uint32_t needed, size_t size)
{
	uint32_t	larger = *capacity < 64 ? 64 : *capacity * 2;
	void	   *p;

	if (needed <= *capacity)
		return RK_OK;
	if (needed > UINT32_MAX / 2)
		return rk_fail(ctx, RK_ERR_LIMIT, "graph is too large");
	while (larger < needed)
		larger *= 2;
	p = *array ? rk_realloc(ctx, *array, larger, size) : rk_alloc(ctx, larger, size);
	if (p == NULL)
		return RK_ERR_MEMORY;
	*array = p;
	*capacity = larger;
	return RK_OK;
}

rk_status
rk_dynamic_reserve(rk_ctx *ctx, rk_dynamic_graph *g)
{
	rk_status	status;

	if ((status = array_reserve(ctx, (void **) &g->nodes, &g->node_capacity, g->node_end + 2,
								sizeof(*g->nodes))) != RK_OK ||
		(status = array_reserve(ctx, (void **) &g->pairs, &g->pair_capacity, g->pair_end + 2,
								sizeof(*g->pairs))) != RK_OK ||
		(status = array_reserve(ctx, (void **) &g->rows, &g->row_capacity, g->row_end + 2,
								sizeof(*g->rows))) != RK_OK ||
		(status = table_reserve(ctx, g, &g->node_table, 2, rk_node_hash)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->pair_table, 2, rk_pair_hash)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->row_table, 2, rk_row_hash)) != RK_OK)
		return status;
	return RK_OK;
}

/* ---- changes ---- */

rk_status
rk_dynamic_room(rk_ctx *ctx, rk_dynamic_graph *g)
{
	rk_status	status;

	if ((status = array_reserve(ctx, (void **) &g->nodes, &g->node_capacity, g->node_end + g->node_end / 2 + 64,
								sizeof(*g->nodes))) != RK_OK ||
		(status = array_reserve(ctx, (void **) &g->pairs, &g->pair_capacity, g->pair_end + g->pair_end / 2 + 64,
								sizeof(*g->pairs))) != RK_OK ||
		(status = array_reserve(ctx, (void **) &g->rows, &g->row_capacity, g->row_end + g->row_end / 2 + 64,
								sizeof(*g->rows))) != RK_OK ||
		(status = table_reserve(ctx, g, &g->node_table, g->node_table.count / 2 + 64, rk_node_hash)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->pair_table, g->pair_table.count / 2 + 64, rk_pair_hash)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->row_table, g->row_table.count / 2 + 64, rk_row_hash)) != RK_OK)
		return status;
	return RK_OK;
}

rk_status
rk_dynamic_change(rk_ctx *ctx, rk_dynamic_graph *g, rk_edge_op op, int64_t source, int64_t target, int64_t weight,
				  bool *found)
{
	const char *why;
	rk_status	status = rk_dynamic_check(g, op, source, target, weight, &why);

	if (status != RK_OK)
		return rk_fail(ctx, status, "%s", why);
	if (op != RK_EDGE_REMOVE && (status = rk_dynamic_reserve(ctx, g)) != RK_OK)
		return status;
	*found = rk_dynamic_apply(g, op, source, target, weight);
	return RK_OK;
}

rk_status
rk_dynamic_pin(rk_ctx *ctx, rk_dynamic_graph *g, int64_t id, bool pinned, bool *changed)
{
	uint32_t	i = rk_dynamic_find(g, id);

	*changed = pinned != (i != RK_NO_INDEX && g->nodes[i].pinned);
	if (!*changed)
		return RK_OK;
	if (pinned)
	{
		if (rk_dynamic_reserve(ctx, g) != RK_OK)
			return ctx->error.status;
		i = rk_dynamic_node_of(g, id);
	}
	g->nodes[i].pinned = pinned;
	if (!pinned)
		rk_dynamic_drop_if_bare(g, i);
	g->version++;
	return RK_OK;
}

rk_status
rk_dynamic_compact(rk_ctx *ctx, rk_dynamic_graph *g)
{
	uint32_t	count = g->pair_table.count;
	rk_dynamic_pair *pairs = rk_alloc(ctx, g->pair_capacity > 0 ? g->pair_capacity : 1, sizeof(*pairs));
	uint32_t   *place = rk_alloc(ctx, g->pair_end + 1, sizeof(*place));
	uint32_t	at = 0;

	if (pairs == NULL || place == NULL)
	{
		rk_free(ctx, pairs);
		rk_free(ctx, place);
		return RK_ERR_MEMORY;
	}
	for (uint32_t i = 0; i < g->node_end; i++)
	{
		uint32_t	first = at;

		if (!g->nodes[i].used)
			continue;
		for (uint32_t p = g->nodes[i].first_out; p != RK_NO_INDEX; p = g->pairs[p].next_out)
		{
			place[p] = at;
			pairs[at] = g->pairs[p];
			pairs[at].previous_out = at > first ? at - 1 : RK_NO_INDEX;
			pairs[at].next_out = at + 1;
			at++;
		}
		if (at > first)
		{
			pairs[at - 1].next_out = RK_NO_INDEX;
			g->nodes[i].first_out = first;
		}
	}
	for (uint32_t r = 0; r < g->row_end; r++)
		if (g->rows[r].count > 0)
			g->rows[r].pair = place[g->rows[r].pair];
	rk_free(ctx, g->pairs);
	rk_free(ctx, place);
	g->pairs = pairs;
	g->pair_end = count;
	g->free_pair = RK_NO_INDEX;
	/* the tables hold indices of pairs, and hash rows by them */
	memset(g->pair_table.slots, 0xFF, sizeof(uint32_t) * ((size_t) g->pair_table.mask + 1));
	memset(g->row_table.slots, 0xFF, sizeof(uint32_t) * ((size_t) g->row_table.mask + 1));
	g->pair_table.count = g->row_table.count = 0;
	for (uint32_t p = 0; p < count; p++)
		rk_index_add(&g->pair_table, rk_pair_hash(g, p), p);
	for (uint32_t r = 0; r < g->row_end; r++)
		if (g->rows[r].count > 0)
			rk_index_add(&g->row_table, rk_row_hash(g, r), r);
	return RK_OK;
}

/* ---- snapshots ---- */

/* Nodes in the order of their indices, then rows whose ends are numbers of nodes in that order. */
typedef struct stored_node
{
	int64_t		id;
	int64_t		pinned;
} stored_node;

typedef struct stored_row
{
	uint32_t	source;
	uint32_t	target;
	int64_t		weight;
	int64_t		count;
} stored_row;

/* Whether a snapshot has this row: of an undirected graph, one of its two directions. */
static bool
is_stored(const rk_dynamic_graph *g, uint32_t r)
{
	const rk_dynamic_pair *p = &g->pairs[g->rows[r].pair];

	return g->rows[r].count > 0 && (!g->undirected || g->nodes[p->source].id <= g->nodes[p->target].id);
}

rk_status
rk_dynamic_write(rk_ctx *ctx, const rk_dynamic_graph *g, rk_writer *writer)
{
	int64_t		header[3] = {g->version, g->node_count, 0};
	uint32_t   *number = rk_alloc(ctx, (size_t) g->node_end + 1, sizeof(*number));
	uint32_t	count = 0;
	rk_status	status;

	if (number == NULL)
		return RK_ERR_MEMORY;
	for (uint32_t r = 0; r < g->row_end; r++)
		header[2] += is_stored(g, r);
	status = rk_keys_write(ctx, &g->keys, writer);
	if (status == RK_OK)
		status = rk_write(ctx, writer, header, sizeof(header));
	for (uint32_t i = 0; i < g->node_end && status == RK_OK; i++)
		if (g->nodes[i].used)
		{
			stored_node node = {g->nodes[i].id, g->nodes[i].pinned};

			number[i] = count++;
			status = rk_write(ctx, writer, &node, sizeof(node));
		}
	for (uint32_t r = 0; r < g->row_end && status == RK_OK; r++)
		if (is_stored(g, r))
		{
			const rk_dynamic_pair *p = &g->pairs[g->rows[r].pair];
			stored_row	row = {number[p->source], number[p->target], g->rows[r].weight, g->rows[r].count};

			status = rk_write(ctx, writer, &row, sizeof(row));
		}
	rk_free(ctx, number);
	return status;
}

rk_status
rk_dynamic_read(rk_ctx *ctx, rk_dynamic_graph *g, rk_reader *reader)
{
	int64_t		header[3] = {0};
	rk_status	status = rk_keys_read(ctx, &g->keys, reader);

	if (status == RK_OK)
		status = rk_read_bytes(ctx, reader, header, sizeof(header));

	for (int64_t i = 0; status == RK_OK && i < header[1]; i++)
	{
		stored_node node;

		if ((status = rk_read_bytes(ctx, reader, &node, sizeof(node))) != RK_OK ||
			(status = rk_dynamic_reserve(ctx, g)) != RK_OK)
			return status;
		if (rk_dynamic_find(g, node.id) != RK_NO_INDEX)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a node twice");
		if (g->keys.type != RK_IDS_BIGINT && (node.id < 0 || node.id >= rk_keys_count(&g->keys)))
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a node without an id");
		g->nodes[rk_dynamic_node_of(g, node.id)].pinned = node.pinned != 0;
	}
	for (int64_t i = 0; status == RK_OK && i < header[2]; i++)
	{
		stored_row	row;

		if ((status = rk_read_bytes(ctx, reader, &row, sizeof(row))) != RK_OK ||
			(status = rk_dynamic_reserve(ctx, g)) != RK_OK)
			return status;
		if (row.count < 1 || row.weight < 0 || row.source >= g->node_end || row.target >= g->node_end)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible edge");
		rk_dynamic_add_rows(g, g->nodes[row.source].id, g->nodes[row.target].id, row.weight, row.count);
		if (g->undirected && row.source != row.target)
		{
			rk_dynamic_add_rows(g, g->nodes[row.target].id, g->nodes[row.source].id, row.weight, row.count);
			g->edge_count -= row.count;
		}
	}
	if (status == RK_OK)
		g->version = header[0];
	return status;
}

uint64_t
rk_dynamic_checksum(const rk_dynamic_graph *g)
{
	uint64_t	sum = rk_hash1((uint64_t) g->version);

	for (uint32_t r = 0; r < g->row_end; r++)
		if (g->rows[r].count > 0)
		{
			const rk_dynamic_pair *p = &g->pairs[g->rows[r].pair];

			sum += rk_hash3(rk_keys_value_hash(&g->keys, g->nodes[p->source].id),
							rk_keys_value_hash(&g->keys, g->nodes[p->target].id),
							(uint64_t) g->rows[r].weight) * (uint64_t) g->rows[r].count;
		}
	for (uint32_t i = 0; i < g->node_end; i++)
		if (g->nodes[i].used && g->nodes[i].pinned)
			sum += rk_hash2(UINT64_C(0x70696e), rk_keys_value_hash(&g->keys, g->nodes[i].id));
	return sum;
}
