/*
 * actors.c
 *	  The ring kernels of the library.
 */
#include "actor.h"

#define RK_ACTOR(name) &rk_actor_##name,
const rk_actor *const rk_actors[] = {
#include "actors.def"
	NULL
};
#undef RK_ACTOR

const rk_actor *
rk_actor_find(const char *kernel)
{
	for (int i = 0; rk_actors[i] != NULL; i++)
		if (strcmp(rk_actors[i]->kernel, kernel) == 0)
			return rk_actors[i];
	return NULL;
}

const rk_message_type *
rk_actor_message(const rk_actor *actor, uint32_t type_id)
{
	for (const rk_message_type *t = actor->messages; t->type_id; t++)
		if (t->type_id == type_id && !t->published)
			return t;
	return NULL;
}

const rk_message_type *
rk_actor_record(const rk_actor *actor, int i, bool *reply)
{
	for (const rk_message_type *t = actor->messages; t->type_id; t++)
		if (t->published || (t->mutating && t->reply_id != 0))
			if (i-- == 0)
			{
				*reply = !t->published;
				return t;
			}
	*reply = false;
	for (const rk_message_type *const *t = actor->says; t && *t; t++)
		if (i-- == 0)
			return *t;
	return NULL;
}
