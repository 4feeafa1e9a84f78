/*
 * messages.c
 *	  The message types of all rooms.
 */
#include "message.h"

#include <string.h>

#define RK_MESSAGES(room) rk_##room##_messages,
const rk_message_type *const rk_message_rooms[] = {
#include "messages.def"
	NULL
};
#undef RK_MESSAGES

const rk_message_type *
rk_message_type_find(uint32_t type_id)
{
	for (int r = 0; rk_message_rooms[r] != NULL; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
			if (t->type_id == type_id)
				return t;
	return NULL;
}

const rk_message_type *
rk_message_function_find(const char *function)
{
	for (int r = 0; rk_message_rooms[r] != NULL; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
			if (t->function && strcmp(t->function, function) == 0)
				return t;
	return NULL;
}
