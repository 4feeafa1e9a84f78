/*
 * describe.c
 *	  Writes the SQL that follows from the descriptors, at build time.
 *
 *	  describe sql		CREATE FUNCTION and COMMENT of every kernel
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/call/descriptor.h"
#include "../src/ring/message.h"

/* Prints a kernel id as a name: graph/degree-centrality becomes graph_degree_centrality. */
static void
print_name(const rk_kernel *k, const rk_function *f)
{
	if (f->sql_name)
	{
		printf("%s", f->sql_name);
		return;
	}
	for (const char *p = k->id; *p; p++)
		putchar(*p == '/' || *p == '-' ? '_' : *p);
	printf("%s", f->suffix);
}

/* The C symbol of a function: from id and ending, so that overloads differ. */
static void
print_symbol(const rk_kernel *k, const rk_function *f)
{
	printf("rk_");
	for (const char *p = k->id; *p; p++)
		putchar(*p == '/' || *p == '-' ? '_' : *p);
	printf("%s", f->suffix);
}

static void
print_literal(const char *text)
{
	putchar('\'');
	for (const char *p = text; *p; p++)
	{
		if (*p == '\'')
			putchar('\'');
		putchar(*p);
	}
	putchar('\'');
}

/* How ids appear in a signature: which kinds have a parameter for their type. */
typedef enum id_form
{
	IDS_DEFAULT = 0,			/* the form without id_type */
	IDS_FIRST = 1,				/* with id_type */
	IDS_SECOND = 2,				/* with the second kind's */
	IDS_VALUES = 4,				/* ids are given as values */
	IDS_NONE = 8,				/* the form with a graph instead of edges */
	IDS_ARRAY = 16				/* the form with an array instead of the first relation */
} id_form;

static const char *
sql_type(const rk_function *f, rk_type type, int form)
{
	static char name[64];
	bool		array = type == RK_TYPE_ID_ARRAY || type == RK_TYPE_ID2_ARRAY;
	const char *given;

	switch (type)
	{
		case RK_TYPE_ID:
		case RK_TYPE_ID_ARRAY:
			if (form & IDS_VALUES)
				return array ? "anycompatiblearray" : "anycompatible";
			if (form & IDS_FIRST)
				return array ? "anyarray" : "anyelement";
			given = f->id_default;
			break;
		case RK_TYPE_ID2:
		case RK_TYPE_ID2_ARRAY:
			if (form & IDS_SECOND)
				return array ? "anycompatiblearray" : "anycompatible";
			if (f->id2_like_id)
				return sql_type(f, array ? RK_TYPE_ID_ARRAY : RK_TYPE_ID, form);
			given = f->id2_default;
			break;
		default:
			return rk_type_sql(type);
	}
	snprintf(name, sizeof(name), "%s%s", given ? given : "bigint", array ? "[]" : "");
	return name;
}

/* One parameter, after a separator. */
static void
print_param(const rk_function *f, const rk_param *p, int form, const char *separator, bool types_only)
{
	printf("%s", separator);
	if (!types_only)
		printf("%s ", p->name);
	printf("%s", (form & IDS_ARRAY) && p == f->params ? rk_type_sql(RK_TYPE_FLOAT8_ARRAY) : sql_type(f, p->type, form));
	if (!types_only && p->initial && f->shape != RK_SHAPE_AGGREGATE)
		printf(" DEFAULT %s", p->initial);
}

/*
 * The first count parameters; with types only, as COMMENT ON wants them, or
 * in full.
 */
static void
print_params(const rk_function *f, int form, bool types_only, int count)
{
	int			mandatory = rk_mandatory_count(f);
	const char *separator = types_only ? ", " : ",\n\t";
	int			printed = 0;

	if (form & IDS_NONE)
	{
		printf("%srk.graph", types_only ? "" : "graph ");
		for (const rk_param *p = f->params; p->name != NULL; p++)
		{
			if (!rk_holds_graph(p))
				print_param(f, p, form, separator, types_only);
		}
		return;
	}
	for (int i = 0; i <= count; i++)
	{
		const rk_param *p = &f->params[i];

		if (i == mandatory && (form & IDS_FIRST))
			printf("%s%sanyelement", printed++ ? separator : "", types_only ? "" : "id_type ");
		if (i == mandatory && (form & IDS_SECOND))
			printf("%s%s%sanycompatible", printed++ ? separator : "", types_only ? "" : f->id2_name,
				   types_only ? "" : " ");
		if (i == count)
			break;
		print_param(f, p, form, printed++ ? separator : "", types_only);
	}
}

static void
print_comment(const char *kind, const rk_kernel *k, const rk_function *f, int form, int count)
{
	printf("COMMENT ON %s rk.", kind);
	print_name(k, f);
	printf("(");
	print_params(f, form, true, count);
	printf(") IS\n");
	print_literal(f->description);
	printf(";\n\n");
}

/* ---- relation kernels ---- */

static void
print_function(const rk_kernel *k, const rk_function *f, int form)
{
	printf("CREATE FUNCTION rk.");
	print_name(k, f);
	printf("(\n\t");
	print_params(f, form, false, rk_param_count(f));
	printf("\n) RETURNS TABLE (\n\t");
	for (int i = 0; f->columns[i].name != NULL; i++)
		/* in quotes: position and others are words of SQL */
		printf("%s\"%s\" %s", i ? ",\n\t" : "", f->columns[i].name, sql_type(f, f->columns[i].type, form));
	/* a graph is a value like any other; a relation is read when the call runs */
	printf("\n)\nLANGUAGE C %s\nCOST 10000 ROWS %d\n",
		   form & (IDS_NONE | IDS_ARRAY) ? "IMMUTABLE PARALLEL SAFE" :
		   f->volatile_result ? "VOLATILE PARALLEL RESTRICTED" : "STABLE PARALLEL RESTRICTED",
		   f->rows == RK_ROWS_ONE ? 1 : 1000);
	if (!(form & (IDS_NONE | IDS_ARRAY)))
		printf("SUPPORT rk.relation_support\n");
	printf("AS 'MODULE_PATHNAME', '");
	print_symbol(k, f);
	printf("_sql';\n\n");
	print_comment("FUNCTION", k, f, form, rk_param_count(f));
}

static void
print_relation(const rk_kernel *k, const rk_function *f)
{
	int			first = rk_has_id_value(f) ? IDS_VALUES : rk_returns_ids(f) ? IDS_FIRST : 0;
	int			second = rk_returns_second_ids(f) ? IDS_SECOND : 0;
	int			fixed = first & IDS_VALUES;

	print_function(k, f, fixed);
	if (first & IDS_FIRST)
		print_function(k, f, IDS_FIRST);
	if (second)
		print_function(k, f, fixed | IDS_SECOND);
	if (second && (first & IDS_FIRST))
		print_function(k, f, IDS_FIRST | IDS_SECOND);
}

/* ---- composite types ---- */

static const char *types_made[256];
static int	types_made_count = 0;

/* The composite type of a result, once. */
static void
print_composite(const rk_function *f)
{
	if (f->composite == NULL)
		return;
	for (int i = 0; i < types_made_count; i++)
		if (strcmp(types_made[i], f->composite) == 0)
			return;
	types_made[types_made_count++] = f->composite;
	printf("CREATE TYPE rk.%s AS (\n\t", f->composite);
	for (int i = 0; f->columns[i].name != NULL; i++)
		printf("%s%s %s", i ? ",\n\t" : "", f->columns[i].name, sql_type(f, f->columns[i].type, IDS_DEFAULT));
	printf("\n);\nCOMMENT ON TYPE rk.%s IS 'result of ", f->composite);
	/* the function is not known here by its kernel: say what it does */
	for (const char *p = f->description; *p; p++)
		printf("%s%c", *p == '\'' ? "'" : "", *p);
	printf("';\n\n");
}

static void
print_result_type(const rk_function *f, int form)
{
	if (f->composite)
		printf("rk.%s", f->composite);
	else
		printf("%s", sql_type(f, f->columns[0].type, form));
}

/* ---- scalar kernels ---- */

static void
print_scalar(const rk_kernel *k, const rk_function *f)
{
	int			form = rk_has_id_value(f) ? IDS_VALUES : IDS_DEFAULT;

	print_composite(f);
	printf("CREATE FUNCTION rk.");
	print_name(k, f);
	printf("(\n\t");
	print_params(f, form, false, rk_param_count(f));
	printf("\n) RETURNS ");
	print_result_type(f, form);
	printf("\nLANGUAGE C %s%s PARALLEL SAFE COST 10\nAS 'MODULE_PATHNAME', '",
		   f->stable ? "STABLE" : "IMMUTABLE", f->strict ? " STRICT" : "");
	print_symbol(k, f);
	printf("_sql';\n\n");
	print_comment("FUNCTION", k, f, form, rk_param_count(f));
}

/* ---- aggregate kernels ---- */

/*
 * A support function of an aggregate: its SQL name is the aggregate's with
 * this ending, its symbol the function's with it.
 */
static void
print_support(const rk_kernel *k, const rk_function *f, const char *ending, const char *first_args,
			  int params, const char *returns, bool strict, const char *comment)
{
	int			form = rk_has_id_value(f) ? IDS_VALUES : IDS_DEFAULT;

	for (int comment_pass = 0; comment_pass < 2; comment_pass++)
	{
		printf("%s FUNCTION rk.", comment_pass ? "COMMENT ON" : "CREATE");
		print_name(k, f);
		printf("%s(%s", ending, first_args);
		if (params > 0)
		{
			printf(", ");
			print_params(f, form, true, params);
		}
		if (comment_pass)
		{
			printf(") IS '%s rk.", comment);
			print_name(k, f);
			printf("';\n\n");
			break;
		}
		printf(") RETURNS ");
		if (returns)
			printf("%s", returns);
		else
			print_result_type(f, form);
		printf("\nLANGUAGE C IMMUTABLE%s PARALLEL SAFE\nAS 'MODULE_PATHNAME', '", strict ? " STRICT" : "");
		print_symbol(k, f);
		printf("%s';\n", ending);
	}
}

static void
print_aggregate(const rk_kernel *k, const rk_function *f)
{
	int			form = rk_has_id_value(f) ? IDS_VALUES : IDS_DEFAULT;

	print_composite(f);
	print_support(k, f, "_final", "internal", 0, NULL, false, "the result of a state of");
	if (!f->ordered)
	{
		print_support(k, f, "_combine", "internal, internal", 0, "internal", false, "joins two states of");
		print_support(k, f, "_serialize", "internal", 0, "bytea", true, "bytes of a state of");
		print_support(k, f, "_deserialize", "bytea, internal", 0, "internal", true, "a state from bytes of");
	}
	if (f->moving)
		print_support(k, f, "_moving_final", "internal", 0, NULL, false, "the result of a window of");
	for (int n = rk_mandatory_count(f); n <= rk_param_count(f); n++)
	{
		print_support(k, f, "_transition", "internal", n, "internal", false, "adds a row to the state of");
		if (f->moving)
		{
			print_support(k, f, "_moving_add", "internal", n, "internal", false, "adds a row to a window of");
			print_support(k, f, "_moving_remove", "internal", n, "internal", false, "takes the oldest row out of a window of");
		}
		printf("CREATE AGGREGATE rk.");
		print_name(k, f);
		printf("(");
		print_params(f, form, false, n);
		printf(") (\n\tSFUNC = rk.");
		print_name(k, f);
		printf("_transition,\n\tSTYPE = internal,\n\tFINALFUNC = rk.");
		print_name(k, f);
		printf("_final");
		if (!f->ordered)
		{
			printf(",\n\tCOMBINEFUNC = rk.");
			print_name(k, f);
			printf("_combine,\n\tSERIALFUNC = rk.");
			print_name(k, f);
			printf("_serialize,\n\tDESERIALFUNC = rk.");
			print_name(k, f);
			printf("_deserialize");
		}
		if (f->moving)
		{
			printf(",\n\tMSFUNC = rk.");
			print_name(k, f);
			printf("_moving_add,\n\tMINVFUNC = rk.");
			print_name(k, f);
			printf("_moving_remove,\n\tMSTYPE = internal,\n\tMFINALFUNC = rk.");
			print_name(k, f);
			printf("_moving_final");
		}
		printf(",\n\tPARALLEL = SAFE\n);\n\n");
		print_comment("AGGREGATE", k, f, form, n);
	}
}

static void
print_sql(const rk_kernel *k, void *arg)
{
	(void) arg;
	printf("/* %s */\n\n", k->id);
	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		switch (f->shape)
		{
			case RK_SHAPE_RELATION:
				print_relation(k, f);
				break;
			case RK_SHAPE_SCALAR:
				print_scalar(k, f);
				break;
			case RK_SHAPE_AGGREGATE:
				print_aggregate(k, f);
				break;
		}
		if (f->graph_form)
		{
			if (rk_returns_ids(f) || rk_has_id_value(f))
			{
				fprintf(stderr, "describe: %s%s has ids, so it cannot have a graph form\n", k->id, f->suffix);
				exit(1);
			}
			print_function(k, f, IDS_NONE);
		}
		if (f->array_form)
			print_function(k, f, IDS_ARRAY);
	}
}

/* ---- messages ---- */

static const char *
column_type(const rk_message_type *t, const rk_field *column, bool bigints)
{
	return bigints && column->kind == RK_FIELD_ANY_ID ? "bigint" : rk_column_sql_type(t, column);
}

/* Forms of a typed function: an id apart may be a literal in quotes where there is one for texts, too. */
typedef enum message_form
{
	FORM_PLAIN,
	FORM_ID_TYPE,
	FORM_APART_TEXT
} message_form;

static const char *
field_type(const rk_field *f, message_form form)
{
	return f->apart && form == FORM_APART_TEXT ? "text" : rk_field_sql_type(f);
}

/* The typed function of a message; one that sends is never run twice by a plan. */
static void
print_message_function(const rk_message_type *t, message_form form)
{
	bool		id_type = form == FORM_ID_TYPE;
	const rk_field *columns[128];
	int			n = rk_reply_columns(t, columns);
	bool		set = t->found || t->rows;
	bool		bigints = rk_takes_id_type(t) && !id_type;

	if (t->function == NULL)
		return;
	printf("CREATE FUNCTION rk.%s(\n\tname text%s", t->function, id_type ? ",\n\tid_type anycompatible" : "");
	for (const rk_field *f = t->request; f && f->name; f++)
		/* in quotes: position and others are words of SQL */
		printf(",\n\t\"%s\" %s%s%s", f->name, field_type(f, form), f->initial ? " DEFAULT " : "", f->initial ? f->initial : "");
	if (n == 0)
		printf("\n) RETURNS void");
	else if (n == 1)
		printf("\n) RETURNS %s%s", set ? "SETOF " : "", column_type(t, columns[0], bigints));
	else
	{
		for (int i = 0; i < n; i++)
			printf(",\n\tOUT %s %s", columns[i]->name, column_type(t, columns[i], bigints));
		printf("\n) RETURNS %srecord", set ? "SETOF " : "");
	}
	printf("\nLANGUAGE C VOLATILE PARALLEL %s COST 10%s\nAS 'MODULE_PATHNAME', 'rk_ring_typed';\n\n",
		   t->mutating ? "UNSAFE" : "RESTRICTED", set ? " ROWS 10" : "");
	printf("COMMENT ON FUNCTION rk.%s(text%s", t->function, id_type ? ", anycompatible" : "");
	for (const rk_field *f = t->request; f && f->name; f++)
		printf(", %s", field_type(f, form));
	printf(") IS\n");
	print_literal(t->description);
	printf(";\n\n");
}

static void
print_messages(void)
{
	printf("/* messages of ring kernels */\n\n");
	for (int r = 0; rk_message_rooms[r]; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
		{
			bool		apart = false;

			for (const rk_field *f = t->request; f && f->name; f++)
				apart |= f->apart;
			print_message_function(t, FORM_PLAIN);
			if (rk_takes_id_type(t))
				print_message_function(t, FORM_ID_TYPE);
			if (apart)
				print_message_function(t, FORM_APART_TEXT);
		}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sql") == 0)
	{
		rk_each_kernel(print_sql, NULL);
		print_messages();
	}
	else
	{
		fprintf(stderr, "usage: describe sql\n");
		return 2;
	}
	return 0;
}
