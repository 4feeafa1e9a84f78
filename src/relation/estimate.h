/*
 * estimate.h
 *	  What a relation argument will bring, from the statistics.
 */
#ifndef RK_ESTIMATE_H
#define RK_ESTIMATE_H

#include "source.h"

typedef struct rk_estimate
{
	bool		known;			/* the number of nodes comes from statistics */
	bool		exact;			/* the input is a whole table of known size */
	bool		prepared;		/* it is in shared memory: nothing is read */
	double		rows;			/* edges, or of any other relation */
	double		nodes;			/* not edges: as rows */
	double		read_cost;		/* in the planner's unit */
	double		bytes;			/* of the input as it is read */
	bool		edges;			/* rows are edges, not about one thing each */
	bool		weighted;
	Oid			id_type;
	double		range;			/* integer ids: largest less smallest, about */
	double		id_width;		/* bytes of an id of no fixed width */
} rk_estimate;

/* Estimates an opened relation of edges. */
extern rk_estimate rk_estimate_source(const rk_source *source);

/*
 * Estimates the relation given as text.  Never raises an error: what cannot be
 * parsed or planned yields the defaults, and the run will say why.
 */
extern rk_estimate rk_estimate_edges(const char *argument, const char *text,
									 const rk_relation *relation);

#endif							/* RK_ESTIMATE_H */
