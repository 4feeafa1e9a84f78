/*
 * source.c
 *	  Turns a relation argument into a plan.
 *
 * A name becomes "SELECT its columns FROM it", a JSON array becomes a call of
 * jsonb_to_recordset with the column types that its values show, and a query
 * stays as it is; so there is one way to run, with the caller's rights and
 * row-level security.  A query is one SELECT: it is parsed here, planned by
 * PostgreSQL and run in read-only mode under rk_guard.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "source.h"

void
rk_guard_begin(rk_guard *guard)
{
	GetUserIdAndSecContext(&guard->user, &guard->security_context);
	guard->nest_level = NewGUCNestLevel();
	/* the end of a (sub)transaction by an error puts this back by itself */
	guard->read_only = XactReadOnly;
	XactReadOnly = true;
	SetUserIdAndSecContext(guard->user,
						   guard->security_context | SECURITY_RESTRICTED_OPERATION);
}

void
rk_guard_end(rk_guard *guard)
{
	XactReadOnly = guard->read_only;
	AtEOXact_GUC(false, guard->nest_level);
	SetUserIdAndSecContext(guard->user, guard->security_context);
}

Oid
rk_graph_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("graph"),
						   ObjectIdGetDatum(get_namespace_oid("rk", false)));
}

bool
rk_is_number_type(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

Oid
rk_id_storage_type(Oid type)
{
	type = getBaseType(type);
	switch (type)
	{
		case INT2OID:
		case INT4OID:
			return INT8OID;
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			return TEXTOID;
		default:
			return type;
	}
}

bool
rk_is_id_type(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(rk_id_storage_type(type),
											  TYPECACHE_HASH_PROC | TYPECACHE_CMP_PROC |
											  TYPECACHE_EQ_OPR);

	return OidIsValid(entry->hash_proc) && OidIsValid(entry->cmp_proc) &&
		OidIsValid(entry->eq_opr);
}

/* Raises the hint that shows a query of the right form. */
static int
example_hint(const char *argument, const rk_relation *relation)
{
	return errhint("A query of this form works: %s => '%s'.", argument, relation->example);
}

/* ---- what kind of text it is ---- */

/* Skips white space and comments. */
static const char *
skip_blank(const char *p)
{
	for (;;)
	{
		if (isspace((unsigned char) *p))
			p++;
		else if (p[0] == '-' && p[1] == '-')
		{
			while (*p && *p != '\n')
				p++;
		}
		else if (p[0] == '/' && p[1] == '*')
		{
			int			depth = 1;

			for (p += 2; *p && depth > 0; p++)
			{
				if (p[0] == '/' && p[1] == '*')
					depth++, p++;
				else if (p[0] == '*' && p[1] == '/')
					depth--, p++;
			}
		}
		else
			return p;
	}
}

/* True when p starts with this SQL word. */
static bool
starts_with(const char *p, const char *word)
{
	size_t		length = strlen(word);

	return pg_strncasecmp(p, word, length) == 0 &&
		!isalnum((unsigned char) p[length]) && p[length] != '_' && p[length] != '.' &&
		p[length] != '$' && (unsigned char) p[length] < 0x80;
}

static bool
starts_with_any(const char *p, const char *const *words)
{
	for (; *words; words++)
	{
		if (starts_with(p, *words))
			return true;
	}
	return false;
}

/* ---- names ---- */

/*
 * Returns the query that reads the wanted columns of a named relation, all of
 * its columns if none of the wanted ones is there (the error about the missing
 * column then lists what was found).
 */
static char *
query_of_name(const char *argument, const char *text, const rk_relation *relation)
{
	List	   *parts = NIL;
	List	   *names = NIL;
	ListCell   *cell;
	RangeVar   *range;
	Oid			relid;
	Relation	rel;
	StringInfoData query;
	int			wanted = 0;

	if (!SplitIdentifierString(pstrdup(text), '.', &parts) || parts == NIL ||
		list_length(parts) > 3)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("value of \"%s\" is neither a query, nor the name of a relation, nor a JSON array", argument),
				 errdetail("The value is: %.*s", pg_mbcliplen(text, strlen(text), 100), text),
				 example_hint(argument, relation)));
	foreach(cell, parts)
		names = lappend(names, makeString(pstrdup(lfirst(cell))));
	range = makeRangeVarFromNameList(names);
	relid = RangeVarGetRelid(range, AccessShareLock, true);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" named in \"%s\" does not exist", NameListToString(names), argument),
				 errhint("Name a table or view that you may read, or give a query: %s => '%s'.",
						 argument, relation->example)));
	rel = relation_open(relid, NoLock);
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_PARTITIONED_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" named in \"%s\" is not a table or view", NameListToString(names), argument)));
	}
	initStringInfo(&query);
	for (int pass = 0; pass < 2 && wanted == 0; pass++)
	{
		resetStringInfo(&query);
		appendStringInfoString(&query, "SELECT");
		for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
			bool		take = pass == 1;

			if (att->attisdropped)
				continue;
			for (const rk_relation_column *c = relation->columns; c->name != NULL; c++)
			{
				if (strcmp(NameStr(att->attname), c->name) == 0 ||
					(c->synonym && strcmp(NameStr(att->attname), c->synonym) == 0))
					take = true;
			}
			if (relation->open && rk_is_number_type(getBaseType(att->atttypid)))
				take = true;
			if (!take && !(relation->may_be_graph && att->atttypid == rk_graph_type()))
				continue;
			appendStringInfo(&query, "%s %s", wanted++ ? "," : "",
							 quote_identifier(NameStr(att->attname)));
		}
	}
	appendStringInfo(&query, " FROM %s",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	relation_close(rel, NoLock);
	return query.data;
}

/* ---- JSON arrays ---- */

/* What the values of one key are. */
typedef enum json_kind
{
	JSON_NONE,					/* only null so far */
	JSON_INTEGER,
	JSON_NUMBER,
	JSON_TEXT,
	JSON_BOOL,
	JSON_OTHER
} json_kind;

typedef struct json_key
{
	char	   *name;
	json_kind	kind;
	bool		words;			/* JSON_TEXT: some string is not an integer */
} json_key;

static json_kind
kind_of_value(const JsonbValue *v)
{
	switch (v->type)
	{
		case jbvNumeric:
			{
				char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out,
																		 NumericGetDatum(v->val.numeric)));
				char	   *end;

				errno = 0;
				(void) strtoll(digits, &end, 10);
				return *end == '\0' && errno == 0 ? JSON_INTEGER : JSON_NUMBER;
			}
		case jbvString:
			return JSON_TEXT;
		case jbvBool:
			return JSON_BOOL;
		case jbvNull:
			return JSON_NONE;
		default:
			return JSON_OTHER;
	}
}

/* The kind that holds values of both kinds; JSON_OTHER when there is none. */
static json_kind
common_kind(json_kind a, json_kind b)
{
	if (a == b || b == JSON_NONE)
		return a;
	if (a == JSON_NONE)
		return b;
	if ((a == JSON_INTEGER && b == JSON_NUMBER) || (a == JSON_NUMBER && b == JSON_INTEGER))
		return JSON_NUMBER;
	return JSON_OTHER;
}

static const rk_relation_column *
wanted_column(const rk_relation *relation, const char *name)
{
	for (const rk_relation_column *c = relation->columns; c->name != NULL; c++)
	{
		if (strcmp(name, c->name) == 0 || (c->synonym && strcmp(name, c->synonym) == 0))
			return c;
	}
	return NULL;
}

/* True for a string of digits with or without a sign. */
static bool
is_integer(const JsonbValue *v)
{
	const char *p = v->val.string.val;
	const char *end = p + v->val.string.len;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return false;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == end;
}

/*
 * The type that the id columns of a JSON array are read as: the one the call
 * returns ("ids") if their values can have it.  Else the values decide, and
 * the error about the ids' type shows the call that works.
 */
static const char *
json_id_type(const json_key *key, Oid ids)
{
	bool		wants_integers = ids == INT8OID || ids == INT4OID || ids == INT2OID;

	switch (key->kind)
	{
		case JSON_INTEGER:
			return ids == NUMERICOID ? "numeric" : "bigint";
		case JSON_NUMBER:
			return "numeric";
		case JSON_BOOL:
			return "boolean";
		case JSON_TEXT:
			if (!OidIsValid(ids) || (wants_integers && key->words))
				return "text";
			return format_type_be_qualified(ids);
		default:
			return OidIsValid(ids) ? format_type_be_qualified(ids) : "text";
	}
}

/* The columns that have to be there, or if that is one or none the first ones, as an object of JSON. */
static char *
example_object(const rk_relation *relation)
{
	StringInfoData s;
	int			required = 0;
	int			n = 0;

	for (const rk_relation_column *c = relation->columns; c->name != NULL; c++)
		required += c->required;
	initStringInfo(&s);
	for (const rk_relation_column *c = relation->columns; c->name != NULL && n < 4; c++)
	{
		if (required > 1 && !c->required)
			continue;
		appendStringInfo(&s, "%s\"%s\": ", n++ > 0 ? ", " : "", c->name);
		if (c->type == RK_TYPE_TIMESTAMPTZ || c->type == RK_TYPE_DATE)
			appendStringInfoString(&s, "\"2024-01-01\"");
		else if (c->type == RK_TYPE_TEXT)
			appendStringInfo(&s, "\"%s\"", c->choices ? c->choices[0] : c->name);
		else
			appendStringInfo(&s, "%d", n);
	}
	return s.data;
}

/* The error of a JSON value that is not an array of objects. */
static void
not_an_array_of_objects(const char *argument, const rk_relation *relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("JSON value of \"%s\" is not an array of objects", argument),
			 errhint("Give one object a row: %s => '[{%s}]'.", argument, example_object(relation))));
}

/* Types whose values jsonb_to_recordset reads by itself from any JSON. */
static bool
has_own_json_type(rk_type type)
{
	switch (type)
	{
		case RK_TYPE_JSONB:
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_INT8_ARRAY:
		case RK_TYPE_INT4_ARRAY:
		case RK_TYPE_TEXT_ARRAY:
		case RK_TYPE_NUMERIC_ARRAY:
		case RK_TYPE_TIMESTAMPTZ_ARRAY:
			return true;
		default:
			return false;
	}
}

/* The type a column of a JSON array is read as, given what its values are. */
static const char *
json_type(const rk_relation_column *c, const json_key *key, Oid ids, Oid second_ids)
{
	rk_type		type = c ? c->type : RK_TYPE_FLOAT8;

	if (type == RK_TYPE_ID || type == RK_TYPE_ID2)
		return json_id_type(key, type == RK_TYPE_ID ? ids : second_ids);
	if (has_own_json_type(type))
		return rk_type_sql(type);
	/* times and texts are strings; numbers, written exactly, stay exact */
	if (type == RK_TYPE_TEXT)
		return "text";
	if ((type == RK_TYPE_TIMESTAMPTZ || type == RK_TYPE_DATE || type == RK_TYPE_INTERVAL) &&
		(key->kind == JSON_TEXT || key->kind == JSON_NONE))
		return rk_type_sql(type);
	if (type == RK_TYPE_NUMERIC && key->kind != JSON_BOOL)
		return "numeric";
	if (key->kind == JSON_BOOL || (type == RK_TYPE_BOOLEAN && key->kind == JSON_NONE))
		return "boolean";
	if (key->kind == JSON_INTEGER)
		return "bigint";
	return key->kind == JSON_TEXT ? "text" : "double precision";
}

/* Returns the query that reads a JSON array of objects; text is its source. */
static char *
query_of_json(const char *argument, Jsonb *array, const char *text, const rk_relation *relation,
			  Oid ids, Oid second_ids)
{
	JsonbIterator *it = JsonbIteratorInit(&array->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	json_key	keys[64];
	int			count = 0;
	int			depth = 0;
	int			current = -1;
	int64		row = 0;
	json_key	others[16];		/* keys that are not wanted, for the error */
	int			other_count = 0;
	StringInfoData query;

	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		not_an_array_of_objects(argument, relation);
	while ((token = JsonbIteratorNext(&it, &v, depth >= 2)) != WJB_DONE)
	{
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				if (depth++ > 0)
					not_an_array_of_objects(argument, relation);
				break;
			case WJB_BEGIN_OBJECT:
				depth++;
				row++;
				break;
			case WJB_END_ARRAY:
			case WJB_END_OBJECT:
				depth--;
				break;
			case WJB_ELEM:
				not_an_array_of_objects(argument, relation);
				break;
			case WJB_KEY:
				{
					char	   *name = pnstrdup(v.val.string.val, v.val.string.len);

					current = -1;
					if (wanted_column(relation, name) == NULL && !relation->open)
					{
						if (row == 1 && name[0] != '\0' && other_count < lengthof(others))
							others[other_count++] = (json_key) {name, JSON_TEXT};
						break;
					}
					for (int i = 0; i < count; i++)
					{
						if (strcmp(keys[i].name, name) == 0)
							current = i;
					}
					if (current < 0 && count < lengthof(keys))
					{
						current = count++;
						keys[current] = (json_key) {name, JSON_NONE};
					}
				}
				break;
			case WJB_VALUE:
				if (current >= 0)
				{
					const rk_relation_column *wanted = wanted_column(relation, keys[current].name);
					json_kind	kind;

					/* what is read as jsonb or as an array is judged there */
					if (wanted && has_own_json_type(wanted->type))
						break;
					kind = kind_of_value(&v);
					if (kind == JSON_OTHER)
						ereport(ERROR,
								(errcode(ERRCODE_DATATYPE_MISMATCH),
								 errmsg("\"%s\" in row %lld of the JSON array \"%s\" is neither a number nor a string",
										keys[current].name, (long long) row, argument)));
					kind = common_kind(keys[current].kind, kind);
					if (kind == JSON_OTHER)
						ereport(ERROR,
								(errcode(ERRCODE_DATATYPE_MISMATCH),
								 errmsg("values of \"%s\" in the JSON array \"%s\" are not of one type", keys[current].name, argument),
								 errdetail("The first that differs is in row %lld.", (long long) row),
								 errhint("Give numbers only or strings only.")));
					keys[current].kind = kind;
					if (v.type == jbvString && !is_integer(&v))
						keys[current].words = true;
				}
				break;
			default:
				break;
		}
	}

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	if (count == 0)
	{
		/* an empty array has no columns to find: give it the wanted ones */
		for (const rk_relation_column *c = relation->columns; c->name != NULL; c++)
		{
			if (row == 0 && count < lengthof(keys))
				keys[count++] = (json_key) {pstrdup(c->name), c->type == RK_TYPE_FLOAT8 ? JSON_NUMBER : JSON_NONE};
		}
		/* rows without any wanted key: the error shows what the first one has */
		for (int i = 0; i < other_count; i++)
			keys[count++] = others[i];
	}
	for (int i = 0; i < count; i++)
		appendStringInfo(&query, "%s%s", i ? ", " : "", quote_identifier(keys[i].name));
	appendStringInfo(&query, " FROM pg_catalog.jsonb_to_recordset(%s) AS r(",
					 quote_literal_cstr(text));
	for (int i = 0; i < count; i++)
	{
		const char *type = json_type(wanted_column(relation, keys[i].name), &keys[i], ids, second_ids);

		appendStringInfo(&query, "%s%s %s", i ? ", " : "", quote_identifier(keys[i].name), type);
	}
	/* rows without any key: a record cannot be without columns */
	if (count == 0)
		appendStringInfoString(&query, "nothing text");
	appendStringInfoString(&query, ")");
	return query.data;
}

/* ---- queries ---- */

void
rk_source_context(void *arg)
{
	const rk_source *source = arg;

	errcontext("value given as \"%s\"", source->argument);
	/* a cursor into our query would point into the caller's */
	if (geterrposition() > 0)
	{
		internalerrposition(geterrposition());
		internalerrquery(source->query);
		errposition(0);
	}
}

static const char *const query_words[] = {"select", "with", "table", "values", NULL};
static const char *const statement_words[] = {
	"insert", "update", "delete", "merge", "set", "reset", "copy", "create", "drop", "alter",
	"truncate", "call", "do", "explain", "begin", "commit", "rollback", "grant", "revoke", NULL
};

static void
not_a_select(const char *argument, const rk_relation *relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("query given as \"%s\" is not a SELECT", argument),
			 errdetail("A relation argument is read, it cannot change anything."),
			 example_hint(argument, relation)));
}

/* Parses and plans source->query. */
static void
plan_query(rk_source *source)
{
	List	   *statements = pg_parse_query(source->query);
	List	   *queries;
	Query	   *query;
	RawStmt    *statement;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 list_length(statements) == 0 ?
				 errmsg("value of \"%s\" is empty", source->argument) :
				 errmsg("query given as \"%s\" has more than one statement", source->argument),
				 example_hint(source->argument, source->relation)));
	statement = linitial_node(RawStmt, statements);
	if (!IsA(statement->stmt, SelectStmt) || ((SelectStmt *) statement->stmt)->intoClause)
		not_a_select(source->argument, source->relation);
	queries = pg_analyze_and_rewrite_fixedparams(statement, source->query, NULL, 0, NULL);
	if (list_length(queries) != 1)
		not_a_select(source->argument, source->relation);
	query = linitial_node(Query, queries);
	if (query->commandType != CMD_SELECT || query->hasModifyingCTE || query->rowMarks != NIL)
		not_a_select(source->argument, source->relation);
	source->plan = pg_plan_query(query, source->query, CURSOR_OPT_PARALLEL_OK, NULL);
	source->desc = ExecCleanTypeFromTL(source->plan->planTree->targetlist);
	source->rows = source->plan->planTree->plan_rows;
	source->cost = source->plan->planTree->total_cost;
}

rk_source *
rk_source_open(const char *argument, const char *text, const rk_relation *relation, Oid ids)
{
	return rk_source_open_ids(argument, text, relation, ids, InvalidOid);
}

rk_source *
rk_source_open_ids(const char *argument, const char *text, const rk_relation *relation, Oid ids, Oid second_ids)
{
	rk_source  *source = palloc0(sizeof(rk_source));
	const char *start = skip_blank(text);
	ErrorContextCallback context;
	rk_guard	guard;

	source->argument = argument;
	source->relation = relation;
	source->query = pstrdup(text);
	if (*start == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value of \"%s\" is empty", argument),
				 example_hint(argument, relation)));
	context.callback = rk_source_context;
	context.arg = source;
	context.previous = error_context_stack;
	rk_guard_begin(&guard);
	if (*start == '[' || *start == '{')
	{
		Jsonb	   *array;

		error_context_stack = &context;
		array = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
		error_context_stack = context.previous;
		source->query = query_of_json(argument, array, text, relation, ids, second_ids);
	}
	else if (!starts_with_any(start, query_words) && *start != '(')
	{
		if (starts_with_any(start, statement_words) && strpbrk(start, " \t\n;(") != NULL)
			not_a_select(argument, relation);
		source->query = query_of_name(argument, text, relation);
	}
	error_context_stack = &context;
	plan_query(source);
	error_context_stack = context.previous;
	rk_guard_end(&guard);
	return source;
}

/* ---- columns ---- */

bool
rk_source_is_graph(const rk_source *source)
{
	return source->relation->may_be_graph && source->desc->natts == 1 &&
		getBaseType(TupleDescAttr(source->desc, 0)->atttypid) == rk_graph_type();
}

/* A list of the columns that are there, for error messages. */
static char *
columns_found(const rk_source *source)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < source->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(source->desc, i);

		appendStringInfo(&list, "%s%s %s", i ? ", " : "", NameStr(att->attname),
						 format_type_be(att->atttypid));
	}
	return list.data;
}

/* Whether a column of this type serves where the descriptor says "wanted". */
static bool
accepts(rk_type wanted, Oid type)
{
	Oid			element = get_element_type(type);

	switch (wanted)
	{
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			return rk_is_id_type(type);
		case RK_TYPE_FLOAT8:
		case RK_TYPE_INT4:
		case RK_TYPE_INT8:
		case RK_TYPE_NUMERIC:
			return rk_is_number_type(type);
		case RK_TYPE_BOOLEAN:
			return type == BOOLOID;
		case RK_TYPE_TEXT:
			return rk_id_storage_type(type) == TEXTOID;
		case RK_TYPE_TIMESTAMPTZ:
			return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID;
		case RK_TYPE_DATE:
			return type == DATEOID;
		case RK_TYPE_INTERVAL:
			return type == INTERVALOID || type == TIMEOID;
		case RK_TYPE_JSONB:
			return type == JSONBOID;
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_NUMERIC_ARRAY:
			return OidIsValid(element) && rk_is_number_type(element);
		case RK_TYPE_INT8_ARRAY:
		case RK_TYPE_INT4_ARRAY:
			return element == INT2OID || element == INT4OID || element == INT8OID;
		case RK_TYPE_TEXT_ARRAY:
			return OidIsValid(element) && element != NAMEOID && rk_id_storage_type(element) == TEXTOID;
		case RK_TYPE_TIMESTAMPTZ_ARRAY:
			return element == TIMESTAMPTZOID;
		default:
			return false;
	}
}

static const char *
accepted_types(rk_type wanted)
{
	switch (wanted)
	{
		case RK_TYPE_ID:
		case RK_TYPE_ID2:
			return "An id may be of any type that can be hashed and sorted: bigint, integer, text, uuid, date, numeric and others.";
		case RK_TYPE_FLOAT8:
		case RK_TYPE_INT4:
		case RK_TYPE_INT8:
		case RK_TYPE_NUMERIC:
			return "Accepted are smallint, integer, bigint, real, double precision and numeric.";
		case RK_TYPE_TEXT:
			return "Accepted are text, character varying, character and name.";
		case RK_TYPE_TIMESTAMPTZ:
			return "Accepted are timestamp with time zone, timestamp without time zone and date.";
		case RK_TYPE_INTERVAL:
			return "Accepted are interval and time without time zone.";
		case RK_TYPE_FLOAT8_ARRAY:
		case RK_TYPE_NUMERIC_ARRAY:
			return "Accepted are arrays of smallint, integer, bigint, real, double precision and numeric.";
		case RK_TYPE_INT8_ARRAY:
		case RK_TYPE_INT4_ARRAY:
			return "Accepted are arrays of smallint, integer and bigint.";
		case RK_TYPE_TEXT_ARRAY:
			return "Accepted are arrays of text, character varying and character.";
		default:
			return psprintf("Accepted is %s.", rk_type_sql(wanted));
	}
}

static bool
takes_name(const rk_relation_column *c, const char *name)
{
	return strcmp(name, c->name) == 0 || (c->synonym && strcmp(name, c->synonym) == 0);
}

/* Another column of the description that goes by this name too, or NULL. */
static const rk_relation_column *
namesake(const rk_relation *relation, const rk_relation_column *column, const char *name)
{
	for (const rk_relation_column *c = relation->columns; c->name; c++)
		if (c != column && takes_name(c, name))
			return c;
	return NULL;
}

void
rk_source_columns(const rk_source *source, rk_found_column *found)
{
	for (int k = 0; source->relation->columns[k].name != NULL; k++)
	{
		const rk_relation_column *c = &source->relation->columns[k];

		found[k] = (rk_found_column) {0};
		for (int i = 0; i < source->desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(source->desc, i);
			bool		exact = strcmp(NameStr(att->attname), c->name) == 0;
			const rk_relation_column *other;

			if (!takes_name(c, NameStr(att->attname)))
				continue;
			/* a name of two columns is that of the one whose type it has */
			other = namesake(source->relation, c, NameStr(att->attname));
			if (other && !accepts(c->type, getBaseType(att->atttypid)) && (!exact || accepts(other->type, getBaseType(att->atttypid))))
				continue;
			if (found[k].attno && (!exact || strcmp(found[k].name, c->name) == 0))
			{
				if (exact)
					ereport(ERROR,
							(errcode(ERRCODE_AMBIGUOUS_COLUMN),
							 errmsg("column \"%s\" of \"%s\" is there more than once", c->name, source->argument)));
				continue;
			}
			found[k].attno = i + 1;
			found[k].type = getBaseType(att->atttypid);
			found[k].name = pstrdup(NameStr(att->attname));
		}
		if (found[k].attno == 0)
		{
			if (c->required)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of \"%s\" is missing", c->name, source->argument),
						 source->desc->natts > 0 ?
						 errdetail("The relation has: %s.", columns_found(source)) :
						 errdetail("The relation has no columns."),
						 example_hint(source->argument, source->relation)));
			continue;
		}
		if (!accepts(c->type, found[k].type))
		{
			const rk_relation_column *other = namesake(source->relation, c, found[k].name);

			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of \"%s\" has type %s", found[k].name, source->argument,
							format_type_be(TupleDescAttr(source->desc, found[k].attno - 1)->atttypid)),
					 other ? errdetail("%s %s", accepted_types(c->type), accepted_types(other->type)) :
					 errdetail("%s", accepted_types(c->type)),
					 example_hint(source->argument, source->relation)));
		}
	}
}
