/*
 * pagerank_step.h
 *	  What graph/pagerank does with a message: for the actor, and for devices.
 *
 * Changes of edges and queries are the same text for both.  Iterations on a
 * device are its own: a team of threads pushes along the pairs in any order, into
 * sums of integers, so that the bits do not depend on the order.  A score is
 * there a multiple of 2^-57: 7e-18, half of it lost for each pair.  The CPU adds
 * doubles; scores agree to about 1e-15 times the number of pairs of a node.
 */
#ifndef RK_GRAPH_PAGERANK_STEP_H
#define RK_GRAPH_PAGERANK_STEP_H

#include <math.h>

#include "../../../cuda/rk_team.h"
#include "../../../cuda/rk_window.h"
#include "graph_payloads.h"
#include "live_state.h"

/* What iterations on a device go through, each a loop over nodes or pairs. */
typedef enum rk_pagerank_stage
{
	RK_PAGERANK_NOTHING,
	RK_PAGERANK_MASS,			/* adds the scores up */
	RK_PAGERANK_CLEAR,			/* and adds up what is lost at nodes without out-edges */
	RK_PAGERANK_PUSH,
	RK_PAGERANK_TAKE			/* makes scores of the sums */
} rk_pagerank_stage;

/*
 * Where they are.  A slice may end between two chunks of a loop; the message is
 * then served anew in the next one, and goes on from here.
 */
typedef struct rk_pagerank_work
{
	int32_t		stage;
	uint32_t	at;				/* the first node or pair that was not looked at */
	uint64_t	part;			/* of the stage's sum */
	int64_t		made;			/* iterations */
	double		scale;			/* of score: mass that was lost by rounding is given back */
	double		lost;
	double		delta;			/* of the last iteration, L1 norm */
	double	   *score;
	double	   *next;
} rk_pagerank_work;

typedef struct rk_pagerank_state
{
	rk_dynamic_graph graph;
	rk_live_pagerank live;
	double		tolerance;
	int			max_iterations;
	bool		auto_converge;
	int64_t		given_up;		/* version that did not converge by itself; -1: none */
	int64_t		owner;			/* id of the message that iterations are for; 0: none */
	struct ranked_score *order; /* PageRankTop; NULL: to be made */
	int64_t		order_count;
	uint64_t	order_changes;

	/* on a device only, as large as the others */
	double	   *spare;
	uint64_t   *sums;
	rk_pagerank_work work;
} rk_pagerank_state;

/* Messages on their way to a device: ids are the graph's numbers. */
typedef struct rk_pagerank_edge
{
	int64_t		source;
	int64_t		target;
	int64_t		weight;
	int64_t		op;
} rk_pagerank_edge;

typedef struct rk_pagerank_node
{
	int64_t		node;
	int64_t		min_version;
} rk_pagerank_node;

/* ---- changes and queries ---- */

/* A node that may have come or gone with a change: it was at index before, or RK_NO_INDEX. */
RK_BOTH void
rk_pagerank_follow(rk_pagerank_state *s, int64_t id, uint32_t before)
{
	uint32_t	i = rk_dynamic_find(&s->graph, id);

	if (i != RK_NO_INDEX && before == RK_NO_INDEX)
		rk_live_node_added(&s->live, &s->graph, i);
	else if (i == RK_NO_INDEX && before != RK_NO_INDEX)
		rk_live_node_dropped(&s->live, before);
}

/* A change that was checked and has room. */
RK_BOTH void
rk_pagerank_change(rk_pagerank_state *s, int op, int64_t source, int64_t target, int64_t weight, rk_edge_reply *r)
{
	uint32_t	source_before = rk_dynamic_find(&s->graph, source);
	uint32_t	target_before = rk_dynamic_find(&s->graph, target);
	bool		found = rk_dynamic_apply(&s->graph, op, source, target, weight);

	rk_pagerank_follow(s, source, source_before);
	if (target != source)
		rk_pagerank_follow(s, target, target_before);
	rk_edge_reply_fill(&s->graph, source, target, found, r);
}

RK_BOTH void
rk_pagerank_query(const rk_pagerank_state *s, int64_t node, rk_pagerank_reply *r)
{
	uint32_t	i = rk_dynamic_find(&s->graph, node);

	r->version = s->graph.version;
	r->iteration = (int32_t) s->live.iteration;
	r->converged = s->live.converged_version == s->graph.version;
	if (i == RK_NO_INDEX)
		r->status = RK_GRAPH_UNKNOWN_NODE;
	else
		r->score = s->live.score[i];
}

#define RK_PAGERANK_THRESHOLD "field \"threshold\" must be above 0"
#define RK_PAGERANK_ITERATIONS "field \"max_iterations\" must be at least 1"

/* A message on a device; false: it has no room. */
RK_BOTH bool
rk_pagerank_step(rk_pagerank_state *s, const rk_window_request *q, rk_window_reply *r)
{
	if (q->type_id == 100)
	{
		const rk_pagerank_node *m = (const rk_pagerank_node *) q->payload;

		if (m->min_version > s->graph.version)
			r->flags = RK_WINDOW_LATER;
		else
		{
			rk_pagerank_query(s, m->node, (rk_pagerank_reply *) r->data);
			r->length = sizeof(rk_pagerank_reply);
		}
	}
	else if (q->type_id == 106)
	{
		const rk_pagerank_edge *m = (const rk_pagerank_edge *) q->payload;
		const char *why = "";
		rk_status	status = rk_dynamic_check(&s->graph, (int) m->op, m->source, m->target, m->weight, &why);

		if (status == RK_OK && m->op != RK_EDGE_REMOVE && !rk_dynamic_has_room(&s->graph))
			return false;
		if (status != RK_OK)
			rk_window_refuse(r, status, why);
		else
		{
			rk_pagerank_change(s, (int) m->op, m->source, m->target, m->weight, (rk_edge_reply *) r->data);
			r->length = sizeof(rk_edge_reply);
		}
	}
	else
		rk_window_refuse(r, RK_ERR_UNSUPPORTED, "no such message on a device");
	return true;
}

/* ---- iterations of a team ---- */

#define RK_SCORE_ONE 0x1p57		/* sums of scores stay below 64 */

RK_BOTH uint64_t
rk_score_fixed(double score)
{
	return (uint64_t) (score * RK_SCORE_ONE + 0.5);
}

/* Nodes or pairs [at, to) of a stage; returns what they give to its sum. */
RK_BOTH uint64_t
rk_pagerank_chunk(rk_pagerank_state *s, const rk_pagerank_work *w, uint32_t to, const rk_team *team)
{
	const rk_dynamic_graph *g = &s->graph;
	const rk_live_pagerank *live = &s->live;
	const double *score = w->score;
	double	   *next = w->next;
	bool		personal = live->preference_sum > 0;
	double		n = (double) g->node_count;
	double		teleport = 1 - live->damping;
	double		everywhere = 0;
	uint64_t	part = 0;

	switch ((rk_pagerank_stage) w->stage)
	{
		case RK_PAGERANK_NOTHING:
			break;
		case RK_PAGERANK_MASS:
			for (uint32_t i = w->at + team->rank; i < to; i += team->size)
				if (g->nodes[i].used)
					part += rk_score_fixed(score[i]);
			break;
		case RK_PAGERANK_CLEAR:
			for (uint32_t i = w->at + team->rank; i < to; i += team->size)
			{
				const rk_dynamic_node *node = &g->nodes[i];

				s->sums[i] = 0;
				next[i] = 0;
				if (node->used && (live->weighted ? node->out_strength == 0 : node->out_degree == 0))
				{
					part += rk_score_fixed(score[i] * w->scale);
					if (live->dangling == RK_DANGLING_SELF)
						next[i] = score[i] * w->scale;
				}
			}
			break;
		case RK_PAGERANK_PUSH:
			for (uint32_t p = w->at + team->rank; p < to; p += team->size)
			{
				const rk_dynamic_pair *pair = &g->pairs[p];
				const rk_dynamic_node *source = &g->nodes[pair->source];

				if (pair->rows == 0)
					continue;
				if (!live->weighted)
					rk_team_add(&s->sums[pair->target],
								rk_score_fixed(score[pair->source] * w->scale / (double) source->out_degree));
				else if (pair->weight > 0)
					rk_team_add(&s->sums[pair->target],
								rk_score_fixed(score[pair->source] * w->scale *
											   ((double) pair->weight / (double) source->out_strength)));
			}
			break;
		case RK_PAGERANK_TAKE:
			if (live->dangling == RK_DANGLING_TELEPORT)
				teleport += live->damping * w->lost;
			else if (live->dangling == RK_DANGLING_UNIFORM)
				everywhere = live->damping * w->lost / n;
			if (!personal)
				everywhere += teleport / n;
			else
				teleport /= (double) live->preference_sum;
			for (uint32_t i = w->at + team->rank; i < to; i += team->size)
				if (g->nodes[i].used)
				{
					next[i] = live->damping * (next[i] + (double) s->sums[i] / RK_SCORE_ONE) + everywhere;
					if (personal)
						next[i] += teleport * (double) live->preference[i];
					part += rk_score_fixed(fabs(next[i] - score[i] * w->scale));
				}
			break;
	}
	return part;
}

/* A stage is over; false: so are the iterations. */
RK_BOTH bool
rk_pagerank_advance(const rk_pagerank_state *s, rk_pagerank_work *w, int64_t limit, double threshold)
{
	double	   *written = w->next;
	bool		more = true;

	switch ((rk_pagerank_stage) w->stage)
	{
		case RK_PAGERANK_NOTHING:
			w->stage = RK_PAGERANK_MASS;
			break;
		case RK_PAGERANK_MASS:
			/* mass that is lost on purpose is not given back */
			if (w->part > 0 && s->live.dangling != RK_DANGLING_NONE)
				w->scale = RK_SCORE_ONE / (double) w->part;
			w->stage = RK_PAGERANK_CLEAR;
			more = limit > 0 && s->graph.node_count > 0;
			break;
		case RK_PAGERANK_CLEAR:
			w->lost = (double) w->part / RK_SCORE_ONE;
			w->stage = RK_PAGERANK_PUSH;
			break;
		case RK_PAGERANK_PUSH:
			w->stage = RK_PAGERANK_TAKE;
			break;
		case RK_PAGERANK_TAKE:
			w->delta = (double) w->part / RK_SCORE_ONE;
			/* live.score is written to only after all iterations */
			w->next = w->made == 0 ? s->spare : w->score;
			w->score = written;
			w->scale = 1;
			w->made++;
			w->stage = RK_PAGERANK_CLEAR;
			more = w->made < limit && w->delta >= threshold;
			break;
	}
	w->part = 0;
	w->at = 0;
	return more;
}

/*
 * Up to limit iterations, until one changes less than threshold.  RK_TEAM_STOP:
 * nothing has changed; RK_TEAM_PAUSE: it is to be called again.  All of the team
 * call it.
 */
RK_BOTH rk_team_order
rk_pagerank_iterate(rk_pagerank_state *s, int64_t limit, double threshold, const rk_team *team, const uint32_t *stop)
{
	rk_live_pagerank *live = &s->live;
	const rk_dynamic_graph *g = &s->graph;
	rk_pagerank_work w = s->work;
	uint32_t	chunk = team->chunk ? team->chunk : RK_TEAM_CHUNK;
	rk_team_order order = RK_TEAM_GO;

	if (w.stage == RK_PAGERANK_NOTHING)
	{
		w.made = 0;
		w.scale = 1;
		w.delta = 0;
		w.score = live->score;
		w.next = live->next;
		(void) rk_pagerank_advance(s, &w, limit, threshold);
	}
	/* each has its copy of the work, and they are alike */
	for (;;)
	{
		uint32_t	end = w.stage == RK_PAGERANK_PUSH ? g->pair_end : g->node_end;
		uint32_t	to = end - w.at > chunk ? w.at + chunk : end;

		w.part += rk_team_sum(team, rk_pagerank_chunk(s, &w, to, team));
		w.at = to;
		if (to == end)
		{
			if (!rk_pagerank_advance(s, &w, limit, threshold))
				break;
			/* small loops need no look after each */
			if (w.stage != RK_PAGERANK_CLEAR)
				continue;
		}
		order = rk_team_ask(team, stop);
		if (order != RK_TEAM_GO)
			break;
	}
	if (team->rank == 0)
	{
		if (order == RK_TEAM_GO)
		{
			if (w.made > 0)
			{
				double	   *before = live->score;

				live->score = w.score;
				if (w.score == live->next)
					live->next = before;
				else
					s->spare = before;
				live->changes++;
			}
			live->iteration += w.made;
			live->made = w.made;
			live->delta = w.delta;
			live->converged_version = w.delta < threshold ? g->version : -1;
		}
		if (order != RK_TEAM_PAUSE)
			w.stage = RK_PAGERANK_NOTHING;
		s->work = w;
	}
	rk_team_sync(team);
	return order;
}

/* Messages that the whole team works on. */
RK_BOTH bool
rk_pagerank_is_wide(uint32_t type_id)
{
	return type_id == 102 || type_id == 104;
}

/* False: paused, and there is no reply. */
RK_BOTH bool
rk_pagerank_step_wide(rk_pagerank_state *s, const rk_window_request *q, rk_window_reply *r, const rk_team *team,
					  const uint32_t *stop)
{
	const rk_converge_request *c = (const rk_converge_request *) q->payload;
	bool		once = q->type_id == 102;
	int64_t		version = once ? ((const rk_version_request *) q->payload)->min_version : c->min_version;
	double		threshold = once || c->threshold != c->threshold ? s->tolerance : c->threshold;
	int64_t		limit = once ? 1 : c->max_iterations == INT32_MIN ? s->max_iterations : c->max_iterations;
	rk_team_order order;

	if (threshold > 0 && limit >= 1 && version <= s->graph.version)
		order = rk_pagerank_iterate(s, limit, threshold, team, stop);
	else
	{
		if (team->rank == 0 && version > s->graph.version)
			r->flags = RK_WINDOW_LATER;
		else if (team->rank == 0)
			rk_window_refuse(r, RK_ERR_PARAMETER, !(threshold > 0) ? RK_PAGERANK_THRESHOLD : RK_PAGERANK_ITERATIONS);
		return true;
	}
	if (order == RK_TEAM_PAUSE)
		return false;
	if (team->rank != 0)
		return true;
	if (order == RK_TEAM_STOP)
		rk_window_refuse(r, RK_STOPPED, "stopped");
	else if (once)
	{
		rk_iterate_reply *reply = (rk_iterate_reply *) r->data;

		reply->delta = s->live.delta;
		reply->iteration = (int32_t) s->live.iteration;
		reply->converged = s->live.delta < s->tolerance;
		r->length = sizeof(*reply);
	}
	else
	{
		rk_converge_reply *reply = (rk_converge_reply *) r->data;

		reply->delta = s->live.delta;
		reply->iterations = (int32_t) s->live.made;
		reply->converged = s->live.converged_version == s->graph.version;
		r->length = sizeof(*reply);
	}
	return true;
}

#endif							/* RK_GRAPH_PAGERANK_STEP_H */
