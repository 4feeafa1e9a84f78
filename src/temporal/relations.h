/*
 * relations.h
 *	  Relations, parameters and columns that many temporal kernels share.
 */
#ifndef RK_TEMPORAL_RELATIONS_H
#define RK_TEMPORAL_RELATIONS_H

#include "../call/descriptor.h"

extern const rk_relation rk_value_series;
extern const char *const rk_fills[];

#define SERIES_COLUMNS \
	{"series_id", NULL, RK_TYPE_ID, false, "tells series apart; not there: one series", .not_null = true}, \
	{"ts", NULL, RK_TYPE_TIMESTAMPTZ, false, "orders the values of a series", .not_null = true}, \
	{"t", "ts", RK_TYPE_INT8, false, "a whole number that orders them, instead of a time", .not_null = true}

#define SERIES_PARAM(of) \
	{.name = "series", .type = RK_TYPE_RELATION, .relation = &of, .meaning = "observations in time"}
#define SERIES_ID_COLUMN {"series_id", RK_TYPE_ID, "the series; NULL where there is one without an id"}
#define T_COLUMN {"t", RK_TYPE_INT8, "position in the series, from 1"}
#define TS_COLUMN {"ts", RK_TYPE_TIMESTAMPTZ, "its time; NULL where whole numbers order the series"}

#define FREQUENCY_PARAM \
	{.name = "frequency", .type = RK_TYPE_INTERVAL, .initial = "NULL", \
	 .meaning = "distance of two positions; NULL: the most frequent one of each series, months as such"}
#define FILL_PARAM \
	{.name = "fill", .type = RK_TYPE_TEXT, .initial = "'error'", .choices = rk_fills, \
	 .meaning = "what becomes of missing positions and values: error, linear (a line between the neighbours), locf (the last " \
	 "value again), none (rows as they follow each other, without those that are NULL)"}
#define HORIZON_PARAM(initially) \
	{.name = "horizon", .type = RK_TYPE_INT4, .initial = initially, RK_BETWEEN(0, 10000), \
	 .meaning = "how many positions after the last to forecast"}
#define CONFIDENCE_PARAM(initially, what) \
	{.name = "confidence", .type = RK_TYPE_FLOAT8, .initial = initially, RK_BETWEEN_OPEN(0, 1), .meaning = what}
#define STATUS_COLUMN \
	{"status", RK_TYPE_TEXT, "ok, too_short, constant (all values are equal) or not_converged"}
#define KIND_COLUMN {"kind", RK_TYPE_TEXT, "fitted, or forecast after the last position"}
#define SEED_PARAM(of) {.name = "seed", .type = RK_TYPE_INT8, .initial = "0", RK_ANY, .meaning = of}

#endif							/* RK_TEMPORAL_RELATIONS_H */
