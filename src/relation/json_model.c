/*
 * json_model.c
 *	  Models as jsonb: objects whose values are numbers, words and matrices.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "json_model.h"

static const char *
path_of(const rk_json_node *node, const char *key)
{
	return node->path[0] ? psprintf("%s.%s", node->path, key) : key;
}

void
rk_json_wrong(const rk_json_node *node, const char *key, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of \"%s\" %s", path_of(node, key), node->argument, what)));
}

rk_json_node
rk_json_model(const rk_call *call, const char *argument)
{
	Jsonb	   *model = DatumGetJsonbP(rk_arg_datum(call, argument));

	if (!JB_ROOT_IS_OBJECT(model))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is not a JSON object", argument)));
	return (rk_json_node) {
		/* all that changes is the memory that the numbers are counted in */
		.call = (rk_call *) call,.argument = argument,.path = "",.object = &model->root
	};
}

/* The value of a key; NULL where there is none, or null. */
static JsonbValue *
find(const rk_json_node *node, const char *key)
{
	JsonbValue *v = getKeyJsonValueFromContainer(node->object, key, strlen(key), NULL);

	return v && v->type != jbvNull ? v : NULL;
}

bool
rk_json_has(const rk_json_node *node, const char *key)
{
	return find(node, key) != NULL;
}

/* Correctly rounded; float8in is what casts of numeric go through, too. */
static double
number_of(const rk_json_node *node, const char *key, const JsonbValue *v)
{
	if (v->type != jbvNumeric)
		rk_json_wrong(node, key, "holds something other than numbers");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)));
}

double
rk_json_number(const rk_json_node *node, const char *key, double initial)
{
	JsonbValue *v = find(node, key);

	if (v && v->type != jbvNumeric)
		rk_json_wrong(node, key, "is not a number");
	return v ? number_of(node, key, v) : initial;
}

bool
rk_json_boolean(const rk_json_node *node, const char *key, bool initial)
{
	JsonbValue *v = find(node, key);

	if (v && v->type != jbvBool)
		rk_json_wrong(node, key, "is not true or false");
	return v ? v->val.boolean : initial;
}

int
rk_json_choice(const rk_json_node *node, const char *key, const char *const *choices, int initial)
{
	JsonbValue *v = find(node, key);
	StringInfoData list;
	char	   *word;

	if (v == NULL)
		return initial;
	if (v->type != jbvString)
		rk_json_wrong(node, key, "is not a string");
	word = pnstrdup(v->val.string.val, v->val.string.len);
	for (int i = 0; choices[i]; i++)
		if (strcmp(choices[i], word) == 0)
			return i;
	initStringInfo(&list);
	for (int i = 0; choices[i]; i++)
		appendStringInfo(&list, "%s%s", i ? ", " : "", choices[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of \"%s\" is unknown: \"%s\"", path_of(node, key), node->argument, word),
			 errhint("Valid values are: %s.", list.data)));
}

/* The array of a key. */
static JsonbContainer *
array_of(const rk_json_node *node, const char *key, const JsonbValue *v)
{
	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		rk_json_wrong(node, key, "is not an array");
	return v->val.binary.data;
}

/* Reads the numbers of an array into values, which has room for all of them. */
static void
read_numbers(const rk_json_node *node, const char *key, JsonbContainer *array, double *values)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	v;
	int64		count = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			values[count++] = number_of(node, key, &v);
}

double *
rk_json_vector(const rk_json_node *node, const char *key, int64 *count)
{
	JsonbValue *v = find(node, key);
	JsonbContainer *array;
	double	   *values;

	if (v == NULL)
		return NULL;
	array = array_of(node, key, v);
	*count = JsonContainerSize(array);
	values = rk_call_alloc(node->call, *count, double);
	read_numbers(node, key, array, values);
	return values;
}

double *
rk_json_matrix(const rk_json_node *node, const char *key, int64 *rows, int64 *columns)
{
	JsonbValue *v = find(node, key);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	row;
	JsonbContainer *array;
	double	   *values = NULL;
	int64		at = 0;

	if (v == NULL)
		return NULL;
	array = array_of(node, key, v);
	*rows = JsonContainerSize(array);
	it = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&it, &row, true)) != WJB_DONE)
	{
		int64		length;

		if (token != WJB_ELEM)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (row.type != jbvBinary || !JsonContainerIsArray(row.val.binary.data))
			rk_json_wrong(node, key, "is not an array of rows");
		length = JsonContainerSize(row.val.binary.data);
		if (values == NULL)
		{
			*columns = length;
			values = rk_call_alloc(node->call, *rows * length, double);
		}
		if (length != *columns)
			rk_json_wrong(node, key, psprintf("has a row of %lld numbers after one of %lld",
											  (long long) length, (long long) *columns));
		read_numbers(node, key, row.val.binary.data, values + at);
		at += length;
	}
	if (values == NULL || *columns == 0)
		rk_json_wrong(node, key, "is empty");
	return values;
}

bool
rk_json_object(const rk_json_node *node, const char *key, rk_json_node *inside)
{
	JsonbValue *v = find(node, key);

	if (v == NULL || v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
		return false;
	*inside = (rk_json_node) {
		.call = node->call,.argument = node->argument,.path = path_of(node, key),.object = v->val.binary.data
	};
	return true;
}

rk_json_node *
rk_json_objects(const rk_json_node *node, const char *key, int *count)
{
	JsonbValue *v = find(node, key);
	JsonbContainer *array;
	rk_json_node *objects;

	if (v == NULL)
		rk_json_wrong(node, key, "is missing");
	array = array_of(node, key, v);
	*count = JsonContainerSize(array);
	if (*count == 0)
		rk_json_wrong(node, key, "is empty");
	objects = palloc(sizeof(rk_json_node) * *count);
	for (int i = 0; i < *count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			rk_json_wrong(node, key, "is not an array of objects");
		objects[i] = (rk_json_node) {
			.call = node->call,.argument = node->argument,
			.path = psprintf("%s[%d]", path_of(node, key), i),.object = element->val.binary.data
		};
	}
	return objects;
}

/* ---- writing ---- */

void
rk_json_put_vector(StringInfo s, const double *values, int64 count)
{
	appendStringInfoChar(s, '[');
	for (int64 i = 0; i < count; i++)
		appendStringInfo(s, "%s%s", i ? ", " : "", float8out_internal(values[i]));
	appendStringInfoChar(s, ']');
}

void
rk_json_put_matrix(StringInfo s, const double *values, int64 rows, int64 columns)
{
	appendStringInfoChar(s, '[');
	for (int64 i = 0; i < rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(s, i ? ", " : "");
		rk_json_put_vector(s, values + i * columns, columns);
	}
	appendStringInfoChar(s, ']');
}
