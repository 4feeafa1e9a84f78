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

/* One iteration from score into next; returns what it has changed (L1 norm). */
RK_BOTH double
rk_pagerank_iteration(rk_pagerank_state *s, const double *score, double *next, double scale, const rk_team *team)
{
	const rk_dynamic_graph *g = &s->graph;
	const rk_live_pagerank *live = &s->live;
	bool		personal = live->preference_sum > 0;
	double		n = (double) g->node_count;
	double		teleport = 1 - live->damping;
	double		everywhere = 0;
	double		lost;
	uint64_t	part = 0;

	for (uint32_t i = team->rank; i < g->node_end; i += team->size)
	{
		const rk_dynamic_node *node = &g->nodes[i];

		s->sums[i] = 0;
		next[i] = 0;
		if (node->used && (live->weighted ? node->out_strength == 0 : node->out_degree == 0))
		{
			part += rk_score_fixed(score[i] * scale);
			if (live->dangling == RK_DANGLING_SELF)
				next[i] = score[i] * scale;
		}
	}
	lost = (double) rk_team_sum(team, part) / RK_SCORE_ONE;
	for (uint32_t p = team->rank; p < g->pair_end; p += team->size)
	{
		const rk_dynamic_pair *pair = &g->pairs[p];
		const rk_dynamic_node *source = &g->nodes[pair->source];

		if (pair->rows == 0)
			continue;
		if (!live->weighted)
			rk_team_add(&s->sums[pair->target], rk_score_fixed(score[pair->source] * scale / (double) source->out_degree));
		else if (pair->weight > 0)
			rk_team_add(&s->sums[pair->target], rk_score_fixed(score[pair->source] * scale *
															  ((double) pair->weight / (double) source->out_strength)));
	}
	rk_team_sync(team);
	if (live->dangling == RK_DANGLING_TELEPORT)
		teleport += live->damping * lost;
	else if (live->dangling == RK_DANGLING_UNIFORM)
		everywhere = live->damping * lost / n;
	if (!personal)
		everywhere += teleport / n;
	else
		teleport /= (double) live->preference_sum;
	part = 0;
	for (uint32_t i = team->rank; i < g->node_end; i += team->size)
		if (g->nodes[i].used)
		{
			next[i] = live->damping * (next[i] + (double) s->sums[i] / RK_SCORE_ONE) + everywhere;
			if (personal)
				next[i] += teleport * (double) live->preference[i];
			part += rk_score_fixed(fabs(next[i] - score[i] * scale));
		}
	return (double) rk_team_sum(team, part) / RK_SCORE_ONE;
}

/*
 * Up to limit iterations, until one changes less than threshold; false: stopped,
 * and nothing has changed.  All of the team call it.
 */
RK_BOTH bool
rk_pagerank_iterate(rk_pagerank_state *s, int64_t limit, double threshold, const rk_team *team, const uint32_t *stop)
{
	rk_live_pagerank *live = &s->live;
	const rk_dynamic_graph *g = &s->graph;
	double	   *score = live->score;
	double	   *next = live->next;
	double	   *spare = s->spare;
	double		scale = 1;
	double		delta = 0;
	int64_t		made = 0;
	uint64_t	part = 0;

	for (uint32_t i = team->rank; i < g->node_end; i += team->size)
		if (g->nodes[i].used)
			part += rk_score_fixed(score[i]);
	part = rk_team_sum(team, part);
	/* mass that is lost on purpose is not given back */
	if (part > 0 && live->dangling != RK_DANGLING_NONE)
		scale = RK_SCORE_ONE / (double) part;
	while (made < limit && g->node_count > 0)
	{
		double	   *written = next;

		/* one of them looks, so that all do the same */
		if (rk_team_sum(team, team->rank == 0 && rk_look32(stop) != 0) != 0)
			return false;
		delta = rk_pagerank_iteration(s, score, next, scale, team);
		next = made == 0 ? spare : (double *) score;
		score = written;
		scale = 1;
		made++;
		if (delta < threshold)
			break;
	}
	if (team->rank == 0)
	{
		/* live->score is written to only after all iterations */
		if (made > 0)
		{
			double	   *before = live->score;

			live->score = score;
			if (score == live->next)
				live->next = before;
			else
			{
				s->spare = before;
			}
			live->changes++;
		}
		live->iteration += made;
		live->made = made;
		live->delta = delta;
		live->converged_version = delta < threshold ? g->version : -1;
	}
	rk_team_sync(team);
	return true;
}

/* Messages that the whole team works on. */
RK_BOTH bool
rk_pagerank_is_wide(uint32_t type_id)
{
	return type_id == 102 || type_id == 104;
}

RK_BOTH void
rk_pagerank_step_wide(rk_pagerank_state *s, const rk_window_request *q, rk_window_reply *r, const rk_team *team,
					  const uint32_t *stop)
{
	const rk_converge_request *c = (const rk_converge_request *) q->payload;
	bool		once = q->type_id == 102;
	int64_t		version = once ? ((const rk_version_request *) q->payload)->min_version : c->min_version;
	double		threshold = once || c->threshold != c->threshold ? s->tolerance : c->threshold;
	int64_t		limit = once ? 1 : c->max_iterations == INT32_MIN ? s->max_iterations : c->max_iterations;
	bool		good = threshold > 0 && limit >= 1 && version <= s->graph.version;

	if (good)
		good = rk_pagerank_iterate(s, limit, threshold, team, stop);
	else
	{
		if (team->rank == 0 && version > s->graph.version)
			r->flags = RK_WINDOW_LATER;
		else if (team->rank == 0)
			rk_window_refuse(r, RK_ERR_PARAMETER, !(threshold > 0) ? RK_PAGERANK_THRESHOLD : RK_PAGERANK_ITERATIONS);
		return;
	}
	if (team->rank != 0)
		return;
	if (!good)
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
}

#endif							/* RK_GRAPH_PAGERANK_STEP_H */
