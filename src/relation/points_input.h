/*
 * points_input.h
 *	  Points: rows of an id and features, either one array column or any
 *	  number of columns of numbers.
 *
 * The relation is described with a column of type RK_TYPE_ID, an optional
 * column "features" of type RK_TYPE_FLOAT8_ARRAY, and as open: further columns
 * of numbers are features in their order.
 */
#ifndef RK_POINTS_INPUT_H
#define RK_POINTS_INPUT_H

#include "graph_input.h"
#include "table.h"

typedef struct rk_points
{
	rk_table   *table;
	rk_ids	   *ids;
	int64		count;
	int64		dimensions;
	double	   *features;		/* count x dimensions, in the order of the ids */
} rk_points;

/*
 * Reads the relation given as param.  An id that is there twice, points of
 * different length, and points without features are errors.
 */
extern rk_points *rk_read_points(rk_call *call, const char *param);

/*
 * Reads the parameter "edges" over these points: they are the nodes, and an
 * edge to anything else is an error.
 */
extern rk_graph_input *rk_read_graph_over(rk_call *call, const rk_points *points,
										  rk_weight_meaning meaning);

#endif							/* RK_POINTS_INPUT_H */
