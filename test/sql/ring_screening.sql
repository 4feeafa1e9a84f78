-- Screening as rings: a list that changes, names that come, matches for other rings.
CREATE SCHEMA ring_screening;
SET search_path = ring_screening;
SET TimeZone = 'UTC';
SELECT type_id, name, mutating, published, reply_type_id, function FROM rk.message_types
WHERE kernel IN ('compliance/sanctions-screening', 'compliance/pep-screening') ORDER BY type_id;

CREATE TABLE sanctioned (id text, name text, aliases text[], source text, program text, country text, date_of_birth date, entity_type text);
INSERT INTO sanctioned VALUES
	('Q1', 'John Doe', '{Johnny,"J. D. Doe"}', 'OFAC', 'SDGT', 'US', '1960-05-17', 'person'),
	('Q2', 'Vladimir Petrov', '{"Влади́мир Петров"}', 'EU', NULL, 'RU', NULL, NULL),
	('Q3', 'Acme Trading Limited', NULL, 'UN', NULL, NULL, NULL, 'company'),
	('Q4', 'Jon Dough', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE client (id bigint, name varchar, date_of_birth date, country char(2), entity_type text);
INSERT INTO client VALUES (1, 'DOE, john', NULL, NULL, NULL), (2, 'vladmir petrov', NULL, NULL, NULL), (3, 'Johnny', NULL, NULL, NULL),
	(4, 'ПЕТРОВ Владимир', NULL, NULL, NULL), (5, 'Acme Trading', NULL, NULL, 'company'), (6, 'Mary Major', NULL, NULL, NULL);
CALL rk.ring_up('compliance/sanctions-screening', 's', '{"kernel": {"sanctions_list": "ring_screening.sanctioned"}}');
SELECT c.id, q.is_hit, q.match_count, q.best_entry, round(q.best_score::numeric, 6) AS best_score, q.match_type
FROM client c, rk.ring_compliance_screen_name('s', c.name, c.date_of_birth, c.country) q ORDER BY c.id;
-- the batch function says the same
SELECT b.id, b.is_hit = q.is_hit AS is_hit, b.entry_id = q.best_entry AS entry, b.score = q.best_score AS score, b.match_type = q.match_type AS type
FROM rk.compliance_sanctions_screening('client', 'sanctioned', entry_id_type => NULL::text) b
JOIN client c USING (id), rk.ring_compliance_screen_name('s', c.name) q WHERE b.rank = 1 ORDER BY b.id;
-- entries come, change and go
SELECT rk.ring_compliance_sanctions_load('s', 'Q5', 'Mary Major', '{"M. Major"}', 'OFAC');
SELECT is_hit, best_entry, best_score, match_type FROM rk.ring_compliance_screen_name('s', 'Mary  MAJOR');
SELECT rk.ring_compliance_sanctions_load('s', 'Q5', 'Maria Mayor');
SELECT is_hit, best_entry, round(best_score::numeric, 6) AS best_score FROM rk.ring_compliance_screen_name('s', 'Mary  MAJOR');
SELECT rk.ring_compliance_sanctions_remove('s', 'Q5'), rk.ring_compliance_sanctions_remove('s', 'Q5');
SELECT * FROM rk.ring_compliance_screen_name('s', 'Mary  MAJOR');
SELECT rk.ring_load('s', '[{"id": 17, "name": "Łukasz Żak", "aliases": ["Lukas Zak"], "entity_type": "person"}]');
SELECT is_hit, best_entry, match_type FROM rk.ring_compliance_screen_name('s', 'LUKAS ZAK');
SELECT rk.ring_call('s', 342, '{"entry_id": "Q6", "entry_name": "Some One", "date_of_birth": "1999-12-31"}');
SELECT rk.ring_call('s', 340, '{"query_name": "nobody at all"}');
-- more at once than shared memory has room for
SELECT rk.ring_load('s', 'SELECT ''bulk '' || i AS id, ''bulk '' || md5(i::text) AS name FROM generate_series(1, 3000) i');
SELECT is_hit, best_entry FROM rk.ring_compliance_screen_name('s', md5('17') || ' bulk');
-- what else is known
CALL rk.ring_up('compliance/sanctions-screening', 't', '{"kernel": {"sanctions_list": "ring_screening.sanctioned", "use_secondary": true, "token_order": "as_given", "method": "levenshtein"}}');
SELECT is_hit, best_entry, round(best_score::numeric, 6) AS best_score FROM rk.ring_compliance_screen_name('t', 'Jon Doe');
SELECT is_hit, best_entry, round(best_score::numeric, 6) AS best_score FROM rk.ring_compliance_screen_name('t', 'Jon Doe', '1960-05-01', 'us');
SELECT is_hit, best_entry, round(best_score::numeric, 6) AS best_score FROM rk.ring_compliance_screen_name('t', 'Jon Doe', '1990-05-01');
SELECT is_hit, best_entry, round(best_score::numeric, 6) AS best_score FROM rk.ring_compliance_screen_name('t', 'Jon Doe', entity_type => 'Company');
CALL rk.ring_up('compliance/sanctions-screening', 'u', '{"kernel": {"sanctions_list": "ring_screening.sanctioned", "transliterate": true}}');
SELECT is_hit, best_entry, best_score, match_type FROM rk.ring_compliance_screen_name('u', 'Петров, Владимир');

-- customers of a table are screened as they come, and a hit freezes them in another ring
CREATE TABLE found (entity bigint, match_type text, confidence float8, list_code text, list_entry text, query_name text);
CREATE TABLE answer (is_hit boolean, best_entry text);
CALL rk.ring_up('compliance/transaction-monitoring', 'm');
SELECT rk.ring_attach('s', 'client', '{"type": "ScreenName", "output": {"SanctionsMatch": "ring_screening.found", "ScreenNameReply": "ring_screening.answer"}}') > 0,
	rk.ring_link('s', 'SanctionsMatch', 'm', '{"type": "Freeze", "fields": {"entity": "entity", "reason": "list_code"}}') > 0;
INSERT INTO client VALUES (7, 'John Doe', NULL, NULL, NULL), (8, 'Jane Roe', NULL, NULL, NULL);
SELECT rk.ring_sync('s') > 0, rk.ring_sync('m') > 0;
SELECT * FROM found;
SELECT * FROM answer ORDER BY is_hit;
SELECT risk_score FROM rk.ring_compliance_monitor('m', 1, 7, 20, 1, '2024-01-01');
SELECT risk_score FROM rk.ring_compliance_monitor('m', 1, 8, 20, 1, '2024-01-01');

-- politically exposed persons
CREATE TABLE pep (id int, name text, aliases text[], position text, country text, level int, active boolean, left_on date);
INSERT INTO pep VALUES (1, 'Jane Roe', NULL, 'minister', 'DE', 2, false, '2000-02-29'), (2, 'Jane Roe', NULL, 'sister', 'DE', 3, true, NULL),
	(3, 'Max Mustermann', '{"Max M."}', 'president', 'AT', 1, NULL, '2000-01-01'), (4, 'Erika Muster', NULL, NULL, NULL, NULL, NULL, NULL);
CALL rk.ring_up('compliance/pep-screening', 'p', '{"kernel": {"pep_list": "ring_screening.pep", "cooling_off_months": 12}}');
SELECT * FROM rk.ring_compliance_pep_screen('p', 'roe jane');
SELECT * FROM rk.ring_compliance_pep_screen('p', 'Max Mustermann');
SELECT * FROM rk.ring_compliance_pep_screen('p', 'Erika Muster');
SELECT * FROM rk.ring_compliance_pep_screen('p', 'Nobody');
SELECT rk.ring_compliance_pep_load('p', '3', 'Max Mustermann', "position" => 'president', level => 1, active => true);
SELECT * FROM rk.ring_compliance_pep_screen('p', 'Max Mustermann');
SELECT rk.ring_compliance_pep_remove('p', '2'), rk.ring_compliance_pep_remove('p', '2');
SELECT * FROM rk.ring_compliance_pep_screen('p', 'roe jane');
SELECT rk.ring_call('p', 348, '{"entry_id": "9", "entry_name": "Ivan Horvat", "active": true, "level": 3}');
-- the batch function says the same
CALL rk.ring_up('compliance/pep-screening', 'o', '{"kernel": {"pep_list": "ring_screening.pep"}}');
SELECT b.id, b.is_pep = q.is_pep AS is_pep, b.entry_id::text = q.best_entry AS entry, b.score = q.best_score AS score, b.level IS NOT DISTINCT FROM q.level AS level
FROM rk.compliance_pep_screening('SELECT 1 AS id, ''Jane Roe'' AS name UNION ALL SELECT 2, ''mustermann max'' UNION ALL SELECT 3, ''Erika Mustermann''', 'pep') b
JOIN (VALUES (1, 'Jane Roe'), (2, 'mustermann max'), (3, 'Erika Mustermann')) c(id, name) USING (id), rk.ring_compliance_pep_screen('o', c.name) q
WHERE b.rank = 1 ORDER BY b.id;

-- a restart changes nothing
CREATE TEMP TABLE before AS SELECT r, rk.ring_checksum(r) AS sum FROM unnest('{s,p}'::text[]) r;
SELECT rk.ring_restart(r) FROM unnest('{s,p}'::text[]) r;
SELECT rk.ring_wait(r) FROM unnest('{s,p}'::text[]) r;
SELECT r, rk.ring_checksum(r) = sum AS same FROM before;
SELECT is_hit, best_entry, match_type FROM rk.ring_compliance_screen_name('s', 'LUKAS ZAK');

-- errors
\set VERBOSITY default
SELECT rk.ring_compliance_screen_name('s', '');
SELECT rk.ring_compliance_screen_name('s', ' ?! ');
SELECT rk.ring_compliance_screen_name('s', NULL);
SELECT rk.ring_compliance_screen_name('s', repeat('x', 257));
SELECT rk.ring_compliance_sanctions_load('s', 'Q9', '');
SELECT rk.ring_compliance_sanctions_load('s', '', 'x');
SELECT rk.ring_compliance_sanctions_load('s', 'Q9', 'x', array_fill(repeat('x', 100), '{31}'));
SELECT rk.ring_compliance_sanctions_load('s', 'Q9', 'x', '{NULL}');
SELECT rk.ring_compliance_pep_load('p', '9', 'x', level => 4);
SELECT rk.ring_load('s', 'SELECT 1 AS id');
SELECT rk.ring_call('p', 344, '{"entry_id": "1"}');
CALL rk.ring_up('compliance/sanctions-screening', 'bad', '{"kernel": {"method": "phonetic"}}');
CALL rk.ring_up('compliance/sanctions-screening', 'bad', '{"kernel": {"min_score": 1.5}}');
CALL rk.ring_up('compliance/pep-screening', 'bad', '{"kernel": {"cooling_off_months": -1}}');

SET client_min_messages = warning;
CALL rk.ring_down('s');
CALL rk.ring_down('t');
CALL rk.ring_down('u');
CALL rk.ring_down('m');
CALL rk.ring_down('p');
CALL rk.ring_down('o');
SELECT count(rk.ring_drop(r)) FROM unnest('{s,t,u,m,p,o}'::text[]) r;
DROP SCHEMA ring_screening CASCADE;
