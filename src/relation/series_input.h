/*
 * series_input.h
 *	  Time series from a relation or an array, and rows about them.
 */
#ifndef RK_SERIES_INPUT_H
#define RK_SERIES_INPUT_H

#include "../temporal/series.h"
#include "emit.h"
#include "table.h"

/* Series as the kernels take them, and where each position came from. */
typedef struct rk_series_data
{
	rk_series_output laid_out;
	rk_series	series;
	int64		total;			/* positions of all series */
	rk_table   *table;			/* NULL: an array was given */
	rk_groups  *groups;			/* NULL likewise */
	bool		calendar;		/* there are times */
} rk_series_data;

/* What a kernel wants of them. */
typedef struct rk_series_wants
{
	const char *value;			/* column; NULL: none has to be there */
	rk_fill		fill;
	bool		find_gaps;
} rk_series_wants;

/* Columns that say where a row belongs: one entry a position. */
typedef struct rk_series_places
{
	uint32	   *codes;
	int64	   *t;
	int64	   *ts;
} rk_series_places;

/* Rows of series with their forecasts behind: one entry a row. */
typedef struct rk_series_rows
{
	rk_series_places at;
	int64		total;
	int64	   *kind;
	int64	   *position;		/* -1: a forecast */
	int64	   *step;			/* series * horizon + step; -1: a position */
} rk_series_rows;

/* Reads the parameter "series" in either form. */
extern void rk_read_series(rk_call *call, const rk_series_wants *w, bool has_frequency, rk_series_data *in);

/* The relation form alone: in->table has been read. */
extern void rk_relation_series(rk_call *call, const rk_series_wants *w, bool has_frequency, rk_series_data *in);

/* Raises the error of a column that is not there. */
extern void rk_no_series_column(const rk_table *t, const char *what);

/* The code of a series' id; RK_NO_NODE: it has none. */
extern uint32 rk_series_code(const rk_series_data *in, int64 series);

/* The timestamptz of a position; RK_NO_TIME without times. */
extern int64 rk_series_time(const rk_series_data *in, int64 position);

/* The column series_id from one code a row. */
extern rk_out rk_series_ids(const rk_series_data *in, const uint32 *codes);

extern rk_series_places rk_places_of(rk_call *call, const rk_series_data *in);

/* NOTICE: so many series are what. */
extern void rk_series_notice(int64 count, const char *what);

/* Words for rk_fit_status and for the kinds of rk_series_rows. */
extern const char *const rk_fit_statuses[];
extern const char *const rk_row_kinds[];

/* A notice of series without a proper fit. */
extern void rk_status_notice(const rk_series_data *in, const int64 *status);

/* Rows for all positions, and for horizon steps after the last of each series. */
extern rk_series_rows rk_series_extend(rk_call *call, const rk_series_data *in, int64 horizon);

/* A column from what stands by position and by step; NULL: none there. */
extern double *rk_extended_column(rk_call *call, const rk_series_rows *e, const double *fitted, const double *forecast);

/* Columns that explain, by position and by step after the last value. */
typedef struct rk_regressor_columns
{
	int			count;
	const rk_table_column **columns;
	bool	   *carried;		/* the last value goes on where there is none to come */
	double	  **values;			/* by position */
	double	  **future;			/* [series][horizon] */
} rk_regressor_columns;

/* Regressors among the columns of an open relation: those named x_.... */
extern void rk_find_regressors(rk_call *call, const rk_series_data *in, rk_regressor_columns *x);

/* Cuts missing values off the ends; sets values and future of the columns. */
extern void rk_cut_ends(rk_call *call, rk_series_data *in, rk_regressor_columns *x, int64 horizon);

#endif							/* RK_SERIES_INPUT_H */
