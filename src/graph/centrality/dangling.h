/*
 * dangling.h
 *	  What becomes of the mass of nodes without out-edges.
 */
#ifndef RK_GRAPH_DANGLING_H
#define RK_GRAPH_DANGLING_H

/* Where the mass of a node without out-edges goes. */
typedef enum rk_dangling
{
	RK_DANGLING_TELEPORT,		/* to the teleport distribution */
	RK_DANGLING_UNIFORM,		/* to all nodes alike */
	RK_DANGLING_SELF,			/* stays where it is */
	RK_DANGLING_NONE			/* is lost: scores add up to less than 1 */
} rk_dangling;

#endif							/* RK_GRAPH_DANGLING_H */
