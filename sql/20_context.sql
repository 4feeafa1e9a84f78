/* Contexts: named data sets that every session shares, in memory. */

CREATE TABLE rk.context (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE,
	owner regrole NOT NULL,
	max_working_set bigint NOT NULL CHECK (max_working_set > 0),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rk.context IS 'definitions of contexts; see rk.contexts';

CREATE TABLE rk.context_item (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	context bigint NOT NULL REFERENCES rk.context ON DELETE CASCADE,
	key text NOT NULL,
	kind text NOT NULL,
	query text NOT NULL,
	search_path text NOT NULL,
	pinned boolean NOT NULL,
	UNIQUE (context, key)
);
COMMENT ON TABLE rk.context_item IS 'definitions of the items of contexts; see rk.context_items';

CREATE TABLE rk.context_grantee (
	context bigint NOT NULL REFERENCES rk.context ON DELETE CASCADE,
	role regrole NOT NULL,
	PRIMARY KEY (context, role)
);
COMMENT ON TABLE rk.context_grantee IS 'roles that may use a context beside its owner';

SELECT pg_catalog.pg_extension_config_dump('rk.context', '');
SELECT pg_catalog.pg_extension_config_dump('rk.context_item', '');
SELECT pg_catalog.pg_extension_config_dump('rk.context_grantee', '');
SELECT pg_catalog.pg_extension_config_dump(pg_catalog.pg_get_serial_sequence('rk.context', 'id'), '');
SELECT pg_catalog.pg_extension_config_dump(pg_catalog.pg_get_serial_sequence('rk.context_item', 'id'), '');

CREATE FUNCTION rk.context_create(name text, max_working_set bigint DEFAULT 268435456) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_context_create_sql';
COMMENT ON FUNCTION rk.context_create(text, bigint) IS
'makes a context: a named set of data in shared memory, of at most max_working_set bytes';

CREATE FUNCTION rk.context_load(
	name text, key text, kind text, query text, pinned boolean DEFAULT false,
	OUT num_nodes bigint, OUT num_edges bigint, OUT bytes bigint
) RETURNS record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'rk_context_load_sql';
COMMENT ON FUNCTION rk.context_load(text, text, text, text, boolean) IS
'reads a query into an item of a context, to be used as ''context:name/key''; others see it when the transaction commits';

CREATE FUNCTION rk.context_refresh(name text, key text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'rk_context_refresh_sql';
COMMENT ON FUNCTION rk.context_refresh(text, text) IS
'reads one item of a context anew, or all; runs that use the data of before end with it';

CREATE FUNCTION rk.context_drop(name text, key text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_context_drop_sql';
COMMENT ON FUNCTION rk.context_drop(text, text) IS
'drops an item of a context, or the context with all its items; returns the number of items';

CREATE FUNCTION rk.context_grant(name text, role regrole) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_context_grant_sql';
COMMENT ON FUNCTION rk.context_grant(text, regrole) IS
'lets a role use a context; what it sees was read with the rights of the owner';

CREATE FUNCTION rk.context_revoke(name text, role regrole) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_context_revoke_sql';
COMMENT ON FUNCTION rk.context_revoke(text, regrole) IS 'takes back what rk.context_grant gave';

CREATE FUNCTION rk.context_item_list(
	OUT item bigint, OUT num_nodes bigint, OUT num_edges bigint, OUT bytes bigint,
	OUT loaded_at timestamptz, OUT hits bigint, OUT readers integer, OUT stale boolean
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 20
AS 'MODULE_PATHNAME', 'rk_context_item_list';
COMMENT ON FUNCTION rk.context_item_list() IS 'data of contexts that is in shared memory';

CREATE VIEW rk.contexts AS
SELECT c.name, c.owner, c.max_working_set, coalesce(sum(d.bytes), 0)::bigint AS bytes,
	count(i.id) AS items, count(d.item) AS loaded, c.created_at
FROM rk.context c
	LEFT JOIN rk.context_item i ON i.context = c.id
	LEFT JOIN rk.context_item_list() d ON d.item = i.id
WHERE pg_has_role(c.owner::oid, 'USAGE')
	OR EXISTS (SELECT FROM rk.context_grantee g WHERE g.context = c.id AND pg_has_role(g.role::oid, 'USAGE'))
GROUP BY c.id;
COMMENT ON VIEW rk.contexts IS 'contexts that you may use, and the shared memory they take';

CREATE VIEW rk.context_items AS
SELECT c.name AS context, i.key, i.kind, c.owner, d.num_nodes AS nodes, d.num_edges AS edges,
	d.bytes, d.loaded_at, i.query AS source, d.stale, coalesce(d.hits, 0) AS hits,
	coalesce(d.readers, 0) AS readers, i.pinned
FROM rk.context c
	JOIN rk.context_item i ON i.context = c.id
	LEFT JOIN rk.context_item_list() d ON d.item = i.id
WHERE pg_has_role(c.owner::oid, 'USAGE')
	OR EXISTS (SELECT FROM rk.context_grantee g WHERE g.context = c.id AND pg_has_role(g.role::oid, 'USAGE'));
COMMENT ON VIEW rk.context_items IS
'items of contexts that you may use; loaded_at is NULL when the data is not in memory and will be read on first use, stale says that a source table changed since';

GRANT SELECT ON rk.contexts, rk.context_items TO PUBLIC;
