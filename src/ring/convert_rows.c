/*
 * convert_rows.c
 *	  Rows of a query, a table or a JSON array as messages.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "../call/types.h"
#include "../compat.h"
#include "../relation/source.h"
#include "convert.h"

/* What a field is in a row that says nothing about it; NULL: an error. */
static const char *
row_default(const rk_field *field)
{
	return field->implied ? field->implied : field->initial;
}

void
rk_field_default(const rk_field *field, void *record)
{
	rk_field_literal(field, record, row_default(field));
}

/* Rows of a query on their way to a function, each as a message. */
typedef struct row_loader
{
	DestReceiver dest;			/* first: the executor knows only this */
	const rk_message_type *type;
	const char *parameter;
	rk_load_fn	fn;
	void	   *arg;
	rk_message	message;
	char	   *payload;
	char	   *defaults;		/* a payload with nothing but them */
	int			count;			/* fields that have a column */
	int			last_attno;
	int			attno[64];
	Oid			types[64];
	const rk_field *fields[64];
	int64		rows;
	MemoryContext memory;		/* of a row */
} row_loader;

static bool
load_row(TupleTableSlot *slot, DestReceiver *self)
{
	row_loader *l = (row_loader *) self;
	MemoryContext old = MemoryContextSwitchTo(l->memory);

	slot_getsomeattrs(slot, l->last_attno);
	memcpy(l->payload, l->defaults, l->type->request_size);
	l->rows++;
	for (int i = 0; i < l->count; i++)
	{
		int			a = l->attno[i] - 1;

		/* a default stands for NULL */
		if (!slot->tts_isnull[a] || row_default(l->fields[i]) == NULL)
			rk_field_store(l->fields[i], l->payload, slot->tts_values[a], l->types[i], slot->tts_isnull[a]);
	}
	l->fn(l->arg, &l->message);
	MemoryContextSwitchTo(old);
	MemoryContextReset(l->memory);
	return true;
}

/* Says in an error's context which row it is about. */
static void
row_context(void *arg)
{
	const row_loader *l = arg;

	if (l->rows > 0)
		errcontext("row %lld of \"%s\"", (long long) l->rows, l->parameter);
}

static void
load_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
load_nothing(DestReceiver *self)
{
}

/* The column with this name, or their number. */
static int
column_of(TupleDesc desc, const char *name)
{
	int			a = 0;

	while (a < desc->natts && strcmp(NameStr(TupleDescAttr(desc, a)->attname), name) != 0)
		a++;
	return a;
}

/* Finds the columns of the fields in the rows, and what the others mean. */
static void
prepare_loader(row_loader *l, TupleDesc desc)
{
	for (const rk_field *f = l->type->request; f->name; f++)
	{
		int			a = column_of(desc, f->name);

		if (a == desc->natts && f->column)
			a = column_of(desc, f->column);
		if (a < desc->natts)
		{
			l->fields[l->count] = f;
			l->attno[l->count] = a + 1;
			l->types[l->count] = getBaseType(TupleDescAttr(desc, a)->atttypid);
			rk_field_check_type(f, l->types[l->count++]);
			l->last_attno = Max(l->last_attno, a + 1);
		}
		else if (row_default(f) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" is missing in the rows for message type %u (%s)", f->name,
							l->type->type_id, l->type->name)));
		if (row_default(f) != NULL)
			rk_field_literal(f, l->defaults, row_default(f));
	}
}

/* What rk_relation_column says of a field: JSON values are read as such a type. */
static rk_type
json_type_of(const rk_field *field)
{
	switch (rk_field_type(field))
	{
		case TEXTOID:
			return RK_TYPE_TEXT;
		case BOOLOID:
			return RK_TYPE_BOOLEAN;
		case TIMESTAMPTZOID:
			return RK_TYPE_TIMESTAMPTZ;
		case DATEOID:
			return RK_TYPE_DATE;
		case NUMERICOID:
			return RK_TYPE_NUMERIC;
		case INTERVALOID:
			return RK_TYPE_INTERVAL;
		case TEXTARRAYOID:
			return RK_TYPE_TEXT_ARRAY;
		case FLOAT8ARRAYOID:
			return RK_TYPE_FLOAT8_ARRAY;
		case JSONBOID:
			return RK_TYPE_JSONB;
		default:
			return RK_TYPE_FLOAT8;
	}
}

int64
rk_load_rows(const rk_message_type *type, const char *parameter, const char *relation, Oid role, rk_load_fn fn,
			 void *arg)
{
	rk_relation_column columns[65] = {{0}};
	rk_relation shape = {.name = "rows",.columns = columns,.example = "SELECT * FROM ..."};
	rk_guard	guard;
	Oid			user;
	int			security_context;
	rk_source  *source;
	QueryDesc  *desc;
	row_loader	l = {
		.dest = {
			.receiveSlot = load_row,
			.rStartup = load_startup,
			.rShutdown = load_nothing,
			.rDestroy = load_nothing,
			.mydest = DestNone
		},
		.type = type,
		.parameter = parameter,
		.fn = fn,
		.arg = arg,
		.payload = palloc0(type->request_size + 8),
		.defaults = palloc0(type->request_size + 8),
		.message = {.type_id = type->type_id,.length = type->request_size,.role = role},
		.memory = AllocSetContextCreate(CurrentMemoryContext, "rk row", ALLOCSET_DEFAULT_SIZES)
	};
	ErrorContextCallback context = {.callback = row_context,.arg = &l,.previous = error_context_stack};

	l.message.payload = l.payload;
	for (int i = 0; type->request[i].name; i++)
		columns[i] = (rk_relation_column) {
		.name = type->request[i].name,
			.type = json_type_of(&type->request[i]),
			.synonym = type->request[i].column,
			.required = row_default(&type->request[i]) == NULL
	};
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(role, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	/* a name or a JSON array becomes a query here */
	source = rk_source_open(parameter, relation, &shape, InvalidOid);
	prepare_loader(&l, source->desc);
	rk_guard_begin(&guard);
	PushCopiedSnapshot(GetActiveSnapshot());
	desc = CreateQueryDesc(source->plan, source->query, GetActiveSnapshot(), InvalidSnapshot, &l.dest, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	error_context_stack = &context;
	rk_executor_run(desc);
	error_context_stack = context.previous;
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	rk_guard_end(&guard);
	SetUserIdAndSecContext(user, security_context);
	MemoryContextDelete(l.memory);
	return l.rows;
}
