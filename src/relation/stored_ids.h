/*
 * stored_ids.h
 *	  Ids as the bytes that a value of type rk.graph holds.
 */
#ifndef RK_STORED_IDS_H
#define RK_STORED_IDS_H

#include "ids.h"

/* Bytes of an id as stored; 0: variable. */
extern uint32 rk_id_width(Oid type);

/* A vector of one value of the type, from stored bytes. */
typedef struct rk_one_id
{
	int64		as_int;
	rk_bytes	as_bytes;
	Datum		as_datum;
	rk_vector	vector;
} rk_one_id;

/* Sets the vector to an id of the type, from stored bytes. */
extern void rk_stored_id(rk_bytes bytes, Oid type, rk_one_id *id);

/* The bytes of a node's id as they are stored; buffer is used for short ones. */
extern rk_bytes rk_bytes_of_id(const rk_ids *ids, int64 node, Oid type, Datum *buffer);

#endif							/* RK_STORED_IDS_H */
