"""The same work done by networkit and igraph, timed in this process.

A peer's graph is built before the clock starts, as ours is; what is timed is
the call that computes, igraph's list of results included because there is no
call without it.  Every entry returns (seconds, number): the number is what
kernels.c calls its result.
"""
import importlib
import time

import numpy as np

PEERS = {"networkit": "pip install networkit", "igraph": "pip install igraph",
         "scipy": "pip install scipy", "sklearn": "pip install scikit-learn"}


def load():
    """Returns the peers found and says how to get the others."""
    found = {}
    for name, how in PEERS.items():
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            print(f"{name} is missing and left out ({how})")
    return found


def timed(work):
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def sample_nodes(nodes, k):
    """Returns the sample that a kernel with seed 0 draws: the k smallest hashes."""
    zero = np.uint64(0x9E3779B97F4A7C15)

    def mix(z):
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)

    with np.errstate(over="ignore"):
        start = mix(np.full(nodes, zero))
        drawn = mix((start ^ np.arange(nodes, dtype=np.uint64)) + zero)
    return np.sort(np.argsort(drawn, kind="stable")[:k])


def networkit_directed(nk, source, target, nodes):
    """Returns a directed graph the quickest way this networkit has: from a scipy
    matrix it takes a tenth of the time, and PageRank half of it."""
    if hasattr(nk, "GraphFromCsr"):
        try:
            from scipy.sparse import csr_matrix
        except ImportError:
            pass
        else:
            ones = np.ones(len(source))
            matrix = csr_matrix((ones, (source.astype("<i4"), target.astype("<i4"))), shape=(nodes, nodes))
            return nk.GraphFromCsr(matrix, directed=True)
    return nk.GraphFromCoo((source.astype("<u8"), target.astype("<u8")), n=nodes, directed=True)


def networkit_pagerank(nk, graph, tolerance=1e-300, iterations=20):
    """Returns PageRank as the kernel defines it, not yet run."""
    c = nk.centrality
    p = c.PageRank(graph, damp=0.85, tol=tolerance, distributeSinks=c.SinkHandling.DistributeSinks)
    p.norm = c.Norm.l1norm
    p.maxIterations = iterations
    return p


class Networkit:
    """Graphs are made once for each edge list and direction."""

    name = "networkit"
    single_thread = False

    def __init__(self, module):
        self.nk = module
        self.graphs = {}

    def graph(self, edges, directed, loops=True):
        key = (edges.name, directed, loops)
        if key not in self.graphs:
            self.graphs[key] = self.make(edges, directed, loops)
        return self.graphs[key]

    def make(self, edges, directed, loops):
        keep = slice(None) if loops else edges.source != edges.target
        source, target = edges.source[keep], edges.target[keep]
        if directed:
            return networkit_directed(self.nk, source, target, edges.nodes)
        data = (np.minimum(source, target).astype("<u8"), np.maximum(source, target).astype("<u8"))
        if edges.weight is None:
            # a pair given in both directions is one edge
            pairs = np.unique(data[0] << np.uint64(32) | data[1])
            data = (pairs >> np.uint64(32), pairs & np.uint64(2**32 - 1))
        else:
            data = (edges.weight, data)
        g = self.nk.GraphFromCoo(data, n=edges.nodes, weighted=edges.weight is not None)
        g.sortEdges()
        return g

    def threads(self, n):
        self.nk.setNumberOfThreads(n)

    def build(self, edges, number):
        t, _ = timed(lambda: networkit_directed(self.nk, edges.source, edges.target, edges.nodes))
        return t, None

    def pagerank(self, edges, number):
        p = networkit_pagerank(self.nk, self.graph(edges, True), number or 1e-300,
                               1000 if number else 20)
        t, _ = timed(p.run)
        return t, float(np.sum(np.square(p.scores())))

    def components(self, edges, number):
        best = None
        for kind, directed in (("ParallelConnectedComponents", False),
                               ("ConnectedComponents", False),
                               ("WeaklyConnectedComponents", True)):
            c = getattr(self.nk.components, kind)(self.graph(edges, directed))
            t, _ = timed(c.run)
            best = min(best or (t + 1, 0), (t, c.numberOfComponents()))
        return best

    def triangles(self, edges, number):
        g = self.graph(edges, False, loops=False)
        if not g.hasEdgeIds():
            g.indexEdges()
        score = self.nk.sparsification.TriangleEdgeScore(g)
        t, _ = timed(score.run)
        per_node = self.nk.centrality.LocalClusteringCoefficient(g, True)
        t = min(t, timed(per_node.run)[0])
        return t, sum(score.scores()) / 3

    def clustering(self, edges, number):
        c = self.nk.centrality.LocalClusteringCoefficient(self.graph(edges, False, loops=False), True)
        t, _ = timed(c.run)
        return t, float(np.mean(c.scores()))

    def degreeratio(self, edges, number):
        # degrees alone, without ratios and variances
        g = self.graph(edges, True, loops=False)
        incoming = self.nk.centrality.DegreeCentrality(g, outDeg=False)
        outgoing = self.nk.centrality.DegreeCentrality(g)
        t = timed(incoming.run)[0] + timed(outgoing.run)[0]
        return t, float(np.sum(incoming.scores()))

    def stars(self, edges, number):
        # the share of spokes that are joined, which is what takes time
        t, clustering = self.clustering(edges, number)
        g = self.graph(edges, False, loops=False)
        degrees = np.array(self.nk.centrality.DegreeCentrality(g).run().scores())
        return t, float(np.mean(degrees >= 2)) - clustering

    def betweenness(self, edges, number):
        # its sources are drawn at random: the sum of scores is another each time
        g = self.graph(edges, False, loops=False)
        b = self.nk.centrality.EstimateBetweenness(g, int(number), normalized=False, parallel=True)
        t, _ = timed(b.run)
        return t, None

    def louvain(self, edges, number):
        g = self.graph(edges, False)
        c = self.nk.community
        algorithm = c.ParallelLeiden(g) if number == 1 else c.PLM(g, refine=False)
        t, _ = timed(algorithm.run)
        return t, c.Modularity().getQuality(algorithm.getPartition(), g)

    def labels(self, edges, number):
        g = self.graph(edges, False)
        algorithm = self.nk.community.PLP(g)
        t, _ = timed(algorithm.run)
        return t, self.nk.community.Modularity().getQuality(algorithm.getPartition(), g)

    def modularity(self, edges, number):
        g = self.graph(edges, False)
        partition = self.nk.structures.Partition(edges.nodes, np.arange(edges.nodes) % int(number))
        partition.setUpperBound(int(number))
        return timed(lambda: self.nk.community.Modularity().getQuality(partition, g))

    def cliques(self, edges, number):
        return None

    def maximal(self, edges, number):
        cliques = self.nk.clique.MaximalCliques(self.graph(edges, False, loops=False))
        t, _ = timed(cliques.run)
        return t, len(cliques.getCliques())

    def sssp(self, edges, number):
        d = self.nk.distance.Dijkstra(self.graph(edges, False), int(number), storePaths=False)
        t, _ = timed(d.run)
        return t, float(np.sum(d.getDistances()))

    def closeness(self, edges, number):
        # its estimate draws other pivots, and many of them make it slow
        if number > 16:
            return None
        g = self.graph(edges, False, loops=False)
        c = self.nk.centrality
        work = c.ApproxCloseness(g, int(number)) if number else c.HarmonicCloseness(g, False)
        t, _ = timed(work.run)
        return t, None if number else float(np.sum(work.scores()))

    def eigenvector(self, edges, number):
        # its tolerance is on the change in L2 of the whole vector
        g = self.graph(edges, False, loops=False)
        c = self.nk.centrality.EigenvectorCentrality(g, number)
        t, _ = timed(c.run)
        return t, float(np.max(np.abs(c.scores())))

    def katz(self, edges, number):
        g = self.graph(edges, False, loops=False)
        alpha = 1 / (1 + max(g.degree(u) for u in range(g.numberOfNodes())))
        c = self.nk.centrality.KatzCentrality(g, alpha, 1, number)
        # its scores are not the solution of the linear system
        t, _ = timed(c.run)
        return t, None


def simple_matrix(edges):
    """Returns the adjacency matrix of the simple undirected graph (scipy CSR)."""
    from scipy.sparse import csr_matrix
    keep = edges.source != edges.target
    source = np.concatenate([edges.source[keep], edges.target[keep]]).astype("<i4")
    target = np.concatenate([edges.target[keep], edges.source[keep]]).astype("<i4")
    matrix = csr_matrix((np.ones(len(source)), (source, target)), shape=(edges.nodes, edges.nodes))
    matrix.data[:] = 1
    matrix.sort_indices()
    return matrix


def some_numbers(count, scale):
    """Returns the features and weights of the neural kernels."""
    return ((np.arange(count) * 40503 & 0xFFFF) / 65536 - 0.5) * scale


class Scipy:
    """The matrix of the graph, for what is a product with it; one thread.  What
    is not about pairs of different nodes is taken off after the clock."""

    name = "scipy"
    single_thread = True

    def __init__(self, module):
        self.graphs = {}

    def threads(self, n):
        pass

    def matrix(self, edges):
        if edges.name not in self.graphs:
            self.graphs[edges.name] = simple_matrix(edges)
        return self.graphs[edges.name]

    def eigenvector(self, edges, number):
        from scipy.sparse.linalg import eigsh
        matrix = self.matrix(edges)
        t, found = timed(lambda: eigsh(matrix, k=1, v0=np.ones(edges.nodes), tol=number if number > 1e-14 else 0))
        return t, float(np.max(np.abs(found[1])))

    def gnn(self, edges, number):
        """Two products with the normalised matrix, two with weights."""
        from scipy.sparse import diags, eye
        kind = np.float64 if number == 1 else np.float32
        a = self.matrix(edges) + eye(edges.nodes, format="csr")
        degree = np.asarray(a.sum(axis=1)).ravel()
        if number == 1:
            a = (diags(1 / degree) @ a).tocsr()
        else:
            a = (diags(1 / np.sqrt(degree)) @ a @ diags(1 / np.sqrt(degree))).tocsr().astype(kind)
        x = some_numbers(edges.nodes * 64, 1).reshape(-1, 64).astype(kind)
        w = some_numbers(64 * 64, 0.25).astype(kind)
        first, second = w.reshape(64, 64), w[:64 * 16].reshape(64, 16)
        t, z = timed(lambda: a @ (np.maximum(a @ x @ first, 0) @ second))
        return t, float(np.square(z.astype(float)).sum())

    def gat(self, edges, number):
        """Edges as arrays, softmax by reduceat over the rows of a matrix."""
        from scipy.sparse import csr_matrix, eye
        a = (self.matrix(edges) + eye(edges.nodes, format="csr")).tocsr()
        a.sort_indices()
        x = some_numbers(edges.nodes * 64, 1).reshape(-1, 64).astype(np.float32)
        w = some_numbers(64 * 64, 0.25).astype(np.float32)

        def work():
            row = np.repeat(np.arange(edges.nodes), np.diff(a.indptr))
            found = []
            for h in range(4):
                q = x @ w[h * 1024:(h + 1) * 1024].reshape(64, 16)
                own, other = q @ w[h * 100:h * 100 + 16], q @ w[h * 100 + 16:h * 100 + 32]
                e = own[row] + other[a.indices]
                e = np.where(e > 0, e, np.float32(0.2) * e)
                e = np.exp(e - np.maximum.reduceat(e, a.indptr[:-1])[row])
                e /= np.add.reduceat(e, a.indptr[:-1])[row]
                found.append(csr_matrix((e, a.indices, a.indptr), shape=a.shape) @ q)
            return np.concatenate(found, axis=1)

        t, z = timed(work)
        return t, float(np.square(z.astype(float)).sum())

    def jaccard(self, edges, number):
        a = self.matrix(edges)
        degree = np.diff(a.indptr).astype(float)

        def work():
            c = a @ a
            row = np.repeat(degree, np.diff(c.indptr))
            c.data /= row + degree[c.indices] - c.data
            if number > 0:
                c.data[c.data < number] = 0
            return c

        t, c = timed(work)
        return t, (c.sum() - c.diagonal().sum()) / 2

    def cosine(self, edges, number):
        a = self.matrix(edges)
        degree = np.diff(a.indptr).astype(float)

        def work():
            c = a @ a
            c.data /= np.sqrt(np.repeat(degree, np.diff(c.indptr)) * degree[c.indices])
            return c

        t, c = timed(work)
        return t, (c.sum() - c.diagonal().sum()) / 2

    def adamic(self, edges, number):
        a = self.matrix(edges)
        degree = np.diff(a.indptr)
        value = np.where(degree > 1, 1 / np.log(np.maximum(degree, 2)), 0)

        def work():
            weighted = a.copy()
            weighted.data = value[a.indices]
            return weighted @ a

        t, c = timed(work)
        return t, (c.sum() - c.diagonal().sum()) / 2

    def values(self, edges, number):
        # histograms are made before the clock starts
        from scipy.spatial.distance import pdist
        counts = np.histogram2d(np.arange(edges.rows) % 2000, edges.target % 1000.0, bins=(np.arange(2001), 50))[0]
        shares = counts / counts.sum(axis=1, keepdims=True)
        if number == 0:
            t, found = timed(lambda: np.square(pdist(shares, "jensenshannon")))
        else:
            t, found = timed(lambda: pdist(np.cumsum(shares, axis=1), "cityblock"))
        return t, float(found.sum())

    def common(self, edges, number):
        a = self.matrix(edges)
        t, c = timed(lambda: a @ a)
        return t, (c.sum() - c.diagonal().sum()) / 2


class Sklearn(Scipy):
    """Cosines without a dense matrix of all pairs."""

    name = "sklearn"
    gnn = gat = jaccard = adamic = common = values = eigenvector = None

    def __init__(self, module):
        from sklearn.metrics import pairwise
        self.pairwise = pairwise
        self.graphs = {}

    def cosine(self, edges, number):
        a = self.matrix(edges)
        t, c = timed(lambda: self.pairwise.cosine_similarity(a, dense_output=False))
        return t, (c.sum() - c.diagonal().sum()) / 2


class Igraph:
    """igraph's C core has one thread for all of these."""

    name = "igraph"
    single_thread = True

    def __init__(self, module):
        self.ig = module
        self.graphs = {}

    def graph(self, edges, directed, simple=False):
        key = (edges.name, directed, simple)
        if key not in self.graphs:
            pairs = np.column_stack([edges.source, edges.target]).astype(np.int64)
            if simple:
                pairs = np.unique(np.sort(pairs, axis=1), axis=0)
                pairs = pairs[pairs[:, 0] != pairs[:, 1]]
            g = self.ig.GraphBase(n=edges.nodes, edges=memoryview(pairs), directed=directed)
            self.graphs[key] = g
        return self.graphs[key]

    def threads(self, n):
        pass

    def build(self, edges, number):
        pairs = memoryview(np.column_stack([edges.source, edges.target]).astype(np.int64))
        t, _ = timed(lambda: self.ig.GraphBase(n=edges.nodes, edges=pairs, directed=True))
        return t, None

    def pagerank(self, edges, number):
        # PRPACK has no limit of iterations and stops at 1e-10
        if number == 0:
            return None
        g = self.graph(edges, True)
        t, score = timed(lambda: g.personalized_pagerank(directed=True, damping=0.85,
                                                         implementation="prpack"))
        return t, float(np.sum(np.square(score)))

    def components(self, edges, number):
        g = self.graph(edges, True)
        t, member = timed(lambda: g.connected_components(mode=self.ig.WEAK))
        return t, max(member) + 1

    def triangles(self, edges, number):
        g = self.graph(edges, False, simple=True)
        t, _ = timed(lambda: g.transitivity_undirected())
        return t, None

    def clustering(self, edges, number):
        g = self.graph(edges, False, simple=True)
        t, values = timed(lambda: g.transitivity_local_undirected(mode="zero"))
        return t, float(np.mean(values))

    def degreeratio(self, edges, number):
        g = self.graph(edges, True)
        t, degrees = timed(lambda: (g.degree(mode=self.ig.IN, loops=False), g.degree(mode=self.ig.OUT, loops=False)))
        return t, float(np.sum(degrees[0]))

    def stars(self, edges, number):
        t, clustering = self.clustering(edges, number)
        degrees = np.array(self.graph(edges, False, simple=True).degree())
        return t, float(np.mean(degrees >= 2)) - clustering

    def motifs(self, edges, number):
        g = self.graph(edges, False, simple=True)
        t, counts = timed(lambda: g.motifs_randesu(size=int(number)))
        return t, counts[6 if number == 4 else 2]

    def triads(self, edges, number):
        g = self.graph(edges, True)
        t, counts = timed(lambda: g.triad_census())
        return t, counts[5]

    def betweenness(self, edges, number):
        g = self.graph(edges, False, simple=True)
        sources = sample_nodes(edges.nodes, int(number)).tolist()
        t, score = timed(lambda: g.betweenness(directed=False, sources=sources))
        return t, float(np.sum(score))

    def louvain(self, edges, number):
        if number == 1:
            return None
        g = self.graph(edges, False, simple=True)
        t, found = timed(lambda: g.community_multilevel(return_levels=False))
        member = found[0] if isinstance(found, tuple) else found
        return t, g.modularity(member)

    def jaccard(self, edges, number):
        # a list of all n^2 pairs: asked of a sample of the nodes, and scaled
        g = self.graph(edges, False, simple=True)
        some = list(range(0, edges.nodes, 64))
        t, _ = timed(lambda: g.similarity_jaccard(vertices=some, loops=False))
        return t * (edges.nodes / len(some)) ** 2, None

    def labels(self, edges, number):
        g = self.graph(edges, False, simple=True)
        t, member = timed(lambda: g.community_label_propagation())
        return t, g.modularity(member)

    def modularity(self, edges, number):
        return None

    def cliques(self, edges, number):
        # it lists them: there is no call that only counts
        g = self.graph(edges, False, simple=True)
        return timed(lambda: len(g.cliques(int(number), int(number))))

    def maximal(self, edges, number):
        g = self.graph(edges, False, simple=True)
        return timed(lambda: len(g.maximal_cliques()))

    def sssp(self, edges, number):
        g = self.graph(edges, False)
        weights = edges.weight.tolist()
        t, rows = timed(lambda: g.distances(source=[int(number)], weights=weights))
        return t, float(np.sum(rows[0]))

    def closeness(self, edges, number):
        # from the pivots to all nodes, instead of from all nodes to the pivots
        if number > 16:
            return None
        g = self.graph(edges, False, simple=True)
        pivots = sample_nodes(edges.nodes, int(number)).tolist() if number else None
        t, score = timed(lambda: g.harmonic_centrality(vertices=pivots, normalized=False)
                         if pivots is None else g.closeness(vertices=pivots, normalized=True))
        return t, None if number else float(np.sum(score))

    def eigenvector(self, edges, number):
        # ARPACK has one tolerance, that of the machine
        g = self.graph(edges, False, simple=True)
        t, score = timed(lambda: g.eigenvector_centrality())
        return t, float(np.max(score) / np.linalg.norm(score))

    def distances(self, edges, number):
        if number:
            return None
        g = self.graph(edges, False, simple=True)
        return timed(lambda: g.average_path_length(directed=False))

    def metrics(self, edges, number):
        if number:
            return None
        g, u = self.graph(edges, True), self.graph(edges, False, simple=True)

        def all_of_it():
            g.density(), g.reciprocity(), u.maxdegree(), u.assortativity_degree(directed=False), max(u.coreness())
            u.transitivity_avglocal_undirected(), u.transitivity_undirected()
            g.connected_components(mode=self.ig.WEAK), g.connected_components(mode=self.ig.STRONG)
            g.average_path_length(directed=True), g.diameter(directed=True), g.eccentricity(mode=self.ig.OUT)
            return len(u.list_triangles())

        return timed(all_of_it)

    def density(self, edges, number):
        g = self.graph(edges, True)
        t, found = timed(lambda: g.reciprocity())
        return t, found


KINDS = {"scipy": Scipy, "sklearn": Sklearn, "networkit": Networkit, "igraph": Igraph}
