/*
 * community.h
 *	  Which groups exist: components, communities, cliques.
 *
 * Every function takes a graph built by compute/csr.c with the options its
 * comment names, writes plain arrays indexed by node and returns a rk_status.
 * n is the number of nodes, m the number of edges.  None depends on the number
 * of threads in any bit.  Arrays that a function fills belong to the caller
 * unless it says that they are allocated in the context.
 */
#ifndef RK_GRAPH_COMMUNITY_H
#define RK_GRAPH_COMMUNITY_H

#include "../../compute/csr.h"

/* ---- connected components --------------------------------------------- */

/* The components of a graph, by falling size, then by smallest node. */
typedef struct rk_components
{
	int64_t		count;
	uint32_t   *root;			/* count: smallest node; in the context */
	uint32_t   *size;			/* count: number of nodes; in the context */
} rk_components;

/*
 * Weak components: nodes joined by a path that may follow edges either way
 * (Afforest: Sutton, Ben-Nun, Barak 2018).  component: n values, the number of
 * the component of every node, 0 for the largest; components of one size are
 * numbered by their smallest node.  result lists the components; its arrays
 * are left in the context.
 *
 * Graph: "out" or "in" built, or both; directed or not; any treatment of
 * parallel edges and self-loops, none of which matters, nor do weights.  With
 * a directed graph both directions save time and are not needed.
 * Errors: none of its own.
 * Cost O((n + m) log n) at worst, in practice one pass over the nodes and less
 * than one over the edges.  Memory: rk_graph_weak_components_memory, some
 * 16 n bytes at most, beside the result.
 */
extern rk_status rk_graph_weak_components(rk_ctx *ctx, const rk_graph *g,
										  uint32_t *component,
										  rk_components *result);

/*
 * The same from edges as they were read, which is several times faster than
 * building a graph for it.  Weights are not looked at.
 * Errors: RK_ERR_LIMIT when there are more than RK_MAX_NODES nodes.
 */
extern rk_status rk_graph_weak_components_edges(rk_ctx *ctx, const rk_edges *edges,
												uint32_t *component,
												rk_components *result);

/*
 * Strong components: nodes that reach each other along the arcs (Tarjan 1972,
 * as reformulated by Pearce 2016, without recursion).  Results as above.  In
 * an undirected graph they are the weak ones.
 *
 * Graph: "out" built; parallel edges, self-loops and weights as above.
 * Errors: none of its own.
 * Cost O(n + m) on one thread; 20 n bytes beside the graph and the result.
 */
extern rk_status rk_graph_strong_components(rk_ctx *ctx, const rk_graph *g,
											uint32_t *component,
											rk_components *result);

/*
 * Bytes that the functions above take beside graph or edges and component,
 * result included, with blocks not rounded up.  arcs: entries of one direction;
 * for an edge list its rows.
 */
extern int64_t rk_graph_weak_components_memory(int64_t nodes, int64_t arcs, int threads);
extern int64_t rk_graph_strong_components_memory(int64_t nodes, int64_t arcs, int threads);

/* ---- louvain-community ---------------------------------------------- */

typedef enum rk_community_algorithm
{
	RK_COMMUNITY_LOUVAIN,
	RK_COMMUNITY_LEIDEN
} rk_community_algorithm;

/*
 * All that comes after the strengths of nodes (louvain_levels.h), for whoever
 * does it.
 */
typedef struct rk_louvain_work
{
	const rk_graph *graph;		/* undirected: the caller's, or both directions of a directed one as one */
	const double *out;			/* strength of every node */
	const double *in;			/* directed, else NULL */
	const double *loop;			/* weight of its loops */
	double		total;			/* weight of all edges, > 0 */
	double		mean_weight;	/* of an edge */
	double		penalty;		/* resolution by strength times strength */
	int			tries;			/* orders of the nodes */

	/* what came of it: levels, finest first */
	int			levels;
	int64_t		count[64];		/* communities */
	uint32_t   *label;			/* room for some: of every node of the level below, level after level */
	int64_t		room;
	double		modularity;		/* of the last level */
	rk_run		run;
} rk_louvain_work;

/* Labels of all levels that an engine must have room for. */
#define RK_LOUVAIN_ROOM(nodes) (4 * (nodes) + 4096)

typedef struct rk_louvain_params
{
	double		resolution;		/* > 0 */
	rk_community_algorithm algorithm;
	double		min_gain;		/* of Q, that a level must bring, >= 0 */
	int			max_levels;		/* >= 1, or 0: no limit */
	int			max_iterations; /* move passes per level, >= 1 */
	uint64_t	seed;

	/*
	 * Something else to do the work, with the same result; false: it did not.
	 * NULL: there is none.
	 */
	bool		(*engine) (void *arg, const struct rk_louvain_params *params, rk_louvain_work *work);
	void	   *engine_arg;
} rk_louvain_params;

typedef struct rk_communities
{
	int			levels;			/* 64 at most; 0 without nodes */
	uint32_t  **community;		/* [levels][n], finest first */
	int64_t    *count;			/* [levels] communities */
	double		modularity;		/* Q of the last level */
} rk_communities;

/*
 * Communities by modularity (Newman and Girvan 2004, with the resolution of
 * Reichardt and Bornholdt 2006; directed, Leicht and Newman 2008):
 *
 *		Q = sum over communities of L / m - resolution (K / 2m)^2
 *		Q = sum over communities of L / m - resolution Kout Kin / m^2
 *
 * with m the weight of all edges, L of those inside the community and K the
 * sum of the strengths of its nodes, to which a loop of weight w adds 2w
 * (directed: w to either).  An edge of weight 0 joins nothing; a node without
 * others stays alone.  Without weight at all, every node does and Q is 0.
 *
 * Louvain: Blondel, Guillaume, Lambiotte, Lefebvre 2008; a level is kept while
 * it brings min_gain.  Leiden: Traag, Waltman, van Eck 2019, repeated from its
 * own result; the communities of the last level are connected, the finer ones
 * are the refined communities.  A node may also leave for a community of its
 * own.  Graphs of some thousand edges are tried in up to 16 orders, of which
 * the best result is kept.  On graphs of more than 10000 nodes a pass that
 * gains less than 3e-5 ends a level and a repetition that gains less than 1e-3
 * is the last, unless min_gain is larger.
 *
 * Every level lies in the next.  Communities of a level are numbered by
 * falling size, then by smallest node.  The arrays of the result are left in
 * the context.  run: the most passes over the nodes that a level took;
 * reached_max when one ended at max_iterations, residual is what it gained.
 *
 * Graph: "out" built, directed "in" as well; parallel edges collapsed or
 * summed, self-loops kept.  Weights are strengths >= 0.
 * Errors: RK_ERR_OVERFLOW, weights add up to more than float8 can hold.
 * Cost O(n + m) a pass, some ten passes.  Memory about
 * rk_graph_louvain_community_memory: some 150 bytes a node and, for the next
 * level, 12 an entry of a row; Leiden twice that.
 */
extern rk_status rk_graph_louvain_community(rk_ctx *ctx, const rk_graph *g,
											const rk_louvain_params *params,
											rk_communities *result, rk_run *run);

/* What an engine has to do; RK_ERR_OVERFLOW if there is not enough room. */
extern rk_status rk_graph_louvain_levels(rk_ctx *ctx, const rk_louvain_params *params, rk_louvain_work *work);

/*
 * Bytes that it takes beside the graph, result included, if the first level
 * merges four nodes into one.  arcs: entries of one direction, undirected 2 for
 * an edge.
 */
extern int64_t rk_graph_louvain_community_memory(int64_t nodes, int64_t arcs, bool directed,
												 bool weighted, int threads,
												 const rk_louvain_params *params);

/* ---- modularity-score ------------------------------------------------- */

typedef struct rk_partition_score
{
	double		modularity;
	double		coverage;		/* NaN without weight */
	double		performance;	/* NaN if directed or with less than two nodes */
	int64_t		count;			/* communities; arrays of as many entries: */
	int64_t    *nodes;
	double	   *internal;		/* weight of the edges inside, loops once */
	double	   *boundary;		/* of those that leave, directed in and out */
	double	   *strength;		/* of the nodes; directed, in and out */
	double	   *contribution;	/* to the modularity */
	double	   *conductance;	/* boundary / least strength of either side; NaN: 0/0 */
} rk_partition_score;

/*
 * Scores a partition of nodes nodes, of which those from g->nodes on have no
 * edges: the modularity defined above; coverage, the share of the weight that
 * is inside; performance, the share of pairs of nodes that are either an edge
 * inside or none across (Fortunato 2010); conductance (Kannan, Vempala, Vetta
 * 2004).  community: nodes values below communities, each of which is used.
 * Without weight the modularity is 0.  The arrays are left in the context.
 *
 * Graph: "out" built, directed "in" as well; parallel edges collapsed or
 * summed, self-loops kept.  Weights are strengths >= 0.
 * Errors: RK_ERR_OVERFLOW, weights add up to more than float8 can hold.
 * Cost O(n + m); memory rk_graph_modularity_score_memory.
 */
extern rk_status rk_graph_modularity_score(rk_ctx *ctx, const rk_graph *g, int64_t nodes,
										   const uint32_t *community, int64_t communities,
										   double resolution, rk_partition_score *result);
extern int64_t rk_graph_modularity_score_memory(int64_t nodes, bool directed,
												int64_t communities);

/* ---- label-propagation ------------------------------------------------ */

typedef enum rk_label_variant
{
	RK_LABEL_SEMI_SYNCHRONOUS,
	RK_LABEL_CDLP
} rk_label_variant;

typedef struct rk_label_params
{
	rk_label_variant variant;
	int			max_iterations; /* >= 1 */
	uint64_t	seed;			/* semi-synchronous: of the order and of ties */
	const int64_t *initial;		/* n labels >= 0, -1: none; NULL: all differ */
	const bool *fixed;			/* n: keeps its initial label; NULL: none does */
} rk_label_params;

typedef struct rk_label_result
{
	int64_t		communities;	/* unlabelled nodes are one each */
	double		modularity;		/* of the graph with the same weights */
} rk_label_result;

/*
 * Label propagation (Raghavan, Albert, Kumara 2007): a node takes the label
 * with the largest sum of weights among its neighbours; directed, both
 * directions count, a reciprocal arc twice.  Loops and edges of weight 0 have
 * no say.  Nodes without a label have none either, and may get one.
 *
 * Semi-synchronous (Cordasco and Gargano 2010): nodes are coloured greedily in
 * the order of falling h(seed, 0, node) with the smallest free colour; a round
 * treats the classes in turn.  A node keeps its label among equals, else takes
 * the one with the smallest h(seed, 1, label).  Ends after a round that
 * changes nothing, or max_iterations.  CDLP (LDBC Graphalytics): all nodes at
 * once, the smallest label among equals, max_iterations rounds.
 *
 * community: n values.  With initial the label itself, -1 for none; else
 * numbers by falling size, ties by smallest node.
 *
 * Graph: as for modularity-score.
 * Errors: RK_ERR_OVERFLOW, weights add up to more than float8 can hold.
 * Cost O(n + m) a round and for the colours, which one thread draws; memory
 * rk_graph_label_propagation_memory.
 */
extern rk_status rk_graph_label_propagation(rk_ctx *ctx, const rk_graph *g,
											const rk_label_params *params, int64_t *community,
											rk_label_result *result, rk_run *run);

/*
 * For an engine that makes the rounds itself.  Start: labels given become their
 * ranks, RK_NO_NODE for none; *values, in the context, has the label of each of
 * *labels ranks.  End: from ranks (values NULL: labels that nobody gave, below
 * n) to communities as above.
 */
extern rk_status rk_graph_label_start(rk_ctx *ctx, int64_t n, const int64_t *initial, uint32_t *label,
									  int64_t **values, int64_t *labels);
extern rk_status rk_graph_label_end(rk_ctx *ctx, int64_t n, const uint32_t *label, const int64_t *values,
									int64_t *community, int64_t *communities);
extern int64_t rk_graph_label_propagation_memory(int64_t nodes, int64_t arcs, bool directed,
												 bool weighted, int threads,
												 const rk_label_params *params);

/* ---- k-clique --------------------------------------------------------- */

/*
 * What holds for all functions of the section.  A clique is a set of nodes of
 * which any two are joined; the graph is undirected and simple.
 *
 * Graph: "out" built undirected, parallel edges collapsed, self-loops dropped.
 * Cost grows with the degeneracy c, which is small in sparse graphs.  Memory
 * beside what a function says: rk_graph_k_clique_memory, and c^2 / 8 bytes a
 * thread.
 */

/* Takes a clique, nodes rising; on the owner's thread.  False: stop. */
typedef bool (*rk_clique_fn) (void *arg, const uint32_t *nodes, int size);

/*
 * All cliques of exactly k >= 1 nodes, each once (kClist: Danisch, Balalau,
 * Sozio 2018); nothing is kept, so that memory does not grow with their
 * number.  One thread: taking the rows costs more than finding them.
 * Errors: RK_STOPPED when emit said so.
 * Cost O(k m (c / 2)^(k - 2)) at most.
 */
extern rk_status rk_graph_k_clique(rk_ctx *ctx, const rk_graph *g, int k,
								   rk_clique_fn emit, void *arg);

/*
 * All maximal cliques of at least k nodes (Eppstein, Loeffler, Strash 2010),
 * otherwise the same.
 * Cost O(c n 3^(c / 3)) at most.  Memory: degree * c / 8 bytes of the node
 * where that is largest.
 */
extern rk_status rk_graph_maximal_cliques(rk_ctx *ctx, const rk_graph *g, int k,
										  rk_clique_fn emit, void *arg);

/*
 * Number of cliques of k nodes, and of those each node is in if of_node is not
 * NULL (n values), without listing them (Pivoter: Jain and Seshadhri 2020).
 * Errors: RK_ERR_OVERFLOW, 2^128 or more.
 * All threads.  Cost O(c n 3^(c / 3)) at most, whatever k is.
 */
extern rk_status rk_graph_k_clique_count(rk_ctx *ctx, const rk_graph *g, int k,
										 unsigned __int128 *of_node, unsigned __int128 *total);

typedef struct rk_clique_communities
{
	int64_t		count;
	int64_t    *offsets;		/* count + 1 */
	int64_t		members;		/* of all: entries of the arrays that follow */
	uint32_t   *nodes;			/* rising within a community */
	uint32_t   *community;		/* that it is an entry of */
} rk_clique_communities;

/*
 * Clique percolation (Palla, Derenyi, Farkas, Vicsek 2005): cliques of k >= 2
 * nodes that share k - 1 belong together, and a community is the nodes of such
 * a set; a node may be in several, or in none.  By falling size, then by the
 * smallest node that differs.  The arrays are left in the context.
 * Errors: RK_ERR_LIMIT, 2^32 or more maximal cliques.
 * Cost: the maximal cliques, and for each node the square of the number of
 * those it is in.  Memory: 8 bytes for every member of a maximal clique.
 */
extern rk_status rk_graph_k_clique_communities(rk_ctx *ctx, const rk_graph *g, int k,
											   rk_clique_communities *result);

/* Bytes that each takes beside graph and result; of_node: with that array. */
extern int64_t rk_graph_k_clique_memory(int64_t nodes, int64_t arcs, int threads, bool of_node);

#endif							/* RK_GRAPH_COMMUNITY_H */
