/*
 * estimate.c
 *	  Number of edges and nodes of a relation argument before it is read.
 *
 * The plan of the query knows the rows; the number of nodes comes from the
 * distinct values of the source and target columns where the plan leads back
 * to a table, else from a power of the number of edges.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "context.h"
#include "estimate.h"

#define DEFAULT_ROWS 10000.0

/* Distinct values of an output column of a plan; 0 when unknown. */
static double
distinct_values(const rk_source *source, int attno)
{
	Plan	   *plan = source->plan->planTree;
	TargetEntry *entry = list_nth(plan->targetlist, attno - 1);
	Var		   *var = (Var *) entry->expr;
	RangeTblEntry *rte;
	HeapTuple	tuple;
	double		distinct;

	if (!IsA(var, Var) || IS_SPECIAL_VARNO(var->varno))
		return 0;
	rte = rt_fetch(var->varno, source->plan->rtable);
	if (rte->rtekind != RTE_RELATION)
		return 0;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(rte->relid),
							Int16GetDatum(var->varattno), BoolGetDatum(rte->inh));
	if (!HeapTupleIsValid(tuple))
		return 0;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	return distinct < 0 ? -distinct * source->rows : distinct;
}

/*
 * What statistics know of the ids in an output column: how far apart the ends
 * of the histogram are, for integers, and the width.
 */
static void
id_statistics(const rk_source *source, int attno, rk_estimate *e)
{
	TargetEntry *entry = list_nth(source->plan->planTree->targetlist, attno - 1);
	Var		   *var = (Var *) entry->expr;
	RangeTblEntry *rte;
	HeapTuple	tuple;
	AttStatsSlot slot;

	if (!IsA(var, Var) || IS_SPECIAL_VARNO(var->varno))
		return;
	rte = rt_fetch(var->varno, source->plan->rtable);
	if (rte->rtekind != RTE_RELATION)
		return;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(rte->relid),
							Int16GetDatum(var->varattno), BoolGetDatum(rte->inh));
	if (!HeapTupleIsValid(tuple))
		return;
	e->id_width = Max(e->id_width, ((Form_pg_statistic) GETSTRUCT(tuple))->stawidth);
	if (e->id_type == INT8OID &&
		get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		Datum		low = slot.values[0];
		Datum		high = slot.values[slot.nvalues - 1];

		if (slot.nvalues > 1)
			e->range = Max(e->range, var->vartype == INT8OID ?
						   (double) DatumGetInt64(high) - (double) DatumGetInt64(low) :
						   var->vartype == INT4OID ?
						   (double) DatumGetInt32(high) - (double) DatumGetInt32(low) : 65536);
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
}

rk_estimate
rk_estimate_source(const rk_source *source)
{
	Plan	   *plan = source->plan->planTree;
	rk_estimate e = {.rows = source->rows,.read_cost = source->cost,
		.bytes = source->rows * plan->plan_width,.id_type = INT8OID};
	rk_found_column *found;
	int			columns = 0;
	double		sources;
	double		targets;

	/* a whole table: its size is known, not guessed from a condition */
	e.exact = IsA(plan, SeqScan) && plan->qual == NIL;
	if (rk_source_is_graph(source))
	{
		e.exact = false;
		e.edges = true;
		e.nodes = e.rows;
		return e;
	}
	while (source->relation->columns[columns].name != NULL)
		columns++;
	found = palloc0(sizeof(rk_found_column) * Max(columns, 3));
	rk_source_columns(source, found);
	if (!source->relation->may_be_graph || columns < 2 || source->relation->columns[0].type != RK_TYPE_ID ||
		source->relation->columns[1].type != RK_TYPE_ID || found[0].attno == 0 || found[1].attno == 0)
	{
		/* not edges: a row is about one thing */
		e.nodes = e.rows;
		e.known = true;
		return e;
	}
	e.edges = true;
	e.id_type = rk_id_storage_type(found[0].type);
	e.weighted = found[2].attno > 0;
	sources = distinct_values(source, found[0].attno);
	targets = distinct_values(source, found[1].attno);

	/*
	 * Both ends of an edge are usually nodes of one kind, most of them in
	 * both columns: somewhat more than the larger of the two.
	 */
	if (sources > 0 && targets > 0)
		e.nodes = Min(Max(sources, targets) + 0.2 * Min(sources, targets), 2 * e.rows);
	else
		e.nodes = Min(pow(e.rows, 0.8) + 1, 2 * e.rows);
	id_statistics(source, found[0].attno, &e);
	id_statistics(source, found[1].attno, &e);
	e.known = true;
	return e;
}

/* An item of a context; the defaults when it is not in memory. */
static rk_estimate
estimate_context(const char *text)
{
	rk_estimate e = {.rows = DEFAULT_ROWS,.nodes = DEFAULT_ROWS / 5,.id_type = INT8OID,.edges = true,.prepared = true};
	int64		nodes;
	int64		edges;

	e.known = rk_context_size(text, &nodes, &edges, &e.weighted, &e.id_type);
	if (e.known)
	{
		e.rows = edges;
		e.nodes = nodes;
	}
	return e;
}

rk_estimate
rk_estimate_edges(const char *argument, const char *text, const rk_relation *relation)
{
	rk_estimate e = {.rows = DEFAULT_ROWS,.nodes = DEFAULT_ROWS / 5,.read_cost = 100,
	.bytes = DEFAULT_ROWS * 16,.edges = relation->may_be_graph,.id_type = INT8OID};
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	/* a subtransaction takes back what a failed attempt has begun */
	if (IsInParallelMode())
		return e;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		if (rk_is_context_name(text))
			e = estimate_context(text);
		else
			e = rk_estimate_source(rk_source_open(argument, text, relation, InvalidOid));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		RollbackAndReleaseCurrentSubTransaction();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	return e;
}
