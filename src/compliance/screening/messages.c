/*
 * messages.c
 *	  The messages of the screening actors.
 */
#include "screening_ring.h"

static const char *const match_types[] = {"exact", "fuzzy", "alias", "weak_alias", NULL};
static const char *const match_kinds[] = {"exact", "fuzzy", "alias", NULL};

#define ENTRY_ID(record, words) RK_FIELD(record, entry_id, RK_FIELD_ANY_ID,.column = "id",.meaning = words)
#define TEXT(record, field, words) RK_FIELD(record, field, RK_FIELD_TEXT,.initial = "NULL",.meaning = words)

static const rk_field list_count[] = {
	RK_FIELD(rk_list_count, entry_count, RK_FIELD_INT8,.meaning = "entries that the list has"),
	{0}
};

static const rk_field entry_name[] = {
	ENTRY_ID(rk_list_entry_name, "of the entry"),
	{0}
};

static const rk_field entry_removed[] = {
	RK_FIELD(rk_list_removed, removed, RK_FIELD_BOOLEAN,.meaning = "whether it was there"),
	{0}
};

/* ---- compliance/sanctions-screening ---- */

#define SANCTIONS "compliance/sanctions-screening"

static const rk_field screen_request[] = {
	RK_FIELD(rk_screen_request, query_name, RK_FIELD_TEXT,.column = "name",.meaning = "the name to screen, 256 bytes at most"),
	RK_FIELD(rk_screen_request, date_of_birth, RK_FIELD_DATE,.initial = "NULL",.meaning = "counts with the option use_secondary"),
	TEXT(rk_screen_request, country, "likewise"),
	TEXT(rk_screen_request, entity_type, "likewise: entries of another type never match"),
	RK_FIELD(rk_screen_request, entity, RK_FIELD_ANY_ID,.initial = "NULL",.column = "id",.meaning = "whose name it is; said in SanctionsMatch"),
	{0}
};

static const rk_field screen_reply[] = {
	RK_FIELD(rk_screen_reply, is_hit, RK_FIELD_BOOLEAN,.meaning = "whether an entry scores at least hit_score"),
	RK_FIELD(rk_screen_reply, match_count, RK_FIELD_INT8,.meaning = "how many do"),
	TEXT(rk_screen_reply, best_entry, "the entry that scores best, of equal ones the first; NULL: none scores min_score"),
	RK_FIELD(rk_screen_reply, best_score, RK_FIELD_FLOAT8,.initial = "NULL",.meaning = "its score, 0 to 1"),
	RK_FIELD(rk_screen_reply, match_type, RK_FIELD_CODE,.initial = "NULL",.choices = match_types,
			 .meaning = "exact (the same words) or fuzzy by its name; alias, or weak_alias where that is one word"),
	{0}
};

static const rk_field sanctions_entry[] = {
	ENTRY_ID(rk_sanctions_entry, "of the entry, as text 40 bytes at most; one of the same id is replaced"),
	RK_FIELD(rk_sanctions_entry, entry_name, RK_FIELD_TEXT,.column = "name",.meaning = "who is sanctioned, 256 bytes at most"),
	RK_FIELD(rk_sanctions_entry, aliases, RK_FIELD_TEXT_ARRAY,.initial = "NULL",.meaning = "other names, 3072 bytes at most"),
	TEXT(rk_sanctions_entry, source, "who publishes the list"),
	TEXT(rk_sanctions_entry, program, "of sanctions"),
	TEXT(rk_sanctions_entry, country, "counts with the option use_secondary"),
	RK_FIELD(rk_sanctions_entry, date_of_birth, RK_FIELD_DATE,.initial = "NULL",.meaning = "likewise"),
	TEXT(rk_sanctions_entry, entity_type, "likewise"),
	{0}
};

static const rk_field sanctions_match[] = {
	RK_FIELD(rk_sanctions_match, entity, RK_FIELD_ANY_ID,.initial = "NULL",.meaning = "who was screened, if the message said it"),
	RK_FIELD(rk_sanctions_match, match_type, RK_FIELD_CODE,.choices = match_kinds,.first_code = 1,.meaning = "by the name: exact or fuzzy; alias"),
	RK_FIELD(rk_sanctions_match, confidence, RK_FIELD_FLOAT8,.meaning = "score of the entry, 0 to 100"),
	TEXT(rk_sanctions_match, list_code, "source of the entry"),
	RK_FIELD(rk_sanctions_match, list_entry, RK_FIELD_TEXT,.meaning = "the entry"),
	RK_FIELD(rk_sanctions_match, ts, RK_FIELD_TIME,.meaning = "when the name was sent"),
	RK_FIELD(rk_sanctions_match, query_name, RK_FIELD_TEXT,.meaning = "the name that was screened"),
	{0}
};

const rk_message_type rk_compliance_sanctions_messages[] = {
	{
		.type_id = 340,
		.reply_id = 341,
		.name = "ScreenName",
		.kernel = SANCTIONS,
		.function = "ring_compliance_screen_name",
		.description = "screens a name against the list of a compliance/sanctions-screening ring",
		.mutating = true,
		.request = screen_request,
		.request_size = sizeof(rk_screen_request),
		.reply = screen_reply,
		.reply_size = sizeof(rk_screen_reply)
	},
	{
		.type_id = 342,
		.reply_id = 343,
		.name = "SanctionsLoad",
		.kernel = SANCTIONS,
		.function = "ring_compliance_sanctions_load",
		.description = "puts an entry into the list of a compliance/sanctions-screening ring, or another in its place",
		.mutating = true,
		.request = sanctions_entry,
		.request_size = sizeof(rk_sanctions_entry),
		.reply = list_count,
		.reply_size = sizeof(rk_list_count)
	},
	{
		.type_id = 344,
		.reply_id = 345,
		.name = "SanctionsRemove",
		.kernel = SANCTIONS,
		.function = "ring_compliance_sanctions_remove",
		.description = "removes an entry from the list of a compliance/sanctions-screening ring; false if there is none",
		.mutating = true,
		.request = entry_name,
		.request_size = sizeof(rk_list_entry_name),
		.reply = entry_removed,
		.reply_size = sizeof(rk_list_removed)
	},
	{
		.type_id = 357,
		.name = "SanctionsMatch",
		.kernel = SANCTIONS,
		.description = "a name that was screened with a hit in a compliance/sanctions-screening ring, with the best one",
		.request = sanctions_match,
		.request_size = sizeof(rk_sanctions_match),
		.published = true
	},
	{0}
};

/* ---- compliance/pep-screening ---- */

#define PEP "compliance/pep-screening"

static const rk_field pep_request[] = {
	RK_FIELD(rk_pep_request, query_name, RK_FIELD_TEXT,.column = "name",.meaning = "the name to screen, 256 bytes at most"),
	{0}
};

static const rk_field pep_reply[] = {
	RK_FIELD(rk_pep_reply, is_pep, RK_FIELD_BOOLEAN,.meaning = "whether an entry scores at least hit_score and has not cooled off"),
	RK_FIELD(rk_pep_reply, match_count, RK_FIELD_INT8,.meaning = "how many do"),
	TEXT(rk_pep_reply, best_entry, "of them, else of all, the one that scores best, of equal ones by level and office; NULL: none scores min_score"),
	RK_FIELD(rk_pep_reply, best_score, RK_FIELD_FLOAT8,.initial = "NULL",.meaning = "its score, 0 to 1"),
	RK_FIELD(rk_pep_reply, level, RK_FIELD_INT4,.initial = "NULL",.meaning = "its level"),
	{0}
};

static const rk_field pep_entry[] = {
	ENTRY_ID(rk_pep_entry, "of the entry, as text 40 bytes at most; one of the same id is replaced"),
	RK_FIELD(rk_pep_entry, entry_name, RK_FIELD_TEXT,.column = "name",.meaning = "who is exposed, 256 bytes at most"),
	RK_FIELD(rk_pep_entry, aliases, RK_FIELD_TEXT_ARRAY,.initial = "NULL",.meaning = "other names, 3072 bytes at most"),
	TEXT(rk_pep_entry, position, "of the person"),
	TEXT(rk_pep_entry, country, "of the person"),
	RK_FIELD(rk_pep_entry, level, RK_FIELD_INT4,.initial = "NULL",.min = 1,.max = 3,
			 .meaning = "1 head of state or government, 2 senior official, 3 family member or close associate"),
	RK_FIELD(rk_pep_entry, active, RK_FIELD_BOOLEAN,.initial = "NULL",.meaning = "whether in office; NULL: by left_on"),
	RK_FIELD(rk_pep_entry, left_on, RK_FIELD_DATE,.initial = "NULL",.meaning = "last day in office; NULL: still there, or not known"),
	{0}
};

const rk_message_type rk_compliance_pep_messages[] = {
	{
		.type_id = 346,
		.reply_id = 347,
		.name = "PepScreen",
		.kernel = PEP,
		.function = "ring_compliance_pep_screen",
		.description = "screens a name against the list of a compliance/pep-screening ring",
		.mutating = true,
		.request = pep_request,
		.request_size = sizeof(rk_pep_request),
		.reply = pep_reply,
		.reply_size = sizeof(rk_pep_reply)
	},
	{
		.type_id = 348,
		.reply_id = 349,
		.name = "PepLoad",
		.kernel = PEP,
		.function = "ring_compliance_pep_load",
		.description = "puts an entry into the list of a compliance/pep-screening ring, or another in its place",
		.mutating = true,
		.request = pep_entry,
		.request_size = sizeof(rk_pep_entry),
		.reply = list_count,
		.reply_size = sizeof(rk_list_count)
	},
	{
		.type_id = 360,
		.reply_id = 361,
		.name = "PepRemove",
		.kernel = PEP,
		.function = "ring_compliance_pep_remove",
		.description = "removes an entry from the list of a compliance/pep-screening ring; false if there is none",
		.mutating = true,
		.request = entry_name,
		.request_size = sizeof(rk_list_entry_name),
		.reply = entry_removed,
		.reply_size = sizeof(rk_list_removed)
	},
	{0}
};
