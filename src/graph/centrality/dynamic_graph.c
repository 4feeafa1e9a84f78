/*
 * dynamic_graph.c
 *	  A directed graph that changes edge by edge.
 *
 * Nodes, pairs and rows are arrays with free lists; three hash tables find
 * them by id, by (source, target) and by (pair, weight).  A change first makes
 * room for all that it may add, which can fail, then changes, which cannot.
 */
#include "dynamic_graph.h"

#include "../../compute/random.h"

/* ---- tables ---- */

static uint32_t
hash_node(int64_t id)
{
	return (uint32_t) rk_hash1((uint64_t) id);
}

static uint32_t
hash_pair(uint32_t source, uint32_t target)
{
	return (uint32_t) rk_hash1((uint64_t) source << 32 | target);
}

static uint32_t
hash_row(uint32_t pair, int64_t weight)
{
	return (uint32_t) rk_hash2(pair, (uint64_t) weight);
}

/* Which of the three tables: hash of the entry with this index. */
typedef uint32_t (*hash_fn) (const rk_dynamic_graph *g, uint32_t index);

static uint32_t
hash_of_node(const rk_dynamic_graph *g, uint32_t i)
{
	return hash_node(g->nodes[i].id);
}

static uint32_t
hash_of_pair(const rk_dynamic_graph *g, uint32_t i)
{
	return hash_pair(g->pairs[i].source, g->pairs[i].target);
}

static uint32_t
hash_of_row(const rk_dynamic_graph *g, uint32_t i)
{
	return hash_row(g->rows[i].pair, g->rows[i].weight);
}

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

static void
table_add(rk_index_table *t, uint32_t hash, uint32_t index)
{
	uint32_t	i = hash & t->mask;

	while (t->slots[i] != RK_NO_INDEX)
		i = (i + 1) & t->mask;
	t->slots[i] = index;
	t->count++;
}

/* Makes room for more entries: at most half full. */
static rk_status
table_reserve(rk_ctx *ctx, rk_dynamic_graph *g, rk_index_table *t, uint32_t more, hash_fn hash)
{
	rk_index_table larger;

	if ((t->count + more) * 2 <= t->mask)
		return RK_OK;
	if (table_init(ctx, &larger, (t->mask + 1) * 2) != RK_OK)
		return RK_ERR_MEMORY;
	for (uint32_t i = 0; i <= t->mask; i++)
		if (t->slots[i] != RK_NO_INDEX)
			table_add(&larger, hash(g, t->slots[i]), t->slots[i]);
	rk_free(ctx, t->slots);
	*t = larger;
	return RK_OK;
}

/* Takes an entry out and closes the gap behind it. */
static void
table_remove(const rk_dynamic_graph *g, rk_index_table *t, uint32_t index, hash_fn hash)
{
	uint32_t	i = hash(g, index) & t->mask;
	uint32_t	gap;

	while (t->slots[i] != index)
		i = (i + 1) & t->mask;
	gap = i;
	for (;;)
	{
		uint32_t	home;

		i = (i + 1) & t->mask;
		if (t->slots[i] == RK_NO_INDEX)
			break;
		home = hash(g, t->slots[i]) & t->mask;
		/* it may move if its home is not between gap and i */
		if (((i - home) & t->mask) >= ((i - gap) & t->mask))
		{
			t->slots[gap] = t->slots[i];
			gap = i;
		}
	}
	t->slots[gap] = RK_NO_INDEX;
	t->count--;
}

uint32_t
rk_dynamic_find(const rk_dynamic_graph *g, int64_t id)
{
	const rk_index_table *t = &g->node_table;

	for (uint32_t i = hash_node(id) & t->mask;; i = (i + 1) & t->mask)
		if (t->slots[i] == RK_NO_INDEX || g->nodes[t->slots[i]].id == id)
			return t->slots[i];
}

static uint32_t
find_pair(const rk_dynamic_graph *g, uint32_t source, uint32_t target)
{
	const rk_index_table *t = &g->pair_table;

	if (source == RK_NO_INDEX || target == RK_NO_INDEX)
		return RK_NO_INDEX;
	for (uint32_t i = hash_pair(source, target) & t->mask;; i = (i + 1) & t->mask)
	{
		uint32_t	p = t->slots[i];

		if (p == RK_NO_INDEX || (g->pairs[p].source == source && g->pairs[p].target == target))
			return p;
	}
}

int64_t
rk_dynamic_pair_index(const rk_dynamic_graph *g, uint32_t source, uint32_t target)
{
	uint32_t	p = find_pair(g, source, target);

	return p == RK_NO_INDEX ? -1 : (int64_t) p;
}

static uint32_t
find_row(const rk_dynamic_graph *g, uint32_t pair, int64_t weight)
{
	const rk_index_table *t = &g->row_table;

	for (uint32_t i = hash_row(pair, weight) & t->mask;; i = (i + 1) & t->mask)
	{
		uint32_t	r = t->slots[i];

		if (r == RK_NO_INDEX || (g->rows[r].pair == pair && g->rows[r].weight == weight))
			return r;
	}
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
		(status = table_reserve(ctx, g, &g->node_table, 2, hash_of_node)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->pair_table, 2, hash_of_pair)) != RK_OK ||
		(status = table_reserve(ctx, g, &g->row_table, 2, hash_of_row)) != RK_OK)
		return status;
	return RK_OK;
}

/* ---- changes ---- */

static uint32_t
node_of(rk_dynamic_graph *g, int64_t id)
{
	uint32_t	i = rk_dynamic_find(g, id);

	if (i != RK_NO_INDEX)
		return i;
	i = g->free_node;
	if (i != RK_NO_INDEX)
		g->free_node = g->nodes[i].first_out;
	else
		i = g->node_end++;
	g->nodes[i] = (rk_dynamic_node) {.id = id,.first_out = RK_NO_INDEX,.used = true};
	table_add(&g->node_table, hash_node(id), i);
	g->node_count++;
	return i;
}

static void
drop_if_bare(rk_dynamic_graph *g, uint32_t i)
{
	rk_dynamic_node *n = &g->nodes[i];

	if (!n->used || n->pinned || n->in_rows + n->out_rows > 0)
		return;
	table_remove(g, &g->node_table, i, hash_of_node);
	n->used = false;
	n->first_out = g->free_node;
	g->free_node = i;
	g->node_count--;
}

/* Adds count rows of one weight; there is room. */
static void
add_rows(rk_dynamic_graph *g, int64_t source, int64_t target, int64_t weight, int64_t count)
{
	uint32_t	s = node_of(g, source);
	uint32_t	t = node_of(g, target);
	uint32_t	p = find_pair(g, s, t);
	uint32_t	r;

	if (p == RK_NO_INDEX)
	{
		if (g->free_pair != RK_NO_INDEX)
		{
			p = g->free_pair;
			g->free_pair = g->pairs[p].next_out;
		}
		else
			p = g->pair_end++;
		g->pairs[p] = (rk_dynamic_pair) {
			.source = s,.target = t,.next_out = g->nodes[s].first_out,.previous_out = RK_NO_INDEX
		};
		if (g->nodes[s].first_out != RK_NO_INDEX)
			g->pairs[g->nodes[s].first_out].previous_out = p;
		g->nodes[s].first_out = p;
		table_add(&g->pair_table, hash_pair(s, t), p);
		g->nodes[s].out_degree++;
		g->nodes[t].in_degree++;
		if (s == t)
			g->nodes[s].loop = true;
		else if (find_pair(g, t, s) == RK_NO_INDEX)
		{
			g->nodes[s].neighbors++;
			g->nodes[t].neighbors++;
		}
	}
	r = find_row(g, p, weight);
	if (r == RK_NO_INDEX)
	{
		if (g->free_row != RK_NO_INDEX)
		{
			r = g->free_row;
			g->free_row = g->rows[r].next_free;
		}
		else
			r = g->row_end++;
		g->rows[r] = (rk_dynamic_row) {.pair = p,.weight = weight};
		table_add(&g->row_table, hash_row(p, weight), r);
	}
	g->rows[r].count += count;
	g->pairs[p].rows += count;
	g->pairs[p].weight += weight * count;
	g->nodes[s].out_rows += count;
	g->nodes[t].in_rows += count;
	g->nodes[s].out_strength += weight * count;
	g->nodes[t].in_strength += weight * count;
	g->edge_count += count;
}

/* Takes count rows of a row entry away, and what is empty then. */
static void
remove_rows(rk_dynamic_graph *g, uint32_t r, int64_t count)
{
	uint32_t	p = g->rows[r].pair;
	int64_t		weight = g->rows[r].weight;
	uint32_t	s = g->pairs[p].source;
	uint32_t	t = g->pairs[p].target;

	g->rows[r].count -= count;
	g->pairs[p].rows -= count;
	g->pairs[p].weight -= weight * count;
	g->nodes[s].out_rows -= count;
	g->nodes[t].in_rows -= count;
	g->nodes[s].out_strength -= weight * count;
	g->nodes[t].in_strength -= weight * count;
	g->edge_count -= count;
	if (g->rows[r].count == 0)
	{
		table_remove(g, &g->row_table, r, hash_of_row);
		g->rows[r].next_free = g->free_row;
		g->free_row = r;
	}
	if (g->pairs[p].rows > 0)
		return;
	g->nodes[s].out_degree--;
	g->nodes[t].in_degree--;
	if (s == t)
		g->nodes[s].loop = false;
	else if (find_pair(g, t, s) == RK_NO_INDEX)
	{
		g->nodes[s].neighbors--;
		g->nodes[t].neighbors--;
	}
	if (g->pairs[p].previous_out != RK_NO_INDEX)
		g->pairs[g->pairs[p].previous_out].next_out = g->pairs[p].next_out;
	else
		g->nodes[s].first_out = g->pairs[p].next_out;
	if (g->pairs[p].next_out != RK_NO_INDEX)
		g->pairs[g->pairs[p].next_out].previous_out = g->pairs[p].previous_out;
	table_remove(g, &g->pair_table, p, hash_of_pair);
	g->pairs[p].next_out = g->free_pair;
	g->free_pair = p;
	drop_if_bare(g, s);
	if (t != s)
		drop_if_bare(g, t);
}

/* Whether more weight fits into the sums at both ends. */
static bool
fits(const rk_dynamic_graph *g, uint32_t s, uint32_t t, int64_t weight)
{
	int64_t		sum;

	return (s == RK_NO_INDEX || !__builtin_add_overflow(g->nodes[s].out_strength, weight, &sum)) &&
		(t == RK_NO_INDEX || !__builtin_add_overflow(g->nodes[t].in_strength, weight, &sum));
}

/* All rows of a pair become one. */
static void
set_rows(rk_dynamic_graph *g, int64_t source, int64_t target, uint32_t p, int64_t weight)
{
	int64_t		rows = g->pairs[p].rows;
	uint32_t	r = find_row(g, p, g->pairs[p].weight / rows);
	bool		alike = r != RK_NO_INDEX && g->rows[r].count == rows;

	/* the new row first, so that neither pair nor nodes vanish in between */
	add_rows(g, source, target, weight, 1);
	if (alike)
		remove_rows(g, r, rows);
	else
		for (r = 0; r < g->row_end && g->pairs[p].rows > 1; r++)
			if (g->rows[r].count > 0 && g->rows[r].pair == p)
				remove_rows(g, r, g->rows[r].count - (g->rows[r].weight == weight));
}

/* A change of one direction, which has been found to be possible; false when there is no such edge. */
static bool
change_arc(rk_dynamic_graph *g, rk_edge_op op, int64_t source, int64_t target, int64_t weight)
{
	uint32_t	p = find_pair(g, rk_dynamic_find(g, source), rk_dynamic_find(g, target));

	if (op == RK_EDGE_ADD)
		add_rows(g, source, target, weight, 1);
	else if (p == RK_NO_INDEX)
		return false;
	else if (op == RK_EDGE_SET)
		set_rows(g, source, target, p, weight);
	else
	{
		uint32_t	r = find_row(g, p, weight);

		if (r == RK_NO_INDEX)
			return false;
		remove_rows(g, r, 1);
	}
	return true;
}

rk_status
rk_dynamic_change(rk_ctx *ctx, rk_dynamic_graph *g, rk_edge_op op, int64_t source, int64_t target, int64_t weight,
				  bool *found)
{
	if (op != RK_EDGE_ADD && op != RK_EDGE_REMOVE && op != RK_EDGE_SET)
		return rk_fail(ctx, RK_ERR_PARAMETER, "unknown operation %d on an edge", (int) op);
	if (weight < 0)
		return rk_fail(ctx, RK_ERR_DATA, "weight of an edge must not be negative");
	if (op != RK_EDGE_REMOVE)
	{
		uint32_t	s = rk_dynamic_find(g, source);
		uint32_t	t = rk_dynamic_find(g, target);

		if (rk_dynamic_reserve(ctx, g) != RK_OK)
			return ctx->error.status;
		if (!fits(g, s, t, weight) || (g->undirected && !fits(g, t, s, weight)))
			return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of weights is out of range");
	}
	*found = change_arc(g, op, source, target, weight);
	if (*found && g->undirected && source != target)
	{
		/* the same rows, seen from the other end */
		int64_t		rows = g->edge_count;

		change_arc(g, op, target, source, weight);
		g->edge_count = rows;
	}
	g->version += *found;
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
		i = node_of(g, id);
	}
	g->nodes[i].pinned = pinned;
	if (!pinned)
		drop_if_bare(g, i);
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
		table_add(&g->pair_table, hash_of_pair(g, p), p);
	for (uint32_t r = 0; r < g->row_end; r++)
		if (g->rows[r].count > 0)
			table_add(&g->row_table, hash_of_row(g, r), r);
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
		g->nodes[node_of(g, node.id)].pinned = node.pinned != 0;
	}
	for (int64_t i = 0; status == RK_OK && i < header[2]; i++)
	{
		stored_row	row;

		if ((status = rk_read_bytes(ctx, reader, &row, sizeof(row))) != RK_OK ||
			(status = rk_dynamic_reserve(ctx, g)) != RK_OK)
			return status;
		if (row.count < 1 || row.weight < 0 || row.source >= g->node_end || row.target >= g->node_end)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible edge");
		add_rows(g, g->nodes[row.source].id, g->nodes[row.target].id, row.weight, row.count);
		if (g->undirected && row.source != row.target)
		{
			add_rows(g, g->nodes[row.target].id, g->nodes[row.source].id, row.weight, row.count);
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
