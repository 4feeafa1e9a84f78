"""graph/gnn-inference against numpy on the dense matrix, in the notation of
PyTorch Geometric: GCNConv, SAGEConv, GINConv and LayerNorm."""
import json

import numpy as np
import pytest
from scipy.special import erf

from draws import h, uniform
from graphs import SEEDS, literal, make_case, weighted_params

KERNEL = "graph/gnn-inference"

AGGREGATIONS = ("sum", "mean", "max", "sage", "gcn", "gin")
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / np.sqrt(2))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "none": lambda x: x,
}


def incoming(case, directed, weighted):
    """w[v, u]: weight of u -> v; and whether there is such an edge."""
    g = case.simple(directed, merge=sum if weighted else None, loops=False)
    w = np.zeros((case.size, case.size))
    there = np.zeros((case.size, case.size), dtype=bool)
    for u, v, weight in g.edges(data="weight"):
        for a, b in ((u, v),) if directed else ((u, v), (v, u)):
            w[b, a] = weight
            there[b, a] = True
    return w, there


def aggregate(kind, x, w, there, loops, epsilon):
    n = len(x)
    eye = np.eye(n) * loops
    if kind == "sum":
        return (w + eye) @ x
    if kind == "mean":
        of = (w + eye).sum(axis=1, keepdims=True)
        return np.divide((w + eye) @ x, of, out=np.zeros_like(x), where=of > 0)
    if kind == "sage":
        of = there.sum(axis=1, keepdims=True)
        return np.divide(there @ x, of, out=np.zeros_like(x), where=of > 0)
    if kind == "gcn":
        a = w + eye
        degree = a.sum(axis=1)
        root = np.divide(1, np.sqrt(degree), out=np.zeros(n), where=degree > 0)
        return root[:, None] * (a @ (root[:, None] * x))
    if kind == "gin":
        return (1 + epsilon) * x + there @ x
    of = there | (np.eye(n, dtype=bool) & bool(loops))
    return np.array([x[of[v]].max(axis=0) if of[v].any() else np.zeros(x.shape[1]) for v in range(n)]).reshape(x.shape)


def run_model(model, x, w, there):
    loops = model.get("add_self_loops", True)
    layers = model["layers"]
    for i, layer in enumerate(layers):
        last = i == len(layers) - 1
        def setting(key, default):
            return layer.get(key, default if last else model.get(key, default))
        kind = layer.get("aggregation", model.get("aggregation", "mean"))
        z = aggregate(kind, x, w, there, loops, layer.get("epsilon", 0)) @ np.array(layer["weight"])
        z = z + np.array(layer.get("bias", 0))
        if "self_weight" in layer:
            z = z + x @ np.array(layer["self_weight"])
        z = ACTIVATIONS[layer.get("activation", "none" if last else model.get("activation", "relu"))](z)
        norm = setting("layer_norm", False)
        if norm:
            norm = norm if isinstance(norm, dict) else {}
            z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + norm.get("eps", 1e-5))
            z = z * np.array(norm.get("gamma", 1)) + np.array(norm.get("beta", 0))
        x = z
    return x


def make_model(rng, width):
    model = {"aggregation": str(rng.choice(AGGREGATIONS)), "activation": str(rng.choice(list(ACTIVATIONS))),
             "add_self_loops": bool(rng.integers(2)), "dropout": 0.5}
    if rng.integers(2):
        model["layer_norm"] = True
    layers = []
    for _ in range(rng.integers(1, 4)):
        out = int(rng.integers(1, 20))
        layer = {"weight": (rng.normal(size=(width, out)) / np.sqrt(width)).tolist()}
        if rng.integers(2):
            layer["bias"] = rng.normal(size=out).tolist()
        if rng.integers(3) == 0:
            layer["aggregation"] = str(rng.choice(AGGREGATIONS))
        if rng.integers(3) == 0:
            layer["activation"] = str(rng.choice(list(ACTIVATIONS)))
        if rng.integers(3) == 0:
            layer["layer_norm"] = {"gamma": rng.normal(size=out).tolist(), "beta": rng.normal(size=out).tolist(), "eps": 0.01}
        if layer.get("aggregation", model["aggregation"]) == "sage" or rng.integers(4) == 0:
            layer["self_weight"] = (rng.normal(size=(width, out)) / np.sqrt(width)).tolist()
        if layer.get("aggregation", model["aggregation"]) == "gin":
            layer["epsilon"] = 0.3
        layers.append(layer)
        width = out
    model["layers"] = layers
    output = rng.choice(("softmax", "sigmoid", "none", ""))
    if output:
        model["output"] = str(output)
    return model


def points_query(case, x, as_columns):
    """The nodes in any order, with an array or with columns."""
    order = list(range(case.size))
    case.rng.shuffle(order)
    if as_columns:
        rows = ", ".join(f"({literal(case.ids[v], case.id_type)}, " + ", ".join(f"{float(c)!r}::float8" for c in x[v]) + ")"
                         for v in order)
        return f"SELECT * FROM (VALUES {rows}) p (id, {', '.join(f'f{c}' for c in range(x.shape[1]))})"
    rows = ", ".join(f"({literal(case.ids[v], case.id_type)}, ARRAY{x[v].tolist()!r}::float8[])" for v in order)
    return f"SELECT * FROM (VALUES {rows}) p (node, features)"


def call(db, case, function, x, model, as_columns, **params):
    """Rows of a function over edges, points and a model; ids become numbers."""
    arguments = ["%s", "%s", "%s"]
    values = [case.edges(db), points_query(case, x, as_columns), json.dumps(model)]
    if case.id_type not in ("bigint", "integer"):
        arguments.append(f"id_type => NULL::{case.id_type}")
    for name, value in params.items():
        arguments.append(f"{name} => %s")
        values.append(value)
    index = case.index()
    cursor = db.execute(f"SELECT * FROM rk.{function}({', '.join(arguments)})", values)
    names = [column.name for column in cursor.description]
    return [{name: index[value] if name in ("node", "neighbor") else value for name, value in zip(names, row)}
            for row in cursor]


@pytest.mark.parametrize("seed", SEEDS)
def test_models(db, seed):
    case = make_case(seed, largest=16, big=False)
    if not case.size:
        return
    rng = np.random.default_rng(seed)
    directed = bool(seed % 2)
    weighted = case.uses_weights(False)
    compute_type = ("float4", "float8")[seed // 2 % 2]
    x = rng.normal(size=(case.size, int(rng.integers(1, 12))))
    model = make_model(rng, x.shape[1])
    w, there = incoming(case, directed, weighted)
    if weighted and w.max(initial=0) > 100:
        return			# sums of such weights leave little of float4
    rows = sorted(call(db, case, "graph_gnn_inference", x, model, seed // 4 % 2, directed=directed,
                       compute_type=compute_type, **weighted_params(case)), key=lambda row: row["node"])
    assert [row["node"] for row in rows] == list(range(case.size))
    ours = np.array([row["embedding"] for row in rows])
    theirs = run_model(model, x, w, there)
    # norms of nearly constant vectors magnify the rounding of float4
    tolerance = (1e-4 if json.dumps(model).find("layer_norm") >= 0 else 1e-5) if compute_type == "float4" else 1e-9
    assert np.abs(ours - theirs).max() <= tolerance * max(1, np.abs(theirs).max())
    output = model.get("output", "softmax" if ours.shape[1] > 1 else "none")
    for row, z in zip(rows, ours):
        assert row["prediction"] == (None if output == "none" and len(z) == 1 else int(np.argmax(z)))
        if output == "none":
            assert row["probabilities"] is None
        else:
            p = np.exp(z - z.max()) / np.exp(z - z.max()).sum() if output == "softmax" else 1 / (1 + np.exp(-z))
            assert np.abs(np.array(row["probabilities"]) - p).max() <= 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_init(db, seed):
    rng = np.random.default_rng(seed)
    dims = [int(d) for d in rng.integers(1, 6, size=3)]
    layers = int(rng.integers(1, 4))
    model, = db.execute("SELECT rk.graph_gnn_inference_init(%s, %s, %s, %s, 'mean', %s)", (*dims, layers, seed)).fetchone()
    widths = [dims[0]] + [dims[1]] * (layers - 1) + [dims[2]]
    assert len(model["layers"]) == layers
    for l, layer in enumerate(model["layers"]):
        inside, out = widths[l], widths[l + 1]
        limit = np.sqrt(2 / (inside + out))
        expected = [(2 * uniform(h(seed, l, i)) - 1) * limit for i in range(inside * out)]
        assert np.array(layer["weight"]).ravel() == pytest.approx(expected, abs=1e-15)
        assert layer["bias"] == [0] * out
