/*
 * source.h
 *	  A relation argument: a query, the name of a relation or a JSON array.
 */
#ifndef RK_SOURCE_H
#define RK_SOURCE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "nodes/plannodes.h"

#include "../call/descriptor.h"

/* One relation argument, parsed and planned but not yet run. */
typedef struct rk_source
{
	const char *argument;		/* name of the parameter */
	const rk_relation *relation;	/* what it should look like */
	char	   *query;			/* the query that is run */
	PlannedStmt *plan;
	TupleDesc	desc;			/* of the rows */
	double		rows;			/* planner's estimate */
	double		cost;			/* planner's estimate */
} rk_source;

/* Where a wanted column was found. */
typedef struct rk_found_column
{
	int			attno;			/* 1-based in desc; 0: not there */
	Oid			type;
	const char *name;			/* as found: the name or its synonym */
} rk_found_column;

/*
 * Parses and plans text as a value of the parameter "argument".  ids is the
 * type that JSON strings in id columns are read as, or InvalidOid: text.
 * Everything that is wrong is reported with ereport(ERROR).
 */
extern rk_source *rk_source_open(const char *argument, const char *text,
								 const rk_relation *relation, Oid ids);

/* The same, with the type of the second kind of ids. */
extern rk_source *rk_source_open_ids(const char *argument, const char *text,
									 const rk_relation *relation, Oid ids, Oid second_ids);

/*
 * Finds the relation's columns in the source; found has one entry for each.
 * A missing required column or one of a wrong type is an error.
 */
extern void rk_source_columns(const rk_source *source, rk_found_column *found);

/* Says in an error's context which argument the value came from; arg: the source. */
extern void rk_source_context(void *arg);

/* True when the source is one column of type rk.graph. */
extern bool rk_source_is_graph(const rk_source *source);

/* Oid of rk.graph. */
extern Oid	rk_graph_type(void);

/*
 * Between begin and end a query can neither write nor change role or settings
 * for longer than the read.  An error in between undoes the guard with the
 * (sub)transaction.
 */
typedef struct rk_guard
{
	bool		read_only;
	int			nest_level;
	Oid			user;
	int			security_context;
} rk_guard;

extern void rk_guard_begin(rk_guard *guard);
extern void rk_guard_end(rk_guard *guard);

/* True for types whose values can be ids. */
extern bool rk_is_id_type(Oid type);

/* The type ids of this type have inside: int2 and int4 widen to bigint. */
extern Oid	rk_id_storage_type(Oid type);

/* True for int2, int4, int8, float4, float8, numeric. */
extern bool rk_is_number_type(Oid type);

#endif							/* RK_SOURCE_H */
