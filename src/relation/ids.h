/*
 * ids.h
 *	  Ids of any type as dense indices, and back.
 *
 * Ids of one kind that come in several columns (source and target of edges,
 * node of nodes) are numbered together: create one rk_ids, append the batches
 * of each column to its rk_id_column, then finish.  Index order is the order
 * of the type (text by bytes).
 */
#ifndef RK_IDS_H
#define RK_IDS_H

#include "../call/call.h"
#include "../compute/graph_bytes.h"
#include "reader.h"

typedef struct rk_ids rk_ids;

/* A column of ids; codes holds dense indices after rk_ids_finish. */
typedef struct rk_id_column
{
	uint32	   *codes;
	int64		count;
	int64		capacity;
	int			number;			/* among the columns of its rk_ids */
} rk_id_column;

/* type is the type of the ids as stored (rk_id_storage_type). */
extern rk_ids *rk_ids_create(rk_call *call, Oid type);

/*
 * The ids of a graph in a block of bytes, which must stay where it is: nothing
 * is copied or hashed.  The ids in the block must be different and in order.
 */
extern rk_ids *rk_ids_of_view(rk_call *call, const rk_graph_view *view);

/* A column for about rows values. */
extern rk_id_column *rk_ids_column(rk_ids *ids, int64 rows);

/* Appends a vector without NULLs. */
extern void rk_ids_append(rk_ids *ids, rk_id_column *column, const rk_vector *values, int rows);

/* Numbers all columns. */
extern void rk_ids_finish(rk_ids *ids);

extern int64 rk_ids_count(const rk_ids *ids);
extern Oid	rk_ids_type(const rk_ids *ids);

/* Index of row i of a vector, or -1. */
extern int64 rk_ids_find(const rk_ids *ids, const rk_vector *values, int i);

/* Index of a value of the ids' own type, or -1. */
extern int64 rk_ids_find_datum(const rk_ids *ids, Datum value);

/* The id with this index as a Datum of type, allocated in the current context. */
extern Datum rk_ids_datum(const rk_ids *ids, int64 index, Oid type);

/* The id as text, for messages. */
extern char *rk_ids_text(const rk_ids *ids, int64 index);

/* Row i of a vector of this kind as text, for messages. */
extern char *rk_vector_text(const rk_vector *values, rk_read_kind kind, Oid type, int i);

/* Bytes that numbering ids takes, beside what the columns are read with. */
typedef struct rk_ids_need
{
	int64		reading;		/* all rows read */
	int64		numbering;		/* in rk_ids_finish, columns included */
	int64		kept;			/* afterwards, without the codes */
} rk_ids_need;

/*
 * For so many different ids in values rows of all columns; range: of integer
 * ids; width: bytes of one that has no fixed width.
 */
extern rk_ids_need rk_ids_memory(Oid type, int64 ids, int64 values, double range, int64 width);

#endif							/* RK_IDS_H */
