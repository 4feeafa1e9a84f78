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

/*
 * Types of parameters and columns, as a user sees them.  What a type is called
 * in SQL is in rk_type_sql; what a column of a relation accepts for it is in
 * relation/source.c (a time also takes dates, a number takes any number).
 */
typedef enum rk_type
{
	RK_TYPE_FLOAT8,
	RK_TYPE_INT4,
	RK_TYPE_INT8,
	RK_TYPE_BOOLEAN,
	RK_TYPE_TEXT,
	RK_TYPE_NUMERIC,			/* exact: money */
	RK_TYPE_RELATION,			/* text: a query, a name or a JSON array */
	RK_TYPE_GRAPH,				/* rk.graph */
	RK_TYPE_ID,					/* any hashable and sortable type */
	RK_TYPE_ID_ARRAY,
	RK_TYPE_INT8_ARRAY,
	RK_TYPE_ID2,				/* a second kind of id: transactions beside entities */
	RK_TYPE_ID2_ARRAY,
	RK_TYPE_TIMESTAMPTZ,
	RK_TYPE_DATE,
	RK_TYPE_INTERVAL,
	RK_TYPE_JSONB,
	RK_TYPE_INT4_ARRAY,
	RK_TYPE_FLOAT8_ARRAY,
	RK_TYPE_TEXT_ARRAY,
	RK_TYPE_NUMERIC_ARRAY,
	RK_TYPE_TIMESTAMPTZ_ARRAY,
	RK_TYPE_RECORD				/* a row of any composite type (scalars only) */
} rk_type;

/* A range of numbers. */
typedef struct rk_range
{
	double		min;
	double		max;
	bool		min_open;		/* min itself is not permitted */
	bool		max_open;
} rk_range;

/* A column of a relation argument. */
typedef struct rk_relation_column
{
	const char *name;
	const char *synonym;		/* also accepted; NULL: none */
	rk_type		type;
	bool		required;		/* must be there, and no value may be NULL */
	const char *meaning;
	bool		not_null;		/* optional, but where it is no value may be NULL */
	bool		any_float;		/* NaN and infinities are values */
	const rk_range *range;		/* numbers: permitted; NULL: all */
	const char *const *choices; /* RK_TYPE_TEXT: closed set; ends with NULL */
} rk_relation_column;

/* For a rk_relation_column initialiser: RK_COLUMN_RANGE(RK_AT_LEAST(0)). */
#define RK_COLUMN_RANGE(...) .range = &(const rk_range) {__VA_ARGS__}

typedef struct rk_relation
{
	const char *name;			/* of the relation, as the docs call it */
	const rk_relation_column *columns;	/* ends with a NULL name */
	bool		may_be_graph;	/* edges: one column of type rk.graph is accepted */
	bool		open;			/* further columns of numbers are read as well */
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
	bool		nullable;		/* scalars, aggregates: NULL is a value */
	bool		constant;		/* aggregates: the same in all rows of a group */
	const char *meaning;
} rk_param;

/* Ranges, to be used in a rk_param initialiser. */
#define RK_ANY .min = -INFINITY, .max = INFINITY
#define RK_AT_LEAST(x) .min = (x), .max = INFINITY
#define RK_ABOVE(x) .min = (x), .max = INFINITY, .min_open = true
#define RK_FROM_BELOW(a, b) .min = (a), .max = (b), .max_open = true	/* [a, b) */
#define RK_BETWEEN(a, b) .min = (a), .max = (b)
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
	RK_ROWS_PER_PAIR,
	RK_ROWS_PER_ROW,			/* of the first relation */
	RK_ROWS_PER_GROUP			/* of its rows: a hundredth */
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

/* The three shapes of SQL functions. */
typedef enum rk_shape
{
	RK_SHAPE_RELATION,			/* relations in, rows out */
	RK_SHAPE_SCALAR,			/* one row in, one value or composite out */
	RK_SHAPE_AGGREGATE			/* one result for a group of rows */
} rk_shape;

/*
 * One SQL function: the kernel's main one or a companion.
 *
 * A scalar or aggregate returns the type of its column if there is one column
 * without a composite, else the composite type, which is made of the columns.
 * Parameters of an aggregate with an initial value may be left out from the
 * right: SQL knows no defaults there, so each form is an aggregate of its own.
 */
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

	/*
	 * A second SQL function of the same name takes double precision[] in place
	 * of its first parameter, a relation: the values of one series.
	 */
	bool		array_form;
	rk_shape	shape;
	const char *sql_name;		/* when it is not made of id and suffix */
	const char *id_default;		/* type of ids without id_type; NULL: bigint */
	const char *id2_name;		/* parameter that carries the type of RK_TYPE_ID2 */
	const char *id2_default;	/* NULL: bigint */
	bool		id2_like_id;	/* without id2_name they have the type of the first kind */
	const char *composite;		/* scalars, aggregates: name of the result's type */
	bool		stable;			/* scalars: STABLE, not IMMUTABLE */
	bool		volatile_result;	/* relations: VOLATILE, not STABLE */
	bool		strict;			/* scalars: NULL in, NULL out, without a look */
	bool		moving;			/* aggregates: rows can leave a moving window */
	bool		ordered;		/* aggregates: depends on order, so not parallel */
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

/* The name of a type in SQL; ids as the forms without a type parameter have them. */
static inline const char *
rk_type_sql(rk_type type)
{
	switch (type)
	{
		case RK_TYPE_FLOAT8:
			return "double precision";
		case RK_TYPE_INT4:
			return "integer";
		case RK_TYPE_INT8:
			return "bigint";
		case RK_TYPE_BOOLEAN:
			return "boolean";
		case RK_TYPE_TEXT:
		case RK_TYPE_RELATION:
			return "text";
		case RK_TYPE_NUMERIC:
			return "numeric";
		case RK_TYPE_GRAPH:
			return "rk.graph";
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			return "bigint";
		case RK_TYPE_ID_ARRAY:
		case RK_TYPE_ID2_ARRAY:
		case RK_TYPE_INT8_ARRAY:
			return "bigint[]";
		case RK_TYPE_TIMESTAMPTZ:
			return "timestamp with time zone";
		case RK_TYPE_DATE:
			return "date";
		case RK_TYPE_INTERVAL:
			return "interval";
		case RK_TYPE_JSONB:
			return "jsonb";
		case RK_TYPE_INT4_ARRAY:
			return "integer[]";
		case RK_TYPE_FLOAT8_ARRAY:
			return "double precision[]";
		case RK_TYPE_TEXT_ARRAY:
			return "text[]";
		case RK_TYPE_NUMERIC_ARRAY:
			return "numeric[]";
		case RK_TYPE_TIMESTAMPTZ_ARRAY:
			return "timestamp with time zone[]";
		case RK_TYPE_RECORD:
			return "record";
	}
	return NULL;
}

/* The name that documentation and messages use: ids and relations as such. */
static inline const char *
rk_type_words(rk_type type)
{
	switch (type)
	{
		case RK_TYPE_RELATION:
			return "relation";
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			return "id";
		case RK_TYPE_ID_ARRAY:
		case RK_TYPE_ID2_ARRAY:
			return "id[]";
		default:
			return rk_type_sql(type);
	}
}

static inline bool
rk_type_is_number(rk_type type)
{
	return type == RK_TYPE_FLOAT8 || type == RK_TYPE_INT4 || type == RK_TYPE_INT8 ||
		type == RK_TYPE_NUMERIC;
}

static inline const char *
rk_shape_name(rk_shape shape)
{
	return shape == RK_SHAPE_RELATION ? "relation" : shape == RK_SHAPE_SCALAR ? "scalar" : "aggregate";
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

/* The same for ids of the second kind. */
static inline bool
rk_returns_second_ids(const rk_function *f)
{
	for (int i = 0; f->columns[i].name != NULL; i++)
		if (f->columns[i].type == RK_TYPE_ID2 || f->columns[i].type == RK_TYPE_ID2_ARRAY)
			return true;
	return false;
}

#endif							/* RK_DESCRIPTOR_H */
