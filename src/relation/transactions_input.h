/*
 * transactions_input.h
 *	  The relation "transactions" as columns, and parts of results made of it.
 *
 * The relation is described with the columns of compliance/relations.h.
 * Amounts are checked, converted by the parameter "rates" where currencies
 * differ, and rounded to 8 decimals once, half away from zero.
 */
#ifndef RK_TRANSACTIONS_INPUT_H
#define RK_TRANSACTIONS_INPUT_H

#include "../compute/transactions.h"
#include "emit.h"
#include "table.h"

typedef struct rk_transactions_input
{
	rk_transactions t;
	rk_table   *table;			/* for further columns, by row */
	rk_ids	   *entities;
	rk_ids	   *ids;			/* of transactions; NULL: row numbers */
	const uint32 *id_codes;		/* by row; NULL likewise */
	int			scale;			/* digits behind the point that the amounts have */
} rk_transactions_input;

/* Reads the parameters "transactions" and "rates". */
extern rk_transactions_input *rk_read_transactions(rk_call *call);

/*
 * The same in two steps, for a function with further relations of ids: read
 * them between, and call rk_tables_number before the second.
 */
extern rk_transactions_input *rk_transactions_begin(rk_call *call);
extern void rk_transactions_finish(rk_call *call, rk_transactions_input *in);

/* A threshold in units of 10^-8; more decimals than 8 are an error. */
extern rk_decimal rk_arg_money(const rk_call *call, const char *name);

/* An interval above zero as the window after each row; the rows need times. */
extern rk_window rk_arg_window(rk_call *call, const rk_transactions_input *in, const char *name);

/* Raises an error unless the one interval is at most the other. */
extern void rk_check_interval_order(const rk_call *call, const char *smaller, const char *larger);

/* ---- results ---- */

/* An amount in units of 10^-8 as numeric, with the digits of the input. */
extern Datum rk_money_numeric(const rk_transactions_input *in, rk_decimal amount);

/* A result column of amounts; values in units of 10^-8 are rescaled in place. */
extern rk_out rk_out_money(const rk_transactions_input *in, rk_decimal *values, int64 count);

/* A column of arrays of amounts: row i has values[offsets[i]] .. [offsets[i + 1]]. */
extern rk_out rk_out_money_arrays(const rk_transactions_input *in, const rk_decimal *values,
								  const int64 *offsets);

/* Ids of transactions, given their row; RK_NO_ROW is NULL. */
extern rk_out rk_out_transactions(const rk_transactions_input *in, const uint32 *rows);

/* Arrays of them: row i of the result has rows[offsets[i]] .. [offsets[i + 1]]. */
extern rk_out rk_out_transaction_arrays(const rk_transactions_input *in, const uint32 *rows,
										const int64 *offsets);

#endif							/* RK_TRANSACTIONS_INPUT_H */
