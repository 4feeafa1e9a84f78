/*
 * reference.c
 *	  Writes the reference of the kernels, in Markdown, from their descriptors.
 *
 *	  reference index			the page that lists all kernels
 *	  reference messages		the page of the messages of ring kernels
 *	  reference page <domain>	the page of one domain: graph, risk, ...
 *
 * Run where docs/examples is: the example of a function, docs/examples/NAME.md,
 * becomes part of its page.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/call/descriptor.h"
#include "../src/ring/message.h"

#define LINE_WIDTH 100

/* ---- names ---- */

/* The SQL function's name without schema: graph_pagerank. */
static const char *
function_name(const rk_kernel *k, const rk_function *f)
{
	static char name[128];
	size_t		n = 0;

	if (f->sql_name)
		return f->sql_name;
	for (const char *p = k->id; *p && n < sizeof(name) - 1; p++)
		name[n++] = *p == '/' || *p == '-' ? '_' : *p;
	snprintf(name + n, sizeof(name) - n, "%s", f->suffix);
	return name;
}

static bool
in_domain(const rk_kernel *k, const char *domain)
{
	size_t		n = strlen(domain);

	return strncmp(k->id, domain, n) == 0 && k->id[n] == '/';
}

/* The part of an id before the slash. */
static const char *
domain_of(const rk_kernel *k)
{
	static char name[64];

	snprintf(name, sizeof(name), "%.*s", (int) (strchr(k->id, '/') - k->id), k->id);
	return name;
}

/* What GitHub makes of a heading: lower case, blanks to dashes, letters, digits. */
static void
print_anchor(const char *heading)
{
	for (const char *p = heading; *p; p++)
	{
		if (isalnum((unsigned char) *p) || *p == '-' || *p == '_')
			putchar(tolower((unsigned char) *p));
		else if (*p == ' ')
			putchar('-');
	}
}

/* Text of a table cell, or of a paragraph. */
static void
print_text(const char *text)
{
	for (const char *p = text; *p; p++)
		printf("%s%c", *p == '|' ? "\\" : "", *p);
}

static void
print_sentence(const char *text)
{
	size_t		n = strlen(text);

	printf("%c", toupper((unsigned char) text[0]));
	print_text(text + 1);
	printf("%s", n > 0 && text[n - 1] == '.' ? "" : ".");
}

/* What values are permitted: a range, or a closed set. */
static void
print_range(const rk_range *r, const char *const *choices)
{
	for (int i = 0; choices && choices[i]; i++)
		printf("%s`%s`", i ? ", " : "", choices[i]);
	if (r == NULL)
		return;
	if (!isinf(r->min) && isinf(r->max))
		printf("%s %g", r->min_open ? "above" : "at least", r->min);
	else if (!isinf(r->min))
		printf("%s %g%s %s %g", r->min_open ? "above" : "from", r->min, r->min_open || r->max_open ? "," : "",
			   r->max_open ? "below" : r->min_open ? "up to" : "to", r->max);
	else if (!isinf(r->max))
		printf("%s %g", r->max_open ? "below" : "at most", r->max);
}

/* ---- relations of a page ---- */

static const rk_relation *relations[128];
static int	relation_count = 0;

/* Position among the relations of the page, added if it is new. */
static int
relation_number(const rk_relation *relation)
{
	for (int i = 0; i < relation_count; i++)
		if (relations[i] == relation)
			return i;
	if (relation_count == (int) (sizeof(relations) / sizeof(relations[0])))
		abort();
	relations[relation_count] = relation;
	return relation_count++;
}

/* Prints a link to a relation's section: relations may share a name. */
static void
print_relation_link(const rk_relation *relation)
{
	int			number = relation_number(relation);
	int			same = 0;
	char		heading[128];

	for (int i = 0; i < number; i++)
		same += strcmp(relations[i]->name, relation->name) == 0;
	snprintf(heading, sizeof(heading), "Relation %s", relation->name);
	printf("[relation](#");
	print_anchor(heading);
	if (same > 0)
		printf("-%d", same);
	printf(")");
}

static void
print_relations(void)
{
	if (relation_count == 0)
		return;
	printf("## Relations\n\n"
		   "A relation is given as a query, as the name of a table or view, or as a JSON array of objects.\n"
		   "Columns are found by name, in any order; others are ignored.\n\n");
	for (int i = 0; i < relation_count; i++)
	{
		const rk_relation *r = relations[i];

		printf("### Relation %s\n\n| column | type | | permitted | meaning |\n| --- | --- | --- | --- | --- |\n", r->name);
		for (const rk_relation_column *c = r->columns; c->name; c++)
		{
			printf("| `%s`", c->name);
			if (c->synonym)
				printf(" or `%s`", c->synonym);
			printf(" | %s | %s | ", c->type == RK_TYPE_FLOAT8 ? "any number" : rk_type_words(c->type),
				   c->required ? "required" : "optional");
			print_range(c->range, c->choices);
			printf(" | ");
			print_text(c->meaning);
			printf(" |\n");
		}
		if (r->open)
			printf("\nFurther columns of numbers are read as well.\n");
		if (r->may_be_graph)
			printf("\nInstead of rows, a query may return one value of type `rk.graph`.\n");
		printf("\nFor instance:\n\n```\n%s\n```\n\n", r->example);
	}
}

/* ---- functions ---- */

static bool
has_id_type(const rk_function *f)
{
	return f->shape == RK_SHAPE_RELATION && rk_returns_ids(f) && !rk_has_id_value(f);
}

/* Puts one item of a list on the line, or on the next if it is full. */
static void
put_item(int *column, bool first, const char *format,...)
{
	char		item[256];
	va_list		args;
	int			width;

	va_start(args, format);
	width = vsnprintf(item, sizeof(item), format, args);
	va_end(args);
	if (!first && *column + 2 + width > LINE_WIDTH)
	{
		printf(",\n    %s", item);
		*column = 4 + width;
		return;
	}
	printf("%s%s", first ? "" : ", ", item);
	*column += width + (first ? 0 : 2);
}

/* A call with all parameters, as it is written. */
static void
print_call(const rk_kernel *k, const rk_function *f)
{
	int			column = printf("rk.%s(", function_name(k, f));
	int			mandatory = rk_mandatory_count(f);
	bool		first = true;

	for (int i = 0; i <= rk_param_count(f); i++)
	{
		const rk_param *p = &f->params[i];

		if (i == mandatory && has_id_type(f))
		{
			put_item(&column, first, "[id_type => NULL::type]");
			first = false;
		}
		if (i == mandatory && rk_returns_second_ids(f))
		{
			put_item(&column, first, "[%s => NULL::type]", f->id2_name);
			first = false;
		}
		if (p->name == NULL)
			break;
		if (p->initial == NULL)
			put_item(&column, first, "%s", p->name);
		else if (f->shape == RK_SHAPE_AGGREGATE)
			put_item(&column, first, "[%s]", p->name);
		else
			put_item(&column, first, "%s => %s", p->name, p->initial);
		first = false;
	}
	printf(")\n");
}

/* The call and what it returns. */
static void
print_synopsis(const rk_kernel *k, const rk_function *f)
{
	int			column = 10;

	printf("```\n");
	print_call(k, f);
	printf("  returns ");
	if (f->composite)
		column += printf("rk.%s: ", f->composite);
	if (f->shape != RK_SHAPE_RELATION && f->composite == NULL)
		printf("%s", rk_type_words(f->columns[0].type));
	else
		for (int i = 0; f->columns[i].name; i++)
			put_item(&column, i == 0, "%s", f->columns[i].name);
	printf("\n```\n\n");
	if (f->shape == RK_SHAPE_AGGREGATE)
	{
		printf("An aggregate: takes `GROUP BY`, `FILTER` and `OVER`%s%s. Arguments are given in this order, without names",
			   f->moving ? ", moving windows included" : "",
			   f->ordered ? "; it depends on the order of rows, so write `ORDER BY` inside the call" : ", and runs in parallel");
		printf(rk_mandatory_count(f) < rk_param_count(f) ? "; the last ones may be left out.\n\n" : ".\n\n");
	}
	else if (f->shape == RK_SHAPE_SCALAR)
		printf("A function of one row, %s%s.\n\n",
			   f->stable ? "`STABLE`" : "`IMMUTABLE`, so that indexes and generated columns may use it",
			   f->strict ? "; NULL for NULL" : "");
}

static void
print_params(const rk_function *f)
{
	int			mandatory = rk_mandatory_count(f);

	printf("| parameter | type | default | permitted | meaning |\n| --- | --- | --- | --- | --- |\n");
	for (int i = 0; i <= rk_param_count(f); i++)
	{
		const rk_param *p = &f->params[i];

		if (i == mandatory && has_id_type(f))
			printf("| `id_type` | any | `NULL::%s` | `NULL::text`, `NULL::uuid`, ... | type of the ids |\n",
				   f->id_default ? f->id_default : "bigint");
		if (i == mandatory && rk_returns_second_ids(f))
			printf("| `%s` | any | %s%s%s | `NULL::text`, `NULL::uuid`, ... | type of the second kind of ids |\n",
				   f->id2_name, f->id2_like_id ? "that of the other ids" : "`NULL::",
				   f->id2_like_id ? "" : f->id2_default ? f->id2_default : "bigint", f->id2_like_id ? "" : "`");
		if (p->name == NULL)
			break;
		printf("| `%s` | ", p->name);
		if (p->type == RK_TYPE_RELATION && p->relation)
			print_relation_link(p->relation);
		else
			printf("%s", rk_type_words(p->type));
		printf(p->initial ? " | `%s` | " : " | mandatory | ", p->initial);
		if (rk_type_is_number(p->type))
			print_range(&(rk_range) {p->min, p->max, p->min_open, p->max_open}, NULL);
		else
			print_range(NULL, p->choices);
		printf(" | ");
		print_text(p->meaning);
		printf(" |\n");
	}
	printf("\n");
}

static void
print_result(const rk_function *f)
{
	printf("| result | type | meaning |\n| --- | --- | --- |\n");
	for (const rk_column *c = f->columns; c->name; c++)
	{
		printf("| `%s` | %s | ", c->name, rk_type_words(c->type));
		print_text(c->meaning);
		printf(" |\n");
	}
	printf("\n");
}

/* How the time of a run grows. */
static void
print_cost(const rk_function *f)
{
	bool		graph = false;

	if (f->shape != RK_SHAPE_RELATION)
		return;
	for (const rk_param *p = f->params; p->name; p++)
		graph = graph || (p->type == RK_TYPE_RELATION && p->relation && p->relation->may_be_graph);
	printf("Time grows with ");
	switch (f->work)
	{
		case RK_WORK_LINEAR:
			printf(graph ? "nodes + edges" : "rows");
			break;
		case RK_WORK_ITERATIONS:
			printf(graph ? "iterations × (nodes + edges)" : "iterations × rows");
			break;
		case RK_WORK_SORTED:
			printf(graph ? "(nodes + edges) × log nodes" : "rows × log rows");
			break;
		case RK_WORK_TRIANGLES:
			printf("edges to the power of 1.5, at worst");
			break;
		case RK_WORK_ALL_PAIRS:
			printf(graph ? "nodes × (nodes + edges)" : "rows × rows");
			break;
	}
	printf(".\n\n");
}

/* The example of a function, if there is one. */
static void
print_example(const rk_kernel *k, const rk_function *f)
{
	char		path[256];
	char		line[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "docs/examples/%s.md", function_name(k, f));
	file = fopen(path, "r");
	if (file == NULL)
		return;
	printf("Example:\n\n");
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	printf("\n");
	fclose(file);
}

static void
print_kernel(const rk_kernel *k, void *arg)
{
	if (!in_domain(k, arg))
		return;
	printf("## %s\n\n", k->id);
	print_sentence(k->description);
	printf("\n\n");
	if (k->notes)
		printf("%s\n\n", k->notes);
	if (k->iterative)
		printf("Iterative: `rk.last_run()` has `iterations`, `residual` and `converged`; a run that does not converge "
			   "returns the last iteration, with a warning.\n\n");
	if (k->details)
		printf("`rk.last_run()` has in `details`: %s.\n\n", k->details);
	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		printf("### rk.%s\n\n", function_name(k, f));
		print_sentence(f->description);
		printf("\n\n");
		print_synopsis(k, f);
		print_params(f);
		print_result(f);
		print_cost(f);
		if (f->graph_form)
			printf("A second form takes a value of type `rk.graph` in place of `edges` and `nodes`, so that a query can call "
				   "it for every row: `rk.%s(graph, ...)`.\n\n", function_name(k, f));
		if (f->array_form)
			printf("A second form takes the values of one series as `double precision[]`: `rk.%s(ARRAY[...], ...)`; `series_id` "
				   "and times are NULL then. `rk.execute` takes a JSON array of numbers.\n\n", function_name(k, f));
		print_example(k, f);
	}
}

/* ---- pages ---- */

/* A row of a list of kernels; the link goes to a page, or to one's own. */
static void
print_row(const rk_kernel *k, const char *page)
{
	printf("| [%s](%s%s#", k->id, page, page[0] ? ".md" : "");
	print_anchor(k->id);
	printf(") | ");
	for (const rk_function *f = k->functions; f->params != NULL; f++)
		printf("%s`rk.%s`", f == k->functions ? "" : ", ", function_name(k, f));
	printf(" | ");
	print_text(k->description);
	printf(" |\n");
}

static void
print_row_of_page(const rk_kernel *k, void *arg)
{
	if (in_domain(k, arg))
		print_row(k, "");
}

static void
print_row_of_index(const rk_kernel *k, void *arg)
{
	if (in_domain(k, arg))
		print_row(k, arg);
}

#define INDEX_HEAD "| kernel | functions | what it is |\n| --- | --- | --- |\n"

static void
print_page(char *domain)
{
	char		path[256];
	char		line[4096];
	FILE	   *intro;

	printf("<!-- Made by \"make docs\" from the descriptors and docs/examples: change those. -->\n\n");
	snprintf(path, sizeof(path), "docs/reference/%s.intro", domain);
	intro = fopen(path, "r");
	if (intro)
	{
		while (fgets(line, sizeof(line), intro))
			fputs(line, stdout);
		fclose(intro);
	}
	else
		printf("# %c%s kernels\n", toupper((unsigned char) domain[0]), domain + 1);
	printf("\n" INDEX_HEAD);
	rk_each_kernel(print_row_of_page, domain);
	printf("\n");
	rk_each_kernel(print_kernel, domain);
	print_relations();
	printf("## Errors\n\nA parameter outside of what is permitted, a missing column, NULL or NaN in a row, ids of another type: each is an "
		   "error\nthat names what is wrong and shows what works. "
		   "[SQLSTATEs](../how-to/applications.md#errors-to-expect) are the same for all kernels.\n");
}

/* A kernel's section of the index, when it is the first of its domain. */
static void
print_section_of_index(const rk_kernel *k, void *arg)
{
	static char seen[64][64];
	static int	seen_count = 0;
	const char *domain = domain_of(k);

	(void) arg;
	for (int i = 0; i < seen_count; i++)
		if (strcmp(seen[i], domain) == 0)
			return;
	if (seen_count == (int) (sizeof(seen) / sizeof(seen[0])))
		abort();
	snprintf(seen[seen_count], sizeof(seen[0]), "%s", domain);
	printf("## [%c%s](%s.md)\n\n" INDEX_HEAD, toupper((unsigned char) domain[0]), domain + 1, domain);
	rk_each_kernel(print_row_of_index, seen[seen_count++]);
	printf("\n");
}

/* ---- messages ---- */

static void
print_message(const rk_message_type *t)
{
	const rk_field *columns[128];
	int			n = rk_reply_columns(t, columns);

	printf("### %s\n\n", t->name);
	print_sentence(t->description);
	if (t->published)
		printf(" A record, published to the [outputs](../how-to/rings.md#what-it-publishes) of the ring. Type %u.\n\n", t->type_id);
	else
		printf("%s Message type %u, reply %u%s.\n\n", t->mutating ? " Changes the state." : "", t->type_id, t->reply_id,
			   n == 0 ? ", which is empty" : "");
	if (t->function)
	{
		printf("```\nrk.%s(name text%s", t->function, rk_takes_id_type(t) ? "[, id_type anycompatible]" : "");
		for (const rk_field *f = t->request; f && f->name; f++)
			printf(", %s %s%s%s", f->name, rk_field_sql_type(f), f->initial ? " DEFAULT " : "",
				   f->initial ? f->initial : "");
		printf(")\n```\n\n");
	}
	if (t->request->name)
	{
		printf("| field | type | meaning |\n| --- | --- | --- |\n");
		for (const rk_field *f = t->request; f->name; f++)
		{
			printf("| `%s` | %s | ", f->name, t->published ? rk_column_sql_type(t, f) : rk_field_sql_type(f));
			print_text(f->meaning);
			for (int i = 0; f->choices && f->choices[i]; i++)
				printf("%s`%s`", i ? ", " : "; ", f->choices[i]);
			if (f->min != 0 || f->max != 0)
				printf("; from %.15g to %.15g", f->min, f->max);
			printf(" |\n");
		}
		printf("\n");
	}
	if (t->published || n == 0)
		return;
	if (rk_takes_id_type(t))
		printf("Ids are `bigint`, or of the type of `id_type`, a NULL: `NULL::text` right after the name.\n\n");
	printf("| %s | type | meaning |\n| --- | --- | --- |\n", t->rows ? "column" : "reply");
	for (int i = 0; i < n; i++)
	{
		printf("| `%s` | %s | ", columns[i]->name, rk_column_sql_type(t, columns[i]));
		print_text(columns[i]->meaning);
		printf(" |\n");
	}
	printf("\n");
}

static void
print_messages(void)
{
	printf("<!-- Made by \"make docs\" from the descriptions of the messages: change those. -->\n\n"
		   "# Messages of ring kernels\n\n"
		   "How rings are run: [rings](../how-to/rings.md). The same is in the database: "
		   "`SELECT type_id, name, function, description FROM rk.message_types`.\n\n");
	for (int r = 0; rk_message_rooms[r]; r++)
	{
		/* the kernels that understand this set */
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
		{
			bool		known = false;

			for (const rk_message_type *u = rk_message_rooms[r]; u < t; u++)
				known |= strcmp(u->kernel, t->kernel) == 0;
			if (!known)
				printf("%s%s", t == rk_message_rooms[r] ? "## " : ", ", t->kernel);
		}
		printf("\n\n");
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
			print_message(t);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "index") == 0)
	{
		printf("<!-- Made by \"make docs\" from the descriptors: change those. -->\n\n# Kernels\n\n"
			   "The same is in the database: `SELECT id, description FROM rk.kernels`.\n\n");
		rk_each_kernel(print_section_of_index, NULL);
		printf("## [Messages of ring kernels](rings.md)\n");
	}
	else if (argc == 2 && strcmp(argv[1], "messages") == 0)
		print_messages();
	else if (argc == 3 && strcmp(argv[1], "page") == 0)
		print_page(argv[2]);
	else
	{
		fprintf(stderr, "usage: reference index | reference messages | reference page <domain>\n");
		return 2;
	}
	return 0;
}
