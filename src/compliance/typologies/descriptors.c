/*
 * descriptors.c
 *	  Typologies of money laundering as data: relations, parameters, results.
 */
#include "../relations.h"

#include "typologies.h"

/* ---- closed sets ---- */

const char *const rk_aml_kind_names[] = {"structuring", "layering", "rapid_movement", "round_tripping",
	"funnel_account", "fan_out", "fan_in", "scatter_gather", "gather_scatter", "bipartite", "stack",
"unusual_volume", "geographic_anomaly", "timing_anomaly", "counterparty_risk", NULL};
const char *const rk_aml_role_names[] = {"hub", "source", "target", "intermediate", "member", NULL};

/* ---- relations ---- */

static const rk_relation_column movement_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_TS,
	RK_TRANSACTION_CURRENCY,
	{0}
};

static const rk_relation_column pattern_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_TS,
	RK_TRANSACTION_ID,
	RK_TRANSACTION_CURRENCY,
	RK_TRANSACTION_COUNTRIES,
	{0}
};

static const rk_relation_column score_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_TS,
	RK_TRANSACTION_CURRENCY,
	RK_TRANSACTION_COUNTRIES,
	{0}
};

#define EXAMPLE "SELECT payer AS source, payee AS target, amount, ts FROM wire"

static const rk_relation movement_relation = {
	.name = "transactions",
	.columns = movement_columns,
	.example = EXAMPLE
};

static const rk_relation pattern_relation = {
	.name = "transactions",
	.columns = pattern_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts, id FROM wire"
};

static const rk_relation score_relation = {
	.name = "transactions",
	.columns = score_columns,
	.example = EXAMPLE
};

/* ---- parameters ---- */

#define INTERVAL(of_name, of_initial, of_meaning) \
	{.name = (of_name), .type = RK_TYPE_INTERVAL, .initial = (of_initial), .meaning = (of_meaning)}

#define PATTERN_PARAMS(of_relation) \
	RK_TRANSACTIONS_PARAM(of_relation), \
	{.name = "patterns", .type = RK_TYPE_TEXT_ARRAY, .initial = "NULL", \
	 .meaning = "what to look for; NULL: everything from structuring to stack"}, \
	INTERVAL("time_window", "'24 hours'", "of fans, structuring, scatter_gather, bipartite"), \
	INTERVAL("max_dwell", "'72 hours'", "money that is passed on goes out sooner than this"), \
	INTERVAL("cycle_window", "'14 days'", "a cycle is over sooner than this"), \
	{.name = "min_fan", .type = RK_TYPE_INT4, .initial = "5", RK_AT_LEAST(2), \
	 .meaning = "different entities that make a fan, transactions that make a burst"}, \
	{.name = "min_layers", .type = RK_TYPE_INT4, .initial = "3", RK_AT_LEAST(2), \
	 .meaning = "transactions in a row that make layering"}, \
	{.name = "max_cycle_length", .type = RK_TYPE_INT4, .initial = "12", RK_BETWEEN(2, 32), \
	 .meaning = "most transactions of a cycle"}, \
	{.name = "min_forwarded", .type = RK_TYPE_FLOAT8, .initial = "0.8", RK_BETWEEN(0, 1), \
	 .meaning = "least share of an amount that is passed on, either way round; 0: any amount"}, \
	{.name = "reporting_threshold", .type = RK_TYPE_NUMERIC, .initial = "10000", RK_AT_LEAST(0), \
	 .meaning = "amounts below it are not reported; least amount of rapid_movement"}, \
	{.name = "structuring_low", .type = RK_TYPE_FLOAT8, .initial = "0.7", RK_BETWEEN_OPEN(0, 1), \
	 .meaning = "share of reporting_threshold from which on an amount is just below it"}, \
	{.name = "structuring_min_count", .type = RK_TYPE_INT4, .initial = "3", RK_AT_LEAST(1), \
	 .meaning = "such amounts that make structuring"}, \
	{.name = "high_risk_countries", .type = RK_TYPE_TEXT_ARRAY, .initial = "NULL", \
	 .meaning = "of geographic_anomaly: each transaction from or to them is one"}, \
	{.name = "suppress_contained", .type = RK_TYPE_BOOLEAN, .initial = "true", \
	 .meaning = "leave out fans, funnels and layers that lie in a larger pattern"}, \
	{.name = "max_pairs_per_node", .type = RK_TYPE_INT8, .initial = "1000000", RK_AT_LEAST(1), \
	 .meaning = "an entity with more linked pairs is left out of patterns made of them, with a warning"}, \
	RK_RATES_PARAM

/* ---- functions ---- */

static const rk_function movement_functions[] = {
	{
		.suffix = "",
		.description = "how fast money comes to each entity and leaves it again: busiest window, what passes through",
		.params = (const rk_param[]) {
			RK_TRANSACTIONS_PARAM(&movement_relation),
			INTERVAL("time_window", "'1 hour'", "length of the windows that begin at each transaction"),
			{.name = "velocity_threshold", .type = RK_TYPE_FLOAT8, .initial = "10", RK_ABOVE(0),
			.meaning = "transactions an hour that are rapid"},
			{.name = "amount_threshold", .type = RK_TYPE_NUMERIC, .initial = "10000", RK_AT_LEAST(0),
			.meaning = "amount of a window, or amount that passes through, that matters"},
			INTERVAL("max_dwell", "'24 hours'", "money that passes through goes out sooner than this"),
			{.name = "pass_through_threshold", .type = RK_TYPE_FLOAT8, .initial = "0.8", .min = 0, .max = 1, .min_open = true,
			.meaning = "share of the incoming money that is suspicious when it passes through"},
			RK_RATES_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"entity", RK_TYPE_ID, "the entity"},
			{"transaction_count", RK_TYPE_INT8, "its transactions, in and out; one to itself counts once"},
			{"max_velocity", RK_TYPE_FLOAT8, "transactions an hour in its busiest window"},
			{"window_start", RK_TYPE_TIMESTAMPTZ, "of the earliest window as busy as that"},
			{"window_amount", RK_TYPE_NUMERIC, "amount of that window"},
			{"rapid_amount", RK_TYPE_NUMERIC, "largest amount of a window that makes velocity_flag; 0: none does"},
			{"amount_in", RK_TYPE_NUMERIC, "what it was paid"},
			{"amount_out", RK_TYPE_NUMERIC, "what it paid"},
			{"pass_through", RK_TYPE_FLOAT8, "share of amount_in that went out again within max_dwell, oldest money first; NULL: nothing came in"},
			{"mean_dwell", RK_TYPE_INTERVAL, "how long that money stayed, by amount; NULL: none went out"},
			{"velocity_flag", RK_TYPE_BOOLEAN, "a window reaches velocity_threshold and amount_threshold"},
			{"pass_through_flag", RK_TYPE_BOOLEAN, "pass_through reaches its threshold, and the money amount_threshold"},
			{"flagged", RK_TYPE_BOOLEAN, "either"},
			{0}
		},
		.rows = RK_ROWS_PER_NODE,
		.work = RK_WORK_SORTED
	},
	{0}
};

static const rk_function pattern_functions[] = {
	{
		.suffix = "",
		.description = "known patterns of money laundering in transactions: fans, cycles, scatter-gather, stacks, structuring",
		.params = (const rk_param[]) {PATTERN_PARAMS(&pattern_relation), {0}},
		.columns = (const rk_column[]) {
			{"pattern_id", RK_TYPE_INT8, "number in the order of kind, then of the first transaction"},
			{"pattern", RK_TYPE_TEXT, "what it is"},
			{"hub", RK_TYPE_ID, "entity that it turns on; NULL: none, of bipartite and stack"},
			{"entities", RK_TYPE_ID_ARRAY, "who is in it"},
			{"roles", RK_TYPE_TEXT_ARRAY, "of each of them: hub, source, target, intermediate or member"},
			{"transaction_ids", RK_TYPE_ID2_ARRAY, "its transactions, by time"},
			{"transaction_count", RK_TYPE_INT8, "how many there are"},
			{"amount", RK_TYPE_NUMERIC, "of all of them"},
			{"confidence", RK_TYPE_FLOAT8, "from 0 to 1, by size or by how much is passed on"},
			{"points", RK_TYPE_FLOAT8, "weight of the kind in risk scores"},
			{"first_ts", RK_TYPE_TIMESTAMPTZ, "of its first transaction"},
			{"last_ts", RK_TYPE_TIMESTAMPTZ, "of its last one"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED,
		.id2_name = "transaction_id_type"
	},
	{
		.suffix = "_entities",
		.description = "entities that are in patterns of money laundering, one row each, with a risk score",
		.params = (const rk_param[]) {PATTERN_PARAMS(&score_relation), {0}},
		.columns = (const rk_column[]) {
			{"entity", RK_TYPE_ID, "the entity"},
			{"matched_patterns", RK_TYPE_TEXT_ARRAY, "kinds of pattern that it is in"},
			{"pattern_count", RK_TYPE_INT8, "patterns that it is in"},
			{"transaction_count", RK_TYPE_INT8, "its own transactions in them"},
			{"risk_score", RK_TYPE_FLOAT8, "points times confidence, added up; at most 100"},
			{"risk_tier", RK_TYPE_TEXT, "low below 25, medium below 50, high below 75, else very_high"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED
	},
	{
		.suffix = "_summary",
		.description = "number of patterns of money laundering in transactions, with a risk score of all",
		.params = (const rk_param[]) {PATTERN_PARAMS(&score_relation), {0}},
		.columns = (const rk_column[]) {
			{"risk_score", RK_TYPE_FLOAT8, "points times confidence of all patterns, added up; at most 100"},
			{"pattern_count", RK_TYPE_INT8, "patterns"},
			{"counts", RK_TYPE_JSONB, "patterns of each kind that was found"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{0}
};

const rk_kernel rk_compliance_typologies_kernels[] = {
	{
		.id = "compliance/rapid-movement",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Money that moves too fast: velocity of transactions, and what passes through an account",
		.notes = "Windows are half open and begin at each transaction of an entity, in or out. "
		"What passes through is found by matching each outgoing amount with the oldest incoming money that is younger than max_dwell; "
		"what an entity pays itself is in its totals only. Amounts are exact. "
		"A day of an interval is 24 hours; one with months ends where PostgreSQL's timestamptz + interval does, in the session's time zone, and a velocity is by the length of its window.",
		.license_feature = "Compliance.AML",
		.expected_throughput = 2000000,
		.target_latency_us = 50,
		.functions = movement_functions
	},
	{
		.id = "compliance/aml-patterns",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Typologies of money laundering in a graph of payments, each by its definition, none cut or sampled",
		.notes = "Two transactions are linked when the second leaves the payee of the first later, sooner than max_dwell, and carries on at least "
		"min_forwarded of the amount and at most its inverse. \"Leftmost first\" means: windows that begin at each transaction in turn, "
		"the first that meets the condition is a pattern, and the search goes on behind it. What an entity pays itself is in no pattern of several entities.\n\n"
		"structuring: amounts of one payer from structuring_low times reporting_threshold up to below it, leftmost first, "
		"structuring_min_count of them, more than reporting_threshold together. "
		"fan_out, fan_in: min_fan different payees, or payers, in time_window, leftmost first. "
		"funnel_account: a fan_in, and min_forwarded (0.8 if 0) of its money goes out before max_dwell after its end, oldest first. "
		"gather_scatter: a fan_in, and payments to min_fan different payees from its begin until max_dwell after its end, of min_forwarded of its money. "
		"scatter_gather: linked pairs from one payer over min_fan different entities to one payee, their first legs in time_window, leftmost first. "
		"bipartite: in windows of time_window that begin every half of it, the largest set of payers and payees of whom each has two others, "
		"nobody being both; five entities at least. "
		"stack: entities with two payers and two payees over linked pairs, joined when they share a payer and a payee; "
		"a counterparty that is both payer and payee counts as neither. "
		"round_tripping (also cycle): from each transaction in turn the shortest, then earliest ending, linked path back to its payer within cycle_window, "
		"nobody twice; its transactions are in no other. "
		"layering (also random): from each transaction without a linked predecessor the earliest linked successor, and so on, nobody twice, "
		"outside cycles; its transactions are in no other. "
		"rapid_movement: pass_through_flag of compliance/rapid-movement with min_forwarded (0.8 if 0), reporting_threshold and max_dwell.\n\n"
		"When named: unusual_volume, a day's amount beyond the mean and three standard deviations of up to 30 active days before it, 10 at least; "
		"geographic_anomaly, the first payment of an entity between two countries after 20 others across borders, or one from or to high_risk_countries; "
		"timing_anomaly, min_fan transactions of an entity within a minute; "
		"counterparty_risk, payments with a member of a pattern of the first kinds by somebody who is in none.\n\n"
		"points and confidence: structuring 25, n / 10; layering 15, hops / 10; rapid_movement 15, pass_through; round_tripping 25, least / largest amount; "
		"funnel_account 20, sources / 20; fan_out and fan_in 15, others / 20; scatter_gather 25, intermediates / 10; "
		"gather_scatter 20, (sources + targets) / 40; bipartite 20, pairs / (payers times payees); stack 25, intermediates / 5; "
		"unusual_volume 10, geographic_anomaly 10, timing_anomaly 5, counterparty_risk 15, all 0.5. Confidence is 1 at most.\n\n"
		"For transactions whose amounts change from hop to hop, as in the AMLworld data sets, set min_forwarded to 0 and use longer windows. "
		"A day of an interval is 24 hours; one with months ends where PostgreSQL's timestamptz + interval does, in the session's time zone; then bipartite windows begin at whole months after the first transaction, and half of one later.",
		.license_feature = "Compliance.AML",
		.expected_throughput = 500000,
		.target_latency_us = 500,
		.details = "skipped_nodes (entities with more linked pairs than max_pairs_per_node)",
		.functions = pattern_functions
	},
	{0}
};
