/*
 * descriptors.c
 *	  The matching of names as data: relations, parameters, results,
 *	  documentation.
 */
#include "../../call/descriptor.h"

#include "screening.h"

/* ---- closed sets ---- */

const char *const rk_name_method_names[] = {"jaro_winkler", "jaro", "levenshtein", "damerau", "token_sort_ratio",
"token_set_ratio", "phonetic", NULL};
const char *const rk_token_order_names[] = {"as_given", "any", NULL};
const char *const rk_match_model_names[] = {"weighted", "fellegi_sunter", NULL};
const char *const rk_block_columns[] = {"country", "entity_type", "date_of_birth", NULL};

/* ---- relations ---- */

#define PARTY_COLUMNS(id_type) \
	{"id", NULL, id_type, true, "identifies the row"}, \
	{"name", NULL, RK_TYPE_TEXT, true, "of the person or organisation"}, \
	{"aliases", NULL, RK_TYPE_TEXT_ARRAY, false, "other names"}, \
	{"date_of_birth", NULL, RK_TYPE_DATE, false, "NULL: not known"}, \
	{"country", NULL, RK_TYPE_TEXT, false, "compared without regard to case; NULL or empty: not known"}

static const rk_relation_column party_columns[] = {
	PARTY_COLUMNS(RK_TYPE_ID),
	{"entity_type", NULL, RK_TYPE_TEXT, false, "person, organisation, ...: rows of different types do not match; NULL: not known"},
	{0}
};

static const rk_relation_column candidate_columns[] = {
	PARTY_COLUMNS(RK_TYPE_ID2),
	{"entity_type", NULL, RK_TYPE_TEXT, false, "as of entities"},
	{0}
};

static const rk_relation_column sanctions_columns[] = {
	PARTY_COLUMNS(RK_TYPE_ID2),
	{"entity_type", NULL, RK_TYPE_TEXT, false, "with use_secondary: another type than the name's excludes the entry"},
	{"source", NULL, RK_TYPE_TEXT, false, "the list that the entry is of, such as OFAC SDN"},
	{"program", NULL, RK_TYPE_TEXT, false, "the sanctions programme"},
	{0}
};

static const rk_relation_column pep_columns[] = {
	PARTY_COLUMNS(RK_TYPE_ID2),
	{"position", NULL, RK_TYPE_TEXT, false, "the office held"},
	{"level", NULL, RK_TYPE_INT4, false, "1 head of state or government, 2 senior official, 3 family member or close associate",
	RK_COLUMN_RANGE(RK_BETWEEN(1, 3))},
	{"active", NULL, RK_TYPE_BOOLEAN, false, "in office; NULL: as left_on says, else true"},
	{"left_on", NULL, RK_TYPE_DATE, false, "day on which the office ended"},
	{0}
};

static const rk_relation entities_relation = {
	.name = "entities",
	.columns = party_columns,
	.example = "SELECT id, name, date_of_birth, country FROM customer"
};

static const rk_relation candidates_relation = {
	.name = "candidates",
	.columns = candidate_columns,
	.example = "SELECT id, name, date_of_birth, country FROM register"
};

static const rk_relation names_relation = {
	.name = "names",
	.columns = party_columns,
	.example = "SELECT id, name FROM customer"
};

static const rk_relation sanctions_relation = {
	.name = "sanctions_list",
	.columns = sanctions_columns,
	.example = "SELECT id, name, aliases, source, program FROM sanctioned"
};

static const rk_relation pep_relation = {
	.name = "pep_list",
	.columns = pep_columns,
	.example = "SELECT id, name, aliases, position, level, active FROM pep"
};

/* ---- parameters ---- */

#define METHOD_PARAM \
	{.name = "method", .type = RK_TYPE_TEXT, .initial = "'jaro_winkler'", .choices = rk_name_method_names, \
	 .meaning = "how names are compared; phonetic: equal Soundex or Metaphone codes of all words"}
#define ORDER_PARAM(order) \
	{.name = "token_order", .type = RK_TYPE_TEXT, .initial = order, .choices = rk_token_order_names, \
	 .meaning = "any: the better of the words as they are given and of the words in alphabetical order"}
#define TRANSLITERATE_PARAM \
	{.name = "transliterate", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "write names in Latin letters before they are compared, so that scripts meet"}
#define TOP_K_PARAM(what) \
	{.name = "top_k", .type = RK_TYPE_INT4, .initial = "10", RK_AT_LEAST(1), .meaning = what}
#define MIN_SCORE_PARAM(score, what) \
	{.name = "min_score", .type = RK_TYPE_FLOAT8, .initial = score, RK_BETWEEN(0, 1), .meaning = what}

#define RESOLUTION_PARAMS \
	METHOD_PARAM, \
	ORDER_PARAM("'any'"), \
	{.name = "weights", .type = RK_TYPE_FLOAT8_ARRAY, .initial = "'{0.60,0.25,0.15}'", RK_ANY, \
	 .meaning = "model weighted: of name, date of birth and country; what is not known does not count"}, \
	{.name = "block_on", .type = RK_TYPE_TEXT_ARRAY, .initial = "NULL", \
	 .meaning = "only rows that are equal in these columns are compared: country, entity_type, date_of_birth"}, \
	{.name = "model", .type = RK_TYPE_TEXT, .initial = "'weighted'", .choices = rk_match_model_names, \
	 .meaning = "how name, date and country become a score"}, \
	{.name = "m_probability", .type = RK_TYPE_FLOAT8_ARRAY, .initial = "NULL", RK_ANY, \
	 .meaning = "model fellegi_sunter: probability that name, date and country agree in a match"}, \
	{.name = "u_probability", .type = RK_TYPE_FLOAT8_ARRAY, .initial = "NULL", RK_ANY, \
	 .meaning = "the same for rows that do not match"}, \
	TRANSLITERATE_PARAM

#define SCREENING_PARAMS \
	MIN_SCORE_PARAM("0.7", "report entries from this score on"), \
	{.name = "hit_score", .type = RK_TYPE_FLOAT8, .initial = "0.85", RK_BETWEEN(0, 1), \
	 .meaning = "entries from this score on are hits; at least min_score"}, \
	TOP_K_PARAM("entries reported for each name"), \
	METHOD_PARAM, \
	ORDER_PARAM("'any'")

#define SANCTIONS_PARAMS \
	{.name = "names", .type = RK_TYPE_RELATION, .relation = &names_relation, .meaning = "who is screened"}, \
	{.name = "sanctions_list", .type = RK_TYPE_RELATION, .relation = &sanctions_relation, .meaning = "who is sanctioned"}, \
	SCREENING_PARAMS, \
	{.name = "use_secondary", .type = RK_TYPE_BOOLEAN, .initial = "false", \
	 .meaning = "0.05 more where day or month of birth, or the country, agree; 0.10 less where the years of birth are more than two apart"}, \
	TRANSLITERATE_PARAM

/* ---- compliance/entity-resolution ---- */

static const rk_function resolution_functions[] = {
	{
		.suffix = "",
		.description = "pairs of rows that may be the same person or organisation, best first, by name, date of birth and country",
		.params = (const rk_param[]) {
			{.name = "entities", .type = RK_TYPE_RELATION, .relation = &entities_relation, .meaning = "the rows to resolve"},
			{.name = "candidates", .type = RK_TYPE_RELATION, .initial = "NULL", .relation = &candidates_relation,
			.meaning = "what they may be; NULL: one another, each pair once, at its earlier row"},
			MIN_SCORE_PARAM("0.7", "report pairs from this score on"),
			TOP_K_PARAM("pairs reported for each row"),
			RESOLUTION_PARAMS,
			{0}
		},
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "of the entity"},
			{"candidate_id", RK_TYPE_ID2, "of the candidate; without entry_id_type of the type of id"},
			{"rank", RK_TYPE_INT4, "of the candidate for the entity, from 1"},
			{"score", RK_TYPE_FLOAT8, "of the pair, 0 to 1"},
			{"name_score", RK_TYPE_FLOAT8, "similarity of the names, the largest over all names and aliases"},
			{"date_score", RK_TYPE_FLOAT8, "1 the same date, 0.9 the same month or day and month swapped, 0.7 the same year, 0.5 at most two and 0.3 at most five years apart, else 0; NULL: not known"},
			{"country_match", RK_TYPE_BOOLEAN, "whether the countries are the same; NULL: not known"},
			{"type_match", RK_TYPE_BOOLEAN, "true; NULL: not known (different types never match)"},
			{"matched_name", RK_TYPE_TEXT, "the candidate's name or alias that is most alike"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ALL_PAIRS,
		.id2_name = "entry_id_type",
		.id2_like_id = true
	},
	{
		.suffix = "_clusters",
		.description = "clusters of rows that are joined by pairs of entity resolution",
		.params = (const rk_param[]) {
			{.name = "entities", .type = RK_TYPE_RELATION, .relation = &entities_relation, .meaning = "the rows to resolve"},
			MIN_SCORE_PARAM("0.85", "pairs from this score on join clusters"),
			RESOLUTION_PARAMS,
			{0}
		},
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "of the row"},
			{"cluster_id", RK_TYPE_INT8, "of its cluster, from 1 in the order of their first rows"},
			{"cluster_size", RK_TYPE_INT8, "rows in it"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ALL_PAIRS
	},
	{
		.suffix = "_name_similarity",
		.sql_name = "name_similarity",
		.shape = RK_SHAPE_SCALAR,
		.description = "similarity of two names, 0 to 1, after Unicode normalisation",
		.params = (const rk_param[]) {
			{.name = "a", .type = RK_TYPE_TEXT, .meaning = "a name"},
			{.name = "b", .type = RK_TYPE_TEXT, .meaning = "another"},
			METHOD_PARAM,
			ORDER_PARAM("'as_given'"),
			{0}
		},
		.columns = (const rk_column[]) {{"similarity", RK_TYPE_FLOAT8, "0 where either is empty"}, {0}}
	},
	{0}
};

/* ---- compliance/sanctions-screening, compliance/pep-screening ---- */

static const rk_function sanctions_functions[] = {
	{
		.suffix = "",
		.description = "entries of a sanctions list that names match, best first, with the reason",
		.params = (const rk_param[]) {SANCTIONS_PARAMS, {0}},
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "of the name"},
			{"query_name", RK_TYPE_TEXT, "the name screened"},
			{"entry_id", RK_TYPE_ID2, "of the entry"},
			{"rank", RK_TYPE_INT4, "of the entry for the name, from 1; equal scores in the order of the list"},
			{"score", RK_TYPE_FLOAT8, "name_score, with use_secondary more or less, 0 to 1"},
			{"name_score", RK_TYPE_FLOAT8, "similarity of the names, the largest over all names and aliases"},
			{"matched_name", RK_TYPE_TEXT, "the entry's name or alias that is most alike"},
			{"match_type", RK_TYPE_TEXT, "exact (the same words), fuzzy or phonetic by the name; alias, or weak_alias where that is one word"},
			{"source", RK_TYPE_TEXT, "of the entry"},
			{"program", RK_TYPE_TEXT, "of the entry"},
			{"country_match", RK_TYPE_BOOLEAN, "whether the countries are the same; NULL: not known"},
			{"date_match", RK_TYPE_TEXT, "exact, month (or day and month swapped), year, near (two years), mismatch or unknown"},
			{"is_hit", RK_TYPE_BOOLEAN, "score is at least hit_score"},
			{"reason", RK_TYPE_TEXT, "the same in words"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ALL_PAIRS,
		.id2_name = "entry_id_type"
	},
	{
		.suffix = "_summary",
		.description = "how many names have a hit on a sanctions list",
		.params = (const rk_param[]) {SANCTIONS_PARAMS, {0}},
		.columns = (const rk_column[]) {
			{"screened_count", RK_TYPE_INT8, "names"},
			{"hit_count", RK_TYPE_INT8, "names with a score of at least hit_score"},
			{"entry_count", RK_TYPE_INT8, "entries of the list"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_ALL_PAIRS
	},
	{0}
};

static const rk_function pep_functions[] = {
	{
		.suffix = "",
		.description = "politically exposed persons that names match, best first, with their tier",
		.params = (const rk_param[]) {
			{.name = "names", .type = RK_TYPE_RELATION, .relation = &names_relation, .meaning = "who is screened"},
			{.name = "pep_list", .type = RK_TYPE_RELATION, .relation = &pep_relation, .meaning = "who is exposed"},
			SCREENING_PARAMS,
			{.name = "cooling_off", .type = RK_TYPE_INTERVAL, .initial = "NULL",
			.meaning = "former persons are no longer exposed when so much time has passed since left_on; NULL: they are"},
			{.name = "as_of", .type = RK_TYPE_DATE, .initial = "NULL", .meaning = "the day of the screening; NULL: today"},
			TRANSLITERATE_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"id", RK_TYPE_ID, "of the name"},
			{"query_name", RK_TYPE_TEXT, "the name screened"},
			{"entry_id", RK_TYPE_ID2, "of the entry"},
			{"rank", RK_TYPE_INT4, "of the entry for the name, from 1; equal scores by level, those in office first, in the order of the list"},
			{"score", RK_TYPE_FLOAT8, "similarity of the names, the largest over all names and aliases"},
			{"matched_name", RK_TYPE_TEXT, "the entry's name or alias that is most alike"},
			{"position", RK_TYPE_TEXT, "of the entry"},
			{"country", RK_TYPE_TEXT, "of the entry"},
			{"level", RK_TYPE_INT4, "of the entry"},
			{"active", RK_TYPE_BOOLEAN, "whether the person is in office"},
			{"years_since_left", RK_TYPE_FLOAT8, "since left_on, of 365.25 days; NULL: in office, or not known"},
			{"risk_tier", RK_TYPE_TEXT, "very_high: level 1; high: level 2, or 1 formerly; medium: level 3, or 2 formerly; else low"},
			{"is_pep", RK_TYPE_BOOLEAN, "score is at least hit_score, and not cooled off"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_ALL_PAIRS,
		.id2_name = "entry_id_type"
	},
	{0}
};

/* ---- kernels ---- */

#define NORMALISED \
	"Names are compared after NFKC, Unicode case folding, decomposition without combining marks and invisible characters, with punctuation as space. " \
	"Similarity counts code points. An empty name is like nothing. Nothing is missed: pairs are left out only by bounds that none at the score can fail."

const rk_kernel rk_compliance_screening_kernels[] = {
	{
		.id = "compliance/entity-resolution",
		.domain = "Compliance",
		.mode = RK_MODE_BATCH,
		.description = "Finds rows that are the same person or organisation, by name, date of birth and country",
		.notes = NORMALISED " The weighted score is the mean over what both rows know. fellegi_sunter is the probability of a match by what agrees "
		"(name from 0.92 on, date from 0.9 on, country), with a prior of 1 / candidates, at most 1/2.",
		.license_feature = "Compliance.KYC",
		.expected_throughput = 1000,
		.target_latency_us = 1000,
		.functions = resolution_functions
	},
	{
		.id = "compliance/sanctions-screening",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Screens names against a sanctions list by names and aliases, with date of birth and country if wanted",
		.notes = NORMALISED " A name that is empty is an error, as it would pass every list.",
		.license_feature = "Compliance.SanctionsScreening",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = sanctions_functions
	},
	{
		.id = "compliance/pep-screening",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Screens names against a list of politically exposed persons, with tier and cooling-off",
		.notes = NORMALISED " Tiers follow the FATF guidance of 2013, which sets no term for cooling off; the EU wants at least 12 months.",
		.license_feature = "Compliance.SanctionsScreening",
		.expected_throughput = 10000,
		.target_latency_us = 100,
		.functions = pep_functions
	},
	{0}
};
