"""graph/graph-attention against numpy, in the notation of GATConv and GATv2Conv."""
import numpy as np
import pytest

from draws import h, uniform
from graphs import SEEDS, make_case
from test_gnn_inference import ACTIVATIONS, call, incoming

KERNEL = "graph/graph-attention"


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def make_model(rng, width):
    second = bool(rng.integers(2))
    head_width = int(rng.integers(1, 7))
    heads = []
    for _ in range(rng.integers(1, 4)):
        matrix = lambda: rng.normal(size=(width, head_width)).tolist()  # noqa: E731
        head = {"weight": matrix()} if rng.integers(2) else {"query": matrix(), "key": matrix(), "value": matrix()}
        if second and "value" in head and rng.integers(2):
            del head["value"]
        head["attention"] = rng.normal(size=head_width * (1 if second else 2)).tolist()
        heads.append(head)
    model = {"variant": "gatv2" if second else "gat", "heads": heads, "concat_heads": bool(rng.integers(2)),
             "negative_slope": float(rng.choice((0, 0.2, 0.5)))}
    columns = head_width * (len(heads) if model["concat_heads"] else 1)
    if rng.integers(2):
        out = int(rng.integers(1, 6))
        model["output_weight"] = rng.normal(size=(columns, out)).tolist()
        columns = out
    if rng.integers(2):
        model["bias"] = rng.normal(size=columns).tolist()
    if rng.integers(2):
        model["activation"] = str(rng.choice(list(ACTIVATIONS)))
    return model


def run_model(model, x, there):
    """Embeddings and, for every head, the matrix of attention."""
    near = there | np.eye(len(x), dtype=bool)
    alphas, outs = [], []
    for head in model["heads"]:
        q = x @ np.array(head.get("query", head.get("weight")))
        k = x @ np.array(head.get("key", head.get("weight")))
        v = x @ np.array(head.get("value", head.get("key", head.get("weight"))))
        a = np.array(head["attention"])
        if model["variant"] == "gat":
            e = leaky((q @ a[:q.shape[1]])[:, None] + (k @ a[q.shape[1]:])[None, :], model["negative_slope"])
        else:
            e = leaky(q[:, None, :] + k[None, :, :], model["negative_slope"]) @ a
        e = np.where(near, e, -np.inf)
        alpha = np.exp(e - e.max(axis=1, keepdims=True))
        alpha /= alpha.sum(axis=1, keepdims=True)
        alphas.append(alpha)
        outs.append(alpha @ v)
    z = np.concatenate(outs, axis=1) if model["concat_heads"] else sum(outs) / len(outs)
    if "output_weight" in model:
        z = z @ np.array(model["output_weight"])
    return ACTIVATIONS[model.get("activation", "none")](z + np.array(model.get("bias", 0))), alphas, near


@pytest.mark.parametrize("seed", SEEDS)
def test_models(db, seed):
    case = make_case(seed, largest=16, big=False)
    if not case.size:
        return
    rng = np.random.default_rng(seed)
    directed = bool(seed % 2)
    compute_type = ("float4", "float8")[seed // 2 % 2]
    x = rng.normal(size=(case.size, int(rng.integers(1, 8)))) / 2
    model = make_model(rng, x.shape[1])
    _, there = incoming(case, directed, False)
    theirs, alphas, near = run_model(model, x, there)
    tolerance = 1e-5 if compute_type == "float4" else 1e-10
    params = {"directed": directed, "compute_type": compute_type}
    rows = sorted(call(db, case, "graph_graph_attention", x, model, seed // 4 % 2, **params), key=lambda row: row["node"])
    assert [row["node"] for row in rows] == list(range(case.size))
    ours = np.array([row["embedding"] for row in rows])
    assert np.abs(ours - theirs).max() <= tolerance * max(1, np.abs(theirs).max())
    importance = np.array([row["importance"] for row in rows])
    for head, alpha in enumerate(alphas):
        assert np.abs(importance[:, head] - alpha.sum(axis=0) / near.sum(axis=0)).max() <= tolerance

    found = [np.zeros_like(alpha) for alpha in alphas]
    rows = call(db, case, "graph_graph_attention_weights", x, model, seed // 4 % 2, **params)
    assert len(rows) == near.sum() * len(alphas)
    for row in rows:
        assert near[row["node"], row["neighbor"]]
        found[row["head"]][row["node"], row["neighbor"]] = row["attention"]
    for mine, alpha in zip(found, alphas):
        assert np.abs(mine - alpha).max() <= tolerance
        assert np.abs(mine.sum(axis=1) - 1).max() <= 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_init(db, seed):
    rng = np.random.default_rng(seed)
    inside, heads, width, out = (int(d) for d in rng.integers(1, 6, size=4))
    model, = db.execute("SELECT rk.graph_graph_attention_init(%s, %s, %s, %s, %s)", (inside, heads, width, out, seed)).fetchone()
    limit = np.sqrt(2 / (inside + width))
    for number, head in enumerate(model["heads"]):
        for m, name in enumerate(("query", "key", "value", "attention")):
            mine = np.array(head[name]).ravel()
            assert len(mine) == (2 * width if m == 3 else inside * width)
            assert mine == pytest.approx([(2 * uniform(h(seed, number, m, i)) - 1) * limit for i in range(len(mine))], abs=1e-15)
    mine = np.array(model["output_weight"]).ravel()
    limit = np.sqrt(2 / (heads * width + out))
    assert mine == pytest.approx([(2 * uniform(h(seed, heads, 4, i)) - 1) * limit for i in range(len(mine))], abs=1e-15)
