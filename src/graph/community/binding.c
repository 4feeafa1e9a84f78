/*
 * binding.c
 *	  The community kernels' door to SQL: arguments in, kernel, columns out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "../../relation/emit.h"
#include "../../relation/graph_input.h"
#include "community.h"

/* ---- graph/connected-components ---- */

static const rk_graph_options component_graph = {.directed = true,.want_out = true,.parallel = RK_EDGES_KEEP};

static bool
weak_mode(const rk_call *call)
{
	return strcmp(rk_arg_text(call, "mode"), "weak") == 0;
}

static void
connected_components_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	int64		component = size->nodes * sizeof(uint32);

	if (weak_mode(call))
		need->bytes = component + rk_graph_weak_components_memory(size->nodes, size->arcs, size->threads);
	else
	{
		need->graph = component_graph;
		need->bytes = component + rk_graph_strong_components_memory(size->nodes, size->arcs, size->threads);
	}
}

/* The component of every node, and the list of components. */
static rk_graph_input *
find_components(rk_call *call, uint32 **component, rk_components *result)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_NONE);
	rk_graph	g;

	*component = rk_call_alloc(call, input->edges.nodes, uint32);
	if (weak_mode(call))
	{
		rk_call_phase(call, "computing", 0);
		rk_call_check(call, rk_graph_weak_components_edges(&call->ctx, rk_input_edges(call, input), *component, result));
	}
	else
	{
		rk_build_graph(call, input, &component_graph, &g);
		rk_call_check(call, rk_graph_strong_components(&call->ctx, &g, *component, result));
	}
	rk_call_detail_int(call, "components", result->count);
	return input;
}

static void
connected_components(rk_call *call)
{
	uint32	   *component;
	rk_components c;
	rk_graph_input *input = find_components(call, &component, &c);

	rk_emit(call, input->edges.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_UINTS(component),
		RK_OUT_CODES_VIA(input->ids, c.root, component),
		RK_OUT_UINTS_VIA(c.size, component)
	}, NULL);
}

/* The row's number as a bigint. */
static Datum
row_number(void *arg, int64 row, bool *is_null)
{
	return Int64GetDatum(row);
}

static void
connected_components_sizes(rk_call *call)
{
	uint32	   *component;
	rk_components c;
	rk_graph_input *input = find_components(call, &component, &c);

	rk_emit(call, c.count, (rk_out[]) {
		RK_OUT_CALL(row_number, NULL),
		RK_OUT_CODES(input->ids, c.root),
		RK_OUT_UINTS(c.size)
	}, NULL);
}

RK_FUNCTION(rk_graph_connected_components_sql, "graph/connected-components", "");
RK_FUNCTION(rk_graph_connected_components_sizes_sql, "graph/connected-components", "_sizes");

/* ---- graph/louvain-community ---- */

/* The communities of a node at all levels as bigint[]. */
static Datum
levels_of_node(void *arg, int64 node, bool *is_null)
{
	const rk_communities *c = arg;
	Datum		levels[64];
	int			count = Min(c->levels, (int) lengthof(levels));

	for (int i = 0; i < count; i++)
		levels[i] = Int64GetDatum(c->community[i][node]);
	return PointerGetDatum(construct_array(levels, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static rk_graph_options
strength_graph(const rk_call *call, bool weighted)
{
	bool		directed = rk_arg_boolean(call, "directed");

	return (rk_graph_options) {
		.directed = directed,
		.want_in = directed,
		.want_out = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
}

static rk_louvain_params
louvain_params(const rk_call *call)
{
	return (rk_louvain_params) {
		.resolution = rk_arg_float8(call, "resolution"),
		.algorithm = rk_arg_choice(call, "algorithm"),
		.min_gain = rk_arg_float8(call, "min_gain"),
		.max_levels = rk_arg_int_or(call, "max_levels", 0),
		.max_iterations = rk_arg_int(call, "max_iterations"),
		.seed = rk_arg_int(call, "seed")
	};
}

static void
louvain_community_need(const rk_call *call, const rk_graph_size *size, rk_need *need)
{
	rk_louvain_params params = louvain_params(call);

	need->graph = strength_graph(call, size->weighted);
	need->bytes = rk_graph_louvain_community_memory(size->nodes, size->arcs, need->graph.directed,
													size->weighted, size->threads, &params);
}

static void
louvain_community(rk_call *call)
{
	rk_graph_input *input = rk_read_graph(call, RK_WEIGHT_STRENGTH);
	rk_graph_options options = strength_graph(call, input->edges.weight != NULL);
	rk_louvain_params params = louvain_params(call);
	rk_graph	g;
	rk_communities c;

	rk_build_graph(call, input, &options, &g);
	if (g.nodes == 0)
		return;
	rk_call_check(call, rk_graph_louvain_community(&call->ctx, &g, &params, &c, &call->run));
	rk_call_detail_float8(call, "modularity", c.modularity);
	rk_call_detail_int(call, "communities", c.count[c.levels - 1]);
	rk_call_detail_int(call, "levels", c.levels);
	rk_emit(call, g.nodes, (rk_out[]) {
		RK_OUT_NODES(input->ids),
		RK_OUT_UINTS(c.community[c.levels - 1]),
		RK_OUT_CALL(levels_of_node, &c)
	}, NULL);
}

RK_FUNCTION(rk_graph_louvain_community_sql, "graph/louvain-community", "");

const rk_bound_function rk_graph_community_bindings[] = {
	{"graph/connected-components", "", connected_components, connected_components_need},
	{"graph/connected-components", "_sizes", connected_components_sizes, connected_components_need},
	{"graph/louvain-community", "", louvain_community, louvain_community_need},
	{0}
};
