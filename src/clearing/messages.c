/*
 * messages.c
 *	  The messages of clearing/dvp-matching.
 */
#include "dvp_ring.h"

static const char *const known_names[] = {"known", "unknown_instruction", NULL};

static const rk_field submit_request[] = {
	RK_FIELD(rk_dvp_submit_request, instruction_id, RK_FIELD_ANY_ID,.meaning = "the instruction"),
	RK_FIELD(rk_dvp_submit_request, side, RK_FIELD_CODE,.choices = rk_dvp_side_names,.meaning = "which leg it is"),
	RK_FIELD(rk_dvp_submit_request, security_id, RK_FIELD_TEXT,.meaning = "what is delivered, 24 bytes at most: an ISIN, for example"),
	RK_FIELD(rk_dvp_submit_request, deliverer, RK_FIELD_ANY_ID,.apart = true,.meaning = "party that delivers; both legs name the same two"),
	RK_FIELD(rk_dvp_submit_request, receiver, RK_FIELD_ANY_ID,.apart = true,.meaning = "party that receives"),
	RK_FIELD(rk_dvp_submit_request, quantity, RK_FIELD_FIXED,.min = 0.00000001,.max = 92e9,.meaning = "of the security, with up to 8 decimals"),
	RK_FIELD(rk_dvp_submit_request, amount, RK_FIELD_FIXED,.min = 0,.max = 92e9,.meaning = "that is paid for it, with up to 8 decimals"),
	RK_FIELD(rk_dvp_submit_request, currency, RK_FIELD_TEXT,.meaning = "of the amount, three letters"),
	RK_FIELD(rk_dvp_submit_request, settlement_date, RK_FIELD_DATE,.meaning = "day on which both legs settle"),
	RK_FIELD(rk_dvp_submit_request, reference, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of the trade, 16 bytes at most; where both legs have one, it is the same"),
	{0}
};

#define MATCH_REPLY \
	RK_FIELD(rk_dvp_reply, status, RK_FIELD_CODE,.choices = rk_dvp_status_names,.meaning = "of the instruction"), \
	RK_FIELD(rk_dvp_reply, match_id, RK_FIELD_INT8,.initial = "NULL",.meaning = "number of its pair; NULL: none"), \
	RK_FIELD(rk_dvp_reply, confidence, RK_FIELD_FIXED,.initial = "NULL",.meaning = "of the pair, from 0 to 1"), \
	RK_FIELD(rk_dvp_reply, counter_instruction_id, RK_FIELD_ANY_ID,.initial = "NULL",.meaning = "the other leg")

static const rk_field submit_reply[] = {MATCH_REPLY, {0}};

static const rk_field query_reply[] = {
	MATCH_REPLY,
	RK_FIELD(rk_dvp_reply, known, RK_FIELD_CODE,.choices = known_names,.meaning = "whether there is such an instruction"),
	{0}
};

static const rk_field id_request[] = {
	RK_FIELD(rk_dvp_id_request, instruction_id, RK_FIELD_ANY_ID,.meaning = "the instruction"),
	{0}
};

static const rk_field hold_request[] = {
	RK_FIELD(rk_dvp_id_request, instruction_id, RK_FIELD_ANY_ID,.meaning = "the instruction"),
	RK_FIELD(rk_dvp_id_request, hold, RK_FIELD_BOOLEAN,.initial = "true",.meaning = "whether it is held; false: released"),
	{0}
};

static const rk_field success_reply[] = {
	RK_FIELD(rk_dvp_success_reply, success, RK_FIELD_BOOLEAN,.meaning = "whether it was done"),
	RK_FIELD(rk_dvp_success_reply, status, RK_FIELD_CODE,.choices = rk_dvp_status_names,.meaning = "of the instruction afterwards"),
	{0}
};

/* The date first: a NULL::text after the name is the type of ids. */
static const rk_field unmatched_request[] = {
	RK_FIELD(rk_dvp_unmatched_request, settlement_date, RK_FIELD_DATE,.initial = "NULL",.meaning = "of this day; NULL: of all"),
	RK_FIELD(rk_dvp_unmatched_request, security_id, RK_FIELD_TEXT,.initial = "NULL",.meaning = "of this security; NULL: of all"),
	RK_FIELD(rk_dvp_unmatched_request, max_rows, RK_FIELD_INT4,.initial = "500",.min = 1,.max = 900,.meaning = "the first so many, as they came"),
	{0}
};

static const rk_field unmatched_reply[] = {
	RK_FIELD(rk_dvp_unmatched_reply, total_count, RK_FIELD_INT8,.meaning = "how many there are"),
	{0}
};

static const rk_field pair_record[] = {
	RK_FIELD(rk_dvp_pair, match_id, RK_FIELD_INT8,.meaning = "number of the pair, from 1"),
	RK_FIELD(rk_dvp_pair, delivery_id, RK_FIELD_ANY_ID,.meaning = "the delivery"),
	RK_FIELD(rk_dvp_pair, receipt_id, RK_FIELD_ANY_ID,.meaning = "the receipt"),
	RK_FIELD(rk_dvp_pair, confidence, RK_FIELD_FIXED,.meaning = "from 0 to 1"),
	RK_FIELD(rk_dvp_pair, quantity, RK_FIELD_FIXED,.meaning = "the smaller one"),
	RK_FIELD(rk_dvp_pair, amount, RK_FIELD_FIXED,.meaning = "the delivery's"),
	RK_FIELD(rk_dvp_pair, amount_difference, RK_FIELD_FIXED,.meaning = "the receipt's amount less the delivery's"),
	{0}
};

static const rk_field match_request[] = {
	RK_FIELD(rk_dvp_match_request, match_id, RK_FIELD_INT8,.meaning = "number of the pair"),
	{0}
};

static const rk_field status_reply[] = {
	RK_FIELD(rk_dvp_status_reply, status, RK_FIELD_CODE,.choices = rk_dvp_status_names,.meaning = "of both legs: settled, or why not"),
	{0}
};

#define MESSAGE(id, id_of_reply, called, sql, words, request_fields, request_type, reply_fields, reply_type) \
	.type_id = (id), .reply_id = (id_of_reply), .name = (called), .kernel = "clearing/dvp-matching", \
	.function = "ring_clearing_" sql, .description = (words), \
	.request = (request_fields), .request_size = sizeof(request_type), \
	.reply = (reply_fields), .reply_size = sizeof(reply_type)

const rk_message_type rk_clearing_messages[] = {
	{MESSAGE(900, 901, "DvpSubmit", "dvp_submit", "gives an instruction to a clearing/dvp-matching ring, which pairs it if it can",
			 submit_request, rk_dvp_submit_request, submit_reply, rk_dvp_reply),.mutating = true},
	{MESSAGE(902, 903, "DvpCancel", "dvp_cancel", "cancels an instruction of a clearing/dvp-matching ring; a pair when both legs are canceled",
			 id_request, rk_dvp_id_request, success_reply, rk_dvp_success_reply),.mutating = true},
	{MESSAGE(904, 905, "DvpHold", "dvp_hold", "holds or releases an instruction of a clearing/dvp-matching ring: held ones are neither paired nor settled",
			 hold_request, rk_dvp_id_request, success_reply, rk_dvp_success_reply),.mutating = true},
	{MESSAGE(906, 907, "DvpQuery", "dvp_query", "an instruction of a clearing/dvp-matching ring; no row for one it does not have",
			 id_request, rk_dvp_id_request, query_reply, rk_dvp_reply),.found = "known"},
	{MESSAGE(908, 909, "DvpUnmatched", "dvp_unmatched", "instructions of a clearing/dvp-matching ring that wait for the other leg",
			 unmatched_request, rk_dvp_unmatched_request, unmatched_reply, rk_dvp_unmatched_reply),
	.rows = submit_request,.row_size = sizeof(rk_dvp_submit_request)},
	{MESSAGE(910, 911, "DvpAmend", "dvp_amend", "replaces an instruction of a clearing/dvp-matching ring that has no partner yet",
			 submit_request, rk_dvp_submit_request, submit_reply, rk_dvp_reply),.mutating = true},
	{
		.type_id = 912,
		.name = "DvpMatch",
		.kernel = "clearing/dvp-matching",
		.description = "two instructions that a clearing/dvp-matching ring has paired",
		.request = pair_record,
		.request_size = sizeof(rk_dvp_pair),
		.published = true
	},
	{MESSAGE(914, 915, "DvpSettle", "dvp_settle", "settles a pair of a clearing/dvp-matching ring: both legs or none",
			 match_request, rk_dvp_match_request, status_reply, rk_dvp_status_reply),.mutating = true},
	{0}
};
