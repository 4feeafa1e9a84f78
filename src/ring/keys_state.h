/*
 * keys_state.h
 *	  What the ids of an actor are kept in (keys.h): for states that go to a
 *	  device, where the ids themselves do not go.
 */
#ifndef RK_RING_KEYS_STATE_H
#define RK_RING_KEYS_STATE_H

typedef enum rk_id_type
{
	RK_IDS_BIGINT,
	RK_IDS_TEXT,
	RK_IDS_UUID
} rk_id_type;

typedef struct rk_keys
{
	rk_id_type	type;
	const char *option;			/* that says so */
	struct rk_dictionary *dictionary;
} rk_keys;

#endif							/* RK_RING_KEYS_STATE_H */
