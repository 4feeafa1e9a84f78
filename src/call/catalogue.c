/*
 * catalogue.c
 *	  The descriptors as rows: rk.kernels, rk.kernel_columns, rk.build_info,
 *	  and the check that library and SQL are of one version.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "catalogue.h"
#include "../device/device.h"

PG_FUNCTION_INFO_V1(rk_library_version);
PG_FUNCTION_INFO_V1(rk_kernel_list);
PG_FUNCTION_INFO_V1(rk_kernel_column_list);
PG_FUNCTION_INFO_V1(rk_build_info);
PG_FUNCTION_INFO_V1(rk_trim);

Datum
rk_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(RK_VERSION));
}

/* Version of the extension in this database; NULL when it is not there. */
static char *
installed_version(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("rustkernels"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		is_null;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(rel), &is_null);

		if (!is_null)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

void
rk_check_version(void)
{
	static bool checked = false;
	char	   *version;

	if (checked)
		return;
	version = installed_version();
	if (version != NULL && strcmp(version, RK_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library rustkernels has version %s, but the extension in this database has version %s",
						RK_VERSION, version),
				 errhint("ALTER EXTENSION rustkernels UPDATE TO '%s';", RK_VERSION)));
	checked = true;
}

static Datum
text_array(const char *const *items, int count)
{
	Datum		values[4];

	for (int i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(items[i]);
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Where rows of a set-returning function go, and how many there are. */
typedef struct row_target
{
	ReturnSetInfo *rsinfo;
	int			count;
} row_target;

/* The shapes of a kernel's functions, that of the main one first. */
static char *
shapes_of(const rk_kernel *k)
{
	StringInfoData s;
	bool		seen[3] = {false};

	initStringInfo(&s);
	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		if (!seen[f->shape])
			appendStringInfo(&s, "%s%s", s.len ? " + " : "", rk_shape_name(f->shape));
		seen[f->shape] = true;
	}
	return s.data;
}

static void
put_kernel(const rk_kernel *k, void *arg)
{
	static const char *const devices[] = {"cpu", "cuda"};
	static const char *const modes[] = {"batch", "ring", "both"};
	row_target *t = arg;
	Datum		values[14];
	bool		nulls[14] = {0};

	values[0] = CStringGetTextDatum(k->id);
	values[1] = CStringGetTextDatum(k->domain);
	values[2] = PointerGetDatum(cstring_to_text_with_len(k->id, strchr(k->id, '/') - k->id));
	values[3] = CStringGetTextDatum(rk_sql_name(k, &k->functions[0]));
	values[4] = CStringGetTextDatum(modes[k->mode]);
	values[5] = CStringGetTextDatum(shapes_of(k));
	values[6] = CStringGetTextDatum(k->description);
	values[7] = text_array(devices, rk_device_has_kernel(k->id) ? 2 : 1);
	values[8] = CStringGetTextDatum(k->license_feature);
	values[9] = Float8GetDatum(k->expected_throughput);
	values[10] = Float8GetDatum(k->target_latency_us);
	values[11] = BoolGetDatum(k->iterative);
	nulls[12] = k->details == NULL;
	if (k->details)
		values[12] = CStringGetTextDatum(k->details);
	values[13] = Int32GetDatum(++t->count);
	tuplestore_putvalues(t->rsinfo->setResult, t->rsinfo->setDesc, values, nulls);
}

Datum
rk_kernel_list(PG_FUNCTION_ARGS)
{
	row_target	t = {.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	rk_each_kernel(put_kernel, &t);
	return (Datum) 0;
}

/* One row of rk.kernel_columns; NULL strings become NULLs. */
static void
put_column(row_target *t, const rk_kernel *k, const rk_function *f, const char *kind,
		   const char *relation, int position, const char *name, const char *type,
		   const bool *required, const char *initial, const char *range, const char *meaning)
{
	Datum		values[12];
	bool		nulls[12] = {0};
	const char *texts[] = {k->id, rk_sql_name(k, f), rk_shape_name(f->shape), kind, relation, NULL,
	name, type, NULL, initial, range, meaning};

	for (int i = 0; i < 12; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (texts[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	values[5] = Int32GetDatum(position);
	nulls[5] = false;
	nulls[8] = required == NULL;
	if (required)
		values[8] = BoolGetDatum(*required);
	tuplestore_putvalues(t->rsinfo->setResult, t->rsinfo->setDesc, values, nulls);
}

/* The permitted values of a column in words; NULL when any will do. */
static char *
column_range(const rk_relation_column *c)
{
	rk_param	p = {.name = c->name,.type = c->type,.choices = c->choices,.min = -INFINITY,.max = INFINITY};

	if (c->range)
	{
		p.min = c->range->min;
		p.max = c->range->max;
		p.min_open = c->range->min_open;
		p.max_open = c->range->max_open;
	}
	return rk_range_text(&p);
}

static void
put_columns_of_kernel(const rk_kernel *k, void *arg)
{
	row_target *t = arg;

	for (const rk_function *f = k->functions; f->params != NULL; f++)
	{
		for (int i = 0; f->params[i].name != NULL; i++)
		{
			const rk_param *p = &f->params[i];
			bool		required = p->initial == NULL;

			put_column(t, k, f, "argument", NULL, i + 1, p->name, rk_type_words(p->type), &required,
					   p->initial, rk_range_text(p), p->meaning);
			for (int c = 0; p->relation && p->relation->columns[c].name != NULL; c++)
			{
				const rk_relation_column *column = &p->relation->columns[c];

				put_column(t, k, f, "relation_column", p->name, c + 1, column->name,
						   column->type == RK_TYPE_FLOAT8 ? "number" : rk_type_words(column->type),
						   &column->required, NULL, column_range(column), column->meaning);
			}
		}
		for (int c = 0; f->columns[c].name != NULL; c++)
			put_column(t, k, f, "result_column", NULL, c + 1, f->columns[c].name,
					   rk_type_words(f->columns[c].type), NULL, NULL, NULL, f->columns[c].meaning);
	}
}

Datum
rk_kernel_column_list(PG_FUNCTION_ARGS)
{
	row_target	t = {.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	rk_each_kernel(put_columns_of_kernel, &t);
	return (Datum) 0;
}

static void
count_kernel(const rk_kernel *k, void *arg)
{
	(void) k;
	++*(int *) arg;
}

Datum
rk_build_info(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			kernels = 0;
	const char *rows[][2] = {
		{"version", RK_VERSION},
		{"postgresql", PG_VERSION},
		{"compiler", __VERSION__},
		{"kernels", NULL},
		{"devices", "cpu, cuda (loaded at run time, see rk.devices)"},
	};

	InitMaterializedSRF(fcinfo, 0);
	rk_each_kernel(count_kernel, &kernels);
	rows[3][1] = psprintf("%d", kernels);
	for (int i = 0; i < (int) lengthof(rows); i++)
	{
		Datum		values[2] = {CStringGetTextDatum(rows[i][0]), CStringGetTextDatum(rows[i][1])};
		bool		nulls[2] = {false, false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
rk_trim(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(rk_memory_trim());
}
