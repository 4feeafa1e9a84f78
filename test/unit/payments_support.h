/*
 * payments_support.h
 *	  Streams of payments for the tests of rings: the same ids as integers,
 *	  texts or uuids, and times that are late by up to so much.
 */
#ifndef RK_TEST_PAYMENTS_SUPPORT_H
#define RK_TEST_PAYMENTS_SUPPORT_H

#include "actor_support.h"
#include "transactions_support.h"

#include "../../src/ring/keys.h"

#include <stdio.h>

/* 2000-01-01 in ns since 1970, from which the batch functions count us. */
#define EPOCH_NS INT64_C(946684800000000000)
#define SECOND INT64_C(1000000)

/* The id of entity e; of texts some are longer than 16 bytes. */
static inline rk_id
id_of(rk_id_type type, uint32_t e)
{
	rk_id		key;

	memset(&key, 0, sizeof(key));
	switch (type)
	{
		case RK_IDS_BIGINT:
			return rk_id_of_int((int64_t) e * 1000 - 5000);
		case RK_IDS_TEXT:
			key.kind = RK_ID_TEXT;
			key.length = (uint8_t) snprintf(key.bytes, RK_ID_BYTES, e % 2 ? "account %u" : "account at a bank far away %u", e);
			break;
		default:
			key.kind = RK_ID_UUID;
			key.length = 16;
			for (int i = 0; i < 16; i++)
				key.bytes[i] = (char) rk_hash2(e, i);
	}
	return key;
}

/*
 * A stream: transactions in the order in which they are sent.  Times rise from
 * one to the next by up to step seconds, and then some are earlier by up to
 * late seconds.
 */
static inline test_transactions
random_stream(uint64_t seed, int64_t entities, int64_t count, int64_t step, int64_t late)
{
	test_transactions x = random_transactions(seed, entities, count, 1);
	int64_t		now = 1000 * SECOND;

	for (int64_t i = 0; i < count; i++)
	{
		now += (int64_t) (rk_hash3(seed, i, 5) % (step + 1)) * SECOND;
		x.ts[i] = now;
		if (late > 0 && rk_hash3(seed, i, 6) % 4 == 0)
			x.ts[i] -= (int64_t) (rk_hash3(seed, i, 7) % (late + 1)) * SECOND;
	}
	return x;
}

#endif							/* RK_TEST_PAYMENTS_SUPPORT_H */
