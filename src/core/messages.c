/*
 * messages.c
 *	  The messages of core/echo, an actor to try a server and to measure it, and
 *	  of core/fault, which fails as it is told.
 */
#include "core_ring.h"

static const rk_field echo_request[] = {
	RK_FIELD(rk_echo_request, value, RK_FIELD_INT8,.meaning = "any number"),
	{0}
};

static const rk_field echo_reply[] = {
	RK_FIELD(rk_echo_reply, value, RK_FIELD_INT8,.meaning = "the same number"),
	{0}
};

static const rk_field add_request[] = {
	RK_FIELD(rk_echo_add_request, amount, RK_FIELD_INT8,.initial = "1",.meaning = "what is added to the total"),
	{0}
};

static const rk_field total_request[] = {
	RK_FIELD(rk_echo_total_request, min_messages, RK_FIELD_INT8,.initial = "0",
			 .meaning = "wait until so many messages were added up"),
	{0}
};

static const rk_field total_reply[] = {
	RK_FIELD(rk_echo_total_reply, total, RK_FIELD_INT8,.meaning = "sum of all amounts"),
	RK_FIELD(rk_echo_total_reply, messages, RK_FIELD_INT8,.meaning = "number of messages that were added up"),
	RK_FIELD(rk_echo_total_reply, sent_at, RK_FIELD_TIME,.meaning = "when the last of them was sent"),
	{0}
};

static const rk_field pass_request[] = {
	RK_FIELD(rk_echo_pass_request, amount, RK_FIELD_INT8,.initial = "1",.meaning = "what is added to the total"),
	RK_FIELD(rk_echo_pass_request, next, RK_FIELD_TEXT,.initial = "''",
			 .meaning = "ring that gets the message next, with `next` and `after` exchanged; empty: none"),
	RK_FIELD(rk_echo_pass_request, after, RK_FIELD_TEXT,.initial = "''",.meaning = "ring that gets it after that; empty: none"),
	{0}
};

static const rk_field added_record[] = {
	RK_FIELD(rk_echo_added, amount, RK_FIELD_INT8,.meaning = "what was added to the total"),
	RK_FIELD(rk_echo_added, total, RK_FIELD_INT8,.meaning = "sum of all amounts, this one included"),
	RK_FIELD(rk_echo_added, messages, RK_FIELD_INT8,.meaning = "number of messages that were added up"),
	{0}
};

const rk_message_type rk_core_messages[] = {
	{
		.type_id = 50,
		.reply_id = 51,
		.name = "Echo",
		.kernel = "core/echo",
		.function = "ring_core_echo",
		.description = "sends a number to a core/echo ring and returns its reply, the same number",
		.request = echo_request,
		.request_size = sizeof(rk_echo_request),
		.reply = echo_reply,
		.reply_size = sizeof(rk_echo_reply)
	},
	{
		.type_id = 52,
		.reply_id = 53,
		.name = "EchoAdd",
		.kernel = "core/echo",
		.function = "ring_core_add",
		.description = "adds an amount to the total of a core/echo ring and returns the total",
		.mutating = true,
		.request = add_request,
		.request_size = sizeof(rk_echo_add_request),
		.reply = total_reply,
		.reply_size = sizeof(rk_echo_total_reply)
	},
	{
		.type_id = 54,
		.reply_id = 55,
		.name = "EchoTotal",
		.kernel = "core/echo",
		.function = "ring_core_total",
		.description = "the total of a core/echo ring",
		.request = total_request,
		.request_size = sizeof(rk_echo_total_request),
		.reply = total_reply,
		.reply_size = sizeof(rk_echo_total_reply)
	},
	{
		.type_id = 56,
		.name = "EchoAdded",
		.kernel = "core/echo",
		.description = "an amount that was added to the total of a core/echo ring",
		.request = added_record,
		.request_size = sizeof(rk_echo_added),
		.published = true
	},
	{
		.type_id = 58,
		.reply_id = 59,
		.name = "EchoPass",
		.kernel = "core/echo",
		.function = "ring_core_pass",
		.description = "adds an amount to the total of a core/echo ring, which passes the message on to other rings, and returns the total",
		.mutating = true,
		.request = pass_request,
		.request_size = sizeof(rk_echo_pass_request),
		.reply = total_reply,
		.reply_size = sizeof(rk_echo_total_reply)
	},
	{0}
};

static const char *const faults[] = {
	"none", "data", "overflow", "memory", "allocate", "sleep", "hang", "exit", "crash", NULL
};

static const rk_field fault_request[] = {
	RK_FIELD(rk_fault_request, kind, RK_FIELD_CODE,.choices = faults,
			 .meaning = "refuse the message, say that there is no memory, ask for memory, take time, take time without "
			 "looking whether to stop, end the process, or kill it"),
	RK_FIELD(rk_fault_request, attempts, RK_FIELD_INT4,.initial = "0",.min = 0,.max = 1000000,
			 .meaning = "so many attempts fail, then one succeeds; 0: all"),
	RK_FIELD(rk_fault_request, amount, RK_FIELD_INT8,.initial = "0",.min = 0,.max = 1e15,
			 .meaning = "bytes that are asked for, or milliseconds that pass"),
	RK_FIELD(rk_fault_request, message, RK_FIELD_TEXT,.initial = "''",.meaning = "what the error says"),
	RK_FIELD(rk_fault_request, detail, RK_FIELD_TEXT,.initial = "''",.meaning = "its detail"),
	RK_FIELD(rk_fault_request, hint, RK_FIELD_TEXT,.initial = "''",.meaning = "its hint"),
	{0}
};

static const rk_field no_request[] = {
	{0}
};

static const rk_field fault_count_reply[] = {
	RK_FIELD(rk_fault_count_reply, handled, RK_FIELD_INT8,.meaning = "number of messages that did not fail"),
	{0}
};

const rk_message_type rk_core_fault_messages[] = {
	{
		.type_id = 60,
		.reply_id = 61,
		.name = "Fault",
		.kernel = "core/fault",
		.function = "ring_core_fault",
		.description = "lets a core/fault ring fail, for tests",
		.mutating = true,
		.request = fault_request,
		.request_size = sizeof(rk_fault_request)
	},
	{
		.type_id = 62,
		.reply_id = 63,
		.name = "FaultCount",
		.kernel = "core/fault",
		.function = "ring_core_fault_count",
		.description = "how many messages of a core/fault ring did not fail",
		.request = no_request,
		.reply = fault_count_reply,
		.reply_size = sizeof(rk_fault_count_reply)
	},
	{0}
};
