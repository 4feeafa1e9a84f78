/*
 * descriptors.c
 *	  The kernels of circular, reciprocal, reversed and sliced flows as data.
 */
#include "../relations.h"
#include "flows.h"

/* ---- compliance/circular-flow ---- */

static const rk_relation_column circular_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_OPTIONAL_TS("moment of the transaction; for first_ts and last_ts"),
	RK_TRANSACTION_CURRENCY,
	{0}
};

static const rk_relation circular_transactions = {
	.name = "transactions",
	.columns = circular_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts FROM wire"
};

static const rk_relation_column cycle_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_OPTIONAL_TS("moment of the transaction; needed with time_respecting"),
	RK_TRANSACTION_ID,
	RK_TRANSACTION_CURRENCY,
	{0}
};

static const rk_relation cycle_transactions = {
	.name = "transactions",
	.columns = cycle_columns,
	.example = "SELECT id, payer AS source, payee AS target, amount, ts FROM wire"
};

static const rk_param circular_params[] = {
	RK_TRANSACTIONS_PARAM(&circular_transactions),
	{.name = "min_amount", .type = RK_TYPE_NUMERIC, .initial = "0", RK_AT_LEAST(0), .meaning = "inside a component"},
	{.name = "min_size", .type = RK_TYPE_INT4, .initial = "2", RK_AT_LEAST(2), .meaning = "members of a component"},
	{.name = "circulation", .type = RK_TYPE_BOOLEAN, .initial = "false", .meaning = "whether circulating_amount is wanted, which takes longer"},
	RK_RATES_PARAM,
	{0}
};

static const rk_function circular_functions[] = {
	{
		.suffix = "",
		.description = "groups of entities in which money can go round, and how much stays inside",
		.params = circular_params,
		.columns = (const rk_column[]) {
			{"component_id", RK_TYPE_INT4, "number, from 1: by internal_amount, falling, then by the member that is seen first"},
			{"members", RK_TYPE_ID_ARRAY, "entities that reach each other along payments"},
			{"member_count", RK_TYPE_INT8, "how many they are"},
			{"transaction_count", RK_TYPE_INT8, "transactions between them"},
			{"internal_amount", RK_TYPE_NUMERIC, "their amount"},
			{"circulating_amount", RK_TYPE_NUMERIC, "most that can go round in circles over them; NULL without circulation"},
			{"share", RK_TYPE_FLOAT8, "internal_amount / amount of all transactions; NULL: that is 0"},
			{"first_ts", RK_TYPE_TIMESTAMPTZ, "of the transactions; NULL: there are no times"},
			{"last_ts", RK_TYPE_TIMESTAMPTZ, "likewise"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_entities",
		.description = "what each entity pays, and how much of it stays in the group in which it can go round",
		.params = circular_params,
		.columns = (const rk_column[]) {
			{"entity", RK_TYPE_ID, "the entity"},
			{"component_id", RK_TYPE_INT4, "the component it belongs to; NULL: none that is reported"},
			{"amount_out", RK_TYPE_NUMERIC, "that it pays, transfers to itself included"},
			{"amount_in", RK_TYPE_NUMERIC, "that it gets, likewise"},
			{"circular_amount", RK_TYPE_NUMERIC, "that it pays to others in its component"},
			{"ratio", RK_TYPE_FLOAT8, "circular_amount / amount_out; NULL: that is 0"},
			{0}
		},
		.rows = RK_ROWS_PER_ROW,
		.work = RK_WORK_LINEAR
	},
	{
		.suffix = "_cycles",
		.description = "circles of payments: at rising times within a window, or of amounts added up by pair",
		.params = (const rk_param[]) {
			RK_TRANSACTIONS_PARAM(&cycle_transactions),
			{.name = "max_cycle_length", .type = RK_TYPE_INT4, .initial = "6", RK_BETWEEN(2, RK_MAX_FLOW_CYCLE), .meaning = "payments in a cycle"},
			{.name = "time_window", .type = RK_TYPE_INTERVAL, .initial = "'30 days'",
			.meaning = "with time_respecting: a cycle is over before its first payment is this old"},
			{.name = "time_respecting", .type = RK_TYPE_BOOLEAN, .initial = "true",
			.meaning = "true: single payments, each later than the one before; false: cycles of pairs of entities, amounts added up, whatever the time"},
			{.name = "min_retention", .type = RK_TYPE_FLOAT8, .initial = "0", RK_BETWEEN(0, 1), .meaning = "of the last amount to the first"},
			{.name = "max_cycles", .type = RK_TYPE_INT8, .initial = "1000000", .min = 1, .max = 4000000000.0,
			.meaning = "more of them are an error"},
			RK_RATES_PARAM,
			{0}
		},
		.columns = (const rk_column[]) {
			{"cycle_id", RK_TYPE_INT8, "number, from 1, in the order of the first payments, then of the second ones; or of the members that are seen first"},
			{"members", RK_TYPE_ID_ARRAY, "entities along the cycle, from the payer of its first payment, or from the one that is seen first"},
			{"transaction_ids", RK_TYPE_ID2_ARRAY, "payments along the cycle; without time_respecting all of them, pair by pair"},
			{"length", RK_TYPE_INT4, "number of members"},
			{"bottleneck", RK_TYPE_NUMERIC, "the smallest amount along the cycle"},
			{"total_amount", RK_TYPE_NUMERIC, "sum of the amounts"},
			{"retention", RK_TYPE_FLOAT8, "last amount / first amount; NULL: that is 0"},
			{"first_ts", RK_TYPE_TIMESTAMPTZ, "of the payments; NULL: there are no times"},
			{"last_ts", RK_TYPE_TIMESTAMPTZ, "likewise"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED,
		.id2_name = "transaction_id_type"
	},
	{0}
};

/* ---- compliance/reciprocity-flow ---- */

static const rk_relation_column reciprocity_columns[] = {
	RK_TRANSACTION_ENDS,
	RK_TRANSACTION_OPTIONAL_TS("moment of the transaction; needed for start_ts, end_ts and max_delay"),
	RK_TRANSACTION_CURRENCY,
	{0}
};

static const rk_relation reciprocity_transactions = {
	.name = "transactions",
	.columns = reciprocity_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts FROM wire"
};

static const rk_param reciprocity_params[] = {
	RK_TRANSACTIONS_PARAM(&reciprocity_transactions),
	{.name = "min_amount", .type = RK_TYPE_NUMERIC, .initial = "0", RK_AT_LEAST(0),
	.meaning = "of the smaller of the two directions, or of what comes back within max_delay"},
	{.name = "start_ts", .type = RK_TYPE_TIMESTAMPTZ, .initial = "NULL", .meaning = "leave out what is earlier"},
	{.name = "end_ts", .type = RK_TYPE_TIMESTAMPTZ, .initial = "NULL", .meaning = "leave out what is not earlier"},
	{.name = "max_delay", .type = RK_TYPE_INTERVAL, .initial = "NULL",
	.meaning = "money counts as returned only if it comes back in less than this; NULL: whenever"},
	RK_RATES_PARAM,
	{0}
};

static const rk_function reciprocity_functions[] = {
	{
		.suffix = "",
		.description = "pairs of entities that pay each other, and how much of it is returned",
		.params = reciprocity_params,
		.columns = (const rk_column[]) {
			{"entity_a", RK_TYPE_ID, "payer of the pair's earliest transaction"},
			{"entity_b", RK_TYPE_ID, "the other one"},
			{"amount_ab", RK_TYPE_NUMERIC, "paid by entity_a to entity_b"},
			{"amount_ba", RK_TYPE_NUMERIC, "paid by entity_b to entity_a"},
			{"count_ab", RK_TYPE_INT8, "transactions from entity_a to entity_b"},
			{"count_ba", RK_TYPE_INT8, "transactions from entity_b to entity_a"},
			{"reciprocal_amount", RK_TYPE_NUMERIC, "twice the smaller direction, or twice what came back within max_delay"},
			{"balance", RK_TYPE_FLOAT8, "half of reciprocal_amount / the larger direction; NULL: that is 0"},
			{"first_ts", RK_TYPE_TIMESTAMPTZ, "of the pair's transactions; NULL: there are no times"},
			{"last_ts", RK_TYPE_TIMESTAMPTZ, "likewise"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED
	},
	{
		.suffix = "_summary",
		.description = "how much of all money, and how many of all relations, go both ways",
		.params = reciprocity_params,
		.columns = (const rk_column[]) {
			{"reciprocity_ratio", RK_TYPE_FLOAT8, "reciprocal_amount / total_amount; NULL: that is 0"},
			{"edge_reciprocity", RK_TYPE_FLOAT8, "share of directed edges whose reverse exists, whatever the amount; NULL: no edges"},
			{"rho", RK_TYPE_FLOAT8, "edge_reciprocity above chance, 1 at most; NULL: no edges, or all that there can be"},
			{"reciprocal_amount", RK_TYPE_NUMERIC, "of the pairs that reach min_amount"},
			{"total_amount", RK_TYPE_NUMERIC, "of all transactions between different entities"},
			{"pair_count", RK_TYPE_INT8, "pairs that reach min_amount"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{0}
};

/* ---- compliance/flow-reversal ---- */

static const rk_relation_column timed_columns[] = {
	RK_TRANSACTION_ENDS, RK_TRANSACTION_TS, RK_TRANSACTION_CURRENCY, {0}
};

static const rk_relation timed_transactions = {
	.name = "transactions",
	.columns = timed_columns,
	.example = "SELECT payer AS source, payee AS target, amount, ts FROM wire"
};

static const rk_relation_column identified_columns[] = {
	RK_TRANSACTION_ENDS, RK_TRANSACTION_TS, RK_TRANSACTION_ID, RK_TRANSACTION_CURRENCY, {0}
};

static const rk_relation identified_transactions = {
	.name = "transactions",
	.columns = identified_columns,
	.example = "SELECT id, payer AS source, payee AS target, amount, ts FROM wire"
};

const char *const rk_reversal_level_names[] = {"normal", "suspicious", "high", "critical", NULL};
static const char *const matchings[] = {"one_to_one", "all_pairs", NULL};

#define REVERSAL_PARAMS(relation) \
	RK_TRANSACTIONS_PARAM(relation), \
	{.name = "max_window", .type = RK_TYPE_INTERVAL, .initial = "'24 hours'", \
	 .meaning = "a reversal comes later than its original by this at most"}, \
	{.name = "suspicious_window", .type = RK_TYPE_INTERVAL, .initial = "'1 hour'", \
	 .meaning = "one that comes in less than this is high if the amounts match to 1 %, else suspicious; at most max_window"}, \
	{.name = "critical_window", .type = RK_TYPE_INTERVAL, .initial = "'5 minutes'", \
	 .meaning = "one that comes in less than this is critical if the amounts match to 1 %, else high; at most suspicious_window"}, \
	{.name = "min_amount_match_ratio", .type = RK_TYPE_FLOAT8, .initial = "0.9", .min = 0, .max = 1, .min_open = true, \
	 .meaning = "of the smaller amount to the larger"}, \
	{.name = "matching", .type = RK_TYPE_TEXT, .initial = "'one_to_one'", .choices = matchings, \
	 .meaning = "one_to_one: a transaction is in one pair, originals choose in order of time the best ratio, then the earliest; " \
	 "all_pairs: every pair that qualifies"}, \
	RK_RATES_PARAM

static const rk_param timed_reversal_params[] = {REVERSAL_PARAMS(&timed_transactions), {0}};

static const rk_function reversal_functions[] = {
	{
		.suffix = "",
		.description = "payments that come straight back, with the payment that returns them",
		.params = (const rk_param[]) {REVERSAL_PARAMS(&identified_transactions), {0}},
		.columns = (const rk_column[]) {
			{"original_id", RK_TYPE_ID2, "the payment"},
			{"reversal_id", RK_TYPE_ID2, "the one that returns it"},
			{"entity_a", RK_TYPE_ID, "payer of the original"},
			{"entity_b", RK_TYPE_ID, "its payee"},
			{"original_amount", RK_TYPE_NUMERIC, "of the payment"},
			{"reversal_amount", RK_TYPE_NUMERIC, "of what comes back"},
			{"time_delta", RK_TYPE_INTERVAL, "between the two, a day being 24 hours"},
			{"amount_match_ratio", RK_TYPE_FLOAT8, "of the smaller amount to the larger"},
			{"risk_level", RK_TYPE_TEXT, "normal, suspicious, high or critical"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED,
		.id2_name = "transaction_id_type"
	},
	{
		.suffix = "_summary",
		.description = "how many payments come straight back, and how much money",
		.params = timed_reversal_params,
		.columns = (const rk_column[]) {
			{"reversal_count", RK_TYPE_INT8, "pairs of original and reversal"},
			{"reversal_volume", RK_TYPE_NUMERIC, "both amounts of each"},
			{"reversal_ratio", RK_TYPE_FLOAT8, "reversal_volume / amount of all transactions; NULL: that is 0"},
			{"repeat_offender_count", RK_TYPE_INT8, "entities with two reversals or more"},
			{"risk_score", RK_TYPE_FLOAT8, "min(100, 5 reversals + 15 (high + critical) + 10 repeat offenders + 50 reversal_ratio)"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{
		.suffix = "_offenders",
		.description = "entities with two reversals or more",
		.params = timed_reversal_params,
		.columns = (const rk_column[]) {
			{"entity", RK_TYPE_ID, "payer or payee of the originals"},
			{"reversal_count", RK_TYPE_INT8, "reversals it is part of"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED
	},
	{0}
};

/* ---- compliance/flow-split ---- */

const char *const rk_split_level_names[] = {"elevated", "high", "critical", NULL};
const char *const rk_split_side_names[] = {"source", "target", "both", NULL};

#define SPLIT_PARAMS(relation) \
	RK_TRANSACTIONS_PARAM(relation), \
	{.name = "reporting_threshold", .type = RK_TYPE_NUMERIC, .initial = "10000", RK_ABOVE(0), \
	 .meaning = "amount from which a payment is reported"}, \
	{.name = "time_window", .type = RK_TYPE_INTERVAL, .initial = "'24 hours'", \
	 .meaning = "payments of a split begin within this"}, \
	{.name = "min_split_count", .type = RK_TYPE_INT4, .initial = "3", RK_AT_LEAST(2), .meaning = "payments in a split"}, \
	{.name = "side", .type = RK_TYPE_TEXT, .initial = "'source'", .choices = rk_split_side_names, \
	 .meaning = "source: payments of one payer; target: to one payee; both: either"}, \
	RK_RATES_PARAM

static const rk_function split_functions[] = {
	{
		.suffix = "",
		.description = "sums cut into slices below a reporting threshold (structuring)",
		.params = (const rk_param[]) {SPLIT_PARAMS(&identified_transactions), {0}},
		.columns = (const rk_column[]) {
			{"split_id", RK_TYPE_INT8, "number, from 1: by level, then total, falling, then time"},
			{"entity", RK_TYPE_ID, "the payer or payee"},
			{"entity_side", RK_TYPE_TEXT, "which of the two: source or target"},
			{"counterparties", RK_TYPE_ID_ARRAY, "at the other end, in order of appearance"},
			{"transaction_ids", RK_TYPE_ID2_ARRAY, "the payments in order of time"},
			{"amounts", RK_TYPE_NUMERIC_ARRAY, "of them"},
			{"total_amount", RK_TYPE_NUMERIC, "sum of amounts"},
			{"time_span", RK_TYPE_INTERVAL, "from the first to the last, a day being 24 hours"},
			{"threshold", RK_TYPE_NUMERIC, "the parameter reporting_threshold"},
			{"uniform", RK_TYPE_BOOLEAN, "all amounts are within 30 % of their mean"},
			{"risk_level", RK_TYPE_TEXT, "elevated, high or critical"},
			{"first_ts", RK_TYPE_TIMESTAMPTZ, "of the first payment"},
			{0}
		},
		.rows = RK_ROWS_PER_GROUP,
		.work = RK_WORK_SORTED,
		.id2_name = "transaction_id_type"
	},
	{
		.suffix = "_summary",
		.description = "how many sums are cut into slices, and how much money",
		.params = (const rk_param[]) {SPLIT_PARAMS(&timed_transactions), {0}},
		.columns = (const rk_column[]) {
			{"split_count", RK_TYPE_INT8, "splits"},
			{"structuring_entity_count", RK_TYPE_INT8, "entities with one that is high or critical"},
			{"split_volume", RK_TYPE_NUMERIC, "amount of the splits"},
			{"split_ratio", RK_TYPE_FLOAT8, "split_volume / amount of all transactions; NULL: that is 0"},
			{"risk_score", RK_TYPE_FLOAT8, "min(100, 5 splits + 15 high + 25 critical + 10 structuring entities)"},
			{0}
		},
		.rows = RK_ROWS_ONE,
		.work = RK_WORK_SORTED
	},
	{0}
};

const rk_kernel rk_compliance_flows_kernels[] = {
	{
		.id = "compliance/circular-flow",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Money that runs in circles: strong components of payments, what circulates in them, and the circles",
		.notes = "Two entities are in one component if money can get from each to the other along payments; transfers to oneself make no component. "
		"internal_amount is all that is paid inside, most of which need not go round: circulating_amount is the largest sum of amounts, each pair of "
		"entities used up to what was paid, of which as much leaves every member as enters it. Both are exact. "
		"Cycles meet no entity twice and every one is listed, once; nothing is sampled or cut off. With time_respecting they are single payments, each "
		"strictly later than the one before (2SCENT, Kumar and Calders 2018); parallel payments make cycles of their own. Without it they are cycles of the "
		"graph of pairs (Johnson 1975).",
		.license_feature = "Compliance.AML",
		.expected_throughput = 5000000,
		.target_latency_us = 1000,
		.functions = circular_functions
	},
	{
		.id = "compliance/reciprocity-flow",
		.domain = "Compliance",
		.mode = RK_MODE_BOTH,
		.description = "Money that flows both ways between two entities: by pair, and as reciprocity of the network",
		.notes = "Amounts are summed by ordered pair; transfers to oneself are left out. A pair is reported if both directions exist and the smaller one, m, "
		"is at least min_amount; 2 m is its reciprocal amount. Summed and divided by the total that is the weighted reciprocity of Squartini and others (2013); "
		"rho is that of Garlaschelli and Loffredo (2004), over the entities that have transactions. "
		"With max_delay every payment opens a balance that later payments in the other direction take from, oldest first, before it is max_delay old; "
		"what is left of a payment opens a balance of its own; m is what was taken. Amounts are exact.",
		.license_feature = "Compliance.AML",
		.expected_throughput = 5000000,
		.target_latency_us = 1000,
		.functions = reciprocity_functions
	},
	{
		.id = "compliance/flow-reversal",
		.domain = "Compliance",
		.mode = RK_MODE_BATCH,
		.description = "Payments that come straight back: A pays B, and B pays about the same to A",
		.notes = "An original from A to B has a reversal from B to A that is later by max_window at most and whose amount matches: smaller / larger is "
		"min_amount_match_ratio at least, and no amount is 0. One to one, originals choose in order of time among the payments that are in no pair yet: "
		"the highest ratio, then the earliest. With all_pairs a transaction may be in many pairs. Amounts are the same from a ratio of 0.99: then a "
		"reversal is critical within critical_window, high within suspicious_window, suspicious after it; else high, suspicious, normal.",
		.license_feature = "Compliance.AML",
		.expected_throughput = 5000000,
		.target_latency_us = 1000,
		.functions = reversal_functions
	},
	{
		.id = "compliance/flow-split",
		.domain = "Compliance",
		.mode = RK_MODE_BATCH,
		.description = "Structuring: payments below a reporting threshold that add up to it",
		.notes = "Of each entity the payments above 0 and below the threshold T are looked at in windows, from every payment on; one whose payments are all in "
		"the window before is left out. Kept are those of min_split_count payments or more and 0.8 T or more that are high (three amounts above 0.7 T, or a "
		"total from 0.95 T to 1.05 T) or elevated (five payments, and more than T). Where windows overlap, the higher level goes first, then the larger "
		"total, the earlier one; a window with half or more of its payments in windows before is dropped. High windows of an entity that start within "
		"30 days (of 24 hours) of each other are critical. With side both a payment is used up on both sides.",
		.license_feature = "Compliance.AML",
		.expected_throughput = 5000000,
		.target_latency_us = 1000,
		.functions = split_functions
	},
	{0}
};
