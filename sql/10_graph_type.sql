/* rk.graph: a prepared graph as a value. */

CREATE TYPE rk.graph;

CREATE FUNCTION rk.graph_in(cstring) RETURNS rk.graph
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'rk_graph_in';
COMMENT ON FUNCTION rk.graph_in(cstring) IS 'text form of a graph to its value';

CREATE FUNCTION rk.graph_out(rk.graph) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'rk_graph_out';
COMMENT ON FUNCTION rk.graph_out(rk.graph) IS 'value of a graph to its text form';

CREATE FUNCTION rk.graph_recv(internal) RETURNS rk.graph
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'rk_graph_recv';
COMMENT ON FUNCTION rk.graph_recv(internal) IS 'binary form of a graph to its value';

CREATE FUNCTION rk.graph_send(rk.graph) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'rk_graph_send';
COMMENT ON FUNCTION rk.graph_send(rk.graph) IS 'value of a graph to its binary form';

CREATE TYPE rk.graph (
	INPUT = rk.graph_in,
	OUTPUT = rk.graph_out,
	RECEIVE = rk.graph_recv,
	SEND = rk.graph_send,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE rk.graph IS
'a directed graph with ids of one type, as compressed rows; accepted by every graph kernel as edges';

CREATE FUNCTION rk.graph_agg_transition(internal, anycompatible, anycompatible) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_transition';
COMMENT ON FUNCTION rk.graph_agg_transition(internal, anycompatible, anycompatible) IS 'adds an edge to the state of rk.graph_agg';

CREATE FUNCTION rk.graph_agg_transition(internal, anycompatible, anycompatible, double precision) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_transition';
COMMENT ON FUNCTION rk.graph_agg_transition(internal, anycompatible, anycompatible, double precision) IS 'adds a weighted edge to the state of rk.graph_agg';

CREATE FUNCTION rk.graph_agg_combine(internal, internal) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_combine';
COMMENT ON FUNCTION rk.graph_agg_combine(internal, internal) IS 'joins two states of rk.graph_agg';

CREATE FUNCTION rk.graph_agg_serialize(internal) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_serialize';
COMMENT ON FUNCTION rk.graph_agg_serialize(internal) IS 'state of rk.graph_agg to bytes';

CREATE FUNCTION rk.graph_agg_deserialize(bytea, internal) RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_deserialize';
COMMENT ON FUNCTION rk.graph_agg_deserialize(bytea, internal) IS 'bytes to a state of rk.graph_agg';

CREATE FUNCTION rk.graph_agg_final(internal) RETURNS rk.graph
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_agg_final';
COMMENT ON FUNCTION rk.graph_agg_final(internal) IS 'state of rk.graph_agg to a graph';

CREATE AGGREGATE rk.graph_agg(source anycompatible, target anycompatible) (
	SFUNC = rk.graph_agg_transition,
	STYPE = internal,
	FINALFUNC = rk.graph_agg_final,
	FINALFUNC_MODIFY = READ_WRITE,
	COMBINEFUNC = rk.graph_agg_combine,
	SERIALFUNC = rk.graph_agg_serialize,
	DESERIALFUNC = rk.graph_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rk.graph_agg(anycompatible, anycompatible) IS
'the graph of the edges of a group; a row whose target is NULL adds its source as a node without edges';

CREATE AGGREGATE rk.graph_agg(source anycompatible, target anycompatible, weight double precision) (
	SFUNC = rk.graph_agg_transition,
	STYPE = internal,
	FINALFUNC = rk.graph_agg_final,
	FINALFUNC_MODIFY = READ_WRITE,
	COMBINEFUNC = rk.graph_agg_combine,
	SERIALFUNC = rk.graph_agg_serialize,
	DESERIALFUNC = rk.graph_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rk.graph_agg(anycompatible, anycompatible, double precision) IS
'the weighted graph of the edges of a group; a row whose target is NULL adds its source as a node without edges';

CREATE FUNCTION rk.num_nodes(g rk.graph) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_num_nodes';
COMMENT ON FUNCTION rk.num_nodes(rk.graph) IS 'number of nodes of a graph';

CREATE FUNCTION rk.num_edges(g rk.graph) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_graph_num_edges';
COMMENT ON FUNCTION rk.num_edges(rk.graph) IS 'number of edges of a graph, parallel ones counted each';
