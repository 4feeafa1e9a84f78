-- Matching of names: worked examples, ugly cases, every error.
SET extra_float_digits = -3;
\pset null '~'
SELECT function, name, type, required, default_value, range FROM rk.kernel_columns
WHERE kernel IN ('compliance/entity-resolution', 'compliance/sanctions-screening', 'compliance/pep-screening')
	AND kind = 'argument' AND function <> 'rk.compliance_sanctions_screening_summary'
ORDER BY function COLLATE "C", position;

-- similarity
SELECT a, b, method, round(rk.name_similarity(a, b, method)::numeric, 6) AS as_given, round(rk.name_similarity(a, b, method, 'any')::numeric, 6) AS any_order
FROM (VALUES ('martha', 'marhta'), ('dwayne', 'duane'), ('dixon', 'dicksonx'), ('jon smyth', 'john smith'), ('SMITH, John', 'John Smith'),
	('vladmir putin', 'vladimir putin'), ('', ''), ('...', 'a')) p(a, b), unnest(ARRAY['jaro', 'jaro_winkler']) method;
SELECT method, round(rk.name_similarity('Catherine Thompson', 'Thomson, Katherine', method, 'any')::numeric, 6) AS similarity
FROM unnest(ARRAY['jaro_winkler', 'jaro', 'levenshtein', 'damerau', 'token_sort_ratio', 'token_set_ratio', 'phonetic']) method;
-- accents, case, ligatures, punctuation and invisible characters make no difference
SELECT rk.name_similarity(a, b) FROM (VALUES ('Müller-Lüdenscheidt', 'MULLER LUDENSCHEIDT'), ('Straße', 'STRASSE'), (U&'\FB01nch', 'Finch'),
	(U&'Jo\200Bhn', 'john'), (U&'Zoe\0308', 'Zoë'), ('Ἀλέξανδρος', 'ΑΛΕΞΑΝΔΡΟΣ'), (U&'a\00A0b', ' A  b ')) p(a, b);
SELECT rk.name_similarity(NULL, 'a') IS NULL AS null_in;
CREATE TABLE pair (a text, b text, s float8 GENERATED ALWAYS AS (rk.name_similarity(a, b, 'levenshtein')) STORED);
INSERT INTO pair VALUES ('kitten', 'sitting');
SELECT s FROM pair;
SELECT rk.name_similarity('a', 'b', 'edit');
SELECT rk.name_similarity('a', 'b', token_order => 'sorted');

-- a comparison that would take hours can be cancelled
SET statement_timeout = '200ms';
SELECT rk.name_similarity(repeat('abc ', 200000), repeat('acb ', 200000), 'damerau');
SELECT rk.name_similarity(repeat('abc ', 200000), repeat('acb ', 200000), 'token_sort_ratio');
RESET statement_timeout;

-- sanctions
CREATE TABLE client (id int, name text, date_of_birth date, country text, entity_type text);
INSERT INTO client VALUES (1, 'Johnny Doe', '1970-03-04', 'US', 'person'), (2, 'DOE, John', '1970-04-03', 'us', NULL),
	(3, 'Jon Do', '1980-01-01', 'FR', 'person'), (4, 'Harbour Bakery', NULL, NULL, 'company'), (5, 'Владимир Путин', '1952-10-07', 'RU', 'person');
CREATE TABLE listed (id text, name text, aliases text[], source text, program text, date_of_birth date, country text, entity_type text);
INSERT INTO listed VALUES ('sdn-1', 'John Doe', '{Johnny Doe,Doe}', 'OFAC', 'SDGT', '1970-03-04', 'US', 'person'),
	('eu-2', 'Vladimir Putin', NULL, 'EU', NULL, '1952-10-07', 'RU', 'person'), ('un-3', 'Harbor Bakery', '{}', 'UN', 'X', NULL, 'KP', 'vessel');
SELECT * FROM rk.compliance_sanctions_screening('client', 'listed', entry_id_type => NULL::text) ORDER BY id, rank;
SELECT id, entry_id, score, name_score, date_match, country_match, reason
FROM rk.compliance_sanctions_screening('client', 'listed', entry_id_type => NULL::text, use_secondary => true, transliterate => true) ORDER BY id, rank;
SELECT * FROM rk.compliance_sanctions_screening_summary('client', 'listed');
SELECT id, entry_id, match_type FROM rk.compliance_sanctions_screening('SELECT 1 AS id, ''Doe'' AS name', 'listed', entry_id_type => NULL::text, min_score => 1, hit_score => 1);
SELECT id, entry_id, match_type, reason FROM rk.compliance_sanctions_screening('[{"id": "a", "name": "Jon Dough"}]', '[{"id": 1, "name": "John Doe"}]', id_type => NULL::text, method => 'phonetic');
-- both kinds of ids
SELECT id, entry_id FROM rk.compliance_sanctions_screening('SELECT ''00000000-0000-0000-0000-000000000001''::uuid AS id, ''John Doe'' AS name', 'listed', id_type => NULL::uuid, entry_id_type => NULL::text, top_k => 1);
SELECT count(*) FROM rk.compliance_sanctions_screening('client', 'SELECT * FROM listed WHERE false', entry_id_type => NULL::text);
SELECT * FROM rk.compliance_sanctions_screening_summary('client', 'SELECT * FROM listed WHERE false');
SELECT count(*) FROM rk.compliance_sanctions_screening('SELECT * FROM client WHERE false', 'listed', entry_id_type => NULL::text);
SELECT rk.execute('compliance/sanctions-screening', '{"names": "client", "sanctions_list": "listed", "top_k": 1, "hit_score": 1, "min_score": 1}') -> 'rows';
SELECT * FROM rk.compliance_sanctions_screening('client', 'listed');
SELECT * FROM rk.compliance_sanctions_screening('SELECT * FROM (VALUES (1, ''a''), (2, ''.'')) v(id, name)', 'listed', entry_id_type => NULL::text);
SELECT * FROM rk.compliance_sanctions_screening('SELECT 1 AS id, NULL::text AS name', 'listed', entry_id_type => NULL::text);
SELECT * FROM rk.compliance_sanctions_screening('SELECT 1 AS id', 'listed', entry_id_type => NULL::text);
SELECT * FROM rk.compliance_sanctions_screening('client', 'listed', entry_id_type => NULL::text, min_score => 0.9);
SELECT * FROM rk.compliance_sanctions_screening('client', 'listed', entry_id_type => NULL::text, min_score => 1.1);
SELECT * FROM rk.compliance_sanctions_screening('client', 'listed', entry_id_type => NULL::text, top_k => 0);
SELECT * FROM rk.compliance_sanctions_screening('client', 'SELECT id, name, ARRAY[''a'', NULL] AS aliases FROM listed', entry_id_type => NULL::text);

-- politically exposed persons
CREATE TABLE pep (id int, name text, aliases text[], "position" text, country text, level int, active boolean, left_on date);
INSERT INTO pep VALUES (1, 'Ann Example', NULL, 'senator', 'US', 2, true, NULL), (2, 'Ann Example', NULL, 'president', 'US', 1, false, '2020-06-30'),
	(3, 'Ann Example', NULL, NULL, NULL, NULL, NULL, NULL), (4, 'Ann Example', NULL, 'president', 'US', 1, true, NULL),
	(5, 'Bob Former', '{Robert Former}', 'minister', 'FR', 2, NULL, '2023-01-31'), (6, 'Carl Kin', NULL, 'son', 'FR', 3, NULL, '2030-01-01');
CREATE VIEW asked AS SELECT * FROM (VALUES (1, 'Example, Ann'), (2, 'Robert Former'), (3, 'Karl Kin')) v(id, name);
SELECT * FROM rk.compliance_pep_screening('asked', 'pep', as_of => '2024-01-31') ORDER BY id, rank;
SELECT id, entry_id, is_pep FROM rk.compliance_pep_screening('asked', 'pep', as_of => '2024-01-31', cooling_off => '12 months') ORDER BY id, rank;
SELECT id, entry_id, is_pep FROM rk.compliance_pep_screening('asked', 'pep', as_of => '2024-02-01', cooling_off => '12 months', top_k => 1) ORDER BY id, rank;
SELECT count(*) > 0 AS today FROM rk.compliance_pep_screening('asked', 'pep', cooling_off => '1 day');
SELECT * FROM rk.compliance_pep_screening('asked', 'SELECT 1 AS id, ''a'' AS name, 4 AS level');
SELECT * FROM rk.compliance_pep_screening('asked', 'pep', as_of => 'infinity');

-- entity resolution
SELECT * FROM rk.compliance_entity_resolution('client') ORDER BY id, rank;
SELECT * FROM rk.compliance_entity_resolution('client', entry_id_type => NULL::text, candidates => 'listed') ORDER BY id, rank;
SELECT id, candidate_id FROM rk.compliance_entity_resolution('SELECT id, name FROM listed', id_type => NULL::text, min_score => 0);
SELECT id, candidate_id, score FROM rk.compliance_entity_resolution('client', block_on => '{country}');
SELECT id, candidate_id, score FROM rk.compliance_entity_resolution('client', model => 'fellegi_sunter', m_probability => '{0.95,0.95,0.9}', u_probability => '{0.001,0.003,0.1}');
SELECT id, candidate_id, score FROM rk.compliance_entity_resolution('client', weights => '{0,0,1}', min_score => 1);
SELECT * FROM rk.compliance_entity_resolution_clusters('client', min_score => 0.8) ORDER BY id;
SELECT * FROM rk.compliance_entity_resolution_clusters('client', block_on => '{country,entity_type}') ORDER BY id;
SELECT * FROM rk.compliance_entity_resolution_clusters('SELECT * FROM client WHERE false');
SELECT * FROM rk.compliance_entity_resolution('client', candidates => 'listed');
SELECT * FROM rk.compliance_entity_resolution('client', weights => '{1,2}');
SELECT * FROM rk.compliance_entity_resolution('client', weights => '{1,-2,1}');
SELECT * FROM rk.compliance_entity_resolution('client', weights => '{0,0,0}');
SELECT * FROM rk.compliance_entity_resolution('client', weights => '{1e308,1e308,0}');
SELECT * FROM rk.compliance_entity_resolution('client', model => 'fellegi_sunter');
SELECT * FROM rk.compliance_entity_resolution('client', model => 'fellegi_sunter', m_probability => '{0.9,0.9,0.9}', u_probability => '{0.1,0.1}');
SELECT * FROM rk.compliance_entity_resolution('client', model => 'fellegi_sunter', m_probability => '{0.9,1,0.9}', u_probability => '{0.1,0.1,0.1}');
SELECT * FROM rk.compliance_entity_resolution('client', block_on => '{postcode}');
SELECT * FROM rk.compliance_entity_resolution('SELECT id, name FROM client', block_on => '{country}');
DROP VIEW asked;
DROP TABLE client, listed, pep, pair;
