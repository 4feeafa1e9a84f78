/*
 * relations.c
 *	  Relations that many temporal kernels share.
 */
#include "relations.h"

const char *const rk_fills[] = {"error", "linear", "locf", "none", NULL};

static const rk_relation_column value_series_columns[] = {
	SERIES_COLUMNS,
	{"value", NULL, RK_TYPE_FLOAT8, false, "the observation; NULL: missing"},
	{0}
};

const rk_relation rk_value_series = {
	.name = "series",
	.columns = value_series_columns,
	.example = "SELECT sensor AS series_id, ts, value FROM reading"
};
