/*
 * describe.c
 *	  Writes what follows from the descriptors, at build time.
 *
 *	  describe sql				CREATE FUNCTION and COMMENT of every kernel
 *	  describe docs <domain>	its page of the reference, in Markdown
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/call/descriptor.h"

/* Prints a kernel id as a name: graph/degree-centrality becomes graph_degree_centrality. */
static void
print_name(const rk_kernel *k, const rk_function *f)
{
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

/* How ids appear in a signature. */
typedef enum id_form
{
	IDS_BIGINT,					/* the form without id_type */
	IDS_ANYELEMENT,				/* the form with id_type */
	IDS_ANYCOMPATIBLE,			/* ids are given as values */
	IDS_NONE					/* the form with a graph instead of edges */
} id_form;

static const char *
sql_type(rk_type type, id_form form)
{
	static const char *const id_types[] = {"bigint", "anyelement", "anycompatible", NULL};
	static const char *const array_types[] = {"bigint[]", "anyarray", "anycompatiblearray", NULL};

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
			return id_types[form];
		case RK_TYPE_ID_ARRAY:
			return array_types[form];
		case RK_TYPE_INT8_ARRAY:
			return "bigint[]";
	}
	abort();
}

/* One parameter, after a separator. */
static void
print_param(const rk_param *p, id_form form, const char *separator, bool types_only)
{
	printf("%s", separator);
	if (!types_only)
		printf("%s ", p->name);
	printf("%s", sql_type(p->type, form));
	if (!types_only && p->initial)
		printf(" DEFAULT %s", p->initial);
}

/* Parameters; with types only, as COMMENT ON wants them, or in full. */
static void
print_params(const rk_function *f, id_form form, bool types_only)
{
	int			mandatory = rk_mandatory_count(f);
	const char *separator = types_only ? ", " : ",\n\t";

	if (form == IDS_NONE)
	{
		printf("%srk.graph", types_only ? "" : "graph ");
		for (const rk_param *p = f->params; p->name != NULL; p++)
		{
			if (!rk_holds_graph(p))
				print_param(p, form, separator, types_only);
		}
		return;
	}
	for (int i = 0; i <= rk_param_count(f); i++)
	{
		const rk_param *p = &f->params[i];

		if (i == mandatory && form == IDS_ANYELEMENT)
			printf("%s%sanyelement", i ? separator : "", types_only ? "" : "id_type ");
		if (p->name == NULL)
			break;
		print_param(p, form, i || (form == IDS_ANYELEMENT && mandatory == 0) ? separator : "",
					types_only);
	}
}

static void
print_function(const rk_kernel *k, const rk_function *f, id_form form)
{
	printf("CREATE FUNCTION rk.");
	print_name(k, f);
	printf("(\n\t");
	print_params(f, form, false);
	printf("\n) RETURNS TABLE (\n\t");
	for (int i = 0; f->columns[i].name != NULL; i++)
		printf("%s%s %s", i ? ",\n\t" : "", f->columns[i].name, sql_type(f->columns[i].type, form));
	/* a graph is a value like any other; a relation is read when the call runs */
	printf("\n)\nLANGUAGE C %s\nCOST 10000 ROWS %d\n",
		   form == IDS_NONE ? "IMMUTABLE PARALLEL SAFE" : "STABLE PARALLEL RESTRICTED",
		   f->rows == RK_ROWS_ONE ? 1 : 1000);
	if (form != IDS_NONE)
		printf("SUPPORT rk.relation_support\n");
	printf("AS 'MODULE_PATHNAME', 'rk_");
	print_name(k, f);
	printf("_sql';\n\nCOMMENT ON FUNCTION rk.");
	print_name(k, f);
	printf("(");
	print_params(f, form, true);
	printf(") IS\n");
	print_literal(f->description);
	printf(";\n\n");
}

static void
print_sql(const rk_kernel *k, void *arg)
{
	(void) arg;
	printf("/* %s */\n\n", k->id);
	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		if (rk_has_id_value(f))
			print_function(k, f, IDS_ANYCOMPATIBLE);
		else
		{
			print_function(k, f, IDS_BIGINT);
			if (rk_returns_ids(f))
				print_function(k, f, IDS_ANYELEMENT);
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
	}
}

/* ---- documentation ---- */

static void
print_range(const rk_param *p)
{
	if (p->choices)
	{
		for (int i = 0; p->choices[i]; i++)
			printf("%s`%s`", i ? ", " : "", p->choices[i]);
	}
	else if (p->type != RK_TYPE_FLOAT8 && p->type != RK_TYPE_INT4 && p->type != RK_TYPE_INT8)
		return;
	else if (isinf(p->max) && !isinf(p->min))
		printf("%s %g", p->min_open ? ">" : "≥", p->min);
	else if (!isinf(p->max))
		printf("%s%g, %g%s", p->min_open ? "(" : "[", p->min, p->max, p->max_open ? ")" : "]");
}

static const char *
doc_type(rk_type type)
{
	switch (type)
	{
		case RK_TYPE_RELATION:
			return "relation";
		case RK_TYPE_ID:
			return "id";
		case RK_TYPE_ID_ARRAY:
			return "id[]";
		default:
			return sql_type(type, IDS_BIGINT);
	}
}

static void
print_docs(const rk_kernel *k, void *arg)
{
	const char *domain = arg;

	if (strncmp(k->id, domain, strlen(domain)) != 0 || k->id[strlen(domain)] != '/')
		return;
	printf("## %s\n\n%s.\n\n", k->id, k->description);
	if (k->notes)
		printf("%s\n\n", k->notes);
	if (k->details)
		printf("`rk.last_run()` has in `details`: %s.\n\n", k->details);
	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		printf("### rk.");
		print_name(k, f);
		printf("\n\n%c%s.\n\n", toupper((unsigned char) f->description[0]), f->description + 1);
		printf("| parameter | type | default | range | meaning |\n| --- | --- | --- | --- | --- |\n");
		for (const rk_param *p = f->params; p->name; p++)
		{
			printf("| `%s` | %s | %s%s%s | ", p->name, doc_type(p->type), p->initial ? "`" : "",
				   p->initial ? p->initial : "mandatory", p->initial ? "`" : "");
			print_range(p);
			printf(" | %s |\n", p->meaning);
		}
		if (rk_returns_ids(f) && !rk_has_id_value(f))
			printf("\nIds other than integers: write `id_type => NULL::text` (or `uuid`, ...) directly after `%s`.\n",
				   f->params[rk_mandatory_count(f) - 1].name);
		if (f->graph_form)
		{
			printf("\nThe same for a value of type `rk.graph`, in place of `edges` and `nodes`: `rk.");
			print_name(k, f);
			printf("(graph rk.graph, ...)`.\n");
		}
		printf("\n| result | type | meaning |\n| --- | --- | --- |\n");
		for (const rk_column *c = f->columns; c->name; c++)
			printf("| `%s` | %s | %s |\n", c->name, doc_type(c->type), c->meaning);
		printf("\n");
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sql") == 0)
		rk_each_kernel(print_sql, NULL);
	else if (argc == 3 && strcmp(argv[1], "docs") == 0)
		rk_each_kernel(print_docs, argv[2]);
	else
	{
		fprintf(stderr, "usage: describe sql | describe docs <domain>\n");
		return 2;
	}
	return 0;
}
