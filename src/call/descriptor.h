/*
 * descriptor.h
 *	  What a kernel is, as data.
 *
 * A descriptor is written once, in src/<domain>/descriptors.c.  From it come
 * the CREATE FUNCTION and COMMENT statements of the extension, the checks of
 * arguments at run time, rk.kernels and rk.kernel_columns, rk.execute and the
 * reference documentation.  This header is plain C: the program that writes
 * SQL and documentation at build time includes it too.
 */
#ifndef RK_DESCRIPTOR_H
#define RK_DESCRIPTOR_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Types of parameters and columns, as a user sees them. */
typedef enum rk_type
{
	RK_TYPE_FLOAT8,
	RK_TYPE_INT4,
	RK_TYPE_INT8,
	RK_TYPE_BOOLEAN,
	RK_TYPE_TEXT,
	RK_TYPE_NUMERIC,
	RK_TYPE_RELATION,			/* text: a query, a name or a JSON array */
	RK_TYPE_GRAPH,				/* rk.graph */
	RK_TYPE_ID,					/* any hashable and sortable type */
	RK_TYPE_ID_ARRAY,
	RK_TYPE_INT8_ARRAY
} rk_type;

/* A column of a relation argument. */
typedef struct rk_relation_column
{
	const char *name;
	const char *synonym;		/* also accepted; NULL: none */
	rk_type		type;			/* RK_TYPE_ID, RK_TYPE_FLOAT8 (any number) */
	bool		required;
	const char *meaning;
} rk_relation_column;

typedef struct rk_relation
{
	const char *name;			/* of the relation, as the docs call it */
	const rk_relation_column *columns;	/* ends with a NULL name */
	bool		may_be_graph;	/* one column of type rk.graph is accepted */
	const char *example;		/* a query that works when pasted */
} rk_relation;

typedef struct rk_param
{
	const char *name;
	rk_type		type;
	const char *initial;		/* default as SQL; NULL: mandatory */
	const rk_relation *relation;	/* of RK_TYPE_RELATION */
	const char *const *choices; /* closed set of RK_TYPE_TEXT; ends with NULL */
	double		min;			/* numbers: permitted range */
	double		max;
	bool		min_open;		/* min itself is not permitted */
	bool		max_open;
	const char *meaning;
} rk_param;

/* Ranges, to be used in a rk_param initialiser. */
#define RK_ANY .min = -INFINITY, .max = INFINITY
#define RK_AT_LEAST(x) .min = (x), .max = INFINITY
#define RK_ABOVE(x) .min = (x), .max = INFINITY, .min_open = true
#define RK_FROM_BELOW(a, b) .min = (a), .max = (b), .max_open = true	/* [a, b) */
#define RK_BETWEEN_OPEN(a, b) .min = (a), .max = (b), .min_open = true, .max_open = true

typedef struct rk_column
{
	const char *name;
	rk_type		type;
	const char *meaning;
} rk_column;

/* How many rows a function returns, for the planner. */
typedef enum rk_rows
{
	RK_ROWS_ONE,
	RK_ROWS_PER_NODE,
	RK_ROWS_PER_EDGE,
	RK_ROWS_PER_COMPONENT,
	RK_ROWS_PER_PAIR
} rk_rows;

/* How long it takes, for the planner. */
typedef enum rk_work
{
	RK_WORK_LINEAR,				/* n + m */
	RK_WORK_ITERATIONS,			/* max_iterations (n + m) */
	RK_WORK_SORTED,				/* (n + m) log n */
	RK_WORK_TRIANGLES,			/* m^1.5 */
	RK_WORK_ALL_PAIRS			/* n (n + m) */
} rk_work;

/* One SQL function: the kernel's main one or a companion. */
typedef struct rk_function
{
	const char *suffix;			/* "" for the main one, "_edges", ... */
	const char *description;	/* one line, becomes COMMENT ON FUNCTION */
	const rk_param *params;		/* mandatory ones first; NULL name ends */
	const rk_column *columns;	/* NULL name ends */
	rk_rows		rows;
	rk_work		work;

	/*
	 * A second SQL function of the same name has one parameter "graph" of type
	 * rk.graph in place of those that rk_holds_graph is true for, so that a
	 * query can call it for every row.  Not for functions that return ids.
	 */
	bool		graph_form;
} rk_function;

typedef enum rk_mode
{
	RK_MODE_BATCH,
	RK_MODE_RING,
	RK_MODE_BOTH
} rk_mode;

typedef struct rk_kernel
{
	const char *id;				/* domain/name */
	const char *domain;			/* GraphAnalytics, ... */
	rk_mode		mode;
	const char *description;	/* one line */
	const char *notes;			/* paragraphs for the reference */
	const char *license_feature;	/* Domain.PascalName */
	double		expected_throughput;	/* calls a second, as claimed */
	double		target_latency_us;
	bool		iterative;
	const char *details;		/* keys of rk.last_run().details; NULL: none */
	const rk_function *functions;	/* the main one first; NULL params ends */
} rk_kernel;

/* The kernels of a room; ends with a NULL id. */
#define RK_ROOM(room) extern const rk_kernel rk_##room##_kernels[];
#include "rooms.def"
#undef RK_ROOM

/* All rooms, in the order of the documentation; ends with NULL. */
extern const rk_kernel *const rk_rooms[];

/* Calls visit for every kernel, room by room. */
static inline void
rk_each_kernel(void (*visit) (const rk_kernel *kernel, void *arg), void *arg)
{
	for (int r = 0; rk_rooms[r] != NULL; r++)
		for (const rk_kernel *k = rk_rooms[r]; k->id != NULL; k++)
			visit(k, arg);
}

/* Whether the rows of this parameter make up the graph: edges or nodes. */
static inline bool
rk_holds_graph(const rk_param *p)
{
	return p->type == RK_TYPE_RELATION &&
		(p->relation->may_be_graph || strcmp(p->name, "nodes") == 0);
}

static inline int
rk_param_count(const rk_function *f)
{
	int			n = 0;

	while (f->params[n].name != NULL)
		n++;
	return n;
}

static inline int
rk_mandatory_count(const rk_function *f)
{
	int			n = 0;

	while (f->params[n].name != NULL && f->params[n].initial == NULL)
		n++;
	return n;
}

static inline int
rk_column_count(const rk_function *f)
{
	int			n = 0;

	while (f->columns[n].name != NULL)
		n++;
	return n;
}

/* Whether ids are given as values, so that their type is the id type. */
static inline bool
rk_has_id_value(const rk_function *f)
{
	for (int i = 0; f->params[i].name != NULL; i++)
		if (f->params[i].type == RK_TYPE_ID)
			return true;
	return false;
}

static inline bool
rk_returns_ids(const rk_function *f)
{
	for (int i = 0; f->columns[i].name != NULL; i++)
		if (f->columns[i].type == RK_TYPE_ID || f->columns[i].type == RK_TYPE_ID_ARRAY)
			return true;
	return false;
}

#endif							/* RK_DESCRIPTOR_H */
