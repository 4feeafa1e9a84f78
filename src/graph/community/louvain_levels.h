/*
 * louvain_levels.h
 *	  From level to level, for the CPU and for devices.
 *
 * Louvain (Blondel, Guillaume, Lambiotte, Lefebvre 2008): move nodes, make
 * every community a node, again.  Leiden (Traag, Waltman, van Eck 2019): move
 * nodes, split every community, make the parts nodes that start in their
 * community, again; and all of it again from the communities that were found,
 * until that brings nothing.
 *
 * The order of the nodes decides which of many good partitions is found.  On
 * small graphs, where the difference is large and a run costs nothing, several
 * orders are tried and the best result is kept.
 *
 * What the steps do to a graph is an engine's, which has a level at work: at
 * first the graph itself.
 */
#ifndef RK_LOUVAIN_LEVELS_H
#define RK_LOUVAIN_LEVELS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../compute/random.h"

#define LOUVAIN_MAX_LEVELS 64
#define LOUVAIN_MAX_REPEATS 10	/* of Leiden on its own result */

/*
 * On graphs of more than LARGE_NODES nodes a pass that gains less than
 * PASS_GAIN in Q ends the moves of a level, and a run of Leiden that gains
 * less than REPEAT_GAIN is the last.
 */
#define LOUVAIN_LARGE_NODES 10000
#define LOUVAIN_PASS_GAIN 3e-5
#define LOUVAIN_REPEAT_GAIN 1e-3

typedef struct louvain_plan
{
	int64_t		nodes;
	double		min_gain;
	uint64_t	seed;
	int32_t		leiden;
	int32_t		max_levels;		/* 0: no limit */
	int32_t		tries;			/* 0: every node stays alone */
} louvain_plan;

/* The moves of a level. */
typedef struct louvain_moves
{
	bool		moved;			/* any node */
	bool		reached_max;	/* there was more to do */
	int			passes;
	double		gain;			/* reached_max: of the last pass, in Q */
} louvain_moves;

/* Results that an engine holds: levels of communities. */
typedef enum louvain_slot
{
	LOUVAIN_BEST,				/* of all tries: what is found in the end */
	LOUVAIN_TRY,				/* the best of a try */
	LOUVAIN_NEW,				/* the one being made */
	LOUVAIN_SLOTS
} louvain_slot;

/* What nodes of the level at work belong to. */
typedef enum louvain_labels
{
	LOUVAIN_COMMUNITIES,
	LOUVAIN_PARTS				/* of communities */
} louvain_labels;

/*
 * The steps; each returns 0, or what ends the run.  Labels are numbers below
 * that of the nodes; "number" makes them numbers below *count, by falling size,
 * then by smallest node of the graph.
 */
typedef struct louvain_steps
{
	/* The graph is at work; nodes are alone, or in the last level of a result. */
	int			(*start) (void *engine, bool alone, louvain_slot from);
	/* Nodes move between communities, in the order that seed and salt draw. */
	int			(*move) (void *engine, uint64_t seed, uint64_t salt, double tolerance, louvain_moves *moves);
	int			(*number) (void *engine, louvain_labels which, int64_t *count);
	/* Q of the communities; alone: each has one node. */
	int			(*quality) (void *engine, bool alone, double *quality);
	/* Splits every community into parts, as Leiden does. */
	int			(*refine) (void *engine, uint64_t seed, uint64_t salt);
	/* Communities that are not connected become several. */
	int			(*split) (void *engine);
	/* The labels are a level of the new result. */
	int			(*keep) (void *engine, louvain_labels which, int64_t count);
	/*
	 * They become the nodes of the level at work: communities are alone then,
	 * parts in their community.
	 */
	int			(*climb) (void *engine, louvain_labels which, int64_t count);
	/* Takes the last level of the new result away. */
	void		(*drop) (void *engine);
	/* What is in a slot goes to another; to the same one: it is forgotten. */
	void		(*hand_over) (void *engine, louvain_slot from, louvain_slot to);
} louvain_steps;

typedef struct louvain_run
{
	const louvain_steps *steps;
	void	   *engine;
	const louvain_plan *plan;
	uint64_t	seed;			/* of the try */
	int64_t		nodes;			/* of the level at work */
	int			levels[LOUVAIN_SLOTS];
	double		modularity[LOUVAIN_SLOTS];

	/* of all moves */
	int			passes;			/* most of one level */
	double		residual;		/* gain in Q of a pass that was the last permitted */
	bool		exhausted;		/* a level ended there */
} louvain_run;

static inline int
louvain_level_limit(const louvain_plan *p)
{
	return p->max_levels > 0 && p->max_levels < LOUVAIN_MAX_LEVELS ? p->max_levels : LOUVAIN_MAX_LEVELS;
}

/* The gain that ends something: min_gain, or more on a large graph. */
static inline double
louvain_tolerance(const louvain_plan *p, double large)
{
	return p->nodes > LOUVAIN_LARGE_NODES && p->min_gain < large ? large : p->min_gain;
}

static inline int
louvain_start(louvain_run *r, bool alone, louvain_slot from)
{
	r->nodes = r->plan->nodes;
	return r->steps->start(r->engine, alone, from);
}

static inline int
louvain_move(louvain_run *r, uint64_t salt, bool *moved)
{
	louvain_moves m = {false, false, 0, 0};
	int			status = r->steps->move(r->engine, r->seed, salt, louvain_tolerance(r->plan, LOUVAIN_PASS_GAIN), &m);

	if (m.passes > r->passes)
		r->passes = m.passes;
	if (m.reached_max && (!r->exhausted || r->residual < m.gain))
		r->residual = m.gain;
	r->exhausted |= m.reached_max;
	*moved = m.moved;
	return status;
}

static inline int
louvain_keep(louvain_run *r, louvain_labels which, int64_t count)
{
	r->levels[LOUVAIN_NEW]++;
	return r->steps->keep(r->engine, which, count);
}

static inline int
louvain_climb(louvain_run *r, louvain_labels which, int64_t count)
{
	r->nodes = count;
	return r->steps->climb(r->engine, which, count);
}

/* The new result takes that place if it is empty or holds a worse one. */
static inline void
louvain_offer(louvain_run *r, louvain_slot from, louvain_slot to)
{
	if (r->levels[to] == 0 || r->modularity[from] > r->modularity[to])
	{
		r->steps->hand_over(r->engine, from, to);
		r->levels[to] = r->levels[from];
		r->modularity[to] = r->modularity[from];
	}
	else
		r->steps->hand_over(r->engine, from, from);
	r->levels[from] = 0;
}

/* ---- Louvain ---- */

static inline int
louvain_ascend(louvain_run *r)
{
	const louvain_steps *steps = r->steps;
	double	   *modularity = &r->modularity[LOUVAIN_NEW];
	int			status;

	if ((status = louvain_start(r, true, LOUVAIN_NEW)) != 0 ||
		(status = steps->quality(r->engine, true, modularity)) != 0)
		return status;
	for (;;)
	{
		int64_t		count;
		bool		moved;
		double		quality;
		double		gain;

		if ((status = louvain_move(r, r->levels[LOUVAIN_NEW], &moved)) != 0)
			return status;
		if (!moved)
			break;
		if ((status = steps->number(r->engine, LOUVAIN_COMMUNITIES, &count)) != 0)
			return status;
		if (count == r->nodes)
			break;
		if ((status = louvain_keep(r, LOUVAIN_COMMUNITIES, count)) != 0 ||
			(status = louvain_climb(r, LOUVAIN_COMMUNITIES, count)) != 0 ||
			(status = steps->quality(r->engine, true, &quality)) != 0)
			return status;
		gain = quality - *modularity;
		if (gain < 0)
		{
			/* moves of one batch may have worked against each other */
			steps->drop(r->engine);
			r->levels[LOUVAIN_NEW]--;
			break;
		}
		*modularity = quality;
		if (gain < r->plan->min_gain || r->levels[LOUVAIN_NEW] == louvain_level_limit(r->plan))
			break;
	}
	if (r->levels[LOUVAIN_NEW] > 0)
		return 0;
	if ((status = louvain_start(r, true, LOUVAIN_NEW)) != 0)
		return status;
	return louvain_keep(r, LOUVAIN_COMMUNITIES, r->nodes);
}

/* ---- Leiden ---- */

/* One run, from the communities at work.  salt differs between runs. */
static inline int
louvain_ascend_by_parts(louvain_run *r, uint64_t salt)
{
	const louvain_steps *steps = r->steps;
	double		before = -INFINITY;
	int			status;

	for (;;)
	{
		int			level = r->levels[LOUVAIN_NEW];
		bool		last = level + 1 == louvain_level_limit(r->plan);
		int64_t		count;
		int64_t		parts = 0;
		double		quality;
		bool		moved;

		if ((status = louvain_move(r, salt + level, &moved)) != 0 ||
			(status = steps->number(r->engine, LOUVAIN_COMMUNITIES, &count)) != 0)
			return status;
		if (count == r->nodes && level > 0)
			break;				/* the parts of the last level are the result */
		if (!last && count < r->nodes)
		{
			if ((status = steps->quality(r->engine, false, &quality)) != 0)
				return status;
			last = quality - before < r->plan->min_gain;
			before = quality;
		}
		if (!last && count < r->nodes)
		{
			if ((status = steps->refine(r->engine, r->seed, salt + level)) != 0 ||
				(status = steps->number(r->engine, LOUVAIN_PARTS, &parts)) != 0)
				return status;
			last = parts == r->nodes;
		}
		if (last || count == r->nodes)
		{
			if ((status = steps->split(r->engine)) != 0 ||
				(status = steps->number(r->engine, LOUVAIN_COMMUNITIES, &count)) != 0 ||
				(status = louvain_keep(r, LOUVAIN_COMMUNITIES, count)) != 0)
				return status;
			break;
		}
		if ((status = louvain_keep(r, LOUVAIN_PARTS, parts)) != 0 ||
			(status = louvain_climb(r, LOUVAIN_PARTS, parts)) != 0)
			return status;
	}
	return steps->quality(r->engine, false, &r->modularity[LOUVAIN_NEW]);
}

/* Runs until a run on the last result gains nothing. */
static inline int
louvain_repeat(louvain_run *r)
{
	int			status;

	for (int i = 0; i < LOUVAIN_MAX_REPEATS; i++)
	{
		double		before = r->modularity[LOUVAIN_TRY];

		if ((status = louvain_start(r, i == 0, LOUVAIN_TRY)) != 0 ||
			(status = louvain_ascend_by_parts(r, (uint64_t) i * LOUVAIN_MAX_LEVELS)) != 0)
			return status;
		louvain_offer(r, LOUVAIN_NEW, LOUVAIN_TRY);
		if (i > 0 && r->modularity[LOUVAIN_TRY] - before <= louvain_tolerance(r->plan, LOUVAIN_REPEAT_GAIN))
			break;
	}
	return 0;
}

/* ---- both ---- */

/* Leaves the result in LOUVAIN_BEST.  r: steps, engine and plan, else zeros. */
static inline int
louvain_climb_all(louvain_run *r)
{
	int			status;

	if (r->plan->tries == 0)
	{
		if ((status = louvain_start(r, true, LOUVAIN_NEW)) != 0 ||
			(status = louvain_keep(r, LOUVAIN_COMMUNITIES, r->nodes)) != 0)
			return status;
		louvain_offer(r, LOUVAIN_NEW, LOUVAIN_BEST);
	}
	for (int i = 0; i < r->plan->tries; i++)
	{
		r->seed = i == 0 ? r->plan->seed : rk_hash2(r->plan->seed, (uint64_t) i);
		if ((status = r->plan->leiden ? louvain_repeat(r) : louvain_ascend(r)) != 0)
			return status;
		louvain_offer(r, r->plan->leiden ? LOUVAIN_TRY : LOUVAIN_NEW, LOUVAIN_BEST);
	}
	return 0;
}

#endif							/* RK_LOUVAIN_LEVELS_H */
